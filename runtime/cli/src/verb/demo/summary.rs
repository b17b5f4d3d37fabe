//! What came of it all, and whether that is what it should be.

use serde_json::{Value, json};

use super::ledger::{Score, Swap};
use crate::report::Failure;

/// The account of one demonstration.
pub(super) struct Summary {
    pub(super) models: Value,
    pub(super) samples: u64,
    pub(super) windows: u64,
    /// Version 1 and version 2, over the same labelled windows.
    pub(super) before: Score,
    pub(super) after: Score,
    pub(super) swaps: Vec<Swap>,
    /// What must hold, and whether it does.
    pub(super) checks: Vec<(&'static str, bool)>,
}

impl Summary {
    pub(super) fn text(&self) -> String {
        let Self { samples, windows, before, after, .. } = self;
        let mut text = format!(
            "\nSummary\n  {samples} samples sent, {windows} windows answered\n  accuracy {:.4} ({} of {}) before the update, {:.4} ({} of {}) after it\n",
            before.part(),
            before.right,
            before.of,
            after.part(),
            after.right,
            after.of
        );
        for (check, holds) in &self.checks {
            text += &format!("  {}  {check}\n", if *holds { "ok  " } else { "FAIL" });
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let swap = |swap: &Swap| json!({ "device": swap.device, "from": swap.from, "to": swap.to, "sample": swap.at });
        let check = |(check, holds): &(&str, bool)| json!({ "check": check, "holds": holds });
        json!({
            "models": self.models,
            "samples": self.samples,
            "windows": self.windows,
            "accuracy": { "before": self.before.part(), "after": self.after.part() },
            "swaps": self.swaps.iter().map(swap).collect::<Vec<_>>(),
            "checks": self.checks.iter().map(check).collect::<Vec<_>>(),
        })
    }

    /// Whether everything holds.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        match self.checks.iter().find(|(_, holds)| !holds) {
            None => Ok(()),
            Some((check, _)) => Err(Failure::execution("demo.check", "does not hold").at(check)),
        }
    }
}
