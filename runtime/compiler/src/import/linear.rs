//! Matrix products. A constant right operand makes a 1x1 convolution over rows, whose weights can be packed.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};

use super::elementwise::is_float;
use super::emit::broadcast;
use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("MatMul", 1, &[], mat_mul),
    Entry::onnx("Gemm", 7, &["alpha", "beta", "transA", "transB"], gemm),
    Entry::onnx("Det", 11, &[], det),
    Entry::onnx("Einsum", 12, &["equation"], einsum),
    Entry::microsoft("CDist", &["metric"], distances),
    Entry::microsoft("FusedMatMul", &["alpha", "transA", "transB", "transBatchA", "transBatchB"], fused_mat_mul),
];

fn mat_mul(cx: &mut Cx<'_>) -> Built {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    Ok(vec![product(cx, a, b)?])
}

fn fused_mat_mul(cx: &mut Cx<'_>) -> Built {
    let (a, b) = (cx.float_input(0)?, cx.float_input(1)?);
    let a = batch_turned(cx, a, "transBatchA")?;
    let b = batch_turned(cx, b, "transBatchB")?;
    let a = turned(cx, a, "transA")?;
    let b = turned(cx, b, "transB")?;
    let y = product(cx, a, b)?;
    let alpha = cx.float("alpha", 1.0)?;
    Ok(vec![scaled(cx, y, alpha)?])
}

/// Swaps the last two axes where the attribute says so.
fn turned(cx: &mut Cx<'_>, x: ValueId, name: &'static str) -> Result<ValueId, Reason> {
    if !cx.flag(name, false)? {
        return Ok(x);
    }
    let rank = cx.rank(x);
    if rank < 2 {
        return Err(Reason::Shape { what: "an operand", got: cx.dims(x) });
    }
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(rank - 2, rank - 1);
    cx.transpose(x, &perm)
}

/// Moves the first axis before the last where the attribute says so.
fn batch_turned(cx: &mut Cx<'_>, x: ValueId, name: &'static str) -> Result<ValueId, Reason> {
    let rank = cx.rank(x);
    if !cx.flag(name, false)? || rank < 2 {
        return Ok(x);
    }
    let perm: Vec<usize> = (1..rank - 1).chain([0, rank - 1]).collect();
    cx.transpose(x, &perm)
}

fn scaled(cx: &mut Cx<'_>, x: ValueId, by: f32) -> Result<ValueId, Reason> {
    // Bits, so that only exactly 1 is left out.
    if by.to_bits() == 1_f32.to_bits() {
        return Ok(x);
    }
    if !is_float(cx.dtype(x)) && f64::from(by).fract() != 0.0 {
        return Err(Reason::Form("it scales integers by a fraction"));
    }
    let by = cx.scalar_like(x, by.into())?;
    cx.binary(Binary::Mul, x, by)
}

/// The product as numpy defines it for any ranks of at least 1.
pub(super) fn product(cx: &mut Cx<'_>, a: ValueId, b: ValueId) -> Result<ValueId, Reason> {
    let (da, db) = (cx.dims(a), cx.dims(b));
    let dtype = cx.dtype(a);
    if cx.dtype(b) != dtype {
        return Err(Reason::Types(dtype, cx.dtype(b)));
    }
    if dtype == DType::Bool {
        return Err(Reason::Type(dtype));
    }
    let disagree = || Reason::Shapes(da.clone(), db.clone());
    if da.is_empty() || db.is_empty() {
        return Err(disagree());
    }
    // A vector is a row on the left and a column on the right; its axis leaves the result again.
    let left = if da.len() == 1 { cx.reshape(a, vec![1, da[0]])? } else { a };
    let right = if db.len() == 1 { cx.reshape(b, vec![db[0], 1])? } else { b };
    let (dl, dr) = (cx.dims(left), cx.dims(right));
    let ([lead_l @ .., m, k], [lead_r @ .., k2, n]) = (&dl[..], &dr[..]) else { return Err(disagree()) };
    if k != k2 {
        return Err(disagree());
    }
    let mut dims = broadcast(lead_l, lead_r)?;
    dims.extend([*m, *n]);
    let packed = dtype == DType::F32
        && cx.is_constant(right)
        && lead_r.iter().all(|&d| d == 1)
        && lead_r.len() <= lead_l.len()
        && !dims.contains(&0)
        && *k > 0;
    let y = if packed {
        let w = cx.reshape(right, vec![*k, *n])?;
        cx.rows_times(left, w, None)?
    } else {
        cx.emit(Op::MatMul, &[Some(left), Some(right)], dtype, dims.clone())?
    };
    let rank = dims.len();
    let mut dropped = Vec::new();
    if da.len() == 1 {
        dropped.push(rank - 2);
    }
    if db.len() == 1 {
        dropped.push(rank - 1);
    }
    cx.drop_axes(y, &dropped)
}

