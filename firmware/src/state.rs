//! What a streaming model carries from window to window: outputs that are inputs of the next call. It lies behind the
//! model's arena in the same memory.

use mote_engine::{Arena, Fault, input_mut, output};
use mote_plan::{Entry, Plan, Tensor, TensorId};

use crate::capacity::STATES;
use crate::meta;

/// Addresses of state are multiples of it.
const ALIGN: usize = 16;

/// Which outputs feed which inputs, and how many bytes each takes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct State {
    /// Bytes of the arena before it.
    arena: u32,
    pairs: [Pair; STATES],
    count: u8,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Pair {
    bytes: u32,
    output: u8,
    input: u8,
}

impl Pair {
    fn room(&self) -> usize {
        (self.bytes as usize).next_multiple_of(ALIGN)
    }
}

impl State {
    /// The state that a Plan's meta names in an entry. `None` where it names tensors that are not there or not alike, an
    /// input twice, or more than [`STATES`] pairs.
    pub(crate) fn of(plan: &Plan<'_>, entry: &Entry<'_>) -> Option<Self> {
        let mut state = Self { arena: plan.arena_bytes().next_multiple_of(ALIGN as u32), ..Self::default() };
        for (output, input) in meta::state_pairs(plan.meta_json()) {
            let (output, from) = find(plan, entry.outputs(), output)?;
            let (input, to) = find(plan, entry.inputs(), input)?;
            let alike = from.dtype == to.dtype && from.dims() == to.dims();
            if !alike || state.feeds(input) {
                return None;
            }
            let (output, input) = (output.try_into().ok()?, input.try_into().ok()?);
            *state.pairs.get_mut(usize::from(state.count))? = Pair { bytes: to.bytes, output, input };
            state.count += 1;
        }
        Some(state)
    }

    /// Whether an input receives state.
    pub(crate) fn feeds(&self, input: usize) -> bool {
        self.pairs().any(|pair| usize::from(pair.input) == input)
    }

    /// Bytes that the arena and the state behind it take.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self.count {
            0 => 0,
            _ => self.pairs().fold(self.arena as usize, |sum, pair| sum.saturating_add(pair.room())),
        }
    }

    /// Begins a stream: writes zeros.
    pub(crate) fn reset(&self, memory: &mut [u8]) {
        let kept = memory.get_mut(self.arena as usize..self.memory_bytes()).unwrap_or_default();
        kept.iter_mut().for_each(|byte| *byte = 0);
    }

    /// The part of memory that the Plan runs in, and what is kept behind it.
    pub(crate) fn split<'m>(&self, memory: &'m mut [u8]) -> (&'m mut [u8], &'m mut [u8]) {
        let at = if self.count == 0 { memory.len() } else { (self.arena as usize).min(memory.len()) };
        memory.split_at_mut(at)
    }

    /// Hands the state to the inputs of the next call.
    pub(crate) fn give(&self, plan: &Plan<'_>, entry: u32, arena: &mut Arena<'_>, kept: &[u8]) -> Result<(), Fault> {
        let mut rest = kept;
        for pair in self.pairs() {
            let (bytes, behind) = rest.split_at_checked(pair.room()).ok_or(Fault::MalformedPlan)?;
            let place = input_mut(plan, entry, pair.input.into(), arena).ok_or(Fault::MalformedPlan)?;
            place.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
            rest = behind;
        }
        Ok(())
    }

    /// Keeps what the last call answered.
    pub(crate) fn keep(&self, plan: &Plan<'_>, entry: u32, arena: &Arena<'_>, kept: &mut [u8]) -> Result<(), Fault> {
        let mut rest = kept;
        for pair in self.pairs() {
            let (place, behind) = rest.split_at_mut_checked(pair.room()).ok_or(Fault::MalformedPlan)?;
            let bytes = output(plan, entry, pair.output.into(), arena).ok_or(Fault::MalformedPlan)?;
            place.iter_mut().zip(bytes).for_each(|(place, &byte)| *place = byte);
            rest = behind;
        }
        Ok(())
    }

    fn pairs(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().take(self.count.into())
    }
}

