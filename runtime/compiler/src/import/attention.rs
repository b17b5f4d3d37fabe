//! Attention of the standard, as products, a softmax and the masks between them.

mod bias;
mod core;
mod flex;
mod linear;
mod rotary;

use mote_abi::DType;

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) use bias::{Band, Mask};
pub(super) use core::{Heads, Scoring, attend, join_heads, split_heads};
pub(super) use flex::ATTRIBUTES as FLEX_ATTRIBUTES;
pub(super) use rotary::{Angles, rotate};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Attention", 23, ATTRIBUTES_23, attention),
    Entry::onnx("Attention", 24, ATTRIBUTES_23, attention),
    Entry::onnx("Attention", 25, ATTRIBUTES_25, attention),
    Entry::onnx("LinearAttention", 27, linear::ATTRIBUTES, linear::linear_attention),
    Entry::onnx("RotaryEmbedding", 23, &["interleaved", "num_heads", "rotary_embedding_dim"], rotary::rotary_embedding),
];

const ATTRIBUTES_23: &[&str] =
    &["is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode", "scale", "softcap", "softmax_precision"];

const ATTRIBUTES_25: &[&str] = &[
    "is_causal",
    "kv_num_heads",
    "left_window_size",
    "q_num_heads",
    "qk_matmul_output_mode",
    "right_window_size",
    "scale",
    "softcap",
    "softmax_precision",
];

/// ONNX codes of the element types that a softmax may be computed in.
const FLOAT: i64 = 1;
const DOUBLE: i64 = 11;

fn attention(cx: &mut Cx<'_>) -> Built {
    let q = float_input(cx, 0)?;
    let (mut heads, together) = read_heads(cx, q)?;
    let past = prepend_past(cx, &mut heads)?;
    let (queries, keys) = (cx.dims(heads.q)[2], cx.dims(heads.k)[2]);
    let mut mask = Mask::new(cx.dtype(q), queries, keys);
    if let Some(given) = cx.optional(3) {
        mask.add(cx, given)?;
    }
    let valid = cx.optional(6);
    let offset = match valid {
        Some(_) if past > 0 => return Err(Reason::Input(6)),
        Some(valid) => mask.valid_keys(cx, valid, cx.dims(q)[0])?,
        None => cx.i64s(vec![], &[past as i64])?,
    };
    let band = Band::read(cx)?;
    mask.band(cx, band, offset)?;

    let bias = mask.bias(cx)?;
    let scale = cx.optional_float("scale")?.map(f64::from);
    let softcap = cx.float("softcap", 0.0)?;
    let precision = precision(cx, cx.dtype(q))?;
    let made = attend(cx, &heads, &Scoring { scale, softcap, bias, precision })?;
    let y = if together { join_heads(cx, made.y)? } else { made.y };
    let scores = match cx.int("qk_matmul_output_mode", 0)? {
        0 => made.raw,
        1 => made.capped,
        2 => made.biased,
        3 => made.weights,
        got => return Err(Reason::AttributeValue { name: "qk_matmul_output_mode", got: got.to_string() }),
    };
    Ok(vec![y, heads.k, heads.v, scores])
}

/// An f32 or f64 input.
fn float_input(cx: &Cx<'_>, i: usize) -> Result<ValueId, Reason> {
    let id = cx.input(i)?;
    match cx.dtype(id) {
        DType::F32 | DType::F64 => Ok(id),
        other => Err(Reason::Type(other)),
    }
}

/// Queries, keys and values with their heads apart, and whether the model has them together.
fn read_heads(cx: &mut Cx<'_>, q: ValueId) -> Result<(Heads, bool), Reason> {
    let (k, v) = (float_input(cx, 1)?, float_input(cx, 2)?);
    let (q_heads, kv_heads) = (cx.optional_int("q_num_heads")?, cx.optional_int("kv_num_heads")?);
    match [q, k, v].map(|id| cx.rank(id)) {
        [4, 4, 4] => {
            let stated = |name, heads: Option<i64>, x| match heads {
                Some(n) if n != cx.dims(x)[1] as i64 => Err(Reason::AttributeValue { name, got: n.to_string() }),
                _ => Ok(()),
            };
            stated("q_num_heads", q_heads, q)?;
            stated("kv_num_heads", kv_heads, k)?;
            Ok((Heads { q, k, v }, false))
        }
        [3, 3, 3] => {
            let q_heads = q_heads.ok_or(Reason::MissingAttribute("q_num_heads"))?;
            let kv_heads = kv_heads.ok_or(Reason::MissingAttribute("kv_num_heads"))?;
            let heads = Heads {
                q: split_heads(cx, q, q_heads)?,
                k: split_heads(cx, k, kv_heads)?,
                v: split_heads(cx, v, kv_heads)?,
            };
            Ok((heads, true))
        }
        _ => Err(Reason::Shapes(cx.dims(q), cx.dims(k))),
    }
}

/// Puts cached keys and values before the new ones, and answers how many there are.
fn prepend_past(cx: &mut Cx<'_>, heads: &mut Heads) -> Result<usize, Reason> {
    let (k, v) = match (cx.optional(4), cx.optional(5)) {
        (None, None) => return Ok(0),
        (Some(k), Some(v)) => (k, v),
        (None, _) => return Err(Reason::MissingInput(4)),
        (_, None) => return Err(Reason::MissingInput(5)),
    };
    heads.prepend(cx, k, v)
}

/// The type that the softmax is computed in.
fn precision(cx: &Cx<'_>, dtype: DType) -> Result<DType, Reason> {
    match cx.optional_int("softmax_precision")? {
        None => Ok(dtype),
        Some(FLOAT) => Ok(DType::F32),
        Some(DOUBLE) => Ok(DType::F64),
        Some(got) => Err(Reason::AttributeValue { name: "softmax_precision", got: got.to_string() }),
    }
}
