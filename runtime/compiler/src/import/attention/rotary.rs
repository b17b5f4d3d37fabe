//! Rotary embedding: pairs of numbers of a head turned by the angle of their position.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::core::{join_heads, split_heads};
use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::node::{Built, Cx};

/// Cosines and sines per position, `[B|1, S, R / 2]`.
#[derive(Clone, Copy)]
pub(crate) struct Angles {
    pub(crate) cos: ValueId,
    pub(crate) sin: ValueId,
}

impl Angles {
    /// Takes the rows of positions `[B, S]` out of the caches `[P, R / 2]`.
    pub(crate) fn at(self, cx: &mut Cx<'_>, positions: ValueId) -> Result<Self, Reason> {
        for cache in [self.cos, self.sin] {
            if cx.rank(cache) != 2 {
                return Err(Reason::Shape { what: "a cache of angles", got: cx.dims(cache) });
            }
        }
        if !matches!(cx.dtype(positions), DType::I32 | DType::I64) {
            return Err(Reason::Type(cx.dtype(positions)));
        }
        Ok(Self { cos: cx.gather(self.cos, positions, 0)?, sin: cx.gather(self.sin, positions, 0)? })
    }
}

/// Turns `x [B, N, S, H]` in its first `size` numbers: neighbours where `interleaved`, else one half against the other.
pub(crate) fn rotate(
    cx: &mut Cx<'_>,
    x: ValueId,
    angles: Angles,
    size: usize,
    interleaved: bool,
) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let &[b, n, s, h] = dims.as_slice() else { return Err(Reason::Shape { what: "the input", got: dims }) };
    let half = size / 2;
    if size > h || size == 0 || size % 2 == 1 {
        return Err(Reason::Value { what: "the rotated size", got: size as i64 });
    }
    let [cos, sin] = [angles.cos, angles.sin].map(|cache| per_head(cx, cache, [b, s, half]));
    let (cos, sin) = (cos?, sin?);
    let turned = cx.narrow(x, 3, 0, size)?;
    let [first, second] = if interleaved {
        let pairs = cx.reshape(turned, vec![b, n, s, half, 2])?;
        let [first, second] = [0, 1].map(|i| cx.narrow(pairs, 4, i, 1));
        [cx.reshape(first?, vec![b, n, s, half])?, cx.reshape(second?, vec![b, n, s, half])?]
    } else {
        [cx.narrow(turned, 3, 0, half)?, cx.narrow(turned, 3, half, half)?]
    };
    let real = combine(cx, [(cos, first), (sin, second)], Binary::Sub)?;
    let imaginary = combine(cx, [(sin, first), (cos, second)], Binary::Add)?;
    let turned = if interleaved {
        let parts = [cx.reshape(real, vec![b, n, s, half, 1])?, cx.reshape(imaginary, vec![b, n, s, half, 1])?];
        let pairs = cx.concat(&parts, 4)?;
        cx.reshape(pairs, vec![b, n, s, size])?
    } else {
        cx.concat(&[real, imaginary], 3)?
    };
    if size == h {
        return Ok(turned);
    }
    let rest = cx.narrow(x, 3, size, h - size)?;
    cx.concat(&[turned, rest], 3)
}

/// `a x` joined with `b y`.
fn combine(cx: &mut Cx<'_>, terms: [(ValueId, ValueId); 2], join: Binary) -> Result<ValueId, Reason> {
    let [(a, x), (b, y)] = terms;
    let (left, right) = (cx.binary(Binary::Mul, a, x)?, cx.binary(Binary::Mul, b, y)?);
    cx.binary(join, left, right)
}

/// Angles `[B|1, S, R / 2]` as `[B|1, 1, S, R / 2]`.
fn per_head(cx: &mut Cx<'_>, cache: ValueId, [b, s, half]: [usize; 3]) -> Result<ValueId, Reason> {
    let dims = cx.dims(cache);
    match dims[..] {
        [rows, s2, half2] if (rows == b || rows == 1) && s2 == s && half2 == half => {
            cx.reshape(cache, vec![rows, 1, s, half])
        }
        _ => Err(Reason::Shape { what: "the angles", got: dims }),
    }
}

pub(super) fn rotary_embedding(cx: &mut Cx<'_>) -> Built {
    let x = cx.f32_input(0)?;
    let mut angles = Angles { cos: cx.f32_input(1)?, sin: cx.f32_input(2)? };
    if let Some(positions) = cx.optional(3) {
        angles = angles.at(cx, positions)?;
    }
    let heads = cx.int("num_heads", 0)?;
    let interleaved = cx.flag("interleaved", false)?;
    let apart = if cx.rank(x) == 3 { split_heads(cx, x, heads)? } else { x };
    let size = match cx.int("rotary_embedding_dim", 0)? {
        0 => cx.dims(apart).last().copied().unwrap_or(0),
        got => usize::try_from(got).map_err(|_| Reason::Value { what: "rotary_embedding_dim", got })?,
    };
    let y = rotate(cx, apart, angles, size, interleaved)?;
    Ok(vec![if cx.rank(x) == 3 { join_heads(cx, y)? } else { y }])
}
