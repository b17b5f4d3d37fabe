//! Steps of classical models: decision trees, keys, distances and probabilities of pairs.

use mote_abi::DType;
use mote_kernels::select as kernel;
use mote_kernels::{Ints, Number};
use mote_plan::{Plan, Step, step};

use super::{params, require, usize_of};
use crate::arena::{Arena, Operands, Overlap, Plain};
use crate::fault::{Fault, Result};

/// Decision trees over f32, [`mote_plan::Kind::Trees`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn trees_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    descend::<f32>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

/// Decision trees over f64, [`mote_plan::Kind::Trees`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn trees(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    descend::<f64>(&mut arena.operands(plan, step, Overlap::Apart)?, step)
}

fn descend<W: Number + Plain>(operands: &mut Operands<'_>, step: &Step<'_>) -> Result {
    let p: step::Trees = params(step)?;
    operands.all_dense()?;
    let (&[rows, features], &[rows_y, targets]) = (operands.input_tensor(0)?.dims(), operands.output_tensor(0)?.dims())
    else {
        return Err(Fault::MalformedPlan);
    };
    require(rows == rows_y)?;
    let trees = kernel::Trees::<W> {
        rules: operands.input(1)?,
        next: operands.input(2)?,
        values: operands.input(3)?,
        roots: operands.input(4)?,
        targets: if operands.has_input(5) { operands.input(5)? } else { &[] },
        scores: if operands.has_input(6) { operands.input(6)? } else { &[] },
        depth: usize_of(p.depth)?,
    };
    let shape = [usize_of(rows)?, usize_of(features)?, usize_of(targets)?];
    Ok(kernel::trees(&trees, p.aggregate, shape, operands.input(0)?, operands.output(0)?)?)
}

/// Positions among f32 keys, [`mote_plan::Kind::Find`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn find_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = search(plan, step, arena)?;
    Ok(kernel::find::<f32, [f32]>(operands.input(0)?, operands.input(1)?, operands.output(0)?)?)
}

/// Positions among keys of another type, [`mote_plan::Kind::Find`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn find(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = search(plan, step, arena)?;
    if operands.input_tensor(0)?.dtype == DType::F64 {
        return Ok(kernel::find::<f64, [f64]>(operands.input(0)?, operands.input(1)?, operands.output(0)?)?);
    }
    let ints = |i| operands.ints(i)?.ok_or(Fault::MalformedPlan);
    let (x, keys): (Ints<'_>, Ints<'_>) = (ints(0)?, ints(1)?);
    Ok(kernel::find::<i64, _>(&x, &keys, operands.output(0)?)?)
}

/// Dense operands with x and keys of one type, x and y of one shape.
fn search<'v>(plan: &Plan<'v>, step: &Step<'_>, arena: &'v mut Arena<'_>) -> Result<Operands<'v>> {
    let operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    let (x, keys) = (operands.input_tensor(0)?, operands.input_tensor(1)?);
    require(x.dtype == keys.dtype && x.dims() == operands.output_tensor(0)?.dims())?;
    Ok(operands)
}

/// Distances between rows of f32, [`mote_plan::Kind::SquareDistance`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn square_distance_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    distances::<f32>(&mut arena.operands(plan, step, Overlap::Apart)?)
}

/// Distances between rows of f64, [`mote_plan::Kind::SquareDistance`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn square_distance(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    distances::<f64>(&mut arena.operands(plan, step, Overlap::Apart)?)
}

fn distances<W: Number + Plain>(operands: &mut Operands<'_>) -> Result {
    operands.all_dense()?;
    let (a, b, y) = (operands.input_tensor(0)?, operands.input_tensor(1)?, operands.output_tensor(0)?);
    let (&[n, f], &[m, g], &[rows, columns]) = (a.dims(), b.dims(), y.dims()) else {
        return Err(Fault::MalformedPlan);
    };
    require(f == g && rows == n && columns == m)?;
    let shape = [usize_of(n)?, usize_of(m)?, usize_of(f)?];
    Ok(kernel::square_distance::<W>(shape, operands.input(0)?, operands.input(1)?, operands.output(0)?)?)
}

/// Probabilities of classes from those of pairs, [`mote_plan::Kind::Couple`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn couple(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    let &[rows, classes] = operands.output_tensor(0)?.dims() else { return Err(Fault::MalformedPlan) };
    let shape = [usize_of(rows)?, usize_of(classes)?];
    Ok(kernel::couple(shape, operands.input(0)?, operands.output(0)?, operands.output(1)?)?)
}
