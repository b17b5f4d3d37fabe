//! Steps over signals.

use mote_kernels::Number;
use mote_kernels::select as kernel;
use mote_plan::{Plan, Step, step};

use super::{flag, params, require};
use crate::arena::{Arena, Operands, Overlap, Plain};
use crate::fault::{Fault, Result};

/// Fourier transform of an f32 tensor, [`mote_plan::Kind::Dft`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn dft_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    transform::<f32>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

/// Fourier transform of an f64 tensor, [`mote_plan::Kind::Dft`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn dft(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    transform::<f64>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

fn transform<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let p: step::Dft = params(step)?;
    operands.all_dense()?;
    let &[lines, given, parts] = operands.input_tensor(0)?.dims() else { return Err(Fault::MalformedPlan) };
    let &[out_lines, kept, 2] = operands.output_tensor(0)?.dims() else { return Err(Fault::MalformedPlan) };
    require(lines == out_lines)?;
    let shape = kernel::Dft {
        lines: lines as usize,
        given: given as usize,
        parts: parts as usize,
        kept: kept as usize,
        inverse: flag(p.inverse)?,
    };
    let (x, turns) = (operands.input::<W>(0)?, operands.input::<W>(1)?);
    Ok(kernel::dft(&shape, x, turns, operands.output::<W>(0)?, operands.output::<W>(1)?)?)
}
