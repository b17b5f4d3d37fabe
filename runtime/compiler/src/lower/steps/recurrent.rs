use mote_abi::DType;
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::{Params, TensorRef};
use super::super::error::LowerError;
use super::super::pack::{self, PANEL};
use super::conv::{constant, require_f32};
use super::{dense, dense_if_present, required};
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
    let peephole = dense_if_present(build, node, 6)?;
    let mut outputs = results(build, node, 3)?;
    outputs.push(build.scratch(DType::F32, &[size.batch, size.gates.next_multiple_of(PANEL)])?);
    let inputs = vec![Some(x), Some(w), Some(r), Some(bias), h0, c0, peephole];
    let inputs = with_settings(build, node, inputs)?;
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
    let inputs = vec![Some(x), Some(w), Some(r), Some(bias), Some(recurrent_bias), h0];
    let inputs = with_settings(build, node, inputs)?;
    build.emit(Kind::Gru, inputs, outputs, params(settings));
    Ok(())
}

/// One direction of a plain recurrent layer.
pub(super) fn rnn(build: &mut Build<'_>, node: &Node, settings: &Recurrent) -> Result<(), LowerError> {
    let size = Size::of(build, node, 1)?;
    let x = dense(build, node, 0)?;
    let w = matrix(build, node, 1, size.gates, size.input)?;
    let r = matrix(build, node, 2, size.gates, size.hidden)?;
    let bias = vector(build, node, 3, size.gates)?;
    let h0 = dense_if_present(build, node, 4)?;
    let mut outputs = results(build, node, 2)?;
    outputs.push(build.scratch(DType::F32, &[size.gates.next_multiple_of(PANEL)])?);
    let inputs = vec![Some(x), Some(w), Some(r), Some(bias), h0];
    let inputs = with_settings(build, node, inputs)?;
    build.emit(Kind::Rnn, inputs, outputs, params(settings));
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

/// Adds the lengths and the constants of the gate functions, where the node has any.
fn with_settings(
    build: &mut Build<'_>,
    node: &Node,
    mut inputs: Vec<Option<TensorRef>>,
) -> Result<Vec<Option<TensorRef>>, LowerError> {
    let first = inputs.len();
    let (lengths, constants) = (dense_if_present(build, node, first)?, dense_if_present(build, node, first + 1)?);
    if lengths.is_some() || constants.is_some() {
        inputs.extend([lengths, constants]);
    }
    Ok(inputs)
}

/// Weights: a constant is packed here, what is computed has been.
fn matrix(build: &mut Build<'_>, node: &Node, i: usize, n: usize, k: usize) -> Result<TensorRef, LowerError> {
    let packed = [n.div_ceil(PANEL), k, PANEL];
    if let Some(computed) = computed(build, node, i, &packed)? {
        return Ok(computed);
    }
    let values = pack::weights(constant(build, node, i)?)?;
    if values.len() != n * k {
        return Err(build.malformed());
    }
    build.packed(DType::F32, &packed, pack::bytes(&pack::panels(&values, n, k, PANEL)))
}

fn vector(build: &mut Build<'_>, node: &Node, i: usize, n: usize) -> Result<TensorRef, LowerError> {
    if let Some(computed) = computed(build, node, i, &[n.next_multiple_of(PANEL)])? {
        return Ok(computed);
    }
    let values = pack::weights(constant(build, node, i)?)?;
    if values.len() != n {
        return Err(build.malformed());
    }
    let padded = pack::bias(Some(&values), n, PANEL);
    build.packed(DType::F32, &[padded.len()], pack::bytes(&padded))
}

/// An operand that is not constant, which must have the packed shape.
fn computed(build: &mut Build<'_>, node: &Node, i: usize, packed: &[usize]) -> Result<Option<TensorRef>, LowerError> {
    let value = build.graph.value(required(build, node, i)?);
    if value.is_constant() {
        return Ok(None);
    }
    if value.dims != packed {
        return Err(build.malformed());
    }
    dense(build, node, i).map(Some)
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
        variant: u32::from(settings.variant),
        activations: settings.activations.map(mote_abi::op::Unary::code),
    })
}
