//! ONNX Runtime's attention, with the projection inside or before it.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::mask::{self, Extents};
use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::attention::{Angles, Band, Heads, Mask, Scoring, attend, join_heads, rotate, split_heads};
use crate::import::linear::product;
use crate::import::node::{Built, Cx};
use crate::import::norm::apply;

/// Inputs: `x [B, S, D]`, weights `[D, Q + K + V]`, bias?, mask?, past `[2, B, N, P, H]`?, attention bias?. Outputs:
/// `y [B, S, V]`, present.
pub(super) fn attention(cx: &mut Cx<'_>) -> Built {
    let (x, weights) = (cx.f32_input(0)?, cx.f32_input(1)?);
    cx.only("past_present_share_buffer", 0)?;
    let mut all = product(cx, x, weights)?;
    if cx.optional(2).is_some() {
        let bias = cx.f32_input(2)?;
        all = apply(cx, Binary::Add, all, bias)?;
    }
    let [_, _, width] = cx.dims(all)[..] else { return Err(Reason::Shape { what: "the input", got: cx.dims(x) }) };
    let widths = match cx.optional_ints_attribute("qkv_hidden_sizes")? {
        None if width.is_multiple_of(3) => [width / 3; 3],
        None => return Err(Reason::Shape { what: "the weights", got: cx.dims(weights) }),
        Some(given) => {
            let sizes: Vec<usize> = given.iter().filter_map(|&n| usize::try_from(n).ok()).collect();
            let refuse = || Reason::AttributeValue { name: "qkv_hidden_sizes", got: format!("{given:?}") };
            let sizes: [usize; 3] = sizes.try_into().map_err(|_| refuse())?;
            if sizes.iter().sum::<usize>() == width { sizes } else { return Err(refuse()) }
        }
    };
    let n = heads_attribute(cx)?;
    let mut parts = [all; 3];
    let mut from = 0;
    for (part, width) in parts.iter_mut().zip(widths) {
        let narrow = cx.narrow(all, 2, from, width)?;
        *part = split_heads(cx, narrow, n)?;
        from += width;
    }
    let [q, k, v] = parts;
    let mut heads = Heads { q, k, v };
    let mut offset = 0;
    if let Some(past) = cx.optional(4) {
        let [k, v] = [0, 1].map(|i| cx.narrow(past, 0, i, 1).and_then(|half| cx.drop_axes(half, &[0])));
        offset = heads.prepend(cx, k?, v?)?;
    }
    let y = scored(cx, &heads, offset, 3, 5)?;
    if !cx.wants(1) {
        return Ok(vec![y]);
    }
    let halves = [heads.k, heads.v].map(|half| {
        let dims = [&[1], &cx.dims(half)[..]].concat();
        cx.reshape(half, dims)
    });
    let [k, v] = halves;
    Ok(vec![y, cx.concat(&[k?, v?], 0)?])
}

/// Inputs: query, key?, value?, bias?, padding mask?, attention bias?, past key?, past value?. Queries are
/// `[B, S, N * H]`, or hold keys and values too as `[B, S, N, 3, H]`; keys and values are `[B, T, N * H]`, together as
/// `[B, T, N, 2, H]`, or have their heads apart already. Outputs: `y [B, S, V]`, present key and value.
pub(super) fn multi_head(cx: &mut Cx<'_>) -> Built {
    let n = heads_attribute(cx)?;
    let mut heads = projected(cx, n)?;
    let offset = match (cx.optional(6), cx.optional(7)) {
        (Some(k), Some(v)) => heads.prepend(cx, k, v)?,
        (None, None) => 0,
        (None, _) => return Err(Reason::MissingInput(6)),
        (_, None) => return Err(Reason::MissingInput(7)),
    };
    let y = scored(cx, &heads, offset, 4, 5)?;
    Ok(vec![y, heads.k, heads.v])
}

fn heads_attribute(cx: &Cx<'_>) -> Result<i64, Reason> {
    cx.optional_int("num_heads")?.ok_or(Reason::MissingAttribute("num_heads"))
}

/// Queries, keys and values with their heads apart and their biases added.
fn projected(cx: &mut Cx<'_>, n: i64) -> Result<Heads, Reason> {
    let query = cx.f32_input(0)?;
    let (key, value) = (cx.optional(1), cx.optional(2));
    let parts = match (cx.rank(query), key, value) {
        (5, None, None) => packed(cx, query, n)?,
        (3, Some(pair), None) if cx.rank(pair) == 5 => [&[query], &packed(cx, pair, n)?[..]].concat(),
        (3, Some(key), Some(value)) => vec![query, key, value],
        _ => return Err(Reason::Form("its queries, keys and values are arranged in a way that is not supported")),
    };
    let [query, key, value] = parts[..] else {
        return Err(Reason::Form("its queries, keys and values are arranged in a way that is not supported"));
    };
    let mut parts = [query, key, value];
    if cx.optional(3).is_some() {
        let bias = cx.f32_input(3)?;
        parts = with_bias(cx, parts, bias)?;
    }
    let [q, k, v] = parts.map(|part| if cx.rank(part) == 4 { Ok(part) } else { split_heads(cx, part, n) });
    Ok(Heads { q: q?, k: k?, v: v? })
}

