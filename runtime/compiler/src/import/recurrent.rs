//! Recurrent layers, one operator per direction. They keep no state between calls: ONNX has none.

mod gates;
mod layer;

use mote_abi::op::Unary;

use super::node::{Built, Cx};
use super::table::Entry;
use crate::graph::Op;
use layer::Layer;

pub(super) const OPS: &[Entry] = &[
    Entry::onnx(
        "LSTM",
        7,
        &[
            "activation_alpha",
            "activation_beta",
            "activations",
            "clip",
            "direction",
            "hidden_size",
            "input_forget",
            "layout",
        ],
        lstm,
    ),
    Entry::onnx(
        "GRU",
        7,
        &[
            "activation_alpha",
            "activation_beta",
            "activations",
            "clip",
            "direction",
            "hidden_size",
            "layout",
            "linear_before_reset",
        ],
        gru,
    ),
    Entry::onnx(
        "RNN",
        7,
        &["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"],
        rnn,
    ),
];

/// Default gate functions per layer.
const LSTM: [Unary; 3] = [Unary::Sigmoid, Unary::Tanh, Unary::Tanh];
const GRU: [Unary; 2] = [Unary::Sigmoid, Unary::Tanh];
const RNN: [Unary; 1] = [Unary::Tanh];

fn lstm(cx: &mut Cx<'_>) -> Built {
    let layer = Layer::read(cx, 4, &LSTM)?;
    let coupled = cx.flag("input_forget", false)?;
    let c0 = layer.state(cx, 6)?;
    let peepholes = layer.peepholes(cx, 7)?;
    let mut made = Vec::new();
    for d in 0..layer.directions() {
        let [w, r] = layer.weights(cx, d)?;
        let bias = layer.bias(cx, d)?;
        let (h, c) = (layer.initial(cx, d)?, layer.part(cx, c0, d)?);
        let peephole = layer.part(cx, peepholes, d)?;
        let [lengths, constants] = layer.extras(cx, d)?;
        let inputs = [Some(layer.x), w, r, bias, h, c, peephole, lengths, constants];
        made.push(cx.emit_all(Op::Lstm(layer.settings(d, coupled)), &inputs, layer.outputs(2))?);
    }
    layer.join(cx, &made)
}

fn gru(cx: &mut Cx<'_>) -> Built {
    let layer = Layer::read(cx, 3, &GRU)?;
    let linear = cx.flag("linear_before_reset", false)?;
    let mut made = Vec::new();
    for d in 0..layer.directions() {
        let [w, r] = layer.weights(cx, d)?;
        let [input_bias, recurrent_bias] = layer.biases(cx, d)?;
        let h = layer.initial(cx, d)?;
        let [lengths, constants] = layer.extras(cx, d)?;
        let inputs = [Some(layer.x), w, r, input_bias, recurrent_bias, h, lengths, constants];
        made.push(cx.emit_all(Op::Gru(layer.settings(d, linear)), &inputs, layer.outputs(1))?);
    }
    layer.join(cx, &made)
}

fn rnn(cx: &mut Cx<'_>) -> Built {
    let layer = Layer::read(cx, 1, &RNN)?;
    let mut made = Vec::new();
    for d in 0..layer.directions() {
        let [w, r] = layer.weights(cx, d)?;
        let bias = layer.bias(cx, d)?;
        let h = layer.initial(cx, d)?;
        let [lengths, constants] = layer.extras(cx, d)?;
        let inputs = [Some(layer.x), w, r, bias, h, lengths, constants];
        made.push(cx.emit_all(Op::Rnn(layer.settings(d, false)), &inputs, layer.outputs(1))?);
    }
    layer.join(cx, &made)
}
