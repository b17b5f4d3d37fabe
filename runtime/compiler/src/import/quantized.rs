//! Numbers as integers with scale and zero point. What lies between a dequantization and a quantization is built as the
//! arithmetic of real numbers that it states; the integer pass puts integers in its place.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce};

use super::node::{Built, Cx, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Graph, Op, Quantized, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("QuantizeLinear", 10, &[], quantize_linear),
    Entry::onnx("QuantizeLinear", 13, &["axis"], quantize_linear),
    Entry::onnx("QuantizeLinear", 19, &["axis", "saturate"], quantize_linear),
    Entry::onnx("QuantizeLinear", 21, &["axis", "block_size", "output_dtype", "saturate"], quantize_linear),
    Entry::onnx(
        "QuantizeLinear",
        23,
        &["axis", "block_size", "output_dtype", "precision", "saturate"],
        quantize_linear,
    ),
    Entry::onnx("DequantizeLinear", 10, &[], dequantize_linear),
    Entry::onnx("DequantizeLinear", 13, &["axis"], dequantize_linear),
    Entry::onnx("DequantizeLinear", 21, &["axis", "block_size"], dequantize_linear),
    Entry::onnx("DequantizeLinear", 23, &["axis", "block_size", "output_dtype"], dequantize_linear),
    Entry::onnx("DynamicQuantizeLinear", 11, &[], dynamic_quantize_linear),
    Entry::microsoft("QuantizeLinear", &["axis"], quantize_linear),
    Entry::microsoft("DequantizeLinear", &["axis"], dequantize_linear),
];

/// f32 by its ONNX code.
const FLOAT: i64 = 1;

fn quantize_linear(cx: &mut Cx<'_>) -> Built {
    let (x, scale, zero) = (cx.input(0)?, cx.f32_input(1)?, cx.optional(2));
    // Of no effect beside 8-bit floats, which are no types here.
    cx.flag("saturate", true)?;
    let precision = cx.int("precision", 0)?;
    if ![0, FLOAT].contains(&precision) {
        return Err(Reason::AttributeValue { name: "precision", got: precision.to_string() });
    }
    let stated = cx.element_type("output_dtype")?;
    let to = match (zero.map(|zero| cx.dtype(zero)), stated) {
        (Some(zero), Some(stated)) if zero != stated => return Err(Reason::Types(zero, stated)),
        (Some(dtype), _) | (None, Some(dtype)) => dtype,
        (None, None) => DType::U8,
    };
    if !matches!(to, DType::I8 | DType::U8 | DType::I16 | DType::U16) {
        return Err(Reason::Type(to));
    }
    let x = match cx.dtype(x) {
        DType::F32 => x,
        DType::I32 => cx.cast(x, DType::F32)?,
        other => return Err(Reason::Type(other)),
    };
    let (scale, zero) = beside(cx, x, scale, zero)?;
    Ok(vec![quantize(cx, x, scale, zero, to)?])
}

fn dequantize_linear(cx: &mut Cx<'_>) -> Built {
    let (x, scale, zero) = (cx.input(0)?, cx.f32_input(1)?, cx.optional(2));
    let dtype = cx.dtype(x);
    if !matches!(dtype, DType::I8 | DType::U8 | DType::I16 | DType::U16 | DType::I32) {
        return Err(Reason::Type(dtype));
    }
    if let Some(other) = cx.element_type("output_dtype")?.filter(|&stated| stated != DType::F32) {
        return Err(Reason::Type(other));
    }
    let (scale, zero) = beside(cx, x, scale, zero)?;
    Ok(vec![dequantize(cx, x, scale, zero)?])
}

/// `x / scale + zero` in steps of an integer type.
pub(super) fn quantize(
    cx: &mut Cx<'_>,
    x: ValueId,
    scale: ValueId,
    zero: Option<ValueId>,
    to: DType,
) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    cx.emit(Op::Quantize, &[Some(x), Some(scale), zero], to, dims)
}

/// `(x - zero) * scale`.
pub(super) fn dequantize(
    cx: &mut Cx<'_>,
    x: ValueId,
    scale: ValueId,
    zero: Option<ValueId>,
) -> Result<ValueId, Reason> {
    if let Some(zero) = zero.map(|zero| cx.dtype(zero)).filter(|&zero| zero != cx.dtype(x)) {
        return Err(Reason::Types(cx.dtype(x), zero));
    }
    let dims = cx.dims(x);
    cx.emit(Op::Dequantize, &[Some(x), Some(scale), zero], DType::F32, dims)
}

/// Scale and zero point as they broadcast to x: one for all, one per index of an axis, or one per block along it.
fn beside(
    cx: &mut Cx<'_>,
    x: ValueId,
    scale: ValueId,
    zero: Option<ValueId>,
) -> Result<(ValueId, Option<ValueId>), Reason> {
    let (given, block) = (cx.int("axis", 1)?, cx.int("block_size", 0)?);
    let block = usize::try_from(block).map_err(|_| Reason::Value { what: "block_size", got: block })?;
    if let Some(zero) = zero.filter(|&zero| cx.graph.value(zero).count() != cx.graph.value(scale).count()) {
        return Err(Reason::Shapes(cx.dims(scale), cx.dims(zero)));
    }
    let place = |cx: &mut Cx<'_>, id: ValueId| -> Result<ValueId, Reason> {
        if block > 0 {
            return blocks(cx, x, id, axis(given, cx.rank(x))?, block);
        }
        if cx.graph.value(id).count() == 1 {
            return cx.reshape(id, vec![]);
        }
        along(cx, x, id, axis(given, cx.rank(x))?)
    };
    let scale = place(cx, scale)?;
    Ok((scale, zero.map(|zero| place(cx, zero)).transpose()?))
}

