//! Operators as they were before operator set 7 let shapes broadcast: an attribute lays the second operand against the first.

use super::node::{Built, Cx, axis};
use super::table::Entry;
use super::{activation, elementwise, linear, norm};
use crate::error::Reason;

const LAID: &[&str] = &["axis", "broadcast"];

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Add", 6, LAID, |cx| laid(cx, elementwise::arithmetic)),
    Entry::onnx("Sub", 6, LAID, |cx| laid(cx, elementwise::arithmetic)),
    Entry::onnx("Mul", 6, LAID, |cx| laid(cx, elementwise::arithmetic)),
    Entry::onnx("Div", 6, LAID, |cx| laid(cx, elementwise::arithmetic)),
    Entry::onnx("Pow", 1, LAID, |cx| laid(cx, elementwise::pow)),
    Entry::onnx("Equal", 1, LAID, |cx| laid(cx, elementwise::compare)),
    Entry::onnx("Less", 1, LAID, |cx| laid(cx, elementwise::compare)),
    Entry::onnx("Greater", 1, LAID, |cx| laid(cx, elementwise::compare)),
    Entry::onnx("And", 1, LAID, |cx| laid(cx, elementwise::logic)),
    Entry::onnx("Or", 1, LAID, |cx| laid(cx, elementwise::logic)),
    Entry::onnx("Xor", 1, LAID, |cx| laid(cx, elementwise::logic)),
    Entry::onnx("PRelu", 6, &[], prelu),
    Entry::onnx("Gemm", 6, &["alpha", "beta", "broadcast", "transA", "transB"], gemm),
    Entry::onnx("BatchNormalization", 6, &["epsilon", "is_test", "momentum", "spatial"], batch),
];

/// The dimensions of the second operand stand at those of the first from `axis` on, its last ones by default.
fn laid(cx: &mut Cx<'_>, build: fn(&mut Cx<'_>) -> Built) -> Built {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    let (whole, mut part) = (cx.dims(a), cx.dims(b));
    let broadcast = cx.flag("broadcast", false)?;
    if let Some(at) = cx.optional_int("axis")? {
        let at = axis(at, whole.len())?;
        let behind = whole.len().checked_sub(at + part.len());
        part.extend(std::iter::repeat_n(1, behind.ok_or_else(|| Reason::Shapes(whole.clone(), part.clone()))?));
    }
    let fits = |(w, p): (&usize, &usize)| w == p || *p == 1;
    let within = part.len() <= whole.len() && whole.iter().rev().zip(part.iter().rev()).all(fits);
    if !within || (!broadcast && part != whole) {
        return Err(Reason::Shapes(whole, part));
    }
    let b = cx.reshape(b, part)?;
    cx.replace(1, b);
    build(cx)
}

/// One slope, or one for each channel.
fn prelu(cx: &mut Cx<'_>) -> Built {
    let (x, slope) = (cx.input(0)?, cx.input(1)?);
    let (rank, count) = (cx.rank(x), cx.graph.value(slope).count());
    let mut dims = vec![1; rank];
    if count != 1 {
        *dims.get_mut(1).ok_or_else(|| Reason::Shape { what: "the input", got: vec![] })? = count;
    }
    let slope = cx.reshape(slope, dims)?;
    cx.replace(1, slope);
    activation::prelu(cx)
}

fn gemm(cx: &mut Cx<'_>) -> Built {
    // What the attribute permits is what later operator sets do anyway.
    cx.ignore("broadcast");
    linear::gemm(cx)
}

/// Only what it is in inference.
fn batch(cx: &mut Cx<'_>) -> Built {
    if !cx.flag("is_test", false)? {
        return Err(Reason::AttributeValue { name: "is_test", got: "0".to_owned() });
    }
    norm::batch(cx)
}
