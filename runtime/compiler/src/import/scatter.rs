//! Reading and writing at index tensors.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::node::{Built, Cx, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Gather", 1, &["axis"], gather),
    Entry::onnx("GatherElements", 11, &["axis"], gather_elements),
    Entry::microsoft("GatherND", &["batch_dims"], gather_nd),
    Entry::onnx("GatherND", 11, &["batch_dims"], gather_nd),
    Entry::onnx("Scatter", 9, &["axis"], scatter_elements),
    Entry::onnx("ScatterElements", 11, &["axis", "reduction"], scatter_elements),
    Entry::onnx("ScatterND", 11, &["reduction"], scatter_nd),
    Entry::onnx("TensorScatter", 24, &["mode", "axis"], tensor_scatter),
    Entry::onnx("OneHot", 9, &["axis"], one_hot),
];

fn indices(cx: &Cx<'_>, i: usize) -> Result<ValueId, Reason> {
    let id = cx.input(i)?;
    match cx.dtype(id) {
        DType::I32 | DType::I64 => Ok(id),
        other => Err(Reason::Type(other)),
    }
}

/// One constant index is a slice.
fn gather(cx: &mut Cx<'_>) -> Built {
    let (x, at) = (cx.input(0)?, indices(cx, 1)?);
    let dims = cx.dims(x);
    let axis = cx.axis_attribute(0, dims.len())?;
    if let Some([index]) = cx.ints(at).as_deref() {
        let extent = dims[axis];
        let from_start = if *index < 0 { index + extent as i64 } else { *index };
        let from = usize::try_from(from_start)
            .ok()
            .filter(|&i| i < extent)
            .ok_or(Reason::Value { what: "an index", got: *index })?;
        let one = cx.narrow(x, axis, from, 1)?;
        let mut made = dims;
        made.splice(axis..=axis, cx.dims(at));
        return Ok(vec![cx.reshape(one, made)?]);
    }
    Ok(vec![cx.gather(x, at, axis)?])
}

fn gather_elements(cx: &mut Cx<'_>) -> Built {
    let (x, at) = (cx.input(0)?, indices(cx, 1)?);
    let axis = cx.axis_attribute(0, cx.rank(x))?;
    let (dims, wanted) = (cx.dims(x), cx.dims(at));
    let fits = dims.len() == wanted.len() && (0..dims.len()).all(|i| i == axis || wanted[i] <= dims[i]);
    if !fits {
        return Err(Reason::Shapes(dims, wanted));
    }
    Ok(vec![cx.emit_as(Op::GatherElements { axis }, &[Some(x), Some(at)], x, wanted)?])
}

fn gather_nd(cx: &mut Cx<'_>) -> Built {
    let (x, at) = (cx.input(0)?, indices(cx, 1)?);
    let at = cx.cast(at, DType::I64)?;
    let batch_dims = cx.int("batch_dims", 0)?;
    let (dims, index_dims) = (cx.dims(x), cx.dims(at));
    let fit = || {
        let batch = usize::try_from(batch_dims).ok()?;
        let (&depth, lead) = index_dims.split_last()?;
        let tail = dims.get(batch.checked_add(depth)?..)?;
        (batch <= lead.len() && dims[..batch] == lead[..batch] && depth > 0).then(|| (batch, [lead, tail].concat()))
    };
    let (batch_dims, made) = fit().ok_or_else(|| Reason::Shapes(dims.clone(), index_dims.clone()))?;
    Ok(vec![cx.emit_as(Op::GatherNd { batch_dims }, &[Some(x), Some(at)], x, made)?])
}

fn reduction(cx: &Cx<'_>) -> Result<Option<Binary>, Reason> {
    Ok(match cx.text("reduction", "none")? {
        "none" => None,
        "add" => Some(Binary::Add),
        "mul" => Some(Binary::Mul),
        "max" => Some(Binary::Max),
        "min" => Some(Binary::Min),
        got => return Err(Reason::AttributeValue { name: "reduction", got: got.to_owned() }),
    })
}

fn scatter_elements(cx: &mut Cx<'_>) -> Built {
    let (x, at, updates) = (cx.input(0)?, indices(cx, 1)?, cx.input(2)?);
    let (dims, wanted) = (cx.dims(x), cx.dims(at));
    let axis = cx.axis_attribute(0, dims.len())?;
    let reduction = reduction(cx)?;
    if cx.dtype(updates) != cx.dtype(x) {
        return Err(Reason::Types(cx.dtype(x), cx.dtype(updates)));
    }
    let fits = dims.len() == wanted.len()
        && wanted == cx.dims(updates)
        && (0..dims.len()).all(|i| i == axis || wanted[i] <= dims[i]);
    if !fits {
        return Err(Reason::Shapes(dims, wanted));
    }
    let op = Op::ScatterElements { axis, reduction };
    Ok(vec![cx.emit_as(op, &[Some(x), Some(at), Some(updates)], x, dims)?])
}

