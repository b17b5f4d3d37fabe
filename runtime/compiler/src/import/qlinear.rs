//! Operators of ONNX Runtime over quantized tensors, as what they stand for: dequantized, computed, quantized again.

use mote_abi::DType;
use mote_abi::op::{Binary, Pool, Reduce, Unary};

use super::node::{Built, Cx, axes, axis};
use super::pool::pool;
use super::quantized::{dequantize, quantize};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[
    Entry::microsoft("QLinearAdd", &[], binary),
    Entry::microsoft("QLinearMul", &[], binary),
    Entry::microsoft("QLinearSigmoid", &[], sigmoid),
    Entry::microsoft("QLinearLeakyRelu", &["alpha"], leaky_relu),
    Entry::microsoft("QLinearConcat", &["axis"], concat),
    Entry::microsoft(
        "QLinearAveragePool",
        &["auto_pad", "ceil_mode", "channels_last", "count_include_pad", "kernel_shape", "pads", "strides"],
        average_pool,
    ),
    Entry::microsoft("QLinearGlobalAveragePool", &["channels_last"], global_average_pool),
    Entry::microsoft("QLinearReduceMean", &["axes", "keepdims"], reduce_mean),
    Entry::microsoft("QLinearSoftmax", &["axis", "opset"], softmax),
    Entry::microsoft("QLinearWhere", &[], choose),
];

/// The numbers of a quantized operand: integers, scale and zero point from this index on.
pub(super) fn numbers(cx: &mut Cx<'_>, first: usize) -> Result<ValueId, Reason> {
    let (x, scale) = (cx.input(first)?, cx.f32_input(first + 1)?);
    let zero = cx.optional(first + 2);
    real(cx, x, scale, zero)
}

fn real(cx: &mut Cx<'_>, x: ValueId, scale: ValueId, zero: Option<ValueId>) -> Result<ValueId, Reason> {
    byte(cx.dtype(x))?;
    let scale = single(cx, scale)?;
    let zero = zero.map(|zero| single(cx, zero)).transpose()?;
    dequantize(cx, x, scale, zero)
}

/// A result in 8 bits: scale and zero point from this index on; without a zero point it has the type of `like`.
pub(super) fn integers(cx: &mut Cx<'_>, y: ValueId, first: usize, like: ValueId) -> Built {
    let (scale, zero) = (cx.f32_input(first)?, cx.optional(first + 1));
    let to = cx.dtype(zero.unwrap_or(like));
    byte(to)?;
    let scale = single(cx, scale)?;
    let zero = zero.map(|zero| single(cx, zero)).transpose()?;
    Ok(vec![quantize(cx, y, scale, zero, to)?])
}

fn byte(dtype: DType) -> Result<(), Reason> {
    if matches!(dtype, DType::I8 | DType::U8) { Ok(()) } else { Err(Reason::Type(dtype)) }
}

fn single(cx: &mut Cx<'_>, id: ValueId) -> Result<ValueId, Reason> {
    cx.reshape(id, vec![])
}

fn binary(cx: &mut Cx<'_>) -> Built {
    let (a, b, like) = (numbers(cx, 0)?, numbers(cx, 3)?, cx.input(0)?);
    let op = if cx.op() == "QLinearAdd" { Binary::Add } else { Binary::Mul };
    let y = cx.binary(op, a, b)?;
    integers(cx, y, 6, like)
}

fn sigmoid(cx: &mut Cx<'_>) -> Built {
    let (x, like) = (numbers(cx, 0)?, cx.input(0)?);
    let y = cx.unary(Unary::Sigmoid, x)?;
    integers(cx, y, 3, like)
}

fn leaky_relu(cx: &mut Cx<'_>) -> Built {
    let (x, like) = (numbers(cx, 0)?, cx.input(0)?);
    let alpha = cx.float("alpha", 0.01)?;
    let y = cx.unary_with(Unary::LeakyRelu, x, alpha, 0.0)?;
    integers(cx, y, 3, like)
}

fn concat(cx: &mut Cx<'_>) -> Built {
    let all = cx.variadic()?;
    let [scale, zero, parts @ ..] = all.as_slice() else { return Err(Reason::MissingInput(2)) };
    let (parts, rest) = parts.as_chunks::<3>();
    if parts.is_empty() || !rest.is_empty() {
        return Err(Reason::MissingInput(all.len()));
    }
    let mut made = Vec::with_capacity(parts.len());
    for &[x, scale, zero] in parts {
        made.push(real(cx, x, scale, Some(zero))?);
    }
    let axis = cx.axis_attribute(0, cx.rank(made[0]))?;
    let y = cx.concat(&made, axis)?;
    let to = cx.dtype(*zero);
    byte(to)?;
    let (scale, zero) = (single(cx, *scale)?, single(cx, *zero)?);
    Ok(vec![quantize(cx, y, scale, Some(zero), to)?])
}

fn average_pool(cx: &mut Cx<'_>) -> Built {
    let (x, like) = (numbers(cx, 0)?, cx.input(0)?);
    cx.only("channels_last", 0)?;
    let with_padding = cx.flag("count_include_pad", false)?;
    let y = pool(cx, x, if with_padding { Pool::AverageWithPadding } else { Pool::Average })?;
    integers(cx, y, 3, like)
}

fn global_average_pool(cx: &mut Cx<'_>) -> Built {
    let (x, like) = (numbers(cx, 0)?, cx.input(0)?);
    let rank = cx.rank(x);
    if rank < 3 {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let spatial: Vec<usize> =
        if cx.flag("channels_last", false)? { (1..rank - 1).collect() } else { (2..rank).collect() };
    let y = cx.reduce(Reduce::Mean, x, &spatial, true)?;
    integers(cx, y, 3, like)
}

fn reduce_mean(cx: &mut Cx<'_>) -> Built {
    let (x, like) = (numbers(cx, 0)?, cx.input(0)?);
    let rank = cx.rank(x);
    let given = cx.optional_ints_attribute("axes")?.unwrap_or_else(|| (0..rank as i64).collect());
    let keep = cx.flag("keepdims", true)?;
    let y = cx.reduce(Reduce::Mean, x, &axes(&given, rank)?, keep)?;
    integers(cx, y, 3, like)
}

/// `opset` says whose Softmax it is: before 13 everything from the axis on is one row.
fn softmax(cx: &mut Cx<'_>) -> Built {
    let (x, like) = (numbers(cx, 0)?, cx.input(0)?);
    let dims = cx.dims(x);
    let opset = cx.optional_int("opset")?.ok_or(Reason::MissingAttribute("opset"))?;
    let default = if opset < 13 { 1 } else { -1 };
    let axis = axis(cx.int("axis", default)?, dims.len())?;
    let y = if opset < 13 {
        let rows = cx.reshape(x, vec![dims[..axis].iter().product(), dims[axis..].iter().product()])?;
        let y = cx.softmax(rows, 1, false)?;
        cx.reshape(y, dims)?
    } else {
        cx.softmax(x, axis, false)?
    };
    integers(cx, y, 3, like)
}

fn choose(cx: &mut Cx<'_>) -> Built {
    let (condition, a, b, like) = (cx.input(0)?, numbers(cx, 1)?, numbers(cx, 4)?, cx.input(1)?);
    let y = cx.select(condition, a, b)?;
    integers(cx, y, 7, like)
}
