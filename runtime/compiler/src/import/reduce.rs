//! Reductions, and what else runs along an axis: positions of extremes, running sums, the k largest.

use mote_abi::DType;
use mote_abi::op::Reduce;

use super::elementwise::is_float;
use super::node::{Built, Cx, axes, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

const BY_ATTRIBUTE: &[&str] = &["axes", "keepdims"];
const BY_INPUT: &[&str] = &["keepdims", "noop_with_empty_axes"];

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("ReduceSum", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceSum", 13, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceMean", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceMean", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceMax", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceMax", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceMin", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceMin", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceProd", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceProd", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceL1", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceL1", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceL2", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceL2", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceLogSum", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceLogSum", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceLogSumExp", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceLogSumExp", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ReduceSumSquare", 1, BY_ATTRIBUTE, reduce_by_attribute),
    Entry::onnx("ReduceSumSquare", 18, BY_INPUT, reduce_by_input),
    Entry::onnx("ArgMax", 1, &["axis", "keepdims", "select_last_index"], arg_reduce),
    Entry::onnx("ArgMin", 1, &["axis", "keepdims", "select_last_index"], arg_reduce),
    Entry::onnx("CumSum", 11, &["exclusive", "reverse"], cum_sum),
    Entry::onnx("CumProd", 26, &["exclusive", "reverse"], cum_prod),
    Entry::onnx("TopK", 1, &["axis", "k"], top_k_by_attribute),
    Entry::onnx("TopK", 10, &["axis", "largest", "sorted"], top_k_by_input),
];

fn reduction(op: &str) -> Option<Reduce> {
    Some(match op {
        "ReduceSum" => Reduce::Sum,
        "ReduceMean" => Reduce::Mean,
        "ReduceMax" => Reduce::Max,
        "ReduceMin" => Reduce::Min,
        "ReduceProd" => Reduce::Prod,
        "ReduceL1" => Reduce::L1,
        "ReduceL2" => Reduce::L2,
        "ReduceLogSum" => Reduce::LogSum,
        "ReduceLogSumExp" => Reduce::LogSumExp,
        "ReduceSumSquare" => Reduce::SumSquare,
        _ => return None,
    })
}

fn reduce_by_attribute(cx: &mut Cx<'_>) -> Built {
    let given = cx.optional_ints_attribute("axes")?.unwrap_or_default();
    reduce(cx, &given, false)
}

fn reduce_by_input(cx: &mut Cx<'_>) -> Built {
    let noop = cx.flag("noop_with_empty_axes", false)?;
    let given = cx.optional_ints(1)?.unwrap_or_default();
    reduce(cx, &given, noop)
}

fn reduce(cx: &mut Cx<'_>, given: &[i64], noop: bool) -> Built {
    let x = cx.input(0)?;
    let keep = cx.flag("keepdims", true)?;
    let op = reduction(cx.op()).ok_or(Reason::Operator)?;
    let rank = cx.rank(x);
    if given.is_empty() && noop {
        // Nothing is reduced over, but the element-wise part of the operator still applies.
        return match op {
            Reduce::Sum | Reduce::Mean | Reduce::Max | Reduce::Min | Reduce::Prod => Ok(vec![x]),
            _ => Ok(vec![typed_reduce(cx, op, x, &[], true)?]),
        };
    }
    let axes = if given.is_empty() { (0..rank).collect() } else { axes(given, rank)? };
    Ok(vec![typed_reduce(cx, op, x, &axes, keep)?])
}

/// What a reduction of no elements answers.
fn of_nothing(op: Reduce) -> f64 {
    match op {
        Reduce::Sum | Reduce::L1 | Reduce::L2 | Reduce::SumSquare => 0.0,
        Reduce::Prod => 1.0,
        Reduce::Mean => f64::NAN,
        // Cut to the least value of an integer type.
        Reduce::Max | Reduce::LogSum | Reduce::LogSumExp => f64::NEG_INFINITY,
        Reduce::Min => f64::INFINITY,
    }
}