/// `alpha * a * b + beta * c`.
pub(super) fn gemm(cx: &mut Cx<'_>) -> Built {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    let c = cx.optional(2);
    let (alpha, beta) = (cx.float("alpha", 1.0)?, cx.float("beta", 1.0)?);
    if cx.rank(a) != 2 || cx.rank(b) != 2 {
        return Err(Reason::Shapes(cx.dims(a), cx.dims(b)));
    }
    let a = turned(cx, a, "transA")?;
    let b = turned(cx, b, "transB")?;
    let (left, right) = (cx.dims(a), cx.dims(b));
    let (m, k, n) = (left[0], left[1], right[1]);
    if k != right[0] {
        return Err(Reason::Shapes(left, right));
    }
    if let Some(c) = c
        && broadcast(&cx.dims(c), &[m, n])? != [m, n]
    {
        return Err(Reason::Shapes(cx.dims(c), vec![m, n]));
    }
    let c = c.map(|c| scaled(cx, c, beta)).transpose()?;
    if !cx.is_constant(b) || cx.dtype(b) != DType::F32 || [m, k, n].contains(&0) {
        let y = product(cx, a, b)?;
        let y = scaled(cx, y, alpha)?;
        return Ok(vec![c.map_or(Ok(y), |c| cx.binary(Binary::Add, y, c))?]);
    }
    let w = scaled(cx, b, alpha)?;
    let as_bias = |cx: &Cx<'_>, c: &ValueId| cx.is_constant(*c) && cx.dims(*c).iter().rev().skip(1).all(|&d| d == 1);
    if let Some(c) = c.filter(|c| as_bias(cx, c)) {
        let count = cx.graph.value(c).count();
        let row = cx.reshape(c, vec![count])?;
        let row = cx.expand(row, vec![n])?;
        return Ok(vec![cx.rows_times(a, w, Some(row))?]);
    }
    let y = cx.rows_times(a, w, None)?;
    Ok(vec![c.map_or(Ok(y), |c| cx.binary(Binary::Add, y, c))?])
}

/// Determinants of the last two axes.
fn det(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let dims = cx.dims(x);
    let [lead @ .., n, columns] = dims.as_slice() else { return Err(Reason::Shape { what: "the input", got: dims }) };
    if n != columns {
        return Err(Reason::Shape { what: "the input", got: dims });
    }
    let count = lead.iter().product();
    let stack = cx.reshape(x, vec![count, *n, *n])?;
    let y = cx.emit_as(Op::Det, &[Some(stack)], x, vec![count])?;
    Ok(vec![cx.reshape(y, lead.to_vec())?])
}

/// One label per axis. Letters stand for themselves; the axes of an ellipsis, counted from the last, get private ones.
type Label = u32;
const ELLIPSIS: Label = 0x100;

