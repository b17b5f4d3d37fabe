//! How much room a device has, and by how much a Plan exceeds it.

use std::fmt;
use std::str::FromStr;

use mote_plan::Kind;

use crate::lower::{EntryReport, Lowered};

/// What a Plan may take; `None` is unlimited. Written `flash=256K,ram=64K`, in bytes, KiB (`K`) or MiB (`M`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of the Plan.
    pub flash: Option<u64>,
    /// Bytes of the arena, and of the state that is kept behind it.
    pub ram: Option<u64>,
}

/// A Plan that has no room. At least one of the two is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverBudget {
    /// The Plan is too long.
    pub flash: Option<FlashOver>,
    /// The arena is too large.
    pub ram: Option<RamOver>,
}

/// A Plan longer than allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashOver {
    /// Bytes that it has.
    pub needed: u64,
    /// Bytes that it may have.
    pub limit: u64,
    /// Bytes of its constants.
    pub constants: u64,
    /// The node with the most constants, and their bytes.
    pub largest: (String, u64),
}

/// An arena, with the state behind it, larger than allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RamOver {
    /// Bytes that it has.
    pub needed: u64,
    /// Bytes that it may have.
    pub limit: u64,
    /// Bytes of the state among those needed.
    pub state: u64,
    /// The largest buffer at the peak, and its bytes.
    pub tensor: (String, u64),
    /// What runs at the peak: operator and node; `None` while inputs are written or outputs read.
    pub step: Option<(Kind, String)>,
}

impl Budget {
    /// Compares a Plan, and bytes of state kept from call to call, with the budget.
    pub(crate) fn check(&self, lowered: &Lowered, state: u64) -> Result<(), Box<OverBudget>> {
        let over = |needed: u64, limit: Option<u64>| limit.filter(|limit| needed > *limit);
        let needed = lowered.plan.len() as u64;
        let flash = over(needed, self.flash).map(|limit| flash_over(lowered, needed, limit));
        let entry = lowered.report.largest();
        let ram = entry.and_then(|entry| {
            let needed = u64::from(entry.arena_bytes) + state;
            over(needed, self.ram).map(|limit| RamOver { needed, limit, state, ..ram_over(entry) })
        });
        match (flash, ram) {
            (None, None) => Ok(()),
            (flash, ram) => Err(Box::new(OverBudget { flash, ram })),
        }
    }
}

fn flash_over(lowered: &Lowered, needed: u64, limit: u64) -> FlashOver {
    let steps = lowered.report.entries.iter().flat_map(|entry| &entry.steps);
    let largest = steps.max_by_key(|step| step.constant_bytes);
    let largest = largest.map(|step| (step.node.clone(), step.constant_bytes)).unwrap_or_default();
    FlashOver { needed, limit, constants: lowered.constant_bytes, largest }
}

/// What sets the peak.
fn ram_over(entry: &EntryReport) -> RamOver {
    let tensor = entry.at_peak().first().map(|buffer| (buffer.name.clone(), u64::from(buffer.bytes)));
    let step = entry.peak_step().map(|(_, step)| (step.kind, step.node.clone()));
    RamOver { needed: 0, limit: 0, state: 0, tensor: tensor.unwrap_or_default(), step }
}

impl fmt::Display for OverBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(FlashOver { needed, limit, constants, largest: (node, bytes) }) = &self.flash {
            let over = needed - limit;
            write!(f, "the Plan takes {needed} bytes of flash, {over} over the budget of {limit}; ")?;
            write!(f, "{constants} of them are weights, {bytes} in `{node}`")?;
        }
        if self.flash.is_some() && self.ram.is_some() {
            f.write_str("; ")?;
        }
        if let Some(RamOver { needed, limit, state, tensor: (name, bytes), step }) = &self.ram {
            let over = needed - limit;
            let with = if *state > 0 { format!(" with {state} bytes of state") } else { String::new() };
            write!(f, "the arena{with} takes {needed} bytes of RAM, {over} over the budget of {limit}; ")?;
            write!(f, "`{name}` of {bytes} bytes sets the peak")?;
            if let Some((kind, node)) = step {
                write!(f, " at `{node}` ({})", kind.name())?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for OverBudget {}

/// A budget that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected flash=SIZE, ram=SIZE or both, with sizes like 65536, 64K or 1M")]
pub struct BadBudget;

impl FromStr for Budget {
    type Err = BadBudget;

    fn from_str(text: &str) -> Result<Self, BadBudget> {
        let mut budget = Self::default();
        for part in text.split(',') {
            let (name, size) = part.split_once('=').ok_or(BadBudget)?;
            let limit = match name.trim() {
                "flash" => &mut budget.flash,
                "ram" => &mut budget.ram,
                _ => return Err(BadBudget),
            };
            if limit.replace(bytes(size.trim())?).is_some() {
                return Err(BadBudget);
            }
        }
        Ok(budget)
    }
}

fn bytes(text: &str) -> Result<u64, BadBudget> {
    let units = [("KiB", 10), ("MiB", 20), ("K", 10), ("M", 20)];
    let unit = units.into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (digits, shift) = unit.unwrap_or((text, 0));
    let count: u64 = digits.parse().map_err(|_| BadBudget)?;
    count.checked_mul(1 << shift).ok_or(BadBudget)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        let budget = |flash, ram| Ok(Budget { flash, ram });
        for (text, want) in [
            ("flash=256K,ram=64K", budget(Some(256 << 10), Some(64 << 10))),
            ("ram=1M", budget(None, Some(1 << 20))),
            ("flash=98304", budget(Some(98_304), None)),
            ("ram=8KiB, flash=2MiB", budget(Some(2 << 20), Some(8 << 10))),
            ("", Err(BadBudget)),
            ("256K", Err(BadBudget)),
            ("rom=256K", Err(BadBudget)),
            ("ram=64Q", Err(BadBudget)),
            ("ram=-1", Err(BadBudget)),
            ("ram=1K,ram=2K", Err(BadBudget)),
            ("ram=99999999999999999999", Err(BadBudget)),
            ("ram=18446744073709551615M", Err(BadBudget)),
        ] {
            assert_eq!(text.parse(), want, "{text}");
        }
    }
}
