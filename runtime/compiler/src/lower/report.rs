//! What lowering knows that a Plan does not say: which value and which node stand behind a buffer and a step.

use mote_plan::Kind;

use super::count;
use super::draft::{Draft, Place, Step};
use super::memory::Memory;

/// One report per entry, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The entries.
    pub entries: Vec<EntryReport>,
}

/// Memory and work of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryReport {
    /// Rows that one call takes.
    pub batch: u32,
    /// Bytes of arena in use.
    pub arena_bytes: u32,
    /// The largest sum of buffers that live at one moment: the least that any memory plan needs.
    pub live_bytes: u64,
    /// That moment, counted as in [`BufferReport::first`].
    pub peak: usize,
    /// Every buffer, in the order of making.
    pub buffers: Vec<BufferReport>,
    /// Every step, in order.
    pub steps: Vec<StepReport>,
}

/// A range of the arena over a range of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferReport {
    /// Name of the value that it was made for.
    pub name: String,
    /// First byte in the arena.
    pub offset: u32,
    /// Bytes, rounded up to the alignment of buffers.
    pub bytes: u32,
    /// First moment in use: 0 before the first step, i for step i - 1.
    pub first: usize,
    /// Last moment in use; one past the last step for outputs.
    pub last: usize,
}

/// What one step costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// Name of the node that it serves.
    pub node: String,
    /// What it computes.
    pub kind: Kind,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Upper bound on scalar operations.
    pub ops: u64,
    /// Bytes of constants that it reads; steps may share some.
    pub constant_bytes: u64,
}

impl Report {
    /// The entry with the largest arena: it sets that of the Plan.
    pub fn largest(&self) -> Option<&EntryReport> {
        self.entries.iter().max_by_key(|entry| entry.arena_bytes)
    }
}

impl EntryReport {
    pub(super) fn new(batch: u32, draft: &Draft, memory: &Memory) -> Self {
        let buffers: Vec<BufferReport> = draft
            .storages
            .iter()
            .zip(&memory.spans)
            .filter_map(|(storage, span)| Some((storage, (*span)?)))
            .map(|(storage, span)| BufferReport {
                name: storage.label.clone(),
                offset: span.offset,
                bytes: span.bytes,
                first: span.first,
                last: span.last,
            })
            .collect();
        let steps = draft
            .steps
            .iter()
            .map(|step| {
                let (macs, ops) = count::cost(draft, step);
                let constant_bytes = constant_bytes(draft, step);
                StepReport { node: step.node.clone(), kind: step.kind, macs, ops, constant_bytes }
            })
            .collect();
        let Memory { arena_bytes, live_bytes, peak, .. } = *memory;
        Self { batch, arena_bytes, live_bytes, peak, buffers, steps }
    }

    /// The buffers that live at the peak, largest first. Their bytes add up to [`Self::live_bytes`].
    pub fn at_peak(&self) -> Vec<&BufferReport> {
        let lives = |buffer: &&BufferReport| (buffer.first..=buffer.last).contains(&self.peak);
        let mut alive: Vec<&BufferReport> = self.buffers.iter().filter(lives).collect();
        alive.sort_by_key(|buffer| std::cmp::Reverse(buffer.bytes));
        alive
    }

    /// The step that runs at the peak, and its place in the entry; `None` while the host writes inputs or reads outputs.
    pub fn peak_step(&self) -> Option<(usize, &StepReport)> {
        let index = self.peak.checked_sub(1)?;
        Some((index, self.steps.get(index)?))
    }

    /// Multiply-accumulate operations of one call.
    pub fn macs(&self) -> u64 {
        self.steps.iter().map(|step| step.macs).sum()
    }

    /// Upper bound on scalar operations of one call.
    pub fn ops(&self) -> u64 {
        self.steps.iter().map(|step| step.ops).sum()
    }
}

fn constant_bytes(draft: &Draft, step: &Step) -> u64 {
    let tensors = step.tensors().map(|id| draft.tensor(id));
    tensors.filter(|tensor| matches!(tensor.place, Place::Const(_))).map(|tensor| u64::from(tensor.spec.bytes)).sum()
}