/// Repeated labels are diagonals; then operands join from the left, two at a time: labels of one alone are summed, what both
/// have is a batch where the result or a later operand has it too and is contracted otherwise.
fn einsum(cx: &mut Cx<'_>) -> Built {
    let inputs = cx.variadic()?;
    let equation: String = cx.text("equation", "")?.chars().filter(|c| !c.is_whitespace()).collect();
    let (terms, result) = equation.split_once("->").map_or((equation.as_str(), None), |(t, r)| (t, Some(r)));
    let terms: Vec<&str> = terms.split(',').collect();
    if terms.len() != inputs.len() {
        return Err(Reason::AttributeValue { name: "equation", got: equation });
    }
    let bad = || Reason::AttributeValue { name: "equation", got: equation.clone() };
    let mut operands = Vec::with_capacity(inputs.len());
    let mut ellipsis = 0;
    for (term, &x) in terms.iter().zip(&inputs) {
        let labels = labels_of(term, Some(cx.rank(x)), 0).ok_or_else(bad)?;
        ellipsis = ellipsis.max(labels.iter().filter(|&&l| l >= ELLIPSIS).count());
        operands.push(diagonal(cx, x, labels)?);
    }
    let result = match result {
        Some(term) => labels_of(term, None, ellipsis).ok_or_else(bad)?,
        None => implicit_result(&operands),
    };
    let known = |l: &Label| operands.iter().any(|(_, labels)| labels.contains(l));
    if !result.iter().all(known) || (1..result.len()).any(|i| result[i..].contains(&result[i - 1])) {
        return Err(bad());
    }
    let mut rest = operands.into_iter();
    let mut joined = rest.next().ok_or_else(bad)?;
    while let Some(operand) = rest.next() {
        let later = rest.as_slice().iter().flat_map(|(_, labels)| labels);
        let kept: Vec<Label> = result.iter().chain(later).copied().collect();
        joined = contract(cx, joined, operand, &kept)?;
    }
    let (y, labels) = sum_others(cx, joined.0, joined.1, &result)?;
    Ok(vec![arrange(cx, y, &labels, &result)?])
}

/// Labels of a term. The ellipsis stands for the axes that the rank has beyond the letters, or for so many.
fn labels_of(term: &str, rank: Option<usize>, ellipsis: usize) -> Option<Vec<Label>> {
    let letters =
        |part: &str| part.chars().map(|c| c.is_ascii_alphabetic().then_some(c as Label)).collect::<Option<Vec<_>>>();
    let Some((before, after)) = term.split_once("...") else {
        return letters(term).filter(|l| rank.is_none_or(|rank| l.len() == rank));
    };
    let (before, after) = (letters(before)?, letters(after)?);
    let count = match rank {
        Some(rank) => rank.checked_sub(before.len() + after.len())?,
        None => ellipsis,
    };
    let middle = (0..count as Label).rev().map(|i| ELLIPSIS + i);
    Some(before.into_iter().chain(middle).chain(after).collect())
}

/// The ellipsis, then every letter that occurs once, in alphabetical order.
fn implicit_result(operands: &[(ValueId, Vec<Label>)]) -> Vec<Label> {
    let mut all: Vec<Label> = operands.iter().flat_map(|(_, labels)| labels.iter().copied()).collect();
    all.sort_unstable();
    let mut result: Vec<Label> = all.iter().copied().filter(|&l| l >= ELLIPSIS).collect();
    result.dedup();
    result.reverse();
    result.extend(all.iter().copied().filter(|&l| l < ELLIPSIS && all.iter().filter(|&&o| o == l).count() == 1));
    result
}

/// Leaves each label once: the elements whose indices along its axes are equal.
fn diagonal(cx: &mut Cx<'_>, x: ValueId, labels: Vec<Label>) -> Result<(ValueId, Vec<Label>), Reason> {
    let (mut x, mut labels) = (x, labels);
    while let Some((i, j)) =
        (0..labels.len()).find_map(|i| labels[i + 1..].iter().position(|&l| l == labels[i]).map(|d| (i, i + 1 + d)))
    {
        let rank = labels.len();
        let perm: Vec<usize> = (0..rank).filter(|&a| a != i && a != j).chain([i, j]).collect();
        x = cx.transpose(x, &perm)?;
        let dims = cx.dims(x);
        let [lead @ .., n, n2] = &dims[..] else { return Err(Reason::Shape { what: "an operand", got: dims }) };
        if n != n2 {
            return Err(Reason::Shape { what: "an operand", got: dims });
        }
        let flat = cx.reshape(x, [lead, &[n * n]].concat())?;
        let mut start_step = vec![1; lead.len() + 1];
        start_step[lead.len()] = *n as isize + 1;
        x = cx.slice(flat, vec![0; lead.len() + 1], start_step, [lead, &[*n]].concat())?;
        labels = perm[..rank - 1].iter().map(|&a| labels[a]).collect();
    }
    Ok((x, labels))
}

