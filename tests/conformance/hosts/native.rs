//! The engine, compiled for this machine.

use mote_engine::Arena;
use mote_plan::{AlignedBytes, Plan};

use super::{Host, Ran};
use crate::subject::{Set, Subject};

/// By the Plan that it runs.
pub(crate) enum Native {
    /// What gateways and pages take.
    Plan,
    /// What microcontrollers take.
    McuPlan,
}

impl Host for Native {
    fn name(&self) -> &'static str {
        match self {
            Self::Plan => "native",
            Self::McuPlan => "mcu plan",
        }
    }

    fn run(&self, subjects: &[Subject]) -> Vec<Ran> {
        let answers = |subject: &Subject| {
            let plan = match self {
                Self::Plan => &subject.plan,
                Self::McuPlan => &subject.mcu_plan,
            };
            subject.sets.iter().map(|set| infer(&Plan::view(plan).unwrap(), set)).collect()
        };
        subjects.iter().map(|subject| Ran::Answers(answers(subject))).collect()
    }
}

fn infer(plan: &Plan<'_>, set: &Set) -> Vec<u8> {
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    for (index, bytes) in set.inputs.iter().enumerate() {
        mote_engine::input_mut(plan, 0, index, &mut arena).unwrap().copy_from_slice(bytes);
    }
    mote_engine::run(plan, 0, &mut arena).unwrap_or_else(|fault| panic!("{}: {fault}", set.what));
    let outputs = plan.entry(0).unwrap().outputs().count();
    (0..outputs).flat_map(|index| mote_engine::output(plan, 0, index, &arena).unwrap().to_vec()).collect()
}
