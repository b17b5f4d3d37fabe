use mote_plan::{Kind, step};

use super::super::boxes::{Move, dense_strides, strides};
use super::super::build::Build;
use super::super::draft::{Params, TensorRef};
use super::super::error::LowerError;
use super::{dense, required};
use crate::graph::{Node, ValueId};

/// Permuted axes.
pub(super) fn transpose(build: &mut Build<'_>, node: &Node, perm: &[usize]) -> Result<(), LowerError> {
    let x = required(build, node, 0)?;
    let source = build.any(x)?;
    let spec = &build.draft.tensor(source).spec;
    let stride = strides(spec);
    if perm.len() != stride.len() || perm.iter().any(|&axis| axis >= stride.len()) {
        return Err(build.malformed());
    }
    let (first, stride) = (spec.start() as usize, perm.iter().map(|&axis| stride[axis]).collect());
    view(build, source, first, stride, node.outputs[0])
}

/// The same elements under another shape.
pub(super) fn reshape(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (source, y) = (dense(build, node, 0)?, node.outputs[0]);
    let dims = &build.graph.value(y).dims;
    if build.draft.tensor(source).dims().iter().product::<usize>() != dims.iter().product::<usize>() {
        return Err(build.malformed());
    }
    view(build, source, 0, dense_strides(dims), y)
}

/// Regular steps along each axis.
pub(super) fn slice(build: &mut Build<'_>, node: &Node, start: &[usize], step: &[isize]) -> Result<(), LowerError> {
    let (x, y) = (required(build, node, 0)?, node.outputs[0]);
    let source = build.any(x)?;
    let tensor = build.draft.tensor(source);
    let stride = strides(&tensor.spec);
    let (from, to) = (tensor.dims(), &build.graph.value(y).dims);
    let rank = stride.len();
    if [start.len(), step.len(), to.len()] != [rank; 3] {
        return Err(build.malformed());
    }
    let inside = (0..rank).all(|axis| {
        let last = start[axis] as isize + (to[axis] as isize - 1) * step[axis];
        start[axis] < from[axis] && (0..from[axis] as isize).contains(&last)
    });
    if !inside {
        return Err(build.malformed());
    }
    let first = start.iter().zip(&stride).map(|(&at, &stride)| at * stride as usize).sum::<usize>();
    let first = first + tensor.spec.start() as usize;
    view(build, source, first, stride.iter().zip(step).map(|(stride, step)| stride * step).collect(), y)
}

/// Overlapping parts of one axis.
pub(super) fn frames(build: &mut Build<'_>, node: &Node, axis: usize, step: usize) -> Result<(), LowerError> {
    let (x, y) = (required(build, node, 0)?, node.outputs[0]);
    let source = build.any(x)?;
    let tensor = build.draft.tensor(source);
    let mut stride = strides(&tensor.spec);
    let (from, to) = (tensor.dims(), &build.graph.value(y).dims);
    if axis >= from.len() || to.len() != from.len() + 1 || (to[axis].max(1) - 1) * step + to[axis + 1] > from[axis] {
        return Err(build.malformed());
    }
    stride.insert(axis, stride[axis] * step as isize);
    let first = tensor.spec.start() as usize;
    view(build, source, first, stride, y)
}

/// Repetition along axes of one element or of none.
pub(super) fn expand(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (x, y) = (required(build, node, 0)?, node.outputs[0]);
    let source = build.any(x)?;
    let tensor = build.draft.tensor(source);
    let (from, to) = (tensor.dims(), &build.graph.value(y).dims);
    let missing = to.len().checked_sub(from.len()).ok_or_else(|| build.malformed())?;
    let mut stride = vec![0; missing];
    for ((&dim, &wide), &along) in from.iter().zip(&to[missing..]).zip(&strides(&tensor.spec)) {
        if dim != wide && dim != 1 {
            return Err(build.malformed());
        }
        stride.push(if dim == 1 { 0 } else { along });
    }
    let first = tensor.spec.start() as usize;
    view(build, source, first, stride, y)
}

