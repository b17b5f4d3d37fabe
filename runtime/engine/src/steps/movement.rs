use mote_abi::DType;
use mote_kernels::{Layout, select as kernel};
use mote_plan::{Plan, Step, step};

use super::{params, require, usize_of};
use crate::arena::{Arena, Overlap};
use crate::fault::{Fault, Result};

/// Moves elements between two boxes, [`mote_plan::Kind::Copy`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn copy(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Copy = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let dtype = operands.output_tensor(0)?.dtype;
    require(operands.input_tensor(0)?.dtype == dtype)?;
    let rank = usize_of(p.rank)?;
    let cut = |strides: &[i32; 8], start| {
        let extents = p.extent.get(..rank).ok_or(Fault::MalformedPlan)?;
        Ok::<_, Fault>(Layout::strided(extents, strides.get(..rank).ok_or(Fault::MalformedPlan)?, start)?)
    };
    let (from, to) = (cut(&p.from_stride, p.from)?, cut(&p.to_stride, p.to)?);
    let (x, y) = (operands.input_bytes(0)?, operands.output_bytes(0)?);
    Ok(kernel::copy(dtype.size() as usize, x, &from, y, &to)?)
}

/// Repeats one element over the whole storage, [`mote_plan::Kind::Fill`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn fill(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Fill = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let [low, high] = p.element;
    let element = u64::from(high) << 32 | u64::from(low);
    kernel::fill(operands.output_tensor(0)?.dtype.size() as usize, element, operands.output_bytes(0)?);
    Ok(())
}

/// Zeroes the halo, [`mote_plan::Kind::Halo`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn halo(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let y = operands.output_tensor(0)?;
    let &[n, h, w, c] = y.dims() else { return Err(Fault::MalformedPlan) };
    let pixel = (c as usize).saturating_mul(y.dtype.size() as usize);
    let bytes = |pixels: usize| pixels.saturating_mul(pixel);
    let shape = kernel::Halo {
        batch: n as usize,
        rows: [y.halo.top.into(), h as usize, y.halo.bottom.into()],
        row_bytes: [bytes(y.halo.left.into()), bytes(w as usize), bytes(y.halo.right.into())],
    };
    Ok(kernel::halo(&shape, operands.output_bytes(0)?)?)
}

/// Changes the element type, [`mote_plan::Kind::Cast`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn cast(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    require(operands.input_tensor(0)?.dims() == operands.output_tensor(0)?.dims())?;
    let (from, to) = (operands.input_tensor(0)?.dtype, operands.output_tensor(0)?.dtype);
    let source = match (from, from.half()) {
        (_, Some(format)) => kernel::Source::Half(format, operands.input(0)?),
        (DType::F32, _) => kernel::Source::F32(operands.input(0)?),
        (DType::F64, _) => kernel::Source::F64(operands.input(0)?),
        (DType::U64, _) => kernel::Source::U64(operands.input(0)?),
        _ => kernel::Source::Ints(operands.ints(0)?.ok_or(Fault::MalformedPlan)?),
    };
    let mut target = match (to, to.half()) {
        (_, Some(format)) => kernel::Target::Half(format, operands.output(0)?),
        (DType::F32, _) => kernel::Target::F32(operands.output(0)?),
        (DType::F64, _) => kernel::Target::F64(operands.output(0)?),
        _ => kernel::Target::Ints(operands.ints_mut(0)?),
    };
    Ok(kernel::cast(source, &mut target)?)
}
