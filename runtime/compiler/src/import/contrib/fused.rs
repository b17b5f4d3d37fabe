//! Pairs of standard operators that an optimiser has joined.

use mote_abi::op::{Binary, Unary};

use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::node::{Built, Cx};
use crate::import::norm::apply;
use crate::import::{conv as convolution, linear};

fn biased(cx: &mut Cx<'_>) -> Result<ValueId, Reason> {
    let (x, bias) = (cx.f32_input(0)?, cx.f32_input(1)?);
    apply(cx, Binary::Add, x, bias)
}

pub(super) fn bias_gelu(cx: &mut Cx<'_>) -> Built {
    let x = biased(cx)?;
    Ok(vec![cx.unary(Unary::Gelu, x)?])
}

/// Gelu by tanh, of the sum with an optional bias.
pub(super) fn fast_gelu(cx: &mut Cx<'_>) -> Built {
    let x = if cx.optional(1).is_some() { biased(cx)? } else { cx.f32_input(0)? };
    Ok(vec![cx.unary(Unary::GeluTanh, x)?])
}

/// `x + bias + skip`.
pub(super) fn bias_add(cx: &mut Cx<'_>) -> Built {
    let x = biased(cx)?;
    let skip = cx.f32_input(2)?;
    Ok(vec![apply(cx, Binary::Add, x, skip)?])
}

/// Of the sum, the first half of the last axis times Gelu of the second.
pub(super) fn bias_split_gelu(cx: &mut Cx<'_>) -> Built {
    let x = biased(cx)?;
    let axis = cx.rank(x) - 1;
    let width = cx.dims(x)[axis];
    if !width.is_multiple_of(2) {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let (left, right) = (cx.narrow(x, axis, 0, width / 2)?, cx.narrow(x, axis, width / 2, width / 2)?);
    let gate = cx.unary(Unary::Gelu, right)?;
    Ok(vec![cx.binary(Binary::Mul, left, gate)?])
}

/// A convolution, an optional fourth input added to it, and an activation.
pub(super) fn conv(cx: &mut Cx<'_>) -> Built {
    let mut y = convolution::conv(cx)?[0];
    if cx.optional(3).is_some() {
        let residual = cx.f32_input(3)?;
        y = apply(cx, Binary::Add, y, residual)?;
    }
    let parameters = cx.optional_floats_attribute("activation_params")?.unwrap_or_default();
    Ok(vec![activated(cx, y, &parameters)?])
}

/// A general product and an activation.
pub(super) fn gemm(cx: &mut Cx<'_>) -> Built {
    let y = linear::gemm(cx)?[0];
    let mut parameters = Vec::new();
    for name in ["activation_alpha", "activation_beta"] {
        match cx.optional_float(name)? {
            Some(value) => parameters.push(value),
            None => break,
        }
    }
    cx.ignore("activation_beta");
    cx.ignore("activation_gamma");
    Ok(vec![activated(cx, y, &parameters)?])
}

/// The activation that the attribute names, none where it is absent.
fn activated(cx: &mut Cx<'_>, x: ValueId, parameters: &[f32]) -> Result<ValueId, Reason> {
    let name = cx.text("activation", "")?;
    let refuse = || Reason::AttributeValue { name: "activation", got: format!("{name} {parameters:?}") };
    let (op, alpha, beta) = match (name, parameters) {
        ("", []) => return Ok(x),
        ("Relu", _) => (Unary::Clamp, 0.0, f32::INFINITY),
        ("Tanh", _) => (Unary::Tanh, 0.0, 0.0),
        ("Sigmoid", _) => (Unary::Sigmoid, 0.0, 0.0),
        ("Gelu", _) => (Unary::Gelu, 0.0, 0.0),
        ("HardSwish", _) => (Unary::HardSwish, 0.0, 0.0),
        ("LeakyRelu", []) => (Unary::LeakyRelu, 0.01, 0.0),
        ("LeakyRelu", &[alpha, ..]) => (Unary::LeakyRelu, alpha, 0.0),
        ("HardSigmoid", &[alpha, beta, ..]) => (Unary::HardSigmoid, alpha, beta),
        ("Clip", &[low, high, ..]) if low <= high => (Unary::Clamp, low, high),
        _ => return Err(refuse()),
    };
    cx.unary_with(op, x, alpha, beta)
}
