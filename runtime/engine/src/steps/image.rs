use mote_abi::DType;
use mote_kernels::{Clamp, Image, Layout, Window, select as kernel};
use mote_plan::step::{self, Step};
use mote_plan::{Plan, Tensor};

use super::{params, require};
use crate::arena::{Arena, Operands, Overlap};
use crate::fault::Result;

/// Convolution and fully connected layers, [`mote_plan::Kind::Conv`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn conv(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Conv = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let y = image(operands.output_tensor(0)?, operands.output_layout(0)?)?;
    let (residual, residual_image) = match operands.has_input(3) {
        true => (Some(operands.input(3)?), input_image(&operands, 3)?),
        false => (None, y),
    };
    let shape = kernel::Conv {
        x: input_image(&operands, 0)?,
        y,
        residual: residual_image,
        window: Window { kernel: p.kernel, stride: p.stride, dilation: p.dilation, pad: p.pad },
        clamp: Clamp { low: p.low, high: p.high },
    };
    Ok(kernel::conv(&shape, operands.input(0)?, operands.input(1)?, operands.input(2)?, residual, operands.output(0)?)?)
}

/// Depthwise convolution, [`mote_plan::Kind::Depthwise`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn depthwise(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Conv = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = kernel::Depthwise {
        x: input_image(&operands, 0)?,
        y: output_image(&operands)?,
        window: Window { kernel: p.kernel, stride: p.stride, dilation: p.dilation, pad: p.pad },
        clamp: Clamp { low: p.low, high: p.high },
    };
    Ok(kernel::depthwise(&shape, operands.input(0)?, operands.input(1)?, operands.input(2)?, operands.output(0)?)?)
}

/// Convolution in groups, [`mote_plan::Kind::ConvGroup`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn conv_group(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::ConvGroup = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = grouped(&p, &operands)?;
    Ok(kernel::conv_group(&shape, operands.input(0)?, operands.input(1)?, operands.input(2)?, operands.output(0)?)?)
}

/// Transposed convolution, [`mote_plan::Kind::ConvTranspose`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn conv_transpose(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::ConvGroup = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = grouped(&p, &operands)?;
    Ok(kernel::conv_transpose(&shape, operands.input(0)?, operands.input(1)?, operands.input(2)?, operands.output(0)?)?)
}

/// Pooling, [`mote_plan::Kind::Pool`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn pool(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = pooling(&operands, step, DType::F32)?;
    Ok(kernel::pool(&shape, operands.input(0)?, operands.output(0)?)?)
}

/// Pooling of doubles, [`mote_plan::Kind::Pool`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn pool_f64(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let shape = pooling(&operands, step, DType::F64)?;
    Ok(kernel::pool_any::<f64>(&shape, operands.input(0)?, operands.output(0)?)?)
}

fn pooling(operands: &Operands<'_>, step: &Step<'_>, dtype: DType) -> Result<kernel::Pool> {
    let p: step::Pool = params(step)?;
    Ok(kernel::Pool {
        x: image_of(dtype, operands.input_tensor(0)?, operands.input_layout(0)?)?,
        y: image_of(dtype, operands.output_tensor(0)?, operands.output_layout(0)?)?,
        window: Window { kernel: p.kernel, stride: p.stride, dilation: p.dilation, pad: p.pad },
        pad_end: p.pad_end,
        op: p.op,
    })
}

fn grouped(p: &step::ConvGroup, operands: &Operands<'_>) -> Result<kernel::ConvGroup> {
    Ok(kernel::ConvGroup {
        x: input_image(operands, 0)?,
        y: output_image(operands)?,
        window: Window { kernel: p.kernel, stride: p.stride, dilation: p.dilation, pad: p.pad },
        clamp: Clamp { low: p.low, high: p.high },
        groups: p.groups,
    })
}

fn input_image(operands: &Operands<'_>, i: usize) -> Result<Image> {
    image(operands.input_tensor(i)?, operands.input_layout(i)?)
}

fn output_image(operands: &Operands<'_>) -> Result<Image> {
    image(operands.output_tensor(0)?, operands.output_layout(0)?)
}

fn image(tensor: &Tensor, layout: Layout) -> Result<Image> {
    image_of(DType::F32, tensor, layout)
}

fn image_of(dtype: DType, tensor: &Tensor, layout: Layout) -> Result<Image> {
    require(tensor.dtype == dtype)?;
    Ok(Image::new(&layout, (tensor.bytes / tensor.dtype.size()) as usize)?)
}
