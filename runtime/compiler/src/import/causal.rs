//! Depthwise convolution over the past, which the caller keeps between calls (ONNX CausalConvWithState-27).

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[Entry::onnx("CausalConvWithState", 27, &["activation"], causal_conv)];

/// Taps in ascending order, from the oldest position: sums of the padded input, shifted and scaled per channel.
fn causal_conv(cx: &mut Cx<'_>) -> Built {
    let (x, w) = (cx.f32_input(0)?, cx.f32_input(1)?);
    let (dims, weights) = (cx.dims(x), cx.dims(w));
    let ([batch, channels, length], [rows, 1, taps]) = (&dims[..], &weights[..]) else {
        return Err(Reason::Shapes(dims, weights));
    };
    let (batch, channels, length, taps) = (*batch, *channels, *length, *taps);
    if *rows != channels || taps == 0 {
        return Err(Reason::Shapes(dims, weights));
    }
    let padded = behind_the_past(cx, x, &[batch, channels, taps - 1])?;
    let mut y: Option<ValueId> = None;
    for tap in 0..taps {
        let shifted = cx.narrow(padded, 2, tap, length)?;
        let factor = cx.narrow(w, 2, tap, 1)?;
        let factor = cx.reshape(factor, vec![channels, 1])?;
        let product = cx.binary(Binary::Mul, shifted, factor)?;
        y = Some(y.map_or(Ok(product), |sum| cx.binary(Binary::Add, sum, product))?);
    }
    let mut y = y.ok_or(Reason::Shapes(dims, weights))?;
    if cx.optional(2).is_some() {
        let bias = cx.f32_input(2)?;
        if cx.dims(bias) != [channels] {
            return Err(Reason::Shape { what: "the bias", got: cx.dims(bias) });
        }
        let bias = cx.reshape(bias, vec![channels, 1])?;
        y = cx.binary(Binary::Add, y, bias)?;
    }
    let y = match cx.text("activation", "none")? {
        "none" => y,
        "silu" | "swish" => cx.unary_with(Unary::Swish, y, 1.0, 0.0)?,
        got => return Err(Reason::AttributeValue { name: "activation", got: got.to_owned() }),
    };
    Ok(vec![y, cx.narrow(padded, 2, length, taps - 1)?])
}

/// The input behind what came before it, zeros where nothing did.
fn behind_the_past(cx: &mut Cx<'_>, x: ValueId, past: &[usize]) -> Result<ValueId, Reason> {
    let before = match cx.optional(3) {
        None => cx.filled(DType::F32, past.to_vec(), 0.0)?,
        Some(_) => cx.f32_input(3)?,
    };
    if cx.dims(before) != past {
        return Err(Reason::Shape { what: "past_state", got: cx.dims(before) });
    }
    // An empty past has no elements to copy.
    if past.contains(&0) { Ok(x) } else { cx.concat(&[before, x], 2) }
}