/// Extremes of bools are those of bytes.
fn typed_reduce(cx: &mut Cx<'_>, op: Reduce, x: ValueId, axes: &[usize], keep: bool) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    if dims.contains(&0) {
        let reduced = dims.iter().enumerate().map(|(i, &d)| if axes.contains(&i) { 1 } else { d }).collect();
        let dtype = cx.dtype(x);
        let value = match dtype {
            DType::Bool => f64::from(u8::from(op == Reduce::Min)),
            _ => of_nothing(op),
        };
        let y = cx.filled(dtype, reduced, value)?;
        return if keep { Ok(y) } else { cx.drop_axes(y, axes) };
    }
    match (cx.dtype(x), op) {
        (DType::Bool, Reduce::Max | Reduce::Min) => {
            let bytes = cx.cast(x, DType::U8)?;
            let y = cx.reduce(op, bytes, axes, keep)?;
            cx.cast(y, DType::Bool)
        }
        (DType::Bool, _) => Err(Reason::Type(DType::Bool)),
        // Roots and logarithms are those of f64, truncated.
        (dtype, Reduce::L2 | Reduce::LogSum | Reduce::LogSumExp) if !is_float(dtype) => {
            let wide = cx.cast(x, DType::F64)?;
            let y = cx.reduce(op, wide, axes, keep)?;
            cx.cast(y, dtype)
        }
        _ => cx.reduce(op, x, axes, keep),
    }
}

fn arg_reduce(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let axis = cx.axis_attribute(0, cx.rank(x))?;
    let (keep, last) = (cx.flag("keepdims", true)?, cx.flag("select_last_index", false)?);
    if cx.dtype(x) == DType::Bool {
        return Err(Reason::Type(DType::Bool));
    }
    let mut dims = cx.dims(x);
    dims[axis] = 1;
    let op = Op::ArgReduce { axis, max: cx.op() == "ArgMax", last };
    let y = cx.emit(op, &[Some(x)], DType::I64, dims)?;
    Ok(vec![if keep { y } else { cx.drop_axes(y, &[axis])? }])
}

fn cum_sum(cx: &mut Cx<'_>) -> Built {
    running(cx, |axis, exclusive, reverse| Op::CumSum { axis, exclusive, reverse })
}

fn cum_prod(cx: &mut Cx<'_>) -> Built {
    running(cx, |axis, exclusive, reverse| Op::CumProd { axis, exclusive, reverse })
}

fn running(cx: &mut Cx<'_>, op: impl Fn(usize, bool, bool) -> Op) -> Built {
    let x = cx.input(0)?;
    let given = cx.optional_scalar(1)?.ok_or(Reason::MissingInput(1))?;
    let axis = axis(given, cx.rank(x))?;
    if cx.dtype(x) == DType::Bool {
        return Err(Reason::Type(DType::Bool));
    }
    let op = op(axis, cx.flag("exclusive", false)?, cx.flag("reverse", false)?);
    let dims = cx.dims(x);
    Ok(vec![cx.emit_as(op, &[Some(x)], x, dims)?])
}

fn top_k_by_attribute(cx: &mut Cx<'_>) -> Built {
    let k = cx.optional_int("k")?.ok_or(Reason::MissingAttribute("k"))?;
    top_k(cx, k, true)
}

fn top_k_by_input(cx: &mut Cx<'_>) -> Built {
    let k = cx.optional_scalar(1)?.ok_or(Reason::MissingInput(1))?;
    let largest = cx.flag("largest", true)?;
    // Unsorted leaves the order open; sorted is one of the orders.
    cx.flag("sorted", true)?;
    top_k(cx, k, largest)
}

fn top_k(cx: &mut Cx<'_>, k: i64, largest: bool) -> Built {
    let x = cx.input(0)?;
    let mut dims = cx.dims(x);
    let axis = cx.axis_attribute(-1, dims.len())?;
    let extent = dims[axis];
    dims[axis] = usize::try_from(k).ok().filter(|&k| k <= extent).ok_or(Reason::Value { what: "k", got: k })?;
    let outputs = vec![(cx.dtype(x), dims.clone()), (DType::I64, dims)];
    cx.emit_all(Op::TopK { axis, largest }, &[Some(x)], outputs)
}
