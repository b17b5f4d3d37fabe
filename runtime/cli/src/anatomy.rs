//! What a Plan consists of: what each step costs and when each byte of the arena is in use.

use mote_plan::{Entry, Kind, Plan, Region, Step, Tensor, TensorId};

/// One step of an entry.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// Index in the Plan's step table.
    pub(crate) index: u32,
    pub(crate) kind: Kind,
    /// Shape of the first output.
    pub(crate) dims: Vec<usize>,
    pub(crate) macs: u64,
    /// Bytes of constants that it reads.
    pub(crate) constant_bytes: u64,
}

/// The steps of an entry, in order.
pub(crate) fn layers(plan: &Plan<'_>, entry: &Entry<'_>) -> Vec<Layer> {
    let layer = |(index, step): (u32, Step<'_>)| {
        let output = step.output(0).and_then(|id| plan.tensor(id));
        let constants = step.inputs().filter_map(|id| plan.tensor(id)).filter(|t| t.region == Region::Const);
        Layer {
            index,
            kind: step.kind,
            dims: output.map(|t| t.dims().iter().map(|&dim| dim as usize).collect()).unwrap_or_default(),
            macs: mote_compiler::macs(plan, &step),
            constant_bytes: constants.map(|t| u64::from(t.bytes)).sum(),
        }
    };
    steps(plan, entry).map(layer).collect()
}

fn steps<'a>(plan: &Plan<'a>, entry: &Entry<'a>) -> impl Iterator<Item = (u32, Step<'a>)> + use<'a> {
    let plan = *plan;
    let (first, count) = entry.steps;
    (first..first.saturating_add(count)).filter_map(move |index| Some((index, plan.step(index)?)))
}

/// The arena over the time of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Occupation {
    pub(crate) arena_bytes: u64,
    /// For each step, the ranges of bytes in use while it runs: ascending, apart.
    pub(crate) rows: Vec<Vec<(u64, u64)>>,
}

impl Occupation {
    /// Bytes in use during one step.
    pub(crate) fn live_bytes(row: &[(u64, u64)]) -> u64 {
        row.iter().map(|(start, end)| end - start).sum()
    }

    /// The step at which most is in use, and how much: no memory plan for this order of steps can do with less.
    pub(crate) fn peak(&self) -> (usize, u64) {
        let live = self.rows.iter().map(|row| Self::live_bytes(row)).enumerate();
        live.max_by_key(|&(index, bytes)| (bytes, usize::MAX - index)).unwrap_or((0, 0))
    }
}

/// One tensor of the arena and the steps during which it must keep its bytes.
struct Span {
    start: u64,
    end: u64,
    first: usize,
    last: usize,
}

/// Follows every tensor of the arena through an entry.
pub(crate) fn occupation(plan: &Plan<'_>, entry: &Entry<'_>) -> Occupation {
    let steps: Vec<Step<'_>> = steps(plan, entry).map(|(_, step)| step).collect();
    let arena = |id: TensorId| plan.tensor(id).filter(|tensor| tensor.region == Region::Arena && tensor.bytes > 0);
    let mut spans: Vec<Span> = Vec::new();
    // Whoever writes opens a span; whoever reads stretches every span that it touches, for a reshape is another record
    // over the same bytes.
    let write = |spans: &mut Vec<Span>, tensor: &Tensor, at: usize| {
        let (start, end) = (u64::from(tensor.offset), u64::from(tensor.offset) + u64::from(tensor.bytes));
        spans.push(Span { start, end, first: at, last: at });
    };
    let read = |spans: &mut Vec<Span>, tensor: &Tensor, at: usize| {
        let (start, end) = (u64::from(tensor.offset), u64::from(tensor.offset) + u64::from(tensor.bytes));
        let newest: Vec<usize> = newest_over(spans, start, end);
        newest.into_iter().for_each(|index| spans[index].last = at);
    };
    for id in entry.inputs() {
        arena(id).iter().for_each(|tensor| write(&mut spans, tensor, 0));
    }
    for (at, step) in steps.iter().enumerate() {
        step.inputs().filter_map(arena).for_each(|tensor| read(&mut spans, &tensor, at));
        step.outputs().filter_map(arena).for_each(|tensor| write(&mut spans, &tensor, at));
    }
    let end = steps.len().saturating_sub(1);
    entry.outputs().filter_map(arena).for_each(|tensor| read(&mut spans, &tensor, end));
    let rows = (0..steps.len()).map(|at| union(spans.iter().filter(|s| s.first <= at && at <= s.last))).collect();
    Occupation { arena_bytes: u64::from(entry.arena_bytes), rows }
}

/// The latest spans that together cover what is read.
fn newest_over(spans: &[Span], start: u64, end: u64) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = vec![(start, end)];
    for (index, span) in spans.iter().enumerate().rev() {
        let mut rest = Vec::new();
        let mut touched = false;
        for (a, b) in open {
            if span.end <= a || b <= span.start {
                rest.push((a, b));
                continue;
            }
            touched = true;
            rest.extend([(a, span.start.max(a)), (span.end.min(b), b)].into_iter().filter(|(a, b)| a < b));
        }
        open = rest;
        if touched {
            found.push(index);
        }
        if open.is_empty() {
            break;
        }
    }
    found
}

fn union<'a>(spans: impl Iterator<Item = &'a Span>) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = spans.map(|span| (span.start, span.end)).collect();
    ranges.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        match merged.last_mut() {
            Some((_, last)) if *last >= start => *last = (*last).max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use mote_abi::DType;
    use mote_plan::step::Unary;
    use mote_plan::write::{EntrySpec, Writer};
    use mote_plan::{AlignedBytes, Halo, Meta};

    use super::*;

    /// x at 0 -> a at 64 -> b at 0 -> y at 64: two buffers are live at each step.
    fn chain() -> AlignedBytes {
        let mut writer = Writer::new(64);
        let tensors: Vec<TensorId> =
            [0, 64, 0, 64].map(|at| writer.arena(DType::F32, &[16], Halo::NONE, at).unwrap()).to_vec();
        writer.name(tensors[0], "x").unwrap();
        writer.name(tensors[3], "y").unwrap();
        let params = Unary { op: mote_abi::op::Unary::Abs, alpha: 0.0, beta: 0.0 };
        for pair in tensors.windows(2) {
            writer.step(Kind::Unary, &[Some(pair[0])], &[pair[1]], &params);
        }
        let (inputs, outputs) = (vec![tensors[0]], vec![tensors[3]]);
        writer.entry(EntrySpec { batch: 1, inputs, outputs, arena_bytes: 192, macs: 0, ops: 48 });
        AlignedBytes::copy_of(&writer.finish(&Meta::default()).unwrap())
    }

    #[test]
    fn live_ranges_follow_reuse() {
        let bytes = chain();
        let plan = Plan::view(&bytes).unwrap();
        let occupation = occupation(&plan, &plan.entry(0).unwrap());
        assert_eq!(occupation.rows, vec![vec![(0, 128)]; 3]);
        assert_eq!(occupation.peak(), (0, 128));
        assert_eq!(occupation.arena_bytes, 192);
    }

    #[test]
    fn layers_are_listed_in_order() {
        let bytes = chain();
        let plan = Plan::view(&bytes).unwrap();
        let layers = layers(&plan, &plan.entry(0).unwrap());
        assert_eq!(layers.iter().map(|layer| layer.index).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(layers.iter().all(|layer| layer.kind == Kind::Unary && layer.macs == 0 && layer.dims == [16]));
    }
}
