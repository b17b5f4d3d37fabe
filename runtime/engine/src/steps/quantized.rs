use mote_abi::{DType, op};
use mote_kernels::select::{self as kernel, Byte, Filter, Grid, Operand, Packing, Requantize, Sums};
use mote_kernels::{Image, Layout, Window};
use mote_plan::step::{self, Step};
use mote_plan::{Plan, Tensor};

use super::{params, require};
use crate::arena::{Arena, Operands, Overlap};
use crate::fault::{Fault, Result};

/// Numbers to steps, [`mote_plan::Kind::Quantize`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn quantize(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let grid = grid(&operands, operands.output_tensor(0)?.dtype)?;
    let (x_layout, y_layout) = (operands.input_layout(0)?, operands.output_layout(0)?);
    Ok(kernel::quantize(&grid, operands.input(0)?, &x_layout, &mut operands.ints_mut(0)?, &y_layout)?)
}

/// Steps to numbers, [`mote_plan::Kind::Dequantize`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn dequantize(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let grid = grid(&operands, operands.input_tensor(0)?.dtype)?;
    let (x_layout, y_layout) = (operands.input_layout(0)?, operands.output_layout(0)?);
    let x = operands.ints(0)?.ok_or(Fault::MalformedPlan)?;
    Ok(kernel::dequantize(&grid, &x, &x_layout, operands.output(0)?, &y_layout)?)
}

/// Scale and zero point, operands 1 and 2; the zero point has the type of the integers.
fn grid<'v>(operands: &Operands<'v>, integers: DType) -> Result<Grid<'v>> {
    let (zero, zero_layout) = if operands.has_input(2) {
        require(operands.input_tensor(2)?.dtype == integers)?;
        (operands.ints(2)?, operands.input_layout(2)?)
    } else {
        (None, Layout::dense(&[])?)
    };
    Ok(Grid { scale: operands.input(1)?, scale_layout: operands.input_layout(1)?, zero, zero_layout })
}

/// Convolution and fully connected layers in integers, [`mote_plan::Kind::QConv`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn q_conv(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    convolve(plan, step, arena, Packing::Panels)
}

/// Depthwise convolution in integers, [`mote_plan::Kind::QDepthwise`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn q_depthwise(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    convolve(plan, step, arena, Packing::Lanes)
}

/// Convolution in groups in integers, [`mote_plan::Kind::QConvGroup`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn q_conv_group(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    convolve(plan, step, arena, Packing::Rows)
}

fn convolve(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>, packing: Packing) -> Result {
    let p: step::QConv = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (x, y) = (*operands.input_tensor(0)?, *operands.output_tensor(0)?);
    let x_zero = if operands.has_input(4) { zero_point(&operands, 4, x.dtype)? } else { p.x_zero };
    let shape = kernel::QConv {
        x: image(&x, operands.input_layout(0)?)?,
        y: image(&y, operands.output_layout(0)?)?,
        window: Window { kernel: p.kernel, stride: p.stride, dilation: p.dilation, pad: p.pad },
        groups: p.groups as usize,
        packing,
        from: Byte::new(is_signed(&x)?, x_zero)?,
    };
    let filter = Filter {
        weights: operands.input(1)?,
        bias: operands.input(2)?,
        scale: if operands.has_input(3) { Some(operands.input(3)?) } else { None },
        zero: if operands.has_input(5) { Some(operands.input(5)?) } else { None },
    };
    let mut sums = match y.dtype {
        DType::F32 => Sums::Floats(operands.output(0)?),
        DType::I32 => Sums::Whole(operands.output(0)?),
        _ => Sums::Bytes(operands.output_bytes(0)?, Requantize::new(is_signed(&y)?, p.y_zero, [p.low, p.high])?),
    };
    Ok(kernel::q_conv(&shape, operands.input_bytes(0)?, &filter, &mut sums)?)
}

/// The only element of an operand of this 8-bit type.
fn zero_point(operands: &Operands<'_>, i: usize, dtype: DType) -> Result<i32> {
    match dtype {
        DType::I8 => operands.input::<i8>(i)?.first().map(|&zero| zero.into()),
        DType::U8 => operands.input::<u8>(i)?.first().map(|&zero| zero.into()),
        _ => None,
    }
    .ok_or(Fault::MalformedPlan)
}

/// Any function of one 8-bit number, [`mote_plan::Kind::Lookup`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn lookup(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    operands.all_dense()?;
    let (x, table, y) = (operands.input_tensor(0)?, operands.input_tensor(1)?, operands.output_tensor(0)?);
    require(is_byte(x) && is_byte(table) && table.dtype == y.dtype && x.dims() == y.dims())?;
    let table = operands.input_bytes(1)?.as_array().ok_or(Fault::MalformedPlan)?;
    Ok(kernel::lookup(table, operands.source_bytes(0)?, operands.output_bytes(0)?)?)
}

/// Sum or product of two 8-bit tensors, [`mote_plan::Kind::QBinary`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn q_binary(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::QBinary = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::InPlace)?;
    let how = match p.op {
        op::Binary::Add => kernel::Blend::Sum { a: p.a_scale, b: p.b_scale },
        op::Binary::Mul => kernel::Blend::Product { scale: p.a_scale },
        _ => return Err(Fault::MalformedPlan),
    };
    let signed = [operands.input_tensor(0)?, operands.input_tensor(1)?, operands.output_tensor(0)?].map(is_signed);
    let [a_signed, b_signed, y_signed] = signed;
    let (a_byte, b_byte) = (Byte::new(a_signed?, p.a_zero)?, Byte::new(b_signed?, p.b_zero)?);
    let to = Requantize::new(y_signed?, p.y_zero, [p.low, p.high])?;
    let (a_layout, b_layout) = (operands.input_layout(0)?, operands.input_layout(1)?);
    let y_layout = operands.output_layout(0)?;
    let a = Operand { data: operands.source_bytes(0)?, layout: &a_layout };
    let b = Operand { data: operands.source_bytes(1)?, layout: &b_layout };
    Ok(kernel::blend(how, (&a, a_byte), (&b, b_byte), &to, operands.output_bytes(0)?, &y_layout)?)
}

/// Pooling of 8-bit images, [`mote_plan::Kind::QPool`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn q_pool(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::QPool = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (x, y) = (*operands.input_tensor(0)?, *operands.output_tensor(0)?);
    require(p.op != op::Pool::Max || x.dtype == y.dtype)?;
    let shape = kernel::Pool {
        x: image(&x, operands.input_layout(0)?)?,
        y: image(&y, operands.output_layout(0)?)?,
        window: Window { kernel: p.kernel, stride: p.stride, dilation: p.dilation, pad: p.pad },
        pad_end: p.pad_end,
        op: p.op,
    };
    let pooled = kernel::Pooled {
        from: Byte::new(is_signed(&x)?, p.x_zero)?,
        scale: p.scale,
        to: Requantize::new(is_signed(&y)?, p.y_zero, [p.low, p.high])?,
    };
    Ok(kernel::q_pool(&shape, &pooled, operands.input_bytes(0)?, operands.output_bytes(0)?)?)
}

fn is_byte(tensor: &Tensor) -> bool {
    matches!(tensor.dtype, DType::I8 | DType::U8)
}

/// Whether an 8-bit tensor holds i8.
fn is_signed(tensor: &Tensor) -> Result<bool> {
    require(is_byte(tensor))?;
    Ok(tensor.dtype == DType::I8)
}

fn image(tensor: &Tensor, layout: Layout) -> Result<Image> {
    Ok(Image::new(&layout, (tensor.bytes / tensor.dtype.size()) as usize)?)
}
