//! The static memory plan: an address for every storage, none overlapping another that lives at the same time.

use mote_plan::Kind;
use mote_plan::format::MAX_BYTES;

use super::draft::{Draft, Role, StorageRef};
use super::error::LowerError;

/// One cache line, in bytes.
pub(super) const LINE: u32 = 64;

/// Where each storage lies and how good the plan is.
#[derive(Debug)]
pub(super) struct Memory {
    /// Per storage; `None` where nothing uses it.
    pub(super) spans: Vec<Option<Span>>,
    /// Bytes of arena.
    pub(super) arena_bytes: u32,
    /// The largest sum of storages that live at one moment: no plan can need less.
    pub(super) live_bytes: u64,
    /// That moment: 0 before the first step, i for step i - 1.
    pub(super) peak: usize,
    /// Alignment of every storage, in bytes.
    align: u32,
}

/// A storage in the arena and in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// First byte.
    pub(super) offset: u32,
    /// Bytes, rounded up to the alignment.
    pub(super) bytes: u32,
    /// First moment in use: 0 before the first step, i for step i - 1.
    pub(super) first: usize,
    /// Last moment in use; one past the last step for outputs.
    pub(super) last: usize,
}

/// Rounds of the search for a better order, after the greedy ones: each costs a placement of every storage.
const ROUNDS: usize = 64;

/// Assigns addresses. Several greedy orders are tried, then the best is improved: what ends highest is placed first, until
/// the bound is met or the rounds are over. The earlier of equals wins, so that equal drafts get equal plans.
pub(super) fn assign(draft: &Draft, align: u32) -> Result<Memory, LowerError> {
    let lives = lives(draft, align);
    let (live_bytes, peak) = largest_live_set(&lives, draft.steps.len() + 2);
    let (spans, bytes) = smallest(&lives, live_bytes);
    if bytes > u64::from(MAX_BYTES) {
        return Err(LowerError::ArenaTooLarge { bytes });
    }
    Ok(Memory { spans, arena_bytes: bytes as u32, live_bytes, peak, align })
}

fn smallest(lives: &[Option<Span>], bound: u64) -> Arrangement {
    let size = |span: &Span| u64::from(span.bytes);
    let life = |span: &Span| (span.last - span.first + 1) as u64;
    let keys: [Key<'_>; 4] = [
        &|span| (size(span), life(span)),
        &|span| (size(span) * life(span), size(span)),
        &|span| (life(span), size(span)),
        &|span| (u64::MAX - span.first as u64, size(span)),
    ];
    let mut best: Option<(Arrangement, Vec<usize>)> = None;
    let mut offer = |order: Vec<usize>| {
        let made = arrange(lives, &order);
        if best.as_ref().is_none_or(|((_, bytes), _)| made.1 < *bytes) {
            best = Some((made, order));
        }
    };
    for key in keys {
        offer(ordered(lives, key));
    }
    let Some((mut best, order)) = best else { return (vec![], 0) };
    let mut order = order;
    for _ in 0..ROUNDS {
        if best.1 <= bound {
            break;
        }
        let made = arrange(lives, &order);
        raise(&mut order, &made);
        if made.1 < best.1 {
            best = made;
        }
    }
    best
}

/// Puts what reaches the top of an arrangement first in the next order.
fn raise(order: &mut [usize], (spans, total): &Arrangement) {
    let reaches_top =
        |&i: &usize| spans[i].is_some_and(|span| u64::from(span.offset) + u64::from(span.bytes) == *total);
    order.sort_by_key(|i| !reaches_top(i));
}

/// Drops the halo steps of storages that share their bytes with no other storage of any entry: an arena starts zeroed
/// and only elements are written there.
pub(super) fn drop_needless_halos(entries: &mut [(Draft, Memory)]) {
    let all: Vec<(usize, usize, Span)> = entries
        .iter()
        .enumerate()
        .flat_map(|(entry, (_, memory))| memory.spans.iter().enumerate().map(move |(i, span)| (entry, i, *span)))
        .filter_map(|(entry, i, span)| Some((entry, i, span?)))
        .collect();
    let alone = |entry: usize, storage: StorageRef, span: Span| {
        all.iter().all(|&(e, i, other)| {
            (e, i) == (entry, storage.0)
                || other.offset + other.bytes <= span.offset
                || span.offset + span.bytes <= other.offset
        })
    };
    for (entry, (draft, memory)) in entries.iter_mut().enumerate() {
        let filled: Vec<_> = draft
            .steps
            .iter()
            .filter(|step| step.kind == Kind::Fill)
            .map(|step| draft.storage_of(step.outputs[0]))
            .collect();
        let needless: Vec<bool> = draft
            .steps
            .iter()
            .map(|step| {
                let storage = draft.storage_of(step.outputs[0]).filter(|_| step.kind == Kind::Halo);
                let placed = storage.and_then(|storage| Some((storage, memory.spans[storage.0]?)));
                placed.is_some_and(|(storage, span)| !filled.contains(&Some(storage)) && alone(entry, storage, span))
            })
            .collect();
        let mut needless = needless.into_iter();
        draft.steps.retain(|_| needless.next() != Some(true));
        memory.retime(draft);
    }
}

impl Memory {
    /// Counts moments anew after steps were dropped; addresses stay.
    fn retime(&mut self, draft: &Draft) {
        let lives = lives(draft, self.align);
        (self.live_bytes, self.peak) = largest_live_set(&lives, draft.steps.len() + 2);
        for (span, life) in self.spans.iter_mut().zip(lives) {
            *span = span.zip(life).map(|(span, life)| Span { offset: span.offset, ..life });
        }
    }
}

