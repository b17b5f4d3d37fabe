//! Losses, built of the operators that they are defined by.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

const ATTRIBUTES: &[&str] = &["ignore_index", "reduction"];

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("NegativeLogLikelihoodLoss", 12, ATTRIBUTES, negative_log_likelihood),
    Entry::onnx("SoftmaxCrossEntropyLoss", 12, ATTRIBUTES, softmax_cross_entropy),
];

fn negative_log_likelihood(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    Ok(vec![loss(cx, x)?])
}

/// The loss of the logarithm of the softmax over the classes, and that logarithm.
fn softmax_cross_entropy(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    if cx.rank(x) < 2 {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let logarithm = cx.softmax(x, 1, true)?;
    let loss = loss(cx, logarithm)?;
    Ok(if cx.wants(1) { vec![loss, logarithm] } else { vec![loss] })
}

/// `-x[n, target[n, ..], ..] * weight[target[n, ..]]`, 0 where the target is to be ignored; the mean is that over weights.
fn loss(cx: &mut Cx<'_>, x: ValueId) -> Result<ValueId, Reason> {
    let target = cx.input(1)?;
    let target = cx.cast(target, DType::I64)?;
    let (dims, labels) = (cx.dims(x), cx.dims(target));
    let [batch, classes, rest @ ..] = dims.as_slice() else {
        return Err(Reason::Shape { what: "the input", got: dims });
    };
    if labels != [&[*batch], rest].concat() {
        return Err(Reason::Shapes(dims, labels));
    }
    let ignored = match cx.optional_int("ignore_index")? {
        None => None,
        Some(ignore) => {
            let ignore = cx.i64s(vec![], &[ignore])?;
            Some(cx.binary(Binary::Equal, target, ignore)?)
        }
    };
    let safe = match ignored {
        None => target,
        Some(ignored) => {
            let first = cx.i64s(vec![], &[0])?;
            cx.select(ignored, first, target)?
        }
    };
    let weight = weights(cx, x, *classes, safe, ignored)?;
    let picked = [&[*batch, 1], rest].concat();
    let at = cx.reshape(safe, picked.clone())?;
    let chosen = cx.emit_as(Op::GatherElements { axis: 1 }, &[Some(x), Some(at)], x, picked)?;
    let chosen = cx.reshape(chosen, labels)?;
    let mut loss = cx.unary(Unary::Neg, chosen)?;
    if let Some(ignored) = ignored {
        // What is ignored may be infinite; its weight of 0 would make NaN of it.
        let zero = cx.scalar_like(x, 0.0)?;
        loss = cx.select(ignored, zero, loss)?;
    }
    if let Some(weight) = weight {
        loss = cx.binary(Binary::Mul, loss, weight)?;
    }
    reduced(cx, loss, weight)
}

/// The weight of each target, 0 where it is ignored; `None` where all are 1.
fn weights(
    cx: &mut Cx<'_>,
    x: ValueId,
    classes: usize,
    target: ValueId,
    ignored: Option<ValueId>,
) -> Result<Option<ValueId>, Reason> {
    let given = match cx.optional(2) {
        None => None,
        Some(weight) if cx.dims(weight) == [classes] && cx.dtype(weight) == cx.dtype(x) => {
            Some(cx.gather(weight, target, 0)?)
        }
        Some(weight) => return Err(Reason::Shape { what: "a weight per class", got: cx.dims(weight) }),
    };
    let Some(ignored) = ignored else { return Ok(given) };
    let (zero, one) = (cx.scalar_like(x, 0.0)?, cx.scalar_like(x, 1.0)?);
    cx.select(ignored, zero, given.unwrap_or(one)).map(Some)
}

fn reduced(cx: &mut Cx<'_>, loss: ValueId, weight: Option<ValueId>) -> Result<ValueId, Reason> {
    let axes: Vec<usize> = (0..cx.rank(loss)).collect();
    match (cx.text("reduction", "mean")?, weight) {
        ("none", _) => Ok(loss),
        ("sum", _) => cx.reduce(Reduce::Sum, loss, &axes, false),
        ("mean", None) => cx.reduce(Reduce::Mean, loss, &axes, false),
        ("mean", Some(weight)) => {
            let sum = cx.reduce(Reduce::Sum, loss, &axes, false)?;
            let weight = cx.reduce(Reduce::Sum, weight, &axes, false)?;
            cx.binary(Binary::Div, sum, weight)
        }
        (got, _) => Err(Reason::AttributeValue { name: "reduction", got: got.to_owned() }),
    }
}
