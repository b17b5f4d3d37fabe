use mote_abi::DType;
use mote_plan::Kind;

use super::super::boxes::{Move, dense_strides, strides};
use super::super::build::Build;
use super::super::draft::{Params, TensorRef};
use super::super::error::LowerError;
use super::dense;
use crate::graph::Node;

/// A product of two computed matrices, or of stacks of them: leading dimensions collapse into one.
pub(super) fn product(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (a, b, y) = (dense(build, node, 0)?, dense(build, node, 1)?, node.outputs[0]);
    let dtype = build.draft.tensor(a).spec.dtype;
    if dtype == DType::Bool || dtype.half().is_some() {
        return Err(LowerError::UnsupportedType { node: node.name.clone(), dtype });
    }
    let dims = build.graph.value(y).dims.clone();
    let sides = [build.draft.tensor(a).dims(), build.draft.tensor(b).dims()];
    let (Some((left, [m, k])), Some((right, [k2, n]))) =
        (sides[0].split_last_chunk::<2>(), sides[1].split_last_chunk::<2>())
    else {
        return Err(build.malformed());
    };
    let (m, k, k2, n) = (*m, *k, *k2, *n);
    let stack = dims.strip_suffix(&[m, n][..]).filter(|_| k == k2).ok_or_else(|| build.malformed())?;
    let (left_count, count) = (left.iter().product::<usize>(), stack.iter().product::<usize>());
    // One right operand for all: the rows of all left operands are one matrix.
    let one = right.iter().all(|&dim| dim == 1) && left_count == count;
    let (a, b, rows) = if one {
        (build.alias(a, &[1, count * m, k], 0)?, build.alias(b, &[1, k, n], 0)?, [1, count * m, n])
    } else {
        let a = stacked(build, a, left, stack, [m, k])?;
        (a, stacked(build, b, right, stack, [k, n])?, [count, m, n])
    };
    let target = build.result(y)?;
    let flat = build.alias(target, &rows, 0)?;
    build.emit(Kind::MatMul, [Some(a), Some(b)], [flat], Params::None);
    Ok(())
}

/// Determinants of a stack of square matrices.
pub(super) fn determinants(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let x = dense(build, node, 0)?;
    let (dtype, dims) = (build.draft.tensor(x).spec.dtype, build.draft.tensor(x).dims());
    if !matches!(dtype, DType::F32 | DType::F64) {
        return Err(LowerError::UnsupportedType { node: node.name.clone(), dtype });
    }
    let &[_, rows, columns] = dims.as_slice() else { return Err(build.malformed()) };
    let target = build.result(node.outputs[0])?;
    let scratch = build.scratch(dtype, &[rows, columns])?;
    build.emit(Kind::Det, [Some(x)], [target, scratch], Params::None);
    Ok(())
}

/// An operand as `[B, rows, columns]` or `[1, rows, columns]`; repeated only where it broadcasts along some of the
/// stack's dimensions and not along others.
fn stacked(
    build: &mut Build<'_>,
    source: TensorRef,
    own: &[usize],
    stack: &[usize],
    [rows, columns]: [usize; 2],
) -> Result<TensorRef, LowerError> {
    let (have, want) = (own.iter().product::<usize>(), stack.iter().product::<usize>());
    if have == want || have == 1 {
        return build.alias(source, &[have, rows, columns], 0);
    }
    let missing = stack.len().checked_sub(own.len()).ok_or_else(|| build.malformed())?;
    let spec = build.draft.tensor(source).spec;
    let along = strides(&spec);
    let mut from_stride = vec![0; missing];
    from_stride.extend(own.iter().zip(&along).map(|(&dim, &stride)| if dim == 1 { 0 } else { stride }));
    from_stride.extend(&along[own.len()..]);
    let extent = [stack, &[rows, columns]].concat();
    let target = build.scratch(spec.dtype, &[want, rows, columns])?;
    let moved = Move { to_stride: dense_strides(&extent), extent, from: 0, from_stride, to: 0 }.simplified();
    build.emit_move(source, target, &moved);
    Ok(target)
}
