//! How many cases of each suite pass.

use std::collections::BTreeMap;
use std::fmt;

use super::judge::Verdict;

/// Counts by suite.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Row {
    cases: usize,
    passed: usize,
    /// Of the passed, those with inputs that had to be constant.
    constant: usize,
    infeasible: usize,
    refused: usize,
    wrong: usize,
}

impl Table {
    /// Counts a verdict.
    pub fn add(&mut self, suite: &str, verdict: &Verdict, had_constants: bool) {
        let row = self.rows.entry(suite.to_owned()).or_default();
        row.cases += 1;
        match verdict {
            Verdict::Passed { .. } => {
                row.passed += 1;
                row.constant += usize::from(had_constants);
            }
            Verdict::Infeasible(_) => row.infeasible += 1,
            Verdict::Refused(_) => row.refused += 1,
            Verdict::Wrong(_) => row.wrong += 1,
        }
    }

    /// Passed and feasible cases of a suite.
    #[must_use]
    pub fn passed_of_feasible(&self, suite: &str) -> (usize, usize) {
        self.rows.get(suite).map_or((0, 0), |row| (row.passed, row.cases - row.infeasible))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["suite", "cases", "passed", "of feasible", "with constants", "infeasible", "refused", "wrong"];
        writeln!(f, "| {} |\n|---|{}", head.join(" | "), "--:|".repeat(head.len() - 1))?;
        for (suite, row) in &self.rows {
            let Row { cases, passed, constant, infeasible, refused, wrong } = row;
            let feasible = cases - infeasible;
            let share = if feasible == 0 { 100.0 } else { 100.0 * *passed as f64 / feasible as f64 };
            // Rounded down: what is short of a bar must not look as if it were not.
            let share = (share * 10.0).floor() / 10.0;
            writeln!(
                f,
                "| {suite} | {cases} | {passed} | {share:.1} % | {constant} | {infeasible} | {refused} | {wrong} |"
            )?;
        }
        Ok(())
    }
}