fn scatter_nd(cx: &mut Cx<'_>) -> Built {
    let (x, at, updates) = (cx.input(0)?, indices(cx, 1)?, cx.input(2)?);
    let at = cx.cast(at, DType::I64)?;
    let reduction = reduction(cx)?;
    let (dims, index_dims) = (cx.dims(x), cx.dims(at));
    if cx.dtype(updates) != cx.dtype(x) {
        return Err(Reason::Types(cx.dtype(x), cx.dtype(updates)));
    }
    let expected = index_dims.split_last().and_then(|(&depth, lead)| Some([lead, dims.get(depth..)?].concat()));
    if expected.as_ref() != Some(&cx.dims(updates)) {
        return Err(Reason::Shapes(index_dims, cx.dims(updates)));
    }
    Ok(vec![cx.emit_as(Op::ScatterNd { reduction }, &[Some(x), Some(at), Some(updates)], x, dims)?])
}

/// Writes so many steps of each sequence of a cache, from the position that its batch row states.
fn tensor_scatter(cx: &mut Cx<'_>) -> Built {
    let (cache, update) = (cx.input(0)?, cx.input(1)?);
    let (dims, wanted) = (cx.dims(cache), cx.dims(update));
    let axis = axis(cx.int("axis", -2)?, dims.len())?;
    let fits = dims.len() == wanted.len() && (0..dims.len()).all(|i| i == axis || wanted[i] == dims[i]);
    if !fits || axis == 0 || wanted[axis] > dims[axis] {
        return Err(Reason::Shapes(dims, wanted));
    }
    if cx.dtype(update) != cx.dtype(cache) {
        return Err(Reason::Types(cx.dtype(cache), cx.dtype(update)));
    }
    let mut ruler = vec![1; dims.len()];
    ruler[axis] = wanted[axis];
    let steps: Vec<i64> = (0..wanted[axis] as i64).collect();
    let mut at = cx.i64s(ruler, &steps)?;
    if let Some(from) = cx.optional(2) {
        let mut rows = vec![1; dims.len()];
        rows[0] = dims[0];
        let from = cx.reshape(from, rows)?;
        at = cx.binary(Binary::Add, at, from)?;
    }
    match cx.text("mode", "linear")? {
        "linear" => {}
        "circular" => {
            let extent = cx.i64s(vec![], &[dims[axis] as i64])?;
            at = cx.binary(Binary::Mod, at, extent)?;
        }
        got => return Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    }
    let at = cx.expand(at, wanted)?;
    let op = Op::ScatterElements { axis, reduction: None };
    Ok(vec![cx.emit_as(op, &[Some(cache), Some(at), Some(update)], cache, dims)?])
}

/// `values = [off, on]`; an index outside `[-depth, depth)` leaves its row off.
fn one_hot(cx: &mut Cx<'_>) -> Built {
    let (at, values) = (cx.input(0)?, cx.input(2)?);
    let depth = cx.input(1)?;
    let depth = cx.floats(depth).ok_or(Reason::NotConstant(1))?;
    let [depth] = depth[..] else { return Err(Reason::Shape { what: "the depth", got: vec![depth.len()] }) };
    if !(1.0..=f64::from(i32::MAX)).contains(&depth) {
        return Err(Reason::Value { what: "depth", got: depth as i64 });
    }
    if cx.dims(values) != [2] {
        return Err(Reason::Shape { what: "the values", got: cx.dims(values) });
    }
    let mut dims = cx.dims(at);
    let axis = axis(cx.int("axis", -1)?, dims.len() + 1)?;
    dims.insert(axis, 1);
    let mut ruler = vec![1; dims.len()];
    ruler[axis] = depth as usize;
    cx.room_for(DType::I64, &ruler)?;
    let at = cx.cast(at, DType::I64)?;
    let at = cx.reshape(at, dims)?;
    let positions: Vec<i64> = (0..depth as i64).collect();
    let from_end: Vec<i64> = positions.iter().map(|p| p - depth as i64).collect();
    let (positions, from_end) = (cx.i64s(ruler.clone(), &positions)?, cx.i64s(ruler, &from_end)?);
    let (hit, other) = (cx.binary(Binary::Equal, at, positions)?, cx.binary(Binary::Equal, at, from_end)?);
    let hit = cx.binary(Binary::Or, hit, other)?;
    let off = cx.narrow(values, 0, 0, 1)?;
    let off = cx.reshape(off, vec![])?;
    let on = cx.narrow(values, 0, 1, 1)?;
    let on = cx.reshape(on, vec![])?;
    Ok(vec![cx.select(hit, on, off)?])
}
