use mote_abi::DType;
use mote_kernels::scalar::math::Float;
use mote_kernels::select as kernel;
use mote_plan::{Plan, Step};

use super::require;
use crate::arena::{Arena, Operands, Overlap, Plain};
use crate::fault::{Fault, Result};

/// Product of two f32 tensors, [`mote_plan::Kind::MatMul`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn mat_mul_f32(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = shape(&operands)?;
    Ok(kernel::mat_mul_f32(&shape, operands.input(0)?, operands.input(1)?, operands.output(0)?)?)
}

/// Product of two f64 tensors, [`mote_plan::Kind::MatMul`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn mat_mul_f64(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = shape(&operands)?;
    Ok(kernel::mat_mul_f64(&shape, operands.input(0)?, operands.input(1)?, operands.output(0)?)?)
}

/// Product of two tensors of another type, [`mote_plan::Kind::MatMul`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn mat_mul(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = shape(&operands)?;
    let a = operands.ints(0)?.ok_or(Fault::MalformedPlan)?;
    let b = operands.ints(1)?.ok_or(Fault::MalformedPlan)?;
    Ok(kernel::mat_mul::<i64, _, _>(&shape, &a, &b, &mut operands.ints_mut(0)?)?)
}

/// Determinants, [`mote_plan::Kind::Det`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn det(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    let &[_, n, columns] = operands.input_tensor(0)?.dims() else { return Err(Fault::MalformedPlan) };
    require(n == columns)?;
    match operands.input_tensor(0)?.dtype {
        DType::F64 => determinants::<f64>(&mut operands, n as usize),
        _ => determinants::<f32>(&mut operands, n as usize),
    }
}

fn determinants<F: Float + Plain>(operands: &mut Operands<'_>, n: usize) -> Result {
    let (y, scratch) = (operands.output::<F>(0)?, operands.output::<F>(1)?);
    Ok(kernel::det(n, operands.input(0)?, y, scratch)?)
}

fn shape(operands: &Operands<'_>) -> Result<kernel::MatMul> {
    operands.all_dense()?;
    let (a, b, y) = (operands.input_tensor(0)?, operands.input_tensor(1)?, operands.output_tensor(0)?);
    require(a.dtype == b.dtype && a.dtype == y.dtype)?;
    let (&[batch_a, m, k], &[batch_b, k_b, n], &[batch, m_y, n_y]) = (a.dims(), b.dims(), y.dims()) else {
        return Err(Fault::MalformedPlan);
    };
    require(k == k_b && m == m_y && n == n_y)?;
    require((batch_a == 1 || batch_a == batch) && (batch_b == 1 || batch_b == batch))?;
    Ok(kernel::MatMul {
        batch: batch as usize,
        m: m as usize,
        k: k as usize,
        n: n as usize,
        one_a: batch_a == 1,
        one_b: batch_b == 1,
    })
}
