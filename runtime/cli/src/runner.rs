//! A model that can be called, whatever runs it.

use std::time::{Duration, Instant};

use mote_engine::{Arena, Fault};
use mote_host::{Instance, LoadTimings};
use mote_plan::{AlignedBytes, Meta};
use mote_seal::Opened;

use crate::args::{CodeArgs, HostKind, TrustArgs};
use crate::bind::Calls;
use crate::console::Console;
use crate::report::Failure;
use crate::signature::{self, Signature, Slot};
use crate::source::{plan_bytes, view};
use crate::stream::Frames;
use crate::tensors::Array;
use crate::trust;

/// A running model and what it is called with.
pub(crate) struct Runner {
    engine: Engine,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) meta: Meta,
    pub(crate) timings: Timings,
}

/// Where the time before the first call went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timings {
    pub(crate) load: LoadTimings,
    pub(crate) instantiate: Duration,
}

enum Engine {
    Guest(Box<Instance>),
    Native { plan: AlignedBytes, arena: AlignedBytes },
}

impl Runner {
    /// Starts what was opened on the host that the options name.
    pub(crate) fn start(
        opened: &Opened<'_>,
        code: &CodeArgs,
        trust: &TrustArgs,
        console: Console,
    ) -> Result<Self, Failure> {
        match code.host {
            HostKind::Wasmtime => Self::guest(opened, code, trust, console),
            HostKind::Native => Self::native(opened),
        }
    }

    fn guest(opened: &Opened<'_>, code: &CodeArgs, trust: &TrustArgs, console: Console) -> Result<Self, Failure> {
        let host = trust::host(trust)?;
        let model = trust::load(&host, opened, code, console)?;
        let start = Instant::now();
        let instance = model.instantiate().map_err(|error| Failure::model("host.refused", error))?;
        let timings = Timings { load: model.timings(), instantiate: start.elapsed() };
        let signatures = signature::of_ports(model.entries());
        Ok(Self { engine: Engine::Guest(Box::new(instance)), signatures, meta: model.meta(), timings })
    }

    fn native(opened: &Opened<'_>) -> Result<Self, Failure> {
        let start = Instant::now();
        let plan = plan_bytes(opened.kind(), opened.artifact())?;
        let viewed = view(&plan)?;
        let arena = AlignedBytes::zeroed(viewed.arena_bytes() as usize);
        let (signatures, meta) = (signature::signatures(&viewed), signature::meta(&viewed)?);
        let timings = Timings { instantiate: start.elapsed(), ..Timings::default() };
        Ok(Self { engine: Engine::Native { plan, arena }, signatures, meta, timings })
    }

    /// Writes the inputs of one call, runs it and answers nothing yet.
    pub(crate) fn call(&mut self, entry: u32, inputs: &[&[u8]]) -> Result<(), Failure> {
        match &mut self.engine {
            Engine::Guest(instance) => instance.infer(entry, inputs).map(drop).map_err(|error| gave_no_answer(&error)),
            Engine::Native { plan, arena } => {
                let (plan, mut arena) = native_parts(plan, arena)?;
                for (index, bytes) in inputs.iter().enumerate() {
                    let place = mote_engine::input_mut(&plan, entry, index, &mut arena);
                    let place = place.filter(|place| place.len() == bytes.len());
                    place.ok_or_else(|| gave_no_answer(&Fault::MalformedPlan))?.copy_from_slice(bytes);
                }
                mote_engine::run(&plan, entry, &mut arena).map_err(|fault| gave_no_answer(&fault))
            }
        }
    }

    /// Runs an entry natively and answers the time of each step, by index in the Plan's step table. `None` for a guest,
    /// whose layers cannot be seen from outside.
    pub(crate) fn call_timed(&mut self, entry: u32) -> Option<Result<Vec<(u32, Duration)>, Failure>> {
        let Engine::Native { plan, arena } = &mut self.engine else { return None };
        let (plan, mut arena) = match native_parts(plan, arena) {
            Ok(parts) => parts,
            Err(failure) => return Some(Err(failure)),
        };
        let (mut times, mut last) = (Vec::new(), Instant::now());
        let done = mote_engine::run_with(&plan, entry, &mut arena, |step| {
            times.push((step, last.elapsed()));
            last = Instant::now();
        });
        Some(done.map(|()| times).map_err(|fault| gave_no_answer(&fault)))
    }