/// Sums the axes whose labels are not among those kept.
fn sum_others(
    cx: &mut Cx<'_>,
    x: ValueId,
    labels: Vec<Label>,
    kept: &[Label],
) -> Result<(ValueId, Vec<Label>), Reason> {
    let axes: Vec<usize> = (0..labels.len()).filter(|&i| !kept.contains(&labels[i])).collect();
    if axes.is_empty() {
        return Ok((x, labels));
    }
    let y = cx.reduce(Reduce::Sum, x, &axes, false)?;
    Ok((y, labels.into_iter().filter(|l| kept.contains(l)).collect()))
}

fn contract(
    cx: &mut Cx<'_>,
    (a, la): (ValueId, Vec<Label>),
    (b, lb): (ValueId, Vec<Label>),
    result: &[Label],
) -> Result<(ValueId, Vec<Label>), Reason> {
    let (a, la) = sum_others(cx, a, la, &[result, &lb].concat())?;
    let (b, lb) = sum_others(cx, b, lb, &[result, &la].concat())?;
    let both = |l: &&Label| la.contains(l) && lb.contains(l);
    let batch: Vec<Label> = la.iter().filter(both).filter(|l| result.contains(l)).copied().collect();
    let inner: Vec<Label> = la.iter().filter(both).filter(|l| !result.contains(l)).copied().collect();
    let rows: Vec<Label> = la.iter().filter(|l| !lb.contains(l)).copied().collect();
    let columns: Vec<Label> = lb.iter().filter(|l| !la.contains(l)).copied().collect();
    let a = arrange(cx, a, &la, &[&batch[..], &rows, &inner].concat())?;
    let b = arrange(cx, b, &lb, &[&batch[..], &inner, &columns].concat())?;
    let (da, db) = (cx.dims(a), cx.dims(b));
    let (nb, nr, ni) = (batch.len(), rows.len(), inner.len());
    // A batch axis may be 1 on one side; a contracted one must agree, which the product checks.
    if da[nb + nr..] != db[nb..nb + ni] {
        return Err(Reason::Shapes(da, db));
    }
    let volume = |dims: &[usize]| dims.iter().product::<usize>();
    let (m, k, n) = (volume(&da[nb..nb + nr]), volume(&da[nb + nr..]), volume(&db[nb + ni..]));
    let left = cx.reshape(a, [&da[..nb], &[m, k]].concat())?;
    let right = cx.reshape(b, [&db[..nb], &[k, n]].concat())?;
    let y = product(cx, left, right)?;
    let lead = broadcast(&da[..nb], &db[..nb])?;
    let y = cx.reshape(y, [&lead[..], &da[nb..nb + nr], &db[nb + ni..]].concat())?;
    Ok((y, [batch, rows, columns].concat()))
}

/// Permutes axes from one order of the same labels to another.
fn arrange(cx: &mut Cx<'_>, x: ValueId, labels: &[Label], wanted: &[Label]) -> Result<ValueId, Reason> {
    let perm: Option<Vec<usize>> = wanted.iter().map(|w| labels.iter().position(|l| l == w)).collect();
    let perm = perm.filter(|perm| perm.len() == labels.len()).ok_or(Reason::Form("its equation is not supported"))?;
    cx.transpose(x, &perm)
}

/// Distances between rows, as nearest neighbours are exported.
fn distances(cx: &mut Cx<'_>) -> Built {
    let (a, b) = (cx.input(0)?, cx.input(1)?);
    let square = cx.square_distance(a, b)?;
    match cx.text("metric", "sqeuclidean")? {
        "sqeuclidean" => Ok(vec![square]),
        "euclidean" => Ok(vec![cx.unary(Unary::Sqrt, square)?]),
        got => Err(Reason::AttributeValue { name: "metric", got: got.to_owned() }),
    }
}
