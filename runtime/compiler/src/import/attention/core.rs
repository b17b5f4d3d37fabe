//! Scaled products of queries and keys, their softmax, and the values that it weighs.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};

use crate::error::Reason;
use crate::graph::{Op, ValueId};
use crate::import::emit::{Emit, broadcast};
use crate::import::node::Cx;

/// Queries `[B, N, S, H]`, keys `[B, M, T, H]` and values `[B, M, T, V]`; N is a multiple of M.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) q: ValueId,
    pub(crate) k: ValueId,
    pub(crate) v: ValueId,
}

/// How scores become weights.
pub(crate) struct Scoring {
    /// Factor of the products; one over the root of the head size where absent.
    pub(crate) scale: Option<f64>,
    /// Bound that scores approach, 0 for none.
    pub(crate) softcap: f32,
    /// Added to the scores, broadcast to `[B, N, S, T]`.
    pub(crate) bias: Option<ValueId>,
    /// Type of the softmax.
    pub(crate) precision: DType,
}

/// What attention makes: `[B, N, S, V]`, and each stage of the scores, `[B, N, S, T]`.
pub(crate) struct Attended {
    pub(crate) y: ValueId,
    pub(crate) raw: ValueId,
    pub(crate) capped: ValueId,
    pub(crate) biased: ValueId,
    pub(crate) weights: ValueId,
}

impl Heads {
    /// Puts cached keys and values `[B, M, P, H]` before the new ones, and answers P.
    pub(crate) fn prepend(&mut self, cx: &mut Cx<'_>, k: ValueId, v: ValueId) -> Result<usize, Reason> {
        let (dk, dv) = (cx.dims(k), cx.dims(v));
        if dk.len() != 4 || dv.len() != 4 || dk[2] != dv[2] {
            return Err(Reason::Shapes(dk, dv));
        }
        // An empty cache has no elements to copy.
        if dk[2] > 0 {
            self.k = cx.concat(&[k, self.k], 2)?;
            self.v = cx.concat(&[v, self.v], 2)?;
        }
        Ok(dk[2])
    }

    /// Extents B, N, S, H, M, T, V.
    pub(super) fn extents(&self, cx: &Cx<'_>) -> Result<[usize; 7], Reason> {
        let (q, k, v) = (cx.dims(self.q), cx.dims(self.k), cx.dims(self.v));
        let ([b, n, s, h], [b2, m, t, h2], [b3, m2, t2, width]) = (&q[..], &k[..], &v[..]) else {
            return Err(Reason::Shapes(q, k));
        };
        let agree = b == b2 && b == b3 && h == h2 && m == m2 && t == t2 && *m > 0 && n.is_multiple_of(*m);
        if agree && !q.contains(&0) && !v.contains(&0) {
            Ok([*b, *n, *s, *h, *m, *t, *width])
        } else {
            Err(Reason::Shapes(q, k))
        }
    }
}

/// `[B, S, N * H]` as `[B, N, S, H]`.
pub(crate) fn split_heads(cx: &mut Cx<'_>, x: ValueId, heads: i64) -> Result<ValueId, Reason> {
    let refuse = || Reason::Value { what: "the number of heads", got: heads };
    let n = usize::try_from(heads).ok().filter(|&n| n > 0).ok_or_else(refuse)?;
    let [b, s, width] = cx.dims(x)[..] else { return Err(Reason::Shape { what: "an operand", got: cx.dims(x) }) };
    if !width.is_multiple_of(n) {
        return Err(refuse());
    }
    let apart = cx.reshape(x, vec![b, s, n, width / n])?;
    cx.transpose(apart, &[0, 2, 1, 3])
}

/// `[B, N, S, H]` as `[B, S, N * H]`.
pub(crate) fn join_heads(cx: &mut Cx<'_>, x: ValueId) -> Result<ValueId, Reason> {
    let [b, n, s, h] = cx.dims(x)[..] else { return Err(Reason::Shape { what: "an operand", got: cx.dims(x) }) };
    let turned = cx.transpose(x, &[0, 2, 1, 3])?;
    cx.reshape(turned, vec![b, s, n * h])
}

