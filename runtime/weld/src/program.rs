//! A Plan as calls: which emitted function or which kernel serves each step.

use std::collections::{BTreeSet, HashMap};

use mote_plan::{Kind, Plan};

use crate::emit::asm::Body;
use crate::emit::{self, Address, Site};
use crate::error::WeldError;
use crate::flavour::Flavour;

/// One step as a call.
pub(crate) enum Call {
    /// An emitted function, by its index in [`Program::bodies`].
    Hot { function: u32, args: Vec<Address> },
    /// A kernel of the image.
    Cold {
        kernel: &'static str,
        kind: Kind,
        /// Index of the step, and of its record's first byte in the Plan.
        step: u32,
        record: u32,
    },
}

/// The calls of every entry, and the functions they share.
pub(crate) struct Program {
    pub(crate) bodies: Vec<Body>,
    pub(crate) entries: Vec<Vec<Call>>,
}

impl Program {
    pub(crate) fn of(plan: &Plan<'_>, flavour: Flavour) -> Result<Self, WeldError> {
        let mut interned = Interned::default();
        let mut entries = Vec::new();
        for (index, entry) in (0..).zip(plan.entries()) {
            let bad = WeldError::BadEntry { entry: index };
            let (first, count) = entry.steps;
            let mut calls = Vec::with_capacity(count as usize);
            for index in first..first.checked_add(count).ok_or(bad)? {
                let step = plan.step(index).ok_or(bad)?;
                let record = plan.step_offset(index).ok_or(bad)?;
                calls.push(match emit::step(&Site { plan: *plan, step, record, flavour }) {
                    Some(call) => Call::Hot { function: interned.index(call.body), args: call.args },
                    None => Call::Cold {
                        kernel: mote_engine::kernel_name(plan, &step).unwrap_or(step.kind.name()),
                        kind: step.kind,
                        step: index,
                        record,
                    },
                });
            }
            entries.push(calls);
        }
        Ok(Self { bodies: interned.bodies, entries })
    }

    /// The kernels that the image must bring.
    pub(crate) fn kernels(&self) -> BTreeSet<&'static str> {
        let calls = self.entries.iter().flatten();
        calls.filter_map(|call| if let Call::Cold { kernel, .. } = call { Some(*kernel) } else { None }).collect()
    }
}

/// Equal layers give equal bytes, and equal bytes are one function.
#[derive(Default)]
struct Interned {
    indices: HashMap<Body, u32>,
    bodies: Vec<Body>,
}

impl Interned {
    fn index(&mut self, body: Body) -> u32 {
        if let Some(&index) = self.indices.get(&body) {
            return index;
        }
        let index = self.bodies.len() as u32;
        self.bodies.push(body.clone());
        self.indices.insert(body, index);
        index
    }
}
