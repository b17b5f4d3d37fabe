//! Steps that look at places of an image: positions of extremes, points, regions.

use mote_abi::DType;
use mote_kernels::{Load, Number, select as kernel};
use mote_plan::{Plan, Step, step};

use super::{flag, params, require};
use crate::arena::{Arena, Operands, Overlap};
use crate::fault::{Fault, Result};

/// Position of the largest element of each window, [`mote_plan::Kind::ArgPool`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn arg_pool(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = dense(plan, step, arena)?;
    match operands.input_tensor(0)?.dtype {
        DType::F32 => {
            let x: &[f32] = operands.input(0)?;
            positions(&mut operands, step, x)
        }
        DType::F64 => {
            let x: &[f64] = operands.input(0)?;
            positions(&mut operands, step, x)
        }
        _ => {
            let x = operands.ints(0)?.ok_or(Fault::MalformedPlan)?;
            positions::<i64, _>(&mut operands, step, &x)
        }
    }
}

fn positions<T: Number, X: Load<T> + ?Sized>(operands: &mut Operands<'_>, step: &Step<'_>, x: &X) -> Result {
    let p: step::ArgPool = params(step)?;
    let ([n, c, input @ ..], [n2, c2, output @ ..]) = (dims::<5>(operands, 0)?, output_dims::<5>(operands)?);
    require([n, c] == [n2, c2])?;
    let shape = kernel::ArgPool {
        volumes: n.checked_mul(c).ok_or(Fault::MalformedPlan)?,
        input,
        output,
        kernel: p.kernel,
        stride: p.stride,
        dilation: p.dilation,
        pad: p.pad,
    };
    Ok(kernel::arg_pool(&shape, x, operands.output(0)?)?)
}

/// An image at points, [`mote_plan::Kind::GridSample`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn grid_sample(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::GridSample = params(step)?;
    let mut operands = dense(plan, step, arena)?;
    let ([batch, size @ .., channels], [images, points, rank]) = (dims::<5>(&operands, 0)?, dims::<3>(&operands, 1)?);
    require(images == batch && output_dims(&operands)? == [batch, points, channels])?;
    let shape = kernel::GridSample {
        batch,
        size,
        channels,
        points,
        rank,
        filter: p.filter,
        outside: p.outside,
        coordinates: p.coordinates,
    };
    Ok(kernel::grid_sample(&shape, operands.input(0)?, operands.input(1)?, operands.output(0)?)?)
}

/// Sampled regions, [`mote_plan::Kind::RoiAlign`].
///
/// # Errors
/// A step that contradicts its tensors, an image that is not there, or a region that is far too large.
pub fn roi_align(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::RoiAlign = params(step)?;
    let mut operands = dense(plan, step, arena)?;
    let ([batch, size @ .., channels], [regions, cells @ .., values]) =
        (dims::<4>(&operands, 0)?, output_dims::<4>(&operands)?);
    require(values == channels)?;
    let shape = kernel::RoiAlign {
        batch,
        size,
        channels,
        regions,
        cells,
        samples: p.samples,
        scale: p.scale,
        half_pixel: flag(p.half_pixel)?,
        max: flag(p.max)?,
    };
    let (x, boxes, images) = (operands.input(0)?, operands.input(1)?, operands.input(2)?);
    Ok(kernel::roi_align(&shape, x, boxes, images, operands.output(0)?)?)
}

/// Largest pixels of regions, [`mote_plan::Kind::MaxRoiPool`].
///
/// # Errors
/// A step that contradicts its tensors, or an image that is not there.
pub fn max_roi_pool(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::MaxRoiPool = params(step)?;
    let mut operands = dense(plan, step, arena)?;
    let ([batch, size @ .., channels], [regions, cells @ .., values]) =
        (dims::<4>(&operands, 0)?, output_dims::<4>(&operands)?);
    require(values == channels)?;
    let shape = kernel::MaxRoiPool { batch, size, channels, regions, cells, scale: p.scale };
    Ok(kernel::max_roi_pool(&shape, operands.input(0)?, operands.input(1)?, operands.output(0)?)?)
}

fn dense<'v>(plan: &Plan<'v>, step: &Step<'_>, arena: &'v mut Arena<'_>) -> Result<Operands<'v>> {
    let operands = arena.operands(plan, step, Overlap::Apart)?;
    operands.all_dense()?;
    Ok(operands)
}

/// The extents of an input of this rank.
fn dims<const N: usize>(operands: &Operands<'_>, i: usize) -> Result<[usize; N]> {
    extents(operands.input_tensor(i)?.dims())
}

/// The extents of the first output, which has this rank.
fn output_dims<const N: usize>(operands: &Operands<'_>) -> Result<[usize; N]> {
    extents(operands.output_tensor(0)?.dims())
}

fn extents<const N: usize>(dims: &[u32]) -> Result<[usize; N]> {
    <[u32; N]>::try_from(dims).map(|dims| dims.map(|dim| dim as usize)).map_err(|_| Fault::MalformedPlan)
}
