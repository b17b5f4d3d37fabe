//! Steps that work along axes.

use mote_abi::DType;
use mote_kernels::select as kernel;
use mote_kernels::{Around, Number};
use mote_plan::{Plan, Step, step};

use super::{along, flag, params, require};
use crate::arena::{Arena, Operands, Overlap, Plain};
use crate::fault::{Fault, Result};

/// Reduction of an f32 tensor, [`mote_plan::Kind::Reduce`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn reduce_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    reduce_slices::<f32>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

/// Reduction of an f64 tensor, [`mote_plan::Kind::Reduce`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn reduce_f64(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    reduce_slices::<f64>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

/// Reduction of a tensor of another type, [`mote_plan::Kind::Reduce`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn reduce(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let reduction = reduction(&operands, step)?;
    require(operands.output_tensor(0)?.dtype == operands.input_tensor(0)?.dtype)?;
    let (x_layout, y_layout) = (operands.input_layout(0)?, operands.output_layout(0)?);
    let x = operands.ints(0)?.ok_or(Fault::MalformedPlan)?;
    Ok(kernel::reduce::<i64, _, _>(&reduction, &x, &x_layout, &mut operands.ints_mut(0)?, &y_layout)?)
}

fn reduce_slices<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let reduction = reduction(operands, step)?;
    let (x, y) = (operands.input_layout(0)?, operands.output_layout(0)?);
    Ok(kernel::reduce::<W, [W], [W]>(&reduction, operands.input(0)?, &x, operands.output(0)?, &y)?)
}

fn reduction(operands: &Operands<'_>, step: &Step<'_>) -> Result<kernel::Reduce> {
    operands.all_dense()?;
    let p: step::Reduce = params(step)?;
    Ok(kernel::Reduce { op: p.op, axes: p.axes })
}

/// Softmax of an f32 tensor or its logarithm, [`mote_plan::Kind::Softmax`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn softmax(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, scale) = shares(&operands, step)?;
    Ok(kernel::softmax(&shape, scale, operands.input(0)?, operands.output(0)?)?)
}

/// Softmax of an f64 tensor or its logarithm, [`mote_plan::Kind::Softmax`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn softmax_f64(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, scale) = shares(&operands, step)?;
    Ok(kernel::softmax_f64::<f64>(&shape, scale, operands.input(0)?, operands.output(0)?)?)
}

fn shares(operands: &Operands<'_>, step: &Step<'_>) -> Result<(Around, kernel::Scale)> {
    let p: step::Softmax = params(step)?;
    let (shape, _) = along(operands, p.axis)?;
    Ok((shape, if flag(p.log)? { kernel::Scale::Log } else { kernel::Scale::Linear }))
}

/// Interpolation along an axis, [`mote_plan::Kind::Lerp`].
///
/// # Errors
/// A step that contradicts its tensors, or a position outside the axis.
pub fn lerp(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Axis = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, _) = along(&operands, p.axis)?;
    let taps = kernel::Taps { low: operands.input(1)?, high: operands.input(2)?, weight: operands.input(3)? };
    Ok(kernel::lerp(&shape, operands.input(0)?, &taps, operands.output(0)?)?)
}

/// Position of the extreme f32 element, [`mote_plan::Kind::ArgReduce`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn arg_reduce_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (which, shape) = extreme(&operands, step)?;
    Ok(kernel::arg_reduce::<f32, [f32]>(which, &shape, operands.input(0)?, operands.output(0)?)?)
}

/// Position of the extreme element of another type, [`mote_plan::Kind::ArgReduce`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn arg_reduce(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (which, shape) = extreme(&operands, step)?;
    let dtype = operands.input_tensor(0)?.dtype;
    let y = operands.output(0)?;
    if dtype == DType::F64 {
        return Ok(kernel::arg_reduce::<f64, [f64]>(which, &shape, operands.input(0)?, y)?);
    }
    Ok(kernel::arg_reduce::<i64, _>(which, &shape, &operands.ints(0)?.ok_or(Fault::MalformedPlan)?, y)?)
}