/// Heads of queries that share keys and values stand below each other in one product.
pub(crate) fn attend(cx: &mut Cx<'_>, heads: &Heads, scoring: &Scoring) -> Result<Attended, Reason> {
    let [b, n, s, h, m, t, width] = heads.extents(cx)?;
    let dtype = cx.dtype(heads.q);
    for other in [heads.k, heads.v] {
        if cx.dtype(other) != dtype {
            return Err(Reason::Types(dtype, cx.dtype(other)));
        }
    }
    let scale = cx.scalar_like(heads.q, scoring.scale.unwrap_or(1.0 / (h as f64).sqrt()))?;
    let q = cx.binary(Binary::Mul, heads.q, scale)?;
    let q = cx.reshape(q, vec![b, m, n / m * s, h])?;
    let k = cx.transpose(heads.k, &[0, 1, 3, 2])?;
    let raw = cx.emit(Op::MatMul, &[Some(q), Some(k)], dtype, vec![b, m, n / m * s, t])?;
    let raw = cx.reshape(raw, vec![b, n, s, t])?;
    let capped = softcap(cx, raw, scoring.softcap)?;
    let (biased, weights) = match scoring.bias {
        None => (capped, softmax(cx, capped, scoring.precision)?),
        Some(bias) => {
            if broadcast(&cx.dims(bias), &[b, n, s, t])? != [b, n, s, t] {
                return Err(Reason::Shapes(cx.dims(bias), vec![b, n, s, t]));
            }
            let biased = cx.binary(Binary::Add, capped, bias)?;
            let weights = softmax(cx, biased, scoring.precision)?;
            (biased, without_blind(cx, weights, bias)?)
        }
    };
    let rows = cx.reshape(weights, vec![b, m, n / m * s, t])?;
    let y = cx.emit(Op::MatMul, &[Some(rows), Some(heads.v)], dtype, vec![b, m, n / m * s, width])?;
    let y = cx.reshape(y, vec![b, n, s, width])?;
    Ok(Attended { y, raw, capped, biased, weights })
}

/// `cap * tanh(x / cap)`.
fn softcap(cx: &mut Cx<'_>, x: ValueId, cap: f32) -> Result<ValueId, Reason> {
    if cap == 0.0 {
        return Ok(x);
    }
    if !(cap > 0.0 && cap.is_finite()) {
        return Err(Reason::AttributeValue { name: "softcap", got: cap.to_string() });
    }
    let cap = cx.scalar_like(x, cap.into())?;
    let y = cx.binary(Binary::Div, x, cap)?;
    let y = cx.unary(Unary::Tanh, y)?;
    cx.binary(Binary::Mul, y, cap)
}

/// Softmax along the last axis, in another type where that is asked for; f64 is written out.
pub(super) fn softmax(cx: &mut Emit, x: ValueId, precision: DType) -> Result<ValueId, Reason> {
    let last = cx.rank(x) - 1;
    let wide = cx.cast(x, precision)?;
    let y = if precision == DType::F32 {
        cx.softmax(wide, last, false)?
    } else {
        let highest = cx.reduce(Reduce::Max, wide, &[last], true)?;
        let below = cx.binary(Binary::Sub, wide, highest)?;
        let powers = cx.unary(Unary::Exp, below)?;
        let sum = cx.reduce(Reduce::Sum, powers, &[last], true)?;
        cx.binary(Binary::Div, powers, sum)?
    };
    cx.cast_as(y, x)
}

/// Gives zeros to queries that may attend to no key: those whose bias is minus infinity everywhere.
fn without_blind(cx: &mut Cx<'_>, weights: ValueId, bias: ValueId) -> Result<ValueId, Reason> {
    let Some(last) = cx.rank(bias).checked_sub(1) else { return Ok(weights) };
    let highest = cx.reduce(Reduce::Max, bias, &[last], true)?;
    let lowest = cx.scalar_like(bias, f64::NEG_INFINITY)?;
    let blind = cx.binary(Binary::Equal, highest, lowest)?;
    if cx.ints(blind).is_some_and(|blind| !blind.contains(&1)) {
        return Ok(weights);
    }
    let zero = cx.scalar_like(weights, 0.0)?;
    cx.select(blind, zero, weights)
}
