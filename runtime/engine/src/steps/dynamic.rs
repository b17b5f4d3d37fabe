//! Steps whose number of results depends on data.

use mote_abi::DType;
use mote_kernels::select as kernel;
use mote_plan::{Plan, Step, step};

use super::{flag, params, require, usize_of};
use crate::arena::{Arena, Operands, Overlap};
use crate::fault::{Fault, Result};

/// Positions of the elements that are not zero, [`mote_plan::Kind::NonZero`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn non_zero(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = dense(plan, step, arena)?;
    let (layout, dtype) = (operands.input_layout(0)?, operands.input_tensor(0)?.dtype);
    let positions = operands.output(0)?;
    let found = match dtype {
        DType::F32 => kernel::non_zero::<f32, [f32]>(operands.input(0)?, &layout, positions),
        DType::F64 => kernel::non_zero::<f64, [f64]>(operands.input(0)?, &layout, positions),
        _ => kernel::non_zero(&operands.ints(0)?.ok_or(Fault::MalformedPlan)?, &layout, positions),
    }?;
    count(&mut operands, 1, found)
}

/// Distinct parts along an axis, [`mote_plan::Kind::Unique`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn unique(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Unique = params(step)?;
    let mut operands = dense(plan, step, arena)?;
    let (shape, sorted) = (operands.input_layout(0)?.around(usize_of(p.axis)?)?, flag(p.sorted)?);
    let dtype = operands.input_tensor(0)?.dtype;
    let mut to = kernel::Distinct {
        first: operands.output(0)?,
        which: operands.output(1)?,
        counts: operands.output(2)?,
        scratch: operands.output(4)?,
    };
    let found = match dtype {
        DType::F32 => kernel::unique::<f32, [f32]>(sorted, &shape, operands.input(0)?, &mut to),
        DType::F64 => kernel::unique::<f64, [f64]>(sorted, &shape, operands.input(0)?, &mut to),
        _ => kernel::unique(sorted, &shape, &operands.ints(0)?.ok_or(Fault::MalformedPlan)?, &mut to),
    }?;
    count(&mut operands, 3, found)
}

/// The best of overlapping boxes, [`mote_plan::Kind::NonMaxSuppression`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn non_max_suppression(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Suppression = params(step)?;
    let mut operands = dense(plan, step, arena)?;
    let &[batches, classes, spatial] = operands.input_tensor(1)?.dims() else { return Err(Fault::MalformedPlan) };
    require(matches!(operands.output_tensor(0)?.dims(), [_, 3]))?;
    let settings = kernel::Suppression {
        extents: [batches as usize, classes as usize, spatial as usize],
        per_class: usize_of(p.per_class)?,
        iou: p.iou,
        score: p.score,
        center: flag(p.center)?,
    };
    let (boxes, scores) = (operands.input(0)?, operands.input(1)?);
    let (chosen, scratch) = (operands.output(0)?, operands.output(2)?);
    let found = kernel::suppress(&settings, boxes, scores, chosen, scratch)?;
    count(&mut operands, 1, found)
}

/// The same number, unless it is too large, [`mote_plan::Kind::Bound`].
///
/// # Errors
/// A step that contradicts its tensors, or an element above the limit.
pub fn bound(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let limit = i64::from(params::<step::Bound>(step)?.limit);
    let mut operands = dense(plan, step, arena)?;
    let (x, y) = (operands.input::<i64>(0)?, operands.output::<i64>(0)?);
    require(x.len() == y.len())?;
    for (y, &x) in y.iter_mut().zip(x) {
        if x > limit {
            return Err(Fault::BoundExceeded);
        }
        *y = x;
    }
    Ok(())
}

fn dense<'v>(plan: &Plan<'v>, step: &Step<'_>, arena: &'v mut Arena<'_>) -> Result<Operands<'v>> {
    let operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    Ok(operands)
}

/// Writes how many results there are into an output of one element.
fn count(operands: &mut Operands<'_>, output: usize, found: usize) -> Result {
    let [to] = operands.output::<i64>(output)? else { return Err(Fault::MalformedPlan) };
    *to = found as i64;
    Ok(())
}
