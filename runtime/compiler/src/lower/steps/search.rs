use mote_abi::DType;
use mote_abi::op::Aggregate;
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::Params;
use super::super::error::LowerError;
use super::{dense, dense_if_present};
use crate::graph::Node;

/// Decision trees.
pub(super) fn trees(build: &mut Build<'_>, node: &Node, aggregate: Aggregate, depth: usize) -> Result<(), LowerError> {
    let x = dense(build, node, 0)?;
    let dtype = build.draft.tensor(x).spec.dtype;
    if !matches!(dtype, DType::F32 | DType::F64) {
        return Err(LowerError::UnsupportedType { node: node.name.clone(), dtype });
    }
    let mut inputs = vec![Some(x)];
    for i in 1..node.inputs.len() {
        inputs.push(dense_if_present(build, node, i)?);
    }
    if !Kind::Trees.accepts(inputs.len(), node.outputs.len()) {
        return Err(build.malformed());
    }
    let depth = u32::try_from(depth).map_err(|_| build.malformed())?;
    let target = build.result(node.outputs[0])?;
    build.emit(Kind::Trees, inputs, [target], Params::Trees(step::Trees { aggregate, depth }));
    Ok(())
}

/// Positions among keys.
pub(super) fn find(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let inputs = [dense(build, node, 0)?, dense(build, node, 1)?];
    let target = build.result(node.outputs[0])?;
    build.emit(Kind::Find, inputs.map(Some), [target], Params::None);
    Ok(())
}

/// Distances between rows.
pub(super) fn square_distance(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let inputs = [dense(build, node, 0)?, dense(build, node, 1)?];
    let dtype = build.draft.tensor(inputs[0]).spec.dtype;
    if !matches!(dtype, DType::F32 | DType::F64) {
        return Err(LowerError::UnsupportedType { node: node.name.clone(), dtype });
    }
    let target = build.result(node.outputs[0])?;
    build.emit(Kind::SquareDistance, inputs.map(Some), [target], Params::None);
    Ok(())
}

/// Probabilities of classes from those of pairs.
pub(super) fn couple(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let pairs = dense(build, node, 0)?;
    let y = node.outputs[0];
    let &[_, classes] = build.graph.value(y).dims.as_slice() else { return Err(build.malformed()) };
    let scratch = build.scratch(DType::F32, &[classes + 1, classes])?;
    let target = build.result(y)?;
    build.emit(Kind::Couple, [Some(pairs)], [target, scratch], Params::None);
    Ok(())
}