    /// The bytes of one output of the last call.
    fn output(&mut self, entry: u32, index: usize) -> Result<Vec<u8>, Failure> {
        match &mut self.engine {
            Engine::Guest(instance) => {
                instance.output(entry, index).map(<[u8]>::to_vec).map_err(|error| gave_no_answer(&error))
            }
            Engine::Native { plan, arena } => {
                let (plan, arena) = native_parts(plan, arena)?;
                let bytes = mote_engine::output(&plan, entry, index, &arena);
                bytes.map(<[u8]>::to_vec).ok_or_else(|| gave_no_answer(&Fault::MalformedPlan))
            }
        }
    }

    /// Makes the calls of a stream by an entry and answers the outputs that are no state by name, frames stacked along a
    /// first axis.
    pub(crate) fn stream(&mut self, entry: u32, frames: &Frames) -> Result<Vec<(String, Array)>, Failure> {
        let signature = self.signatures.get(entry as usize).cloned();
        let signature = signature.ok_or_else(|| Failure::model("model.no-entry", "the model has no such entry"))?;
        let fed: Vec<(usize, usize)> = frames.fed().collect();
        let mut state = frames.first_state();
        let stacked = |slot: &Slot| {
            let dims = [&[frames.count], &slot.dims[..]].concat();
            (slot.name.clone(), Array { dtype: slot.dtype, dims, data: Vec::new() })
        };
        let mut outputs: Vec<(String, Array)> = signature.outputs.iter().map(stacked).collect();
        for frame in 0..frames.count {
            self.call(entry, &frames.inputs(frame, &state))?;
            // Outputs may lie where inputs do, so all are read before any is written.
            for (index, (_, array)) in outputs.iter_mut().enumerate() {
                let bytes = self.output(entry, index)?;
                match fed.iter().find(|(_, output)| *output == index) {
                    Some(&(input, _)) => state[input] = bytes,
                    None => array.data.extend(bytes),
                }
            }
        }
        let is_state = |index: &usize| fed.iter().any(|(_, output)| output == index);
        Ok(outputs.into_iter().enumerate().filter(|(index, _)| !is_state(index)).map(|(_, output)| output).collect())
    }

    /// Makes every call and answers the outputs by name, those of several calls one after another.
    pub(crate) fn infer(&mut self, calls: &Calls) -> Result<Vec<(String, Array)>, Failure> {
        let signature = self.signatures.get(calls.entry as usize).cloned();
        let signature = signature.ok_or_else(|| Failure::model("model.no-entry", "the model has no such entry"))?;
        let mut outputs: Vec<(String, Array)> = signature
            .outputs
            .iter()
            .map(|slot| {
                let mut dims = slot.dims.clone();
                match dims.first_mut() {
                    Some(rows) => *rows *= calls.repeats,
                    None if calls.repeats > 1 => dims.push(calls.repeats),
                    None => {}
                }
                (slot.name.clone(), Array { dtype: slot.dtype, dims, data: Vec::new() })
            })
            .collect();
        for repeat in 0..calls.repeats {
            let inputs: Vec<&[u8]> =
                calls.arrays.iter().map(|array| part(&array.data, repeat, calls.repeats)).collect();
            self.call(calls.entry, &inputs)?;
            for (index, (_, array)) in outputs.iter_mut().enumerate() {
                array.data.extend(self.output(calls.entry, index)?);
            }
        }
        Ok(outputs)
    }
}

/// The n-th of so many equal parts.
fn part(data: &[u8], n: usize, parts: usize) -> &[u8] {
    let length = data.len() / parts.max(1);
    data.get(n * length..(n + 1) * length).unwrap_or_default()
}

fn native_parts<'a>(
    plan: &'a AlignedBytes,
    arena: &'a mut AlignedBytes,
) -> Result<(mote_plan::Plan<'a>, Arena<'a>), Failure> {
    // The Plan was viewed, and thereby checked, when the runner was made.
    let plan = mote_plan::Plan::trust(plan).map_err(|error| Failure::model("model.plan", error))?;
    let arena = Arena::new(arena).map_err(|fault| gave_no_answer(&fault))?;
    Ok((plan, arena))
}

fn gave_no_answer(error: &impl ToString) -> Failure {
    Failure::execution("run.failed", error.to_string())
        .hint("index inputs must lie inside their axis; `mote verify` compares the hosts")
}