/// A vector along an axis of x.
pub(super) fn along(cx: &mut Cx<'_>, x: ValueId, vector: ValueId, axis: usize) -> Result<ValueId, Reason> {
    let (mut dims, have) = (cx.dims(x), cx.dims(vector));
    if have != [dims[axis]] {
        return Err(Reason::Shapes(dims, have));
    }
    for (i, dim) in dims.iter_mut().enumerate() {
        *dim = if i == axis { *dim } else { 1 };
    }
    cx.reshape(vector, dims)
}

/// One element per block of x along an axis, repeated over its block; the last block may be shorter.
fn blocks(cx: &mut Cx<'_>, x: ValueId, of: ValueId, axis: usize, block: usize) -> Result<ValueId, Reason> {
    let (dims, have) = (cx.dims(x), cx.dims(of));
    let fits = have.len() == dims.len()
        && (0..dims.len()).all(|i| have[i] == if i == axis { dims[i].div_ceil(block) } else { dims[i] });
    if !fits {
        return Err(Reason::Shapes(dims, have));
    }
    let indices: Vec<i64> = (0..dims[axis]).map(|i| (i / block) as i64).collect();
    let indices = cx.i64s(vec![dims[axis]], &indices)?;
    cx.gather(of, indices, axis)
}

/// To u8, by the extremes of the tensor itself.
fn dynamic_quantize_linear(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let (y, scale, zero) = dynamic(cx, x)?;
    Ok(vec![y, scale, zero])
}

/// A tensor in u8 with its scale and zero point, both of no axes. 0 is always among the numbers that u8 stands for.
pub(super) fn dynamic(cx: &mut Cx<'_>, x: ValueId) -> Result<(ValueId, ValueId, ValueId), Reason> {
    let axes: Vec<usize> = (0..cx.rank(x)).collect();
    let zero = cx.filled(DType::F32, vec![], 0.0)?;
    let steps = cx.filled(DType::F32, vec![], 255.0)?;
    let one = cx.filled(DType::F32, vec![], 1.0)?;
    let low = cx.reduce(Reduce::Min, x, &axes, false)?;
    let low = cx.binary(Binary::Min, low, zero)?;
    let high = cx.reduce(Reduce::Max, x, &axes, false)?;
    let high = cx.binary(Binary::Max, high, zero)?;
    let range = cx.binary(Binary::Sub, high, low)?;
    let scale = cx.binary(Binary::Div, range, steps)?;
    // Nothing but zeros: any scale will do, and a quotient by 0 would not.
    let empty = cx.binary(Binary::Equal, range, zero)?;
    let scale = cx.select(empty, one, scale)?;
    let below = cx.binary(Binary::Sub, zero, low)?;
    let origin = quantize(cx, below, scale, None, DType::U8)?;
    let y = quantize(cx, x, scale, Some(origin), DType::U8)?;
    Ok((y, scale, origin))
}

/// The integers of a dequantized constant, from the operands of the dequantization.
pub(super) fn of(graph: &Graph, inputs: &[Option<ValueId>]) -> Option<Quantized> {
    let &[Some(x), Some(scale), zero] = inputs else { return None };
    let (value, steps) = (graph.value(x), graph.value(scale));
    let rank = value.dims.len();
    let axis = match steps.count() {
        1 => None,
        n => Some((0..rank).find(|&i| steps.dims.len() == rank && steps.dims[i] == n && value.dims[i] == n)?),
    };
    let scale = steps.data.as_ref()?.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect();
    let zero = match zero {
        None => vec![0; steps.count()],
        Some(zero) => integers(graph, zero).filter(|zero| zero.len() == steps.count())?,
    };
    Some(Quantized { integers: x, axis, scale, zero })
}

/// The elements of a constant of the types that zero points have.
fn integers(graph: &Graph, id: ValueId) -> Option<Vec<i64>> {
    let value = graph.value(id);
    let data = value.data.as_deref()?;
    Some(match value.dtype {
        DType::I8 => data.iter().map(|byte| byte.cast_signed().into()).collect(),
        DType::U8 => data.iter().map(|&byte| byte.into()).collect(),
        DType::I32 => data.as_chunks().0.iter().map(|&raw| i32::from_le_bytes(raw).into()).collect(),
        _ => return None,
    })
}

/// Where an axis is after a reshape; `None` where it was joined or split.
pub(super) fn axis_after(from: &[usize], axis: usize, to: &[usize]) -> Option<usize> {
    let outer = |dims: &[usize], i: usize| dims[..i].iter().product::<usize>();
    (0..to.len()).find(|&i| to[i] == from[axis] && outer(to, i) == outer(from, axis))
}