/// When each storage is in use; offsets are still zero.
fn lives(draft: &Draft, align: u32) -> Vec<Option<Span>> {
    let mut lives: Vec<Option<Span>> = vec![None; draft.storages.len()];
    let mut touch = |storage: StorageRef, at: usize| {
        let bytes = draft.storages[storage.0].bytes.next_multiple_of(align);
        let span = lives[storage.0].get_or_insert(Span { offset: 0, bytes, first: at, last: at });
        (span.first, span.last) = (span.first.min(at), span.last.max(at));
    };
    for storage in draft.inputs.iter().filter_map(|&id| draft.storage_of(id)) {
        touch(storage, 0);
    }
    for (at, step) in draft.steps.iter().enumerate() {
        for storage in step.tensors().filter_map(|id| draft.storage_of(id)) {
            touch(storage, at + 1);
        }
    }
    for storage in draft.outputs.iter().filter_map(|&id| draft.storage_of(id)) {
        debug_assert_ne!(draft.storages[storage.0].role, Role::Input);
        touch(storage, draft.steps.len() + 1);
    }
    lives
}

fn largest_live_set(lives: &[Option<Span>], moments: usize) -> (u64, usize) {
    let mut change = vec![0_i64; moments + 1];
    for span in lives.iter().flatten() {
        change[span.first] += i64::from(span.bytes);
        change[span.last + 1] -= i64::from(span.bytes);
    }
    let (mut live, mut best) = (0, (0, 0));
    for (at, change) in change.iter().enumerate() {
        live += change;
        if live > best.0 {
            best = (live, at);
        }
    }
    (best.0.unsigned_abs(), best.1)
}

/// What decides which storage is placed first.
type Key<'a> = &'a dyn Fn(&Span) -> (u64, u64);

/// Every storage at its address, and the end of the last.
type Arrangement = (Vec<Option<Span>>, u64);

/// The storages in use, those of the largest key first.
fn ordered(lives: &[Option<Span>], key: Key<'_>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..lives.len()).filter(|&i| lives[i].is_some()).collect();
    order.sort_by_key(|&i| (lives[i].as_ref().map(key).map(std::cmp::Reverse), i));
    order
}

/// Places storages one by one, each in the tightest gap between the placed ones that live at the same time.
fn arrange(lives: &[Option<Span>], order: &[usize]) -> Arrangement {
    let mut placed: Vec<(u64, Span)> = Vec::with_capacity(order.len());
    let mut spans = lives.to_vec();
    let mut total = 0;
    for &i in order {
        let Some(span) = lives[i] else { continue };
        let beside = placed.iter().filter(|(_, other)| other.first <= span.last && span.first <= other.last);
        let offset = tightest_gap(beside.map(|(at, other)| (*at, at + u64::from(other.bytes))), u64::from(span.bytes));
        let index = placed.partition_point(|(at, _)| *at <= offset);
        placed.insert(index, (offset, span));
        total = total.max(offset + u64::from(span.bytes));
        spans[i] = Some(Span { offset: u32::try_from(offset).unwrap_or(u32::MAX), ..span });
    }
    (spans, total)
}

/// The start of the smallest gap of at least so many bytes between ranges sorted by their start, or the end of all.
fn tightest_gap(ranges: impl Iterator<Item = (u64, u64)>, bytes: u64) -> u64 {
    let (mut end, mut best) = (0, None);
    for (from, to) in ranges {
        let gap = from.saturating_sub(end);
        if gap >= bytes && best.is_none_or(|(smallest, _)| gap < smallest) {
            best = Some((gap, end));
        }
        end = end.max(to);
    }
    best.map_or(end, |(_, at)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span((blocks, first, length): (u32, usize, usize)) -> Option<Span> {
        Some(Span { offset: 0, bytes: blocks * LINE, first, last: first + length })
    }

    proptest! {
        #[test]
        fn what_lives_together_never_overlaps(lives in prop::collection::vec((0_u32..9, 0_usize..20, 0_usize..9), 1..40)) {
            let lives: Vec<_> = lives.into_iter().map(span).collect();
            let (bound, _) = largest_live_set(&lives, 30);
            let (spans, total) = smallest(&lives, bound);
            prop_assert!(total >= bound);
            for (i, a) in spans.iter().flatten().enumerate() {
                prop_assert!(u64::from(a.offset + a.bytes) <= total);
                for b in spans.iter().flatten().skip(i + 1) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
                    prop_assert!(!together || apart || a.bytes == 0 || b.bytes == 0);
                }
            }
        }
    }

    #[test]
    fn a_chain_needs_two_neighbours() {
        let lives: Vec<_> = [(4, 0, 1), (2, 1, 1), (4, 2, 1), (1, 3, 1)].into_iter().map(span).collect();
        assert_eq!(smallest(&lives, 0).1, 6 * u64::from(LINE));
        assert_eq!(largest_live_set(&lives, 6), (6 * u64::from(LINE), 1));
    }

    #[test]
    fn the_tightest_gap_wins() {
        assert_eq!(tightest_gap([(64, 128), (320, 384), (448, 512)].into_iter(), 64), 0);
        assert_eq!(tightest_gap([(0, 64), (320, 384), (448, 512)].into_iter(), 64), 384);
        assert_eq!(tightest_gap([(0, 64)].into_iter(), 64), 64);
    }
}
