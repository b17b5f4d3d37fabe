//! What a Plan takes of a microcontroller: flash, RAM and work, and what the figures leave out.

use mote_compiler::{Budget, Compiled, EntryReport};
use mote_plan::{Plan, Sections};
use serde_json::{Value, json};

/// Buffers at the peak that are named; the others are summed up.
const NAMED: usize = 4;

/// What no Plan can know.
const LEFT_OUT: &str = "the engine's code and stack, and whatever else the firmware holds";

/// The figures of one compiled model.
pub(crate) struct Figures<'a> {
    sections: Sections,
    flash: usize,
    budget: Budget,
    /// The entry that sets the arena.
    entry: Option<&'a EntryReport>,
}

impl<'a> Figures<'a> {
    pub(crate) fn new(plan: &Plan<'_>, compiled: &'a Compiled, budget: Budget) -> Self {
        let entry = compiled.report.largest();
        Self { sections: plan.sections(), flash: plan.bytes().len(), budget, entry }
    }

    pub(crate) fn text(&self) -> String {
        let Sections { constants, steps, tables, strings, padding } = self.sections;
        let flash = self.flash as u64;
        let mut text = format!(
            "flash  {flash} bytes{}: constants {constants}, steps {steps}, tables {tables}, strings {strings}, padding {padding}\n",
            share(flash, self.budget.flash)
        );
        let Some(entry) = self.entry else { return text };
        let arena = u64::from(entry.arena_bytes);
        text += &format!(
            "ram    {arena} bytes{}: the arena, {} of it live",
            share(arena, self.budget.ram),
            entry.live_bytes
        );
        match entry.peak_step() {
            Some((index, step)) => text += &format!(" at step {index}, {} `{}`\n", step.kind.name(), step.node),
            None => text += " while inputs are written or outputs read\n",
        }
        let alive = entry.at_peak();
        for buffer in alive.iter().take(NAMED) {
            text += &format!("         {:>8}  {}\n", buffer.bytes, buffer.name);
        }
        if let Some(rest) = alive.get(NAMED..).filter(|rest| !rest.is_empty()) {
            let bytes: u64 = rest.iter().map(|buffer| u64::from(buffer.bytes)).sum();
            text += &format!("         {bytes:>8}  in {} more\n", rest.len());
        }
        text += &format!("work   {} MACs, at most {} scalar operations\n", entry.macs(), entry.ops());
        text += &format!("beside {LEFT_OUT}\n");
        text
    }

    pub(crate) fn json(&self) -> Value {
        let Sections { constants, steps, tables, strings, padding } = self.sections;
        let peak = self.entry.map(|entry| {
            let (step, at) = entry.peak_step().unzip();
            let buffers: Vec<Value> =
                entry.at_peak().iter().map(|buffer| json!({ "tensor": buffer.name, "bytes": buffer.bytes })).collect();
            json!({
                "step": step,
                "kind": at.map(|step| step.kind.name()),
                "node": at.map(|step| &step.node),
                "buffers": buffers,
            })
        });
        json!({
            "flash": {
                "bytes": self.flash,
                "budget": self.budget.flash,
                "constants": constants,
                "steps": steps,
                "tables": tables,
                "strings": strings,
                "padding": padding,
            },
            "ram": {
                "bytes": self.entry.map(|entry| entry.arena_bytes),
                "budget": self.budget.ram,
                "live_bytes": self.entry.map(|entry| entry.live_bytes),
                "peak": peak,
            },
            "macs": self.entry.map(EntryReport::macs),
            "ops": self.entry.map(EntryReport::ops),
            "left_out": LEFT_OUT,
        })
    }
}

/// Part of the budget, where there is one.
fn share(bytes: u64, budget: Option<u64>) -> String {
    budget.map_or_else(String::new, |budget| {
        format!(" ({:.1} % of {budget})", 100.0 * bytes as f64 / budget.max(1) as f64)
    })
}
