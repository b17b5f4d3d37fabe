//! ONNX Runtime's attention of decoders, where the lengths of all sequences are known while compiling.

use mote_abi::DType;

use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::attention::{Angles, Band, Heads, Mask, Scoring, attend, join_heads, rotate, split_heads};
use crate::import::node::{Built, Cx};

/// Inputs: query `[B, S, N * H]`, key and value `[B, S, M * H]` or all three in the query, past key and value?, last
/// positions `[B]`, total length, cosines?, sines?. Outputs: `y [B, S, N * H]`, present key and value.
pub(super) fn attention(cx: &mut Cx<'_>) -> Built {
    let heads = |name| cx.optional_int(name)?.ok_or(Reason::MissingAttribute(name));
    let (n, m) = (heads("num_heads")?, heads("kv_num_heads")?);
    cx.only("smooth_softmax", 0)?;
    cx.only("qk_output", 0)?;
    let mut heads = projected(cx, n, m)?;
    let past = match (cx.optional(3), cx.optional(4)) {
        (None, None) => 0,
        (Some(k), Some(_)) if cx.rank(k) == 4 => cx.dims(k)[2],
        _ => return Err(Reason::MissingInput(4)),
    };
    let (queries, total) = (cx.dims(heads.q)[2], past + cx.dims(heads.k)[2]);
    known_lengths(cx, total)?;
    if cx.flag("do_rotary", false)? {
        let angles = Angles { cos: cx.f32_input(7)?, sin: cx.f32_input(8)? };
        let positions: Vec<i64> = (past as i64..total as i64).collect();
        let positions = cx.i64s(vec![1, queries], &positions)?;
        let size = 2 * cx.dims(angles.cos).last().copied().unwrap_or(0);
        let angles = angles.at(cx, positions)?;
        let interleaved = cx.flag("rotary_interleaved", false)?;
        heads.q = rotate(cx, heads.q, angles, size, interleaved)?;
        heads.k = rotate(cx, heads.k, angles, size, interleaved)?;
    } else {
        cx.ignore("rotary_interleaved");
    }
    if let (Some(k), Some(v)) = (cx.optional(3), cx.optional(4)) {
        heads.prepend(cx, k, v)?;
    }
    let left = match cx.int("local_window_size", -1)? {
        -1 => None,
        // The query's own key counts.
        size if size > 0 => Some(size - 1),
        got => return Err(Reason::AttributeValue { name: "local_window_size", got: got.to_string() }),
    };
    let mut mask = Mask::new(DType::F32, queries, total);
    let offset = cx.i64s(vec![], &[past as i64])?;
    mask.band(cx, Band { left, ..Band::CAUSAL }, offset)?;
    let scoring = Scoring {
        scale: cx.optional_float("scale")?.filter(|&scale| scale != 0.0).map(f64::from),
        softcap: cx.float("softcap", 0.0)?,
        bias: mask.bias(cx)?,
        precision: DType::F32,
    };
    let made = attend(cx, &heads, &scoring)?;
    Ok(vec![join_heads(cx, made.y)?, heads.k, heads.v])
}

/// Queries, keys and values with their heads apart.
fn projected(cx: &mut Cx<'_>, n: i64, m: i64) -> Result<Heads, Reason> {
    let query = cx.f32_input(0)?;
    let parts: [ValueId; 3] = match (cx.optional(1), cx.optional(2)) {
        (Some(_), Some(_)) => [query, cx.f32_input(1)?, cx.f32_input(2)?],
        (None, None) => {
            let all = split_heads(cx, query, n.saturating_add(m.saturating_mul(2)))?;
            let count = |heads: i64| usize::try_from(heads).map_err(|_| Reason::Value { what: "heads", got: heads });
            let (n, m) = (count(n)?, count(m)?);
            return Ok(Heads {
                q: cx.narrow(all, 1, 0, n)?,
                k: cx.narrow(all, 1, n, m)?,
                v: cx.narrow(all, 1, n + m, m)?,
            });
        }
        (None, _) => return Err(Reason::MissingInput(1)),
        (_, None) => return Err(Reason::MissingInput(2)),
    };
    let [q, k, v] = parts;
    let heads = Heads { q: split_heads(cx, q, n)?, k: split_heads(cx, k, m)?, v: split_heads(cx, v, m)? };
    let lengths = [heads.q, heads.k].map(|id| cx.dims(id)[2]);
    if lengths[0] == lengths[1] { Ok(heads) } else { Err(Reason::Shapes(cx.dims(q), cx.dims(k))) }
}

/// Takes the lengths only where every sequence fills the cache: otherwise positions and results depend on values.
fn known_lengths(cx: &Cx<'_>, total: usize) -> Result<(), Reason> {
    let last = cx.constant_ints(5)?;
    if let Some(&got) = last.iter().find(|&&last| last != total as i64 - 1) {
        return Err(Reason::Value { what: "the last position of a sequence", got });
    }
    match cx.optional_scalar(6)? {
        Some(got) if got != total as i64 => Err(Reason::Value { what: "the total length", got }),
        _ => Ok(()),
    }
}
