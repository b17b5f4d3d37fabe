//! Steps that read index tensors.

use mote_abi::DType;
use mote_kernels::select::{self as kernel, Indices, Pair, Update};
use mote_plan::{Plan, Step, step};

use super::{params, require, usize_of};
use crate::arena::{Arena, Operands, Overlap};
use crate::fault::{Fault, Result};

/// ONNX Gather, [`mote_plan::Kind::Gather`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn gather(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let axis = usize_of(params::<step::Axis>(step)?.axis)?;
    let mut operands = selection(plan, step, arena)?;
    let (shape, indices) = (operands.input_layout(0)?.around(axis)?, indices(&operands)?);
    let (size, x, y) = moved(&mut operands)?;
    Ok(kernel::gather(size, &shape, x, indices, y)?)
}

/// ONNX GatherElements, [`mote_plan::Kind::GatherElements`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn gather_elements(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let axis = usize_of(params::<step::Axis>(step)?.axis)?;
    let mut operands = selection(plan, step, arena)?;
    require(operands.input_tensor(1)?.dims() == operands.output_tensor(0)?.dims())?;
    let (x_layout, y_layout, indices) = (operands.input_layout(0)?, operands.output_layout(0)?, indices(&operands)?);
    let (size, x, y) = moved(&mut operands)?;
    Ok(kernel::gather_elements(size, x, &x_layout, axis, indices, y, &y_layout)?)
}

/// ONNX GatherND, [`mote_plan::Kind::GatherNd`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn gather_nd(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let batch_dims = usize_of(params::<step::GatherNd>(step)?.batch_dims)?;
    let mut operands = selection(plan, step, arena)?;
    let (x_layout, shape, indices) = (operands.input_layout(0)?, operands.input_layout(1)?, operands.input(1)?);
    let (size, x, y) = moved(&mut operands)?;
    Ok(kernel::gather_nd(size, x, &x_layout, indices, &shape, batch_dims, y)?)
}

/// Dense operands with x and y of one type.
fn selection<'v>(plan: &Plan<'v>, step: &Step<'_>, arena: &'v mut Arena<'_>) -> Result<Operands<'v>> {
    let operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    require(operands.input_tensor(0)?.dtype == operands.output_tensor(0)?.dtype)?;
    Ok(operands)
}

/// Element size, x and y.
fn moved<'v>(operands: &mut Operands<'v>) -> Result<(usize, &'v [u8], &'v mut [u8])> {
    let size = operands.output_tensor(0)?.dtype.size() as usize;
    Ok((size, operands.input_bytes(0)?, operands.output_bytes(0)?))
}

/// ONNX ScatterND, [`mote_plan::Kind::ScatterNd`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn scatter_nd(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Scatter = params(step)?;
    require(p.axis == 0)?;
    let mut operands = updating(plan, step, arena)?;
    let (shape, y_layout, at) = (operands.input_layout(1)?, operands.output_layout(0)?, operands.input(1)?);
    Ok(kernel::scatter_nd(Update::from_code(p.reduction)?, at, &shape, &mut pair(&mut operands)?, &y_layout)?)
}

/// ONNX ScatterElements, [`mote_plan::Kind::ScatterElements`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn scatter_elements(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Scatter = params(step)?;
    let mut operands = updating(plan, step, arena)?;
    require(operands.input_tensor(1)?.dims() == operands.input_tensor(2)?.dims())?;
    let (shape, y_layout, at) = (operands.input_layout(2)?, operands.output_layout(0)?, indices(&operands)?);
    let (update, axis) = (Update::from_code(p.reduction)?, usize_of(p.axis)?);
    Ok(kernel::scatter_elements(update, axis, at, &shape, &mut pair(&mut operands)?, &y_layout)?)
}

/// Dense operands with x, updates and y of one type, x and y of one shape; y holds x.
fn updating<'v>(plan: &Plan<'v>, step: &Step<'_>, arena: &'v mut Arena<'_>) -> Result<Operands<'v>> {
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    operands.all_dense()?;
    let (x, updates, y) = (operands.input_tensor(0)?, operands.input_tensor(2)?, operands.output_tensor(0)?);
    require(x.dtype == y.dtype && updates.dtype == y.dtype && x.dims() == y.dims())?;
    operands.copy_first_input()?;
    Ok(operands)
}

fn pair<'v>(operands: &mut Operands<'v>) -> Result<Pair<'v>> {
    Ok(match operands.output_tensor(0)?.dtype {
        DType::F32 => Pair::F32(operands.input(2)?, operands.output(0)?),
        DType::F64 => Pair::F64(operands.input(2)?, operands.output(0)?),
        _ => Pair::Ints(operands.ints(2)?.ok_or(Fault::MalformedPlan)?, operands.ints_mut(0)?),
    })
}

fn indices<'v>(operands: &Operands<'v>) -> Result<Indices<'v>> {
    match operands.input_tensor(1)?.dtype {
        DType::I32 => operands.input(1).map(Indices::I32),
        _ => operands.input(1).map(Indices::I64),
    }
}
