//! Code for the hot operators, one file each. Every loop has a constant trip count and every stride is a constant; base
//! addresses are parameters, so that steps of equal shape share one function.
//!
//! A step that no emitter takes, by its kind, its shape or because it contradicts itself, is left to the image's kernel
//! of that kind, which answers for it.

pub(crate) mod asm;
mod conv;
mod copy;
mod depthwise;
mod elementwise;
mod fill;
mod gemm_loop;
mod halo;
mod mat_mul;
mod nest;
mod pixels;
mod pool;
mod slide;
mod span;

use mote_abi::DType;
use mote_plan::{Kind, Plan, Region, Step, Tensor};

use crate::flavour::Flavour;
use asm::Body;

/// A place in a region, fixed before it is known where the regions begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) region: Region,
    pub(crate) offset: u32,
}

impl Address {
    /// Where a tensor's storage begins.
    fn of(tensor: &Tensor) -> Self {
        Self { region: tensor.region, offset: tensor.offset }
    }
}

/// A call of an emitted function.
pub(crate) struct Call {
    pub(crate) body: Body,
    /// One base address per parameter.
    pub(crate) args: Vec<Address>,
}

/// A step as the emitters see it.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) plan: Plan<'a>,
    pub(crate) step: Step<'a>,
    /// Where the step's record lies in the Plan.
    pub(crate) record: u32,
    pub(crate) flavour: Flavour,
}

impl Site<'_> {
    fn input(&self, index: usize) -> Option<Tensor> {
        self.plan.tensor(self.step.input(index)?)
    }

    fn output(&self, index: usize) -> Option<Tensor> {
        self.plan.tensor(self.step.output(index)?)
    }

    /// The address of a constant or computed f32 operand of exactly so many dense elements.
    fn packed(&self, index: usize, elements: u64) -> Option<Address> {
        let tensor = self.input(index)?;
        let fits =
            tensor.dtype == DType::F32 && tensor.is_dense() && Some(u64::from(tensor.bytes)) == elements.checked_mul(4);
        fits.then(|| Address::of(&tensor))
    }
}

/// The code of a step, or `None` where the image's kernel serves it.
pub(crate) fn step(site: &Site<'_>) -> Option<Call> {
    match site.step.kind {
        Kind::Conv => conv::emit(site),
        Kind::Depthwise => depthwise::emit(site),
        Kind::MatMul => mat_mul::emit(site),
        Kind::Pool => pool::emit(site),
        Kind::Unary => elementwise::unary(site),
        Kind::Binary => elementwise::binary(site),
        Kind::Copy => copy::emit(site),
        Kind::Fill => fill::emit(site),
        Kind::Halo => halo::emit(site),
        _ => None,
    }
}
