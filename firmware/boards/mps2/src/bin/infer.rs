//! Runs any Plan on any inputs: for conformance, instruction counts and memory figures.
//!
//! In: the store holds a Plan and, from the next multiple of 16, `sets` sets of inputs of `bytes` bytes each (arguments), a
//! set being the inputs of entry 0 one after another. Out: the file `outputs`, the outputs of every set one after another, and the file `figures`,
//! one `name value` a line. The weights stay in the store; the arena is all RAM that is free.
#![no_std]
#![no_main]

use core::fmt::Write;

use cortex_m_semihosting::heprintln;
use mote_board_mps2::host::{self, File, HostError};
use mote_board_mps2::mark::{self, Region};
use mote_board_mps2::{memory, stack, tick};
use mote_engine::{Arena, Fault};
use mote_plan::{Plan, PlanError};

/// Bytes of the longest command line.
const COMMAND_LINE: usize = 256;

/// Why there are no outputs; each is an exit status that `firmware/qemu` knows.
enum Refusal {
    Arguments,
    Inputs,
    Plan(PlanError),
    Fault(Fault),
    Host(HostError),
}

#[cortex_m_rt::entry]
fn main() -> ! {
    stack::guard();
    let status = match answer() {
        Ok(()) => 0,
        Err(refusal) => {
            heprintln!("{}", refusal);
            match refusal {
                Refusal::Arguments | Refusal::Inputs => 2,
                Refusal::Plan(_) => 3,
                Refusal::Fault(Fault::ShortArena { .. }) => 4,
                Refusal::Fault(_) => 5,
                Refusal::Host(_) => 6,
            }
        }
    };
    host::exit(status)
}

fn answer() -> Result<(), Refusal> {
    let mut line = [0; COMMAND_LINE];
    let line = host::command_line(&mut line)?;
    let number = |name| host::argument(line, name).and_then(|text| text.parse().ok()).ok_or(Refusal::Arguments);
    let (sets, bytes): (usize, usize) = (number("sets")?, number("bytes")?);
    let mut core = cortex_m::Peripherals::take().ok_or(Refusal::Arguments)?;
    tick::start(&mut core.SYST, tick::LONGEST);

    let store = memory::bytes(memory::store().ok_or(Refusal::Arguments)?);
    mark::begin(Region::View);
    let plan = Plan::view(store)?;
    mark::end(Region::View);
    let mut arena = Arena::new(memory::arena().ok_or(Refusal::Arguments)?)?;
    if arena.len() < plan.arena_bytes() as usize {
        return Err(Fault::ShortArena { needed: plan.arena_bytes() }.into());
    }
    let mut given = store.get(plan.bytes().len().next_multiple_of(16)..).ok_or(Refusal::Inputs)?;
    let mut outputs = File::create(c"outputs")?;
    let mut figures = File::create(c"figures")?;

    for _ in 0..sets {
        let (mut set, others) = given.split_at_checked(bytes).ok_or(Refusal::Inputs)?;
        given = others;
        let mut index = 0;
        while let Some(input) = mote_engine::input_mut(&plan, 0, index, &mut arena) {
            let (own, rest) = set.split_at_checked(input.len()).ok_or(Refusal::Inputs)?;
            input.copy_from_slice(own);
            set = rest;
            index += 1;
        }
        if !set.is_empty() {
            return Err(Refusal::Inputs);
        }
        stack::paint();
        let begun = tick::cycles();
        mark::begin(Region::Run);
        let ran = mote_engine::run(&plan, 0, &mut arena);
        mark::end(Region::Run);
        let cycles = tick::cycles() - begun;
        let deepest = stack::high_water();
        ran?;
        let mut index = 0;
        while let Some(output) = mote_engine::output(&plan, 0, index, &arena) {
            outputs.write(output)?;
            index += 1;
        }
        write!(figures, "cycles {cycles}\nstack {deepest}\n").map_err(|_| HostError::Write)?;
    }
    write!(figures, "arena {}\n", plan.arena_bytes()).map_err(|_| HostError::Write)?;
    Ok(())
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Arguments => {
                f.write_str("the command line does not say how many sets of inputs there are, and of how many bytes")
            }
            Self::Inputs => f.write_str("a set of inputs is not as long as the inputs of the Plan"),
            Self::Plan(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Host(error) => write!(f, "{error:?}"),
        }
    }
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<HostError> for Refusal {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}
