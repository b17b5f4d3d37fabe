//! What lowering knows that a Plan does not say: for `mote inspect`.

use mote_plan::Kind;

use super::count;
use super::draft::Draft;
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
    /// Name of the largest buffer that lives at the peak.
    pub peak_tensor: String,
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
                StepReport { node: step.node.clone(), kind: step.kind, macs, ops }
            })
            .collect();
        let alive = buffers.iter().filter(|buffer| (buffer.first..=buffer.last).contains(&memory.peak));
        let peak_tensor =
            alive.max_by_key(|buffer| buffer.bytes).map_or_else(String::new, |buffer| buffer.name.clone());
        Self {
            batch,
            arena_bytes: memory.arena_bytes,
            live_bytes: memory.live_bytes,
            peak: memory.peak,
            peak_tensor,
            buffers,
            steps,
        }
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
