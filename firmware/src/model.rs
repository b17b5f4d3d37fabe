//! A model where it lies: the Plan in flash, the arena in RAM.

use heapless::Vec;
use mote_abi::DType;
use mote_engine::{Arena, Fault, input_mut, output, run};
use mote_fleet::{Slot, Trouble};
use mote_plan::{Entry, Plan, Tensor, TensorId};
use mote_seal::golden::{OutputHasher, Vectors};
use mote_seal::{Kind, Opened};
use mote_stream::{Order, Window};

use crate::capacity::SCORES;
use crate::meta;
use crate::state::State;

/// The values of the output that is judged.
pub type Scores = Vec<f32, SCORES>;

/// What was found out about an opened Plan: that it runs here, and how. Its bytes stay where they are and are viewed
/// anew for each call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    slot: Slot,
    entry: u32,
    /// Which input takes the window.
    input: usize,
    state: State,
    threshold: Option<f32>,
    deadline_us: u64,
}

impl Model {
    /// Looks an opened artifact over: a Plan whose arena and state fit, with an entry that takes `window` values as its
    /// one input beside the state and answers at most [`SCORES`] values first.
    ///
    /// # Errors
    /// [`Trouble::Unrunnable`] or [`Trouble::OutOfMemory`].
    pub fn new(opened: &Opened<'_>, slot: Slot, window: usize, arena_bytes: usize) -> Result<Self, Trouble> {
        if opened.kind() != Kind::Plan {
            return Err(Trouble::Unrunnable);
        }
        let plan = Plan::view(opened.artifact()).map_err(|_| Trouble::Unrunnable)?;
        let fitting = |index| {
            let entry = plan.entry(index)?;
            let state = State::of(&plan, &entry)?;
            Some((index, takes(&plan, &entry, &state, window)?, state))
        };
        let (entry, input, state) = (0..plan.entry_count()).find_map(fitting).ok_or(Trouble::Unrunnable)?;
        if (plan.arena_bytes() as usize).max(state.memory_bytes()) > arena_bytes {
            return Err(Trouble::OutOfMemory);
        }
        let threshold = meta::number(plan.meta_json(), "threshold");
        Ok(Self { slot, entry, input, state, threshold, deadline_us: opened.release().limits.deadline_us })
    }

    /// Its release.
    #[must_use]
    pub fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The score from which on a single score is high.
    #[must_use]
    pub fn threshold(&self) -> Option<f32> {
        self.threshold
    }

    /// The time by which the release wants an inference done, in microseconds; 0 if it does not say.
    #[must_use]
    pub fn deadline_us(&self) -> u64 {
        self.deadline_us
    }

    /// Begins a stream: forgets what was carried from window to window. It must be called before the first, and wherever
    /// something else has used the arena.
    pub fn reset(&self, arena: &mut [u8]) {
        self.state.reset(arena);
    }

    /// Predicts on a window, and keeps the state for the next. `plan` are the bytes that [`Model::new`] looked over.
    ///
    /// # Errors
    /// The engine's fault; there is no answer then.
    pub fn predict(&self, plan: &[u8], arena: &mut [u8], window: &Window<'_>, order: Order) -> Result<Scores, Fault> {
        let plan = Plan::trust(plan).map_err(|_| Fault::MalformedPlan)?;
        let (arena, kept) = self.state.split(arena);
        let mut arena = Arena::new(arena)?;
        self.state.give(&plan, self.entry, &mut arena, kept)?;
        let input = input_mut(&plan, self.entry, self.input, &mut arena).ok_or(Fault::MalformedPlan)?;
        write_window(window, order, input);
        run(&plan, self.entry, &mut arena)?;
        self.state.keep(&plan, self.entry, &arena, kept)?;
        let scores = output(&plan, self.entry, 0, &arena).ok_or(Fault::MalformedPlan)?;
        Ok(scores.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).take(SCORES).collect())
    }

    /// Runs golden vectors; `after` is called after each.
    ///
    /// # Errors
    /// [`Trouble::SelfTest`] for the first that gives another answer or none.
    pub fn self_test(
        plan: &[u8],
        arena: &mut [u8],
        vectors: &Vectors<'_>,
        after: &mut dyn FnMut(),
    ) -> Result<(), Trouble> {
        let plan = Plan::trust(plan).map_err(|_| Trouble::Unrunnable)?;
        let mut arena = Arena::new(arena).map_err(|_| Trouble::Unrunnable)?;
        for vector in vectors.iter() {
            let entry = plan.entry(vector.entry).ok_or(Trouble::SelfTest)?;
            // Inputs come as one string of bytes, one after another.
            let taken = entry.inputs().filter_map(|id| plan.tensor(id)).map(|tensor| tensor.bytes as usize).sum();
            let mut from = 0;
            for index in 0..entry.inputs().count() {
                let input = input_mut(&plan, vector.entry, index, &mut arena).ok_or(Trouble::SelfTest)?;
                vector.inputs.write_part(from, taken, input).map_err(|_| Trouble::SelfTest)?;
                from += input.len();
            }
            run(&plan, vector.entry, &mut arena).map_err(|_| Trouble::SelfTest)?;
            let mut hasher = OutputHasher::new();
            for (index, id) in entry.outputs().enumerate() {
                let tensor = plan.tensor(id).ok_or(Trouble::SelfTest)?;
                let bytes = output(&plan, vector.entry, index, &arena).ok_or(Trouble::SelfTest)?;
                hasher.output(tensor.dtype, bytes);
            }
            if hasher.finish() != vector.digest {
                return Err(Trouble::SelfTest);
            }
            after();
        }
        Ok(())
    }
}

/// The only input beside the state, if it takes a window of so many values and the entry answers something that can be
/// judged.
fn takes(plan: &Plan<'_>, entry: &Entry<'_>, state: &State, window: usize) -> Option<usize> {
    let f32s = |id: TensorId| plan.tensor(id).filter(|tensor: &Tensor| tensor.dtype == DType::F32);
    let mut inputs = entry.inputs().enumerate().filter(|(index, _)| !state.feeds(*index));
    let (index, input) = inputs.next()?;
    let taken = f32s(input).is_some_and(|tensor| tensor.count() as usize == window);
    let scores = entry.outputs().next().and_then(f32s);
    let judged = scores.is_some_and(|tensor| (1..=SCORES).contains(&(tensor.count() as usize)));
    (taken && judged && inputs.next().is_none()).then_some(index)
}

/// Writes a window as little-endian f32 where a model takes it.
fn write_window(window: &Window<'_>, order: Order, input: &mut [u8]) {
    let (places, _) = input.as_chunks_mut();
    match order {
        Order::TimeMajor => {
            let values = window.samples().flatten();
            places.iter_mut().zip(values).for_each(|(place, value)| *place = value.to_le_bytes());
        }
        Order::ChannelMajor => {
            let length = window.samples().count();
            for (channel, row) in places.chunks_exact_mut(length).enumerate() {
                for (place, sample) in row.iter_mut().zip(window.samples()) {
                    *place = sample.get(channel).copied().unwrap_or_default().to_le_bytes();
                }
            }
        }
    }
}