/// Tensors beside each other. Each part is its own copy, so that the memory plan can let a maker write in place.
pub(super) fn concat(build: &mut Build<'_>, node: &Node, axis: usize) -> Result<(), LowerError> {
    let y = node.outputs[0];
    let parts: Vec<ValueId> = node.inputs.iter().flatten().copied().collect();
    let sources = parts.iter().map(|&part| build.any(part)).collect::<Result<Vec<_>, _>>()?;
    let target = build.result(y)?;
    let (whole, along) = (build.graph.value(y).dims.clone(), build.draft.tensor(target).spec);
    let mut at = 0;
    for (part, source) in parts.into_iter().zip(sources) {
        let dims = &build.graph.value(part).dims;
        let fits = dims.len() == whole.len() && axis < whole.len() && at + dims[axis] <= whole[axis];
        if !fits || (0..whole.len()).any(|i| i != axis && dims[i] != whole[i]) {
            return Err(build.malformed());
        }
        let first = along.start() as usize + at * strides(&along)[axis] as usize;
        at += dims[axis];
        if dims.contains(&0) {
            continue;
        }
        let moved = place(build, source, target, dims, first).simplified();
        if along.is_dense() && moved.writes_one_run() {
            let part = build.alias(target, dims, first)?;
            build.emit_move(source, part, &Move { to: 0, ..moved });
        } else {
            build.emit_move(source, target, &moved);
        }
    }
    if at == whole[axis] { Ok(()) } else { Err(build.malformed()) }
}

/// A tensor inside a larger one that holds one value elsewhere.
pub(super) fn pad(build: &mut Build<'_>, node: &Node, before: &[usize], value: &[u8]) -> Result<(), LowerError> {
    let (x, y) = (required(build, node, 0)?, node.outputs[0]);
    let source = build.any(x)?;
    let dims = build.graph.value(x).dims.clone();
    let whole = &build.graph.value(y).dims;
    let fits = before.len() == dims.len()
        && whole.len() == dims.len()
        && (0..dims.len()).all(|axis| before[axis] + dims[axis] <= whole[axis])
        && value.len() == build.graph.value(y).dtype.size() as usize;
    if !fits {
        return Err(build.malformed());
    }
    let target = build.bare_result(y)?;
    build.emit(Kind::Fill, [], [target], Params::Fill(step::Fill { element: words(value) }));
    // The fill has covered the halo as well.
    if value.iter().any(|&byte| byte != 0) {
        build.zero_halo(target);
    }
    if dims.contains(&0) {
        return Ok(());
    }
    let spec = &build.draft.tensor(target).spec;
    let inner: usize = before.iter().zip(strides(spec)).map(|(&skip, stride)| skip * stride as usize).sum();
    let first = spec.start() as usize + inner;
    let moved = place(build, source, target, &dims, first).simplified();
    build.emit_move(source, target, &moved);
    Ok(())
}

/// Copies a strided view of a tensor to a value, or lets the value share its elements where they already lie right.
fn view(
    build: &mut Build<'_>,
    source: TensorRef,
    from: usize,
    from_stride: Vec<isize>,
    y: ValueId,
) -> Result<(), LowerError> {
    let extent = build.graph.value(y).dims.clone();
    let to_stride = dense_strides(&extent);
    let still = Move { extent: extent.clone(), from, from_stride: from_stride.clone(), to: 0, to_stride }.simplified();
    let shared = still.reads_one_run() && build.draft.tensor(source).spec.is_dense();
    if shared && !build.has_halo(y) {
        let tensor = build.alias(source, &extent, from)?;
        build.bind(y, tensor);
        return Ok(());
    }
    let target = build.result(y)?;
    let spec = &build.draft.tensor(target).spec;
    let moved = Move { extent, from, from_stride, to: spec.start() as usize, to_stride: strides(spec) }.simplified();
    build.emit_move(source, target, &moved);
    Ok(())
}

/// A whole tensor of a shape to a place inside another of the same rank.
fn place(build: &Build<'_>, source: TensorRef, target: TensorRef, dims: &[usize], to: usize) -> Move {
    let (from, into) = (&build.draft.tensor(source).spec, &build.draft.tensor(target).spec);
    Move {
        extent: dims.to_vec(),
        from: from.start() as usize,
        from_stride: strides(from),
        to,
        to_stride: strides(into),
    }
}

/// An element in the low bytes of two words.
fn words(element: &[u8]) -> [u32; 2] {
    let mut raw = [0; 8];
    raw[..element.len()].copy_from_slice(element);
    let bits = u64::from_le_bytes(raw);
    [bits as u32, (bits >> 32) as u32]
}
