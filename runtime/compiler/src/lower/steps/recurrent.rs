use mote_abi::DType;
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::{Params, TensorRef};
use super::super::error::LowerError;
use super::super::pack::{self, PANEL};
use super::conv::{constant, require_f32};
use super::{dense, dense_if_present, optional, required};
use crate::graph::{Node, Recurrent};

/// One direction of an LSTM.
pub(super) fn lstm(build: &mut Build<'_>, node: &Node, settings: &Recurrent) -> Result<(), LowerError> {
    let size = Size::of(build, node, 4)?;
    let x = dense(build, node, 0)?;
    let w = matrix(build, node, 1, size.gates, size.input)?;
    let r = matrix(build, node, 2, size.gates, size.hidden)?;
    let bias = vector(build, node, 3, size.gates)?;
    let h0 = dense_if_present(build, node, 4)?;
    let c0 = dense_if_present(build, node, 5)?;
    let peephole = match optional(node, 6) {
        Some(_) => {
            let values = pack::weights(constant(build, node, 6)?)?;
            Some(build.packed(DType::F32, &[values.len()], pack::bytes(&values))?)
        }
        None => None,
    };
    let mut outputs = results(build, node, 3)?;
    outputs.push(build.scratch(DType::F32, &[size.batch, size.gates.next_multiple_of(PANEL)])?);
    let inputs = [Some(x), Some(w), Some(r), Some(bias), h0, c0, peephole];
    build.emit(Kind::Lstm, inputs, outputs, params(settings));
    Ok(())
}

/// One direction of a GRU.
pub(super) fn gru(build: &mut Build<'_>, node: &Node, settings: &Recurrent) -> Result<(), LowerError> {
    let size = Size::of(build, node, 3)?;
    let x = dense(build, node, 0)?;
    let w = matrix(build, node, 1, size.gates, size.input)?;
    let r = matrix(build, node, 2, size.gates, size.hidden)?;
    let bias = vector(build, node, 3, size.gates)?;
    let recurrent_bias = vector(build, node, 4, size.gates)?;
    let h0 = dense_if_present(build, node, 5)?;
    let mut outputs = results(build, node, 2)?;
    outputs.push(build.scratch(DType::F32, &[size.batch, (2 * size.gates).next_multiple_of(PANEL)])?);
    let inputs = [Some(x), Some(w), Some(r), Some(bias), Some(recurrent_bias), h0];
    build.emit(Kind::Gru, inputs, outputs, params(settings));
    Ok(())
}

/// Sizes of a recurrent operator; `gates` counts the columns of all gates.
struct Size {
    batch: usize,
    input: usize,
    hidden: usize,
    gates: usize,
}

impl Size {
    fn of(build: &Build<'_>, node: &Node, gates: usize) -> Result<Self, LowerError> {
        let x = required(build, node, 0)?;
        require_f32(build, node, x)?;
        let y = node.outputs.first().ok_or_else(|| build.malformed())?;
        match (build.graph.value(x).dims.as_slice(), build.graph.value(*y).dims.as_slice()) {
            (&[_, batch, input], &[_, _, hidden]) => Ok(Self { batch, input, hidden, gates: gates * hidden }),
            _ => Err(build.malformed()),
        }
    }
}

fn matrix(build: &mut Build<'_>, node: &Node, i: usize, n: usize, k: usize) -> Result<TensorRef, LowerError> {
    let values = pack::weights(constant(build, node, i)?)?;
    if values.len() != n * k {
        return Err(build.malformed());
    }
    let packed = pack::panels(&values, n, k, PANEL);
    build.packed(DType::F32, &[n.div_ceil(PANEL), k, PANEL], pack::bytes(&packed))
}

fn vector(build: &mut Build<'_>, node: &Node, i: usize, n: usize) -> Result<TensorRef, LowerError> {
    let values = pack::weights(constant(build, node, i)?)?;
    if values.len() != n {
        return Err(build.malformed());
    }
    let padded = pack::bias(Some(&values), n, PANEL);
    build.packed(DType::F32, &[padded.len()], pack::bytes(&padded))
}

fn results(build: &mut Build<'_>, node: &Node, count: usize) -> Result<Vec<TensorRef>, LowerError> {
    if node.outputs.len() != count {
        return Err(build.malformed());
    }
    node.outputs.iter().map(|&id| build.result(id)).collect()
}

fn params(settings: &Recurrent) -> Params {
    Params::Recurrent(step::Recurrent {
        reverse: u32::from(settings.reverse),
        clip: settings.clip,
        linear_before_reset: u32::from(settings.linear_before_reset),
        activations: settings.activations.map(mote_abi::op::Unary::code),
    })
}
