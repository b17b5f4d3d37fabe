//! Values that come from attributes and shapes alone.

use mote_abi::DType;

use super::emit::element;
use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;

pub(super) const OPS: &[Entry] = &[
    Entry::onnx(
        "Constant",
        1,
        &[
            "value",
            "value_int",
            "value_ints",
            "value_float",
            "value_floats",
            "value_string",
            "value_strings",
            "sparse_value",
        ],
        constant,
    ),
    Entry::onnx("ConstantOfShape", 9, &["value"], constant_of_shape),
    Entry::onnx("Identity", 1, &[], identity),
    Entry::onnx("Dropout", 6, &["ratio", "seed"], dropout),
    Entry::onnx("Shape", 1, &["start", "end"], shape),
    Entry::onnx("Size", 1, &[], size),
    Entry::microsoft("Range", &[], range),
    Entry::onnx("Range", 11, &[], range),
    Entry::onnx("EyeLike", 9, &["dtype", "k"], eye_like),
];

fn constant(cx: &mut Cx<'_>) -> Built {
    if let Some(id) = cx.tensor("value")? {
        return Ok(vec![id]);
    }
    if let Some(v) = cx.optional_int("value_int")? {
        return Ok(vec![cx.i64s(vec![], &[v])?]);
    }
    if let Some(v) = cx.optional_ints_attribute("value_ints")? {
        return Ok(vec![cx.i64s(vec![v.len()], &v)?]);
    }
    if let Some(v) = cx.optional_float("value_float")? {
        return Ok(vec![cx.f32s(vec![], &[v])?]);
    }
    if let Some(v) = cx.optional_floats_attribute("value_floats")? {
        return Ok(vec![cx.f32s(vec![v.len()], &v)?]);
    }
    if cx.has("value_string") {
        let word = cx.text("value_string", "")?;
        return Ok(vec![cx.words(vec![], [word])?]);
    }
    if let Some(words) = cx.texts("value_strings")? {
        return Ok(vec![cx.words(vec![words.len()], words)?]);
    }
    cx.tensor("sparse_value")?.map(|id| vec![id]).ok_or(Reason::MissingAttribute("value"))
}

fn constant_of_shape(cx: &mut Cx<'_>) -> Built {
    let given = cx.constant_ints(0)?;
    let dims = given
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| Reason::Value { what: "a dimension", got: d }))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(value) = cx.tensor("value")? else { return Ok(vec![cx.filled(DType::F32, dims, 0.0)?]) };
    if cx.graph.value(value).count() != 1 {
        return Err(Reason::Shape { what: "attribute `value`", got: cx.dims(value) });
    }
    let value = cx.reshape(value, vec![])?;
    Ok(vec![cx.expand(value, dims)?])
}

fn identity(cx: &mut Cx<'_>) -> Built {
    Ok(vec![cx.input(0)?])
}

/// Inference drops nothing, and its mask keeps everything; so does training with a ratio of 0.
fn dropout(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    cx.ignore("ratio");
    cx.ignore("seed");
    let ratio = cx.optional(1);
    let trains = cx.optional_scalar(2)?.is_some_and(|training| training != 0);
    let drops = |cx: &Cx<'_>, id| cx.floats(id).is_none_or(|ratio| ratio != [0.0]);
    if trains && ratio.is_none_or(|id| drops(cx, id)) {
        return Err(Reason::Random);
    }
    if !cx.wants(1) {
        return Ok(vec![x]);
    }
    let dims = cx.dims(x);
    Ok(vec![x, cx.filled(DType::Bool, dims, 1.0)?])
}

fn shape(cx: &mut Cx<'_>) -> Built {
    let dims = cx.dims(cx.input(0)?);
    let rank = dims.len() as i64;
    let place = |v: i64| if v < 0 { v.saturating_add(rank).clamp(0, rank) } else { v.clamp(0, rank) } as usize;
    let (start, end) = (place(cx.int("start", 0)?), place(cx.int("end", rank)?));
    let part: Vec<i64> = dims.get(start..end).unwrap_or_default().iter().map(|&d| d as i64).collect();
    Ok(vec![cx.i64s(vec![part.len()], &part)?])
}

fn size(cx: &mut Cx<'_>) -> Built {
    let count = cx.graph.value(cx.input(0)?).count();
    Ok(vec![cx.i64s(vec![], &[count as i64])?])
}

/// `start + i * delta` for as many i as stay before the limit.
fn range(cx: &mut Cx<'_>) -> Built {
    let (start, limit, delta) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    let dtype = cx.dtype(start);
    for (i, id) in [start, limit, delta].into_iter().enumerate() {
        if !cx.is_constant(id) {
            return Err(Reason::NotConstant(i));
        }
        if cx.dtype(id) != dtype {
            return Err(Reason::Types(dtype, cx.dtype(id)));
        }
        if cx.graph.value(id).count() != 1 {
            return Err(Reason::Shape { what: "a scalar input", got: cx.dims(id) });
        }
    }
    let value = |id| cx.floats(id).map_or(0.0, |v| v[0]);
    let (from, to, by) = (value(start), value(limit), value(delta));
    let count = ((to - from) / by).ceil();
    if by == 0.0 || count.is_nan() || count > i32::MAX as f64 {
        return Err(Reason::Form("its limits give no finite number of elements"));
    }
    let count = if count < 0.0 { 0 } else { count as usize };
    cx.room_for(dtype, &[count])?;
    let data: Vec<u8> = match dtype {
        // Each element in the element's own arithmetic, as the reference computes it.
        DType::F32 => (0..count).flat_map(|i| (from as f32 + i as f32 * by as f32).to_le_bytes()).collect(),
        _ => (0..count).flat_map(|i| element(dtype, from + i as f64 * by)).collect(),
    };
    Ok(vec![cx.constant(dtype, vec![count], data)?])
}

fn eye_like(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let dtype = cx.element_type("dtype")?.unwrap_or(cx.dtype(x));
    let k = cx.int("k", 0)?;
    let dims = cx.dims(x);
    let &[rows, columns] = dims.as_slice() else { return Err(Reason::Shape { what: "the input", got: dims }) };
    cx.room_for(dtype, &dims)?;
    let cells = (0..rows * columns).map(|i| (i % columns) as i64 - (i / columns) as i64 == k);
    let data: Vec<u8> = cells.flat_map(|on| element(dtype, if on { 1.0 } else { 0.0 })).collect();
    Ok(vec![cx.constant(dtype, dims, data)?])
}
