use mote_abi::DType;
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::Params;
use super::super::error::LowerError;
use super::conv::require_f32;
use super::{dense, required};
use crate::graph::{Node, Op, Volume};

/// Operators that look at places of an image: all dense, operands in the order of the node, one result.
pub(super) fn lower(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (kind, params) = record(&node.op).ok_or_else(|| build.malformed())?;
    let floats = match kind {
        Kind::ArgPool => 0,
        Kind::RoiAlign => 2,
        _ => node.inputs.len(),
    };
    for i in 0..floats {
        require_f32(build, node, required(build, node, i)?)?;
    }
    let mut inputs = Vec::with_capacity(node.inputs.len());
    for i in 0..node.inputs.len() {
        inputs.push(Some(dense(build, node, i)?));
    }
    let images = inputs.get(floats).copied().flatten().filter(|_| kind == Kind::RoiAlign);
    if images.is_some_and(|images| build.draft.tensor(images).spec.dtype != DType::I64) {
        return Err(build.malformed());
    }
    let target = build.result(node.outputs[0])?;
    build.emit(kind, inputs, [target], params);
    Ok(())
}

fn record(op: &Op) -> Option<(Kind, Params)> {
    Some(match *op {
        Op::ArgPool(Volume { kernel, stride, dilation, pad }) => {
            let [kernel, stride, dilation, pad] = [kernel, stride, dilation, pad].map(triple);
            (Kind::ArgPool, Params::ArgPool(step::ArgPool { kernel, stride, dilation, pad }))
        }
        Op::GridSample { filter, outside, coordinates } => {
            (Kind::GridSample, Params::GridSample(step::GridSample { filter, outside, coordinates }))
        }
        Op::RoiAlign { max, half_pixel, samples, scale } => {
            let params = step::RoiAlign { max: u32::from(max), half_pixel: u32::from(half_pixel), samples, scale };
            (Kind::RoiAlign, Params::RoiAlign(params))
        }
        Op::MaxRoiPool { scale } => (Kind::MaxRoiPool, Params::MaxRoiPool(step::MaxRoiPool { scale })),
        _ => return None,
    })
}

fn triple(sizes: [usize; 3]) -> [u32; 3] {
    sizes.map(|size| u32::try_from(size).unwrap_or(u32::MAX))
}
