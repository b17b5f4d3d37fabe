use mote_plan::{Plan, Region, Step, TensorId};

use crate::arena::Arena;
use crate::fault::{Fault, Result};
use crate::kernel::Kernel;

/// Runs every step of an entry. Inputs are written before ([`input_mut`]), outputs are read after ([`output`]).
///
/// # Errors
/// The first fault met.
pub fn run(plan: &Plan<'_>, entry: u32, arena: &mut Arena<'_>) -> Result {
    run_with(plan, entry, arena, |_| ())
}

/// Like [`run`], and calls after each step with its index in the Plan's step table, so that a caller with a clock can time
/// layers.
///
/// # Errors
/// The first fault met.
pub fn run_with(plan: &Plan<'_>, entry: u32, arena: &mut Arena<'_>, mut after: impl FnMut(u32)) -> Result {
    let entry = plan.entry(entry).ok_or(Fault::BadEntry)?;
    if arena.len() < entry.arena_bytes as usize {
        return Err(Fault::ShortArena { needed: entry.arena_bytes });
    }
    let (first, count) = entry.steps;
    for index in first..first.saturating_add(count) {
        step(plan, &plan.step(index).ok_or(Fault::MalformedPlan)?, arena)?;
        after(index);
    }
    Ok(())
}

/// Runs one step.
///
/// # Errors
/// A step that contradicts its tensors, an index out of range or a division by zero.
pub fn step(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    Kernel::of(plan, step).ok_or(Fault::MalformedPlan)?.run(plan, step, arena)
}

/// The bytes of an entry's input, to be written before each run.
pub fn input_mut<'m>(plan: &Plan<'_>, entry: u32, index: usize, arena: &'m mut Arena<'_>) -> Option<&'m mut [u8]> {
    let tensor = plan.tensor(nth(plan.entry(entry)?.inputs(), index)?)?;
    arena.storage_mut(&tensor)
}

/// The bytes of an entry's output, valid after a run and until the next. A constant output lies in the Plan.
pub fn output<'m>(plan: &Plan<'m>, entry: u32, index: usize, arena: &'m Arena<'_>) -> Option<&'m [u8]> {
    let tensor = plan.tensor(nth(plan.entry(entry)?.outputs(), index)?)?;
    match tensor.region {
        Region::Const => plan.constant(&tensor),
        Region::Arena => arena.storage(&tensor),
    }
}

fn nth(mut ids: impl Iterator<Item = TensorId>, index: usize) -> Option<TensorId> {
    ids.nth(index)
}