/// Place and record of the tensor of this name.
fn find(plan: &Plan<'_>, mut ids: impl Iterator<Item = TensorId>, name: &str) -> Option<(usize, Tensor)> {
    let mut place = 0;
    ids.find_map(|id| {
        let tensor = plan.tensor(id).filter(|tensor| plan.name(tensor) == Some(name));
        let found = tensor.map(|tensor| (place, tensor));
        place += 1;
        found
    })
}

#[cfg(test)]
mod tests {
    use std::vec;

    use mote_abi::{DType, op};
    use mote_plan::step::Binary;
    use mote_plan::write::{EntrySpec, Writer};
    use mote_plan::{AlignedBytes, Halo, Kind, Meta, StatePair};

    use super::*;

    /// `y = h = h + x` and `c = c + c`; the new h lies where the old c does.
    fn plan(pairs: &[(&str, &str)]) -> AlignedBytes {
        let mut writer = Writer::new(16);
        let mut tensor = |name: &str, offset| {
            let id = writer.arena(DType::F32, &[2], Halo::NONE, offset).unwrap();
            writer.name(id, name).unwrap();
            id
        };
        let (x, h, c) = (tensor("x", 0), tensor("h", 16), tensor("c", 32));
        let (cn, hn) = (tensor("cn", 48), tensor("hn", 32));
        let add = Binary { op: op::Binary::Add };
        writer.step(Kind::Binary, &[Some(c), Some(c)], &[cn], &add);
        writer.step(Kind::Binary, &[Some(h), Some(x)], &[hn], &add);
        writer.entry(EntrySpec {
            inputs: vec![x, h, c],
            outputs: vec![hn, cn],
            arena_bytes: 56,
            ..EntrySpec::default()
        });
        let pair = |&(output, input): &(&str, &str)| StatePair { output: output.into(), input: input.into() };
        let meta = Meta { name: "m".into(), version: 1, state: pairs.iter().map(pair).collect(), ..Meta::default() };
        AlignedBytes::copy_of(&writer.finish(&meta).unwrap())
    }

    fn state(bytes: &AlignedBytes) -> Option<State> {
        let plan = Plan::view(bytes).unwrap();
        State::of(&plan, &plan.entry(0).unwrap())
    }

    #[test]
    fn state_goes_from_call_to_call_and_is_forgotten_on_reset() {
        let bytes = plan(&[("cn", "c"), ("hn", "h")]);
        let plan = Plan::view(&bytes).unwrap();
        let state = state(&bytes).unwrap();
        assert_eq!(state.memory_bytes(), 64 + 32);
        let mut memory = AlignedBytes::zeroed(128);
        memory.fill(0xFF);
        state.reset(&mut memory);
        let mut call = |x: f32| {
            let (arena, kept) = state.split(&mut memory);
            let mut arena = Arena::new(arena).unwrap();
            state.give(&plan, 0, &mut arena, kept).unwrap();
            input_mut(&plan, 0, 0, &mut arena).unwrap().copy_from_slice(&[x.to_le_bytes(); 2].concat());
            mote_engine::run(&plan, 0, &mut arena).unwrap();
            state.keep(&plan, 0, &arena, kept).unwrap();
            f32::from_le_bytes(*output(&plan, 0, 0, &arena).unwrap().first_chunk().unwrap())
        };
        assert_eq!([call(1.0), call(2.0), call(4.0)], [1.0, 3.0, 7.0]);
        assert!(memory[96..].iter().all(|&byte| byte == 0xFF), "nothing behind the state is touched");
        state.reset(&mut memory);
        assert!(memory[64..96].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn a_plan_that_names_its_state_wrongly_has_none() {
        for pairs in [&[("hn", "z")][..], &[("z", "h")], &[("hn", "h"), ("cn", "h")]] {
            assert_eq!(state(&plan(pairs)), None, "{pairs:?}");
        }
        let without = state(&plan(&[])).unwrap();
        assert_eq!(without.memory_bytes(), 0);
        assert!(!without.feeds(0));
    }
}
