use mote_abi::op;
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::Params;
use super::super::error::LowerError;
use super::dense;
use crate::graph::{Node, Op, Suppression};

/// Operators that select along an axis or make lists: all dense, operands and results in the order of the node.
pub(super) fn lower(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (kind, params) = record(&node.op).ok_or_else(|| build.malformed())?;
    let mut inputs = Vec::new();
    for i in 0..node.inputs.len() {
        inputs.push(Some(dense(build, node, i)?));
    }
    let mut outputs = Vec::new();
    for &id in &node.outputs {
        outputs.push(build.result(id)?);
    }
    if !kind.accepts(inputs.len(), outputs.len()) {
        return Err(build.malformed());
    }
    build.emit(kind, inputs, outputs, params);
    Ok(())
}

fn record(op: &Op) -> Option<(Kind, Params)> {
    let axis = |axis: usize| Params::Axis(step::Axis { axis: axis as u32 });
    let scatter = |axis: usize, reduction: Option<op::Binary>| {
        Params::Scatter(step::Scatter { axis: axis as u32, reduction: reduction.map_or(0, op::Binary::code) })
    };
    Some(match *op {
        Op::Gather { axis: along } => (Kind::Gather, axis(along)),
        Op::GatherElements { axis: along } => (Kind::GatherElements, axis(along)),
        Op::Lerp { axis: along } => (Kind::Lerp, axis(along)),
        Op::GatherNd { batch_dims } => {
            (Kind::GatherNd, Params::GatherNd(step::GatherNd { batch_dims: batch_dims as u32 }))
        }
        Op::ScatterNd { reduction } => (Kind::ScatterNd, scatter(0, reduction)),
        Op::ScatterElements { axis, reduction } => (Kind::ScatterElements, scatter(axis, reduction)),
        Op::ArgReduce { axis, max, last } => {
            let params = step::ArgReduce { axis: axis as u32, max: u32::from(max), last: u32::from(last) };
            (Kind::ArgReduce, Params::ArgReduce(params))
        }
        Op::CumSum { axis, exclusive, reverse } => {
            let params =
                step::CumSum { axis: axis as u32, exclusive: u32::from(exclusive), reverse: u32::from(reverse) };
            (Kind::CumSum, Params::CumSum(params))
        }
        Op::CumProd { axis, exclusive, reverse } => {
            let params =
                step::CumSum { axis: axis as u32, exclusive: u32::from(exclusive), reverse: u32::from(reverse) };
            (Kind::CumProd, Params::CumSum(params))
        }
        Op::TopK { axis, largest } => {
            (Kind::TopK, Params::TopK(step::TopK { axis: axis as u32, largest: u32::from(largest) }))
        }
        Op::Dft { inverse } => (Kind::Dft, Params::Dft(step::Dft { inverse: u32::from(inverse) })),
        Op::NonZero => (Kind::NonZero, Params::None),
        Op::Unique { axis, sorted } => {
            (Kind::Unique, Params::Unique(step::Unique { axis: axis as u32, sorted: u32::from(sorted) }))
        }
        Op::NonMaxSuppression(settings) => (Kind::NonMaxSuppression, Params::Suppression(suppression(&settings))),
        Op::Bound { limit } => (Kind::Bound, Params::Bound(step::Bound { limit: limit as u32 })),
        _ => return None,
    })
}

fn suppression(settings: &Suppression) -> step::Suppression {
    step::Suppression {
        per_class: settings.per_class as u32,
        iou: settings.iou,
        score: settings.score.unwrap_or(f32::NAN),
        center: u32::from(settings.center),
    }
}
