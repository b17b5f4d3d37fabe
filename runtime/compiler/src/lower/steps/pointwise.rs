use mote_abi::{DType, op};
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::Params;
use super::super::error::LowerError;
use super::{dense, required};
use crate::graph::Node;

/// Element-wise function of one tensor.
pub(super) fn unary(
    build: &mut Build<'_>,
    node: &Node,
    op: op::Unary,
    alpha: f32,
    beta: f32,
) -> Result<(), LowerError> {
    let x = required(build, node, 0)?;
    let source = build.any(x)?;
    let target = build.result(node.outputs[0])?;
    build.emit(Kind::Unary, [Some(source)], [target], Params::Unary(step::Unary { op, alpha, beta }));
    Ok(())
}

/// Element-wise function of two tensors.
pub(super) fn binary(build: &mut Build<'_>, node: &Node, op: op::Binary) -> Result<(), LowerError> {
    let (a, b) = (required(build, node, 0)?, required(build, node, 1)?);
    let (a, b) = (build.any(a)?, build.any(b)?);
    let target = build.result(node.outputs[0])?;
    build.emit(Kind::Binary, [Some(a), Some(b)], [target], Params::Binary(step::Binary { op }));
    Ok(())
}

/// Choice between two tensors by a third.
pub(super) fn select(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let inputs = [dense(build, node, 0)?, dense(build, node, 1)?, dense(build, node, 2)?];
    let target = build.result(node.outputs[0])?;
    build.emit(Kind::Select, inputs.map(Some), [target], Params::None);
    Ok(())
}

/// Change of element type; a cast to the own type is the value itself.
pub(super) fn cast(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (x, y) = (dense(build, node, 0)?, node.outputs[0]);
    if build.draft.tensor(x).spec.dtype == build.graph.value(y).dtype {
        let same = build.alias(x, &build.graph.value(y).dims, 0)?;
        build.bind(y, same);
        return Ok(());
    }
    let target = build.result(y)?;
    build.emit(Kind::Cast, [Some(x)], [target], Params::None);
    Ok(())
}

/// The elements of a tensor seen as another type: a second record at the same place.
pub(super) fn bit_cast(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (x, y) = (dense(build, node, 0)?, node.outputs[0]);
    let seen = build.seen_as(x, build.graph.value(y).dtype)?;
    build.bind(y, seen);
    Ok(())
}

/// Reduction over some axes.
pub(super) fn reduce(build: &mut Build<'_>, node: &Node, op: op::Reduce, axes: &[usize]) -> Result<(), LowerError> {
    let x = dense(build, node, 0)?;
    let target = build.result(node.outputs[0])?;
    let axes = axes.iter().fold(0, |mask, &axis| mask | 1 << axis);
    build.emit(Kind::Reduce, [Some(x)], [target], Params::Reduce(step::Reduce { op, axes }));
    Ok(())
}

/// Softmax or its logarithm along one axis.
pub(super) fn softmax(build: &mut Build<'_>, node: &Node, axis: usize, log: bool) -> Result<(), LowerError> {
    let x = dense(build, node, 0)?;
    let dtype = build.draft.tensor(x).spec.dtype;
    if !matches!(dtype, DType::F32 | DType::F64) {
        return Err(LowerError::UnsupportedType { node: node.name.clone(), dtype });
    }
    let target = build.result(node.outputs[0])?;
    let params = step::Softmax { axis: axis as u32, log: u32::from(log) };
    build.emit(Kind::Softmax, [Some(x)], [target], Params::Softmax(params));
    Ok(())
}
