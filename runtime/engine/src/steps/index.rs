//! Steps that read index tensors.

use mote_abi::DType;
use mote_kernels::Number;
use mote_kernels::select::{self as kernel, Indices, Update};
use mote_plan::{Plan, Step, step};

use super::{params, require, usize_of};
use crate::arena::{Arena, Operands, Overlap, Plain};
use crate::fault::{Fault, Result};

/// ONNX Gather, [`mote_plan::Kind::Gather`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn gather(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let axis = usize_of(params::<step::Axis>(step)?.axis)?;
    let mut operands = selection(plan, step, arena)?;
    let (shape, indices) = (operands.input_layout(0)?.around(axis)?, indices(&operands)?);
    by_size!(operands.output_tensor(0)?.dtype.size(), T => {
        Ok(kernel::gather::<T>(&shape, operands.input_bits(0)?, indices, operands.output_bits(0)?)?)
    })
}

/// ONNX GatherElements, [`mote_plan::Kind::GatherElements`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn gather_elements(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let axis = usize_of(params::<step::Axis>(step)?.axis)?;
    let mut operands = selection(plan, step, arena)?;
    require(operands.input_tensor(1)?.dims() == operands.output_tensor(0)?.dims())?;
    let (x, y, indices) = (operands.input_layout(0)?, operands.output_layout(0)?, indices(&operands)?);
    by_size!(operands.output_tensor(0)?.dtype.size(), T => {
        let (from, to) = (operands.input_bits(0)?, operands.output_bits(0)?);
        Ok(kernel::gather_elements::<T>(from, &x, axis, indices, to, &y)?)
    })
}

/// ONNX GatherND, [`mote_plan::Kind::GatherNd`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn gather_nd(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let batch_dims = usize_of(params::<step::GatherNd>(step)?.batch_dims)?;
    let mut operands = selection(plan, step, arena)?;
    let (x, shape, indices) = (operands.input_layout(0)?, operands.input_layout(1)?, operands.input(1)?);
    by_size!(operands.output_tensor(0)?.dtype.size(), T => {
        let (from, to) = (operands.input_bits(0)?, operands.output_bits(0)?);
        Ok(kernel::gather_nd::<T>(from, &x, indices, &shape, batch_dims, to)?)
    })
}

/// Dense operands with x and y of one type.
fn selection<'v>(plan: &Plan<'v>, step: &Step<'_>, arena: &'v mut Arena<'_>) -> Result<Operands<'v>> {
    let operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    require(operands.input_tensor(0)?.dtype == operands.output_tensor(0)?.dtype)?;
    Ok(operands)
}

/// ONNX ScatterND, [`mote_plan::Kind::ScatterNd`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn scatter_nd(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let (mut operands, update, axis) = updating(plan, step, arena)?;
    require(axis == 0)?;
    match operands.output_tensor(0)?.dtype {
        DType::F32 => scatter_nd_slices::<f32>(&mut operands, update),
        DType::F64 => scatter_nd_slices::<f64>(&mut operands, update),
        DType::U64 => scatter_nd_slices::<u64>(&mut operands, update),
        _ => {
            let (shape, y_layout) = (operands.input_layout(1)?, operands.output_layout(0)?);
            let (x, updates) = (operands.ints(0)?, operands.ints(2)?.ok_or(Fault::MalformedPlan)?);
            let (indices, mut y) = (operands.input(1)?, operands.ints_mut(0)?);
            Ok(kernel::scatter_nd::<i64, _, _>(update, x.as_ref(), indices, &shape, &updates, &mut y, &y_layout)?)
        }
    }
}

fn scatter_nd_slices<W: Number + Plain>(operands: &mut Operands<'_>, update: Update) -> Result {
    let (shape, y_layout) = (operands.input_layout(1)?, operands.output_layout(0)?);
    let (x, indices, updates) = (operands.source::<W>(0)?, operands.input(1)?, operands.input::<W>(2)?);
    Ok(kernel::scatter_nd(update, x, indices, &shape, updates, operands.output::<W>(0)?, &y_layout)?)
}

/// ONNX ScatterElements, [`mote_plan::Kind::ScatterElements`].
///
/// # Errors
/// A step that contradicts its tensors, or an index out of range.
pub fn scatter_elements(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let (mut operands, update, axis) = updating(plan, step, arena)?;
    require(operands.input_tensor(1)?.dims() == operands.input_tensor(2)?.dims())?;
    match operands.output_tensor(0)?.dtype {
        DType::F32 => scatter_elements_slices::<f32>(&mut operands, update, axis),
        DType::F64 => scatter_elements_slices::<f64>(&mut operands, update, axis),
        DType::U64 => scatter_elements_slices::<u64>(&mut operands, update, axis),
        _ => {
            let (shape, y_layout, at) = (operands.input_layout(2)?, operands.output_layout(0)?, indices(&operands)?);
            let (x, updates) = (operands.ints(0)?, operands.ints(2)?.ok_or(Fault::MalformedPlan)?);
            let (x, mut y) = (x.as_ref(), operands.ints_mut(0)?);
            Ok(kernel::scatter_elements::<i64, _, _>(update, axis, x, at, &updates, &shape, &mut y, &y_layout)?)
        }
    }
}

fn scatter_elements_slices<W: Number + Plain>(operands: &mut Operands<'_>, update: Update, axis: usize) -> Result {
    let (shape, y_layout, at) = (operands.input_layout(2)?, operands.output_layout(0)?, indices(operands)?);
    let (x, updates) = (operands.source::<W>(0)?, operands.input::<W>(2)?);
    Ok(kernel::scatter_elements(update, axis, x, at, updates, &shape, operands.output::<W>(0)?, &y_layout)?)
}

/// Dense operands with x, updates and y of one type, x and y of one shape.
fn updating<'v>(plan: &Plan<'v>, step: &Step<'_>, arena: &'v mut Arena<'_>) -> Result<(Operands<'v>, Update, usize)> {
    let p: step::Scatter = params(step)?;
    let operands = arena.operands(plan, step, Overlap::InPlace)?;
    operands.all_dense()?;
    let (x, updates, y) = (operands.input_tensor(0)?, operands.input_tensor(2)?, operands.output_tensor(0)?);
    require(x.dtype == y.dtype && updates.dtype == y.dtype && x.dims() == y.dims())?;
    Ok((operands, Update::from_code(p.reduction)?, usize_of(p.axis)?))
}

fn indices<'v>(operands: &Operands<'v>) -> Result<Indices<'v>> {
    match operands.input_tensor(1)?.dtype {
        DType::I32 => operands.input(1).map(Indices::I32),
        _ => operands.input(1).map(Indices::I64),
    }
}