fn extreme(operands: &Operands<'_>, step: &Step<'_>) -> Result<(kernel::ArgReduce, Around)> {
    let p: step::ArgReduce = params(step)?;
    let (shape, len) = along(operands, p.axis)?;
    require(len == 1)?;
    Ok((kernel::ArgReduce { max: flag(p.max)?, last: flag(p.last)? }, shape))
}

/// Running sum of an f32 tensor, [`mote_plan::Kind::CumSum`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn cum_sum_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    cum_sum_slices::<f32>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

/// Running sum of a tensor of another type, [`mote_plan::Kind::CumSum`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn cum_sum(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let dtype = operands.input_tensor(0)?.dtype;
    if dtype == DType::F64 {
        return cum_sum_slices::<f64>(&mut operands, step);
    }
    let (which, shape) = running(&operands, step)?;
    require(operands.output_tensor(0)?.dtype == dtype)?;
    let x = operands.ints(0)?.ok_or(Fault::MalformedPlan)?;
    Ok(kernel::cum_sum::<i64, _, _>(which, &shape, &x, &mut operands.ints_mut(0)?)?)
}

fn cum_sum_slices<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let (which, shape) = running(operands, step)?;
    Ok(kernel::cum_sum::<W, [W], [W]>(which, &shape, operands.input(0)?, operands.output(0)?)?)
}

/// Running product, [`mote_plan::Kind::CumProd`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn cum_prod(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (which, shape) = running(&operands, step)?;
    let dtype = operands.input_tensor(0)?.dtype;
    require(operands.output_tensor(0)?.dtype == dtype)?;
    match dtype {
        DType::F32 => {
            Ok(kernel::cum_prod::<f32, [f32], [f32]>(which, &shape, operands.input(0)?, operands.output(0)?)?)
        }
        DType::F64 => {
            Ok(kernel::cum_prod::<f64, [f64], [f64]>(which, &shape, operands.input(0)?, operands.output(0)?)?)
        }
        _ => {
            let x = operands.ints(0)?.ok_or(Fault::MalformedPlan)?;
            Ok(kernel::cum_prod::<i64, _, _>(which, &shape, &x, &mut operands.ints_mut(0)?)?)
        }
    }
}

fn running(operands: &Operands<'_>, step: &Step<'_>) -> Result<(kernel::CumSum, Around)> {
    let p: step::CumSum = params(step)?;
    let (shape, _) = along(operands, p.axis)?;
    Ok((kernel::CumSum { exclusive: flag(p.exclusive)?, reverse: flag(p.reverse)? }, shape))
}

/// The first f32 elements in order, [`mote_plan::Kind::TopK`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn top_k_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    top_k_slices::<f32>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

/// The first elements in order of another type, [`mote_plan::Kind::TopK`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn top_k(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let dtype = operands.input_tensor(0)?.dtype;
    if dtype == DType::F64 {
        return top_k_slices::<f64>(&mut operands, step);
    }
    let (largest, shape, k) = ranking(&operands, step)?;
    require(operands.output_tensor(0)?.dtype == dtype)?;
    let x = operands.ints(0)?.ok_or(Fault::MalformedPlan)?;
    let (mut values, indices) = (operands.ints_mut(0)?, operands.output(1)?);
    Ok(kernel::top_k::<i64, _, _>(largest, &shape, k, &x, &mut values, indices)?)
}

fn top_k_slices<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let (largest, shape, k) = ranking(operands, step)?;
    let (values, indices) = (operands.output(0)?, operands.output(1)?);
    Ok(kernel::top_k::<W, [W], [W]>(largest, &shape, k, operands.input(0)?, values, indices)?)
}

fn ranking(operands: &Operands<'_>, step: &Step<'_>) -> Result<(bool, Around, usize)> {
    let p: step::TopK = params(step)?;
    let (shape, k) = along(operands, p.axis)?;
    require(operands.output_tensor(0)?.dims() == operands.output_tensor(1)?.dims())?;
    Ok((flag(p.largest)?, shape, k as usize))
}
