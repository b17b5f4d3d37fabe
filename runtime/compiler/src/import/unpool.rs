//! Inverses of pooling.

use super::emit::element;
use super::node::{Built, Cx};
use super::table::Entry;
use super::window::{explicit_pads, positive};
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[Entry::onnx("MaxUnpool", 9, &["kernel_shape", "pads", "strides"], max_unpool)];

/// Puts each element where its position in the pool's input says, zeros elsewhere. A wanted shape may exceed the one that
/// the attributes give; the positions count in the latter, as in the standard's reference, and what is missing is zeros
/// at the end.
fn max_unpool(cx: &mut Cx<'_>) -> Built {
    let (x, positions) = (cx.float_input(0)?, cx.input(1)?);
    let dims = cx.dims(x);
    if cx.dims(positions) != dims || dims.len() < 3 {
        return Err(Reason::Shapes(dims, cx.dims(positions)));
    }
    let rank = dims.len() - 2;
    let kernel = positive(cx, "kernel_shape", rank)?.ok_or(Reason::MissingAttribute("kernel_shape"))?;
    let stride = positive(cx, "strides", rank)?.unwrap_or_else(|| vec![1; rank]);
    let pads = cx.optional_ints_attribute("pads")?.unwrap_or_else(|| vec![0; 2 * rank]);
    let pads = explicit_pads(&pads, rank)?;
    let wanted = cx.optional_ints(2)?;
    let mut source = dims.clone();
    for i in 0..rank {
        let reached = (dims[i + 2].saturating_sub(1) * stride[i] + kernel[i]).checked_sub(pads[i][0] + pads[i][1]);
        source[i + 2] = reached.ok_or_else(|| Reason::Shape { what: "the input", got: dims.clone() })?;
    }
    let count = source.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
    let count = count.ok_or_else(|| Reason::TooLarge(source.clone()))?;
    let zeros = zeros(cx, x, count)?;
    let places = cx.reshape(positions, vec![dims.iter().product()])?;
    let values = cx.reshape(x, vec![dims.iter().product()])?;
    let scatter = Op::ScatterElements { axis: 0, reduction: None };
    let y = cx.emit_as(scatter, &[Some(zeros), Some(places), Some(values)], x, vec![count])?;
    let y = cx.reshape(y, source.clone())?;
    let Some(wanted) = wanted else { return Ok(vec![y]) };
    let wanted: Vec<usize> = wanted.iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
    if wanted.len() != source.len() || wanted.iter().zip(&source).any(|(wanted, own)| wanted < own) {
        return Err(Reason::Shapes(source, wanted));
    }
    if wanted == source {
        return Ok(vec![y]);
    }
    let op = Op::Pad { before: vec![0; wanted.len()], value: element(cx.dtype(x), 0.0) };
    Ok(vec![cx.emit_as(op, &[Some(y)], x, wanted)?])
}

/// So many zeros, made when they are needed: as a constant they would lie in the Plan.
fn zeros(cx: &mut Cx<'_>, like: ValueId, count: usize) -> Result<ValueId, Reason> {
    let (dtype, elements) = (cx.dtype(like), cx.dims(like).iter().product());
    if cx.is_constant(like) {
        return cx.filled(dtype, vec![count], 0.0);
    }
    let flat = cx.reshape(like, vec![elements])?;
    let none = cx.narrow(flat, 0, 0, 0)?;
    let op = Op::Pad { before: vec![0], value: element(dtype, 0.0) };
    cx.emit_as(op, &[Some(none)], like, vec![count])
}
