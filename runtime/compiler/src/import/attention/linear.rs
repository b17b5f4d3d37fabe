//! Linear attention: a state per head that every position decays, corrects and reads (ONNX LinearAttention-27).

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::{join_heads, split_heads};
use crate::error::Reason;
use crate::graph::{Op, ValueId};
use crate::import::node::{Built, Cx};

pub(super) const ATTRIBUTES: &[&str] = &["chunk_size", "kv_num_heads", "q_num_heads", "scale", "update_rule"];

/// Operands with their heads apart, `[B, heads, T, width]`.
struct Operands {
    q: ValueId,
    k: ValueId,
    v: ValueId,
    /// The logarithm of what is kept, `[B, H, T, K]` or `[B, H, T, 1]`.
    decay: Option<ValueId>,
    /// The part of the correction that is taken, `[B, H, T, 1]` or `[B, 1, T, 1]`.
    rate: Option<ValueId>,
    scale: ValueId,
}

/// Extents of batch, heads of queries, heads of keys, positions, keys and values.
#[derive(Clone, Copy)]
struct Extents {
    batch: usize,
    q_heads: usize,
    heads: usize,
    positions: usize,
    key: usize,
    value: usize,
}

/// Written out position by position; how many are taken together elsewhere (`chunk_size`) changes no result.
pub(super) fn linear_attention(cx: &mut Cx<'_>) -> Built {
    cx.ignore("chunk_size");
    let (operands, extents) = read(cx)?;
    let Extents { batch, heads, positions, key, value, .. } = extents;
    let mut state = match cx.optional(3) {
        None => cx.filled(DType::F32, vec![batch, heads, key, value], 0.0)?,
        Some(_) => cx.f32_input(3)?,
    };
    if cx.dims(state) != [batch, heads, key, value] {
        return Err(Reason::Shape { what: "past_state", got: cx.dims(state) });
    }
    let mut outputs = Vec::with_capacity(positions);
    for position in 0..positions {
        let y;
        (state, y) = step(cx, &operands, extents, state, position)?;
        outputs.push(y);
    }
    let y = cx.concat(&outputs, 2)?;
    Ok(vec![join_heads(cx, y)?, state])
}

fn read(cx: &mut Cx<'_>) -> Result<(Operands, Extents), Reason> {
    let count = |cx: &Cx<'_>, name| cx.optional_int(name)?.ok_or(Reason::MissingAttribute(name));
    let (q_heads, heads) = (count(cx, "q_num_heads")?, count(cx, "kv_num_heads")?);
    let mut apart = |i: usize, heads| {
        let x = cx.f32_input(i)?;
        split_heads(cx, x, heads)
    };
    let (q, k, v) = (apart(0, q_heads)?, apart(1, heads)?, apart(2, heads)?);
    let (dq, dk, dv) = (cx.dims(q), cx.dims(k), cx.dims(v));
    let [batch, q_heads, positions, key] = dq[..] else { return Err(Reason::Shapes(dq, dk)) };
    let heads = dk[1];
    let agree = dk == [batch, heads, positions, key] && dv[..3] == dk[..3] && q_heads.is_multiple_of(heads);
    if !agree || positions == 0 {
        return Err(Reason::Shapes(dq, dk));
    }
    let rule = cx.text("update_rule", "gated_delta")?;
    let (gated, delta) = match rule {
        "linear" => (false, false),
        "gated" => (true, false),
        "delta" => (false, true),
        "gated_delta" => (true, true),
        got => return Err(Reason::AttributeValue { name: "update_rule", got: got.to_owned() }),
    };
    let scale = match cx.float("scale", 0.0)? {
        0.0 => 1.0 / (key as f64).sqrt(),
        stated => stated.into(),
    };
    let operands = Operands {
        q,
        k,
        v,
        decay: gate(cx, 4, gated, heads, &[heads, heads * key])?,
        rate: gate(cx, 5, delta, heads, &[heads, 1])?,
        scale: cx.scalar_like(q, scale)?,
    };
    Ok((operands, Extents { batch, q_heads, heads, positions, key, value: dv[3] }))
}

/// An input `[B, T, width]` that the rule needs or forbids, with its heads apart.
fn gate(cx: &mut Cx<'_>, i: usize, needed: bool, heads: usize, widths: &[usize]) -> Result<Option<ValueId>, Reason> {
    match (cx.optional(i), needed) {
        (None, false) => return Ok(None),
        (None, true) => return Err(Reason::MissingInput(i)),
        (Some(_), false) => return Err(Reason::Input(i)),
        (Some(_), true) => {}
    }
    let x = cx.f32_input(i)?;
    let got = cx.dims(x);
    if got.len() != 3 || !widths.contains(&got[2]) {
        return Err(Reason::Shape { what: "a gate", got });
    }
    let heads = if got[2] == 1 { 1 } else { heads };
    split_heads(cx, x, heads as i64).map(Some)
}

/// The state behind a position, and what the queries there read of it, `[B, heads of queries, 1, values]`.
fn step(
    cx: &mut Cx<'_>,
    operands: &Operands,
    extents: Extents,
    mut state: ValueId,
    position: usize,
) -> Result<(ValueId, ValueId), Reason> {
    let Extents { batch, q_heads, heads, key, value, .. } = extents;
    let k = cx.narrow(operands.k, 2, position, 1)?;
    let mut v = cx.narrow(operands.v, 2, position, 1)?;
    if let Some(decay) = operands.decay {
        let decay = cx.narrow(decay, 2, position, 1)?;
        let kept = cx.unary(Unary::Exp, decay)?;
        let width = cx.dims(kept)[3];
        let kept = cx.reshape(kept, vec![batch, heads, width, 1])?;
        state = cx.binary(Binary::Mul, state, kept)?;
    }
    if let Some(rate) = operands.rate {
        let rate = cx.narrow(rate, 2, position, 1)?;
        let known = cx.emit(Op::MatMul, &[Some(k), Some(state)], DType::F32, vec![batch, heads, 1, value])?;
        let new = cx.binary(Binary::Sub, v, known)?;
        v = cx.binary(Binary::Mul, rate, new)?;
    }
    let column = cx.reshape(k, vec![batch, heads, key, 1])?;
    let written = cx.binary(Binary::Mul, column, v)?;
    state = cx.binary(Binary::Add, state, written)?;

    // Heads of queries that share a state stand below each other in one product.
    let q = cx.narrow(operands.q, 2, position, 1)?;
    let q = cx.reshape(q, vec![batch, heads, q_heads / heads, key])?;
    let dims = vec![batch, heads, q_heads / heads, value];
    let read = cx.emit(Op::MatMul, &[Some(q), Some(state)], DType::F32, dims)?;
    let read = cx.binary(Binary::Mul, read, operands.scale)?;
    Ok((state, cx.reshape(read, vec![batch, q_heads, 1, value])?))
}