/// `[B, T, N, C, H]` as C tensors `[B, T, N * H]`.
fn packed(cx: &mut Cx<'_>, x: ValueId, n: i64) -> Result<Vec<ValueId>, Reason> {
    let [b, t, heads, count, h] = cx.dims(x)[..] else {
        return Err(Reason::Shape { what: "an operand", got: cx.dims(x) });
    };
    if heads as i64 != n {
        return Err(Reason::Shape { what: "an operand", got: cx.dims(x) });
    }
    let part = |cx: &mut Cx<'_>, i| {
        let one = cx.narrow(x, 3, i, 1)?;
        cx.reshape(one, vec![b, t, heads * h])
    };
    (0..count).map(|i| part(cx, i)).collect()
}

/// Adds the stretches of a bias `[Q + K + V]`, in their order.
fn with_bias(cx: &mut Cx<'_>, mut parts: [ValueId; 3], bias: ValueId) -> Result<[ValueId; 3], Reason> {
    let mut from = 0;
    for part in &mut parts {
        let &[_, _, width] = cx.dims(*part).as_slice() else {
            return Err(Reason::Form("it adds a bias to keys whose heads are apart"));
        };
        if cx.rank(bias) != 1 || from + width > cx.dims(bias)[0] {
            return Err(Reason::Shape { what: "the bias", got: cx.dims(bias) });
        }
        let stretch = cx.narrow(bias, 0, from, width)?;
        *part = cx.binary(Binary::Add, *part, stretch)?;
        from += width;
    }
    if cx.dims(bias) == [from] { Ok(parts) } else { Err(Reason::Shape { what: "the bias", got: cx.dims(bias) }) }
}

/// Masks by an integer mask, by position and by an attention bias, attends, and joins the heads.
fn scored(cx: &mut Cx<'_>, heads: &Heads, offset: usize, hidden: usize, shift: usize) -> Result<ValueId, Reason> {
    let (q, k) = (cx.dims(heads.q), cx.dims(heads.k));
    let (&[batch, _, queries, _], &[_, _, keys, _]) = (&q[..], &k[..]) else { return Err(Reason::Shapes(q, k)) };
    let mut mask = Mask::new(DType::F32, queries, keys);
    match cx.optional(hidden) {
        Some(given) => mask::add(cx, &mut mask, given, Extents { batch, queries, keys })?,
        None => cx.ignore("mask_filter_value"),
    }
    if cx.optional(shift).is_some() {
        let bias = cx.f32_input(shift)?;
        mask.shift(cx, bias)?;
    }
    if cx.flag("unidirectional", false)? {
        let offset = cx.i64s(vec![], &[offset as i64])?;
        mask.band(cx, Band::CAUSAL, offset)?;
    }
    // A scale of 0 stands for the default.
    let scale = cx.optional_float("scale")?.filter(|&scale| scale != 0.0).map(f64::from);
    let bias = mask.bias(cx)?;
    let made = attend(cx, heads, &Scoring { scale, softcap: 0.0, bias, precision: DType::F32 })?;
    join_heads(cx, made.y)
}

/// Inputs: `x [B, S, N * H]` or `[B, N, S, H]`, positions `[1]`, that of the first, or `[B, S]`, and the two caches.
pub(super) fn rotary_embedding(cx: &mut Cx<'_>) -> Built {
    let (x, positions) = (cx.f32_input(0)?, cx.input(1)?);
    let (cos, sin) = (cx.f32_input(2)?, cx.f32_input(3)?);
    cx.only("is_packed_batching", 0)?;
    let scale = cx.float("scale", 1.0)?;
    if scale.to_bits() != 1_f32.to_bits() {
        return Err(Reason::AttributeValue { name: "scale", got: scale.to_string() });
    }
    let (heads, stated) = (cx.int("num_heads", 0)?, cx.int("rotary_embedding_dim", 0)?);
    let interleaved = cx.flag("interleaved", false)?;
    let (cache, dims) = (cx.dims(cos), cx.dims(x));
    let &[_, half] = cache.as_slice() else { return Err(Reason::Shape { what: "a cache of angles", got: cache }) };
    let size = 2 * half;
    let apart = match dims.len() {
        4 => x,
        // Without a number of heads the caches turn whole heads.
        3 if heads == 0 && stated == 0 && size > 0 => split_heads(cx, x, (dims[2] / size) as i64)?,
        3 => split_heads(cx, x, heads)?,
        _ => return Err(Reason::Shape { what: "the input", got: dims }),
    };
    let expected = if stated == 0 { cx.dims(apart)[3] } else { usize::try_from(stated).unwrap_or(0) };
    if expected != size {
        return Err(Reason::Shape { what: "a cache of angles", got: cache });
    }
    let [batch, _, length, _] = cx.dims(apart)[..] else { return Err(Reason::Shape { what: "the input", got: dims }) };
    let rows = if cx.dims(positions) == [1] {
        let steps: Vec<i64> = (0..length as i64).collect();
        let steps = cx.i64s(vec![1, length], &steps)?;
        let first = cx.cast(positions, DType::I64)?;
        cx.binary(Binary::Add, steps, first)?
    } else if cx.dims(positions) == [batch, length] {
        positions
    } else {
        return Err(Reason::Shape { what: "the positions", got: cx.dims(positions) });
    };
    let angles = Angles { cos, sin }.at(cx, rows)?;
    let y = rotate(cx, apart, angles, size, interleaved)?;
    Ok(vec![if dims.len() == 3 { join_heads(cx, y)? } else { y }])
}
