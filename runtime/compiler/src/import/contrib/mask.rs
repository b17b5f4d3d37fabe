//! The masks of ONNX Runtime's attention: what they hide is given a large negative number, not minus infinity.

use mote_abi::DType;
use mote_abi::op::Binary;

use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::attention::Mask;
use crate::import::node::Cx;

/// Extents of the scores.
#[derive(Clone, Copy)]
pub(super) struct Extents {
    pub(super) batch: usize,
    pub(super) queries: usize,
    pub(super) keys: usize,
}

/// Adds what an integer mask says of the keys: `[B, T]` or `[B, S, T]` with 1 for seen; `[B]`, keys before which are
/// seen; `[2 B]`, ends and then beginnings.
pub(super) fn add(cx: &mut Cx<'_>, mask: &mut Mask, given: ValueId, extents: Extents) -> Result<(), Reason> {
    let Extents { batch, queries, keys } = extents;
    let dims = cx.dims(given);
    if !matches!(cx.dtype(given), DType::I32 | DType::I64) {
        return Err(Reason::Type(cx.dtype(given)));
    }
    let seen = if dims == [batch, keys] || dims == [batch, queries, keys] {
        let zero = cx.scalar_like(given, 0.0)?;
        let seen = cx.binary(Binary::Greater, given, zero)?;
        cx.reshape(seen, vec![batch, 1, if dims.len() == 3 { queries } else { 1 }, keys])?
    } else if dims == [batch] || dims == [2 * batch] {
        let positions: Vec<i64> = (0..keys as i64).collect();
        let positions = cx.i64s(vec![keys], &positions)?;
        let given = cx.cast(given, DType::I64)?;
        let ends = limit(cx, given, 0, batch)?;
        let before = cx.binary(Binary::Less, positions, ends)?;
        if dims == [batch] {
            before
        } else {
            let starts = limit(cx, given, batch, batch)?;
            let after = cx.binary(Binary::GreaterOrEqual, positions, starts)?;
            cx.binary(Binary::And, before, after)?
        }
    } else {
        return Err(Reason::Shape { what: "the mask", got: dims });
    };
    let hidden = cx.float("mask_filter_value", -10_000.0)?;
    let hidden = cx.filled(DType::F32, vec![], hidden.into())?;
    let zero = cx.filled(DType::F32, vec![], 0.0)?;
    let added = cx.select(seen, zero, hidden)?;
    mask.shift(cx, added)
}

/// One limit per batch, `[B, 1, 1, 1]`.
fn limit(cx: &mut Cx<'_>, given: ValueId, from: usize, batch: usize) -> Result<ValueId, Reason> {
    let part = cx.narrow(given, 0, from, batch)?;
    cx.reshape(part, vec![batch, 1, 1, 1])
}
