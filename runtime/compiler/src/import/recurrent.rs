//! Recurrent layers, one operator per direction. They keep no state between calls: ONNX has none.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, Recurrent, ValueId};

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

/// Longest sequence that a plain recurrent layer, which has no operator of its own, is written out for.
const MAX_UNROLLED_STEPS: usize = 256;

/// What the three layers share, with time first.
struct Layer {
    x: ValueId,
    w: ValueId,
    r: ValueId,
    b: Option<ValueId>,
    h0: Option<ValueId>,
    /// Whether each direction runs backwards.
    reverse: Vec<bool>,
    steps: usize,
    batch: usize,
    hidden: usize,
    /// Gates times hidden size.
    columns: usize,
    clip: f32,
    batch_first: bool,
    /// Gate functions, as many per direction as the layer has.
    activations: Vec<Unary>,
}

/// Default gate functions per layer.
const LSTM: [Unary; 3] = [Unary::Sigmoid, Unary::Tanh, Unary::Tanh];
const GRU: [Unary; 2] = [Unary::Sigmoid, Unary::Tanh];
const RNN: [Unary; 1] = [Unary::Tanh];

impl Layer {
    fn read(cx: &mut Cx<'_>, gates: usize, defaults: &[Unary]) -> Result<Self, Reason> {
        let x = cx.f32_input(0)?;
        let (w, r, b) = (cx.f32_constant(1)?, cx.f32_constant(2)?, cx.optional_f32_constant(3)?);
        let batch_first = cx.flag("layout", false)?;
        let x = if batch_first && cx.rank(x) == 3 { cx.transpose(x, &[1, 0, 2])? } else { x };
        let (dx, dw, dr) = (cx.dims(x), cx.dims(w), cx.dims(r));
        let ([steps, batch, width], [directions, columns, width2], [directions2, columns2, hidden]) =
            (&dx[..], &dw[..], &dr[..])
        else {
            return Err(Reason::Shapes(dx, dw));
        };
        let reverse = match cx.text("direction", "forward")? {
            "forward" => vec![false],
            "reverse" => vec![true],
            "bidirectional" => vec![false, true],
            got => return Err(Reason::AttributeValue { name: "direction", got: got.to_owned() }),
        };
        let stated = cx.int("hidden_size", *hidden as i64)?;
        let agree = width == width2
            && [*directions, *directions2] == [reverse.len(); 2]
            && columns == columns2
            && *columns == gates * hidden
            && stated == *hidden as i64
            && ![*steps, *batch, *width, *hidden].contains(&0);
        if !agree {
            return Err(Reason::Shapes(dx, dw));
        }
        if let Some(b) = b
            && cx.dims(b) != [*directions, 2 * columns]
        {
            return Err(Reason::Shape { what: "the bias", got: cx.dims(b) });
        }
        if let Some(lengths) = cx.optional_ints(4)?
            && (lengths.len() != *batch || lengths.iter().any(|&n| n != *steps as i64))
        {
            return Err(Reason::Form("its sequences have different lengths"));
        }
        let clip = cx.optional_float("clip")?.unwrap_or(f32::INFINITY);
        if clip.is_nan() || clip <= 0.0 {
            return Err(Reason::AttributeValue { name: "clip", got: clip.to_string() });
        }
        let activations = activations(cx, defaults, reverse.len())?;
        let (steps, batch, hidden, columns) = (*steps, *batch, *hidden, *columns);
        let mut layer =
            Self { x, w, r, b, h0: None, reverse, steps, batch, hidden, columns, clip, batch_first, activations };
        layer.h0 = layer.state(cx, 5)?;
        Ok(layer)
    }

    /// An optional initial state as `[D, B, H]`.
    fn state(&self, cx: &mut Cx<'_>, i: usize) -> Result<Option<ValueId>, Reason> {
        if cx.optional(i).is_none() {
            return Ok(None);
        }
        let id = cx.f32_input(i)?;
        let id = if self.batch_first && cx.rank(id) == 3 { cx.transpose(id, &[1, 0, 2])? } else { id };
        if cx.dims(id) == [self.reverse.len(), self.batch, self.hidden] {
            Ok(Some(id))
        } else {
            Err(Reason::Shape { what: "an initial state", got: cx.dims(id) })
        }
    }

    /// The part of a parameter or state that belongs to one direction, without the direction's axis.
    fn part(&self, cx: &mut Cx<'_>, id: ValueId, direction: usize) -> Result<ValueId, Reason> {
        let one = cx.narrow(id, 0, direction, 1)?;
        cx.drop_axes(one, &[0])
    }

    fn optional_part(&self, cx: &mut Cx<'_>, id: Option<ValueId>, direction: usize) -> Result<Option<ValueId>, Reason> {
        id.map(|id| self.part(cx, id, direction)).transpose()
    }

    /// Bias of the input product and of the recurrent product.
    fn biases(&self, cx: &mut Cx<'_>, direction: usize) -> Result<[ValueId; 2], Reason> {
        let Some(b) = self.b else {
            let zero = cx.filled(DType::F32, vec![self.columns], 0.0)?;
            return Ok([zero, zero]);
        };
        let both = self.part(cx, b, direction)?;
        Ok([cx.narrow(both, 0, 0, self.columns)?, cx.narrow(both, 0, self.columns, self.columns)?])
    }

    fn settings(&self, direction: usize, linear_before_reset: bool) -> Recurrent {
        let per = self.activations.len() / self.reverse.len();
        let mut activations = [Unary::Tanh; 3];
        activations[..per].copy_from_slice(&self.activations[direction * per..(direction + 1) * per]);
        Recurrent { reverse: self.reverse[direction], clip: self.clip, linear_before_reset, activations }
    }

    /// Shapes of a direction's sequence and states.
    fn outputs(&self, states: usize) -> Vec<(DType, Vec<usize>)> {
        let mut outputs = vec![(DType::F32, vec![self.steps, self.batch, self.hidden])];
        outputs.extend(vec![(DType::F32, vec![self.batch, self.hidden]); states]);
        outputs
    }

    /// Joins the directions: the sequence to `[T, D, B, H]`, each state to `[D, B, H]`, batch first where wanted.
    fn join(&self, cx: &mut Cx<'_>, made: &[Vec<ValueId>]) -> Built {
        let mut outputs = Vec::new();
        for i in 0..made[0].len() {
            if !cx.wants(i) {
                outputs.push(made[0][i]);
                continue;
            }
            let axis = usize::from(i == 0);
            let mut parts = Vec::with_capacity(made.len());
            for direction in made {
                let mut dims = cx.dims(direction[i]);
                dims.insert(axis, 1);
                parts.push(cx.reshape(direction[i], dims)?);
            }
            let joined = cx.concat(&parts, axis)?;
            let perm: &[usize] = if i == 0 { &[2, 0, 1, 3] } else { &[1, 0, 2] };
            outputs.push(if self.batch_first { cx.transpose(joined, perm)? } else { joined });
        }
        Ok(outputs)
    }
}

fn activations(cx: &Cx<'_>, defaults: &[Unary], directions: usize) -> Result<Vec<Unary>, Reason> {
    for name in ["activation_alpha", "activation_beta"] {
        if let Some(given) = cx.optional_floats_attribute(name)?
            && !given.is_empty()
        {
            return Err(Reason::AttributeValue { name, got: format!("{given:?}") });
        }
    }
    let Some(names) = cx.texts("activations")? else { return Ok(defaults.repeat(directions)) };
    if names.len() != defaults.len() * directions {
        return Err(Reason::AttributeValue { name: "activations", got: format!("{names:?}") });
    }
    let known = |name: &&str| {
        let pairs = [("sigmoid", Unary::Sigmoid), ("tanh", Unary::Tanh)];
        let found = pairs.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, op)| *op);
        found.ok_or_else(|| Reason::AttributeValue { name: "activations", got: (*name).to_owned() })
    };
    names.iter().map(known).collect()
}

fn lstm(cx: &mut Cx<'_>) -> Built {
    let layer = Layer::read(cx, 4, &LSTM)?;
    cx.only("input_forget", 0)?;
    let c0 = layer.state(cx, 6)?;
    let peepholes = cx.optional_f32_constant(7)?;
    if let Some(p) = peepholes
        && cx.dims(p) != [layer.reverse.len(), 3 * layer.hidden]
    {
        return Err(Reason::Shape { what: "the peepholes", got: cx.dims(p) });
    }
    let mut made = Vec::new();
    for d in 0..layer.reverse.len() {
        let (w, r) = (layer.part(cx, layer.w, d)?, layer.part(cx, layer.r, d)?);
        let [input_bias, recurrent_bias] = layer.biases(cx, d)?;
        let bias = cx.binary(Binary::Add, input_bias, recurrent_bias)?;
        let (h, c) = (layer.optional_part(cx, layer.h0, d)?, layer.optional_part(cx, c0, d)?);
        let peephole = layer.optional_part(cx, peepholes, d)?;
        let inputs = [Some(layer.x), Some(w), Some(r), Some(bias), h, c, peephole];
        made.push(cx.emit_all(Op::Lstm(layer.settings(d, false)), &inputs, layer.outputs(2))?);
    }
    layer.join(cx, &made)
}

fn gru(cx: &mut Cx<'_>) -> Built {
    let layer = Layer::read(cx, 3, &GRU)?;
    let linear = cx.flag("linear_before_reset", false)?;
    let mut made = Vec::new();
    for d in 0..layer.reverse.len() {
        let (w, r) = (layer.part(cx, layer.w, d)?, layer.part(cx, layer.r, d)?);
        let [input_bias, recurrent_bias] = layer.biases(cx, d)?;
        let h = layer.optional_part(cx, layer.h0, d)?;
        let inputs = [Some(layer.x), Some(w), Some(r), Some(input_bias), Some(recurrent_bias), h];
        made.push(cx.emit_all(Op::Gru(layer.settings(d, linear)), &inputs, layer.outputs(1))?);
    }
    layer.join(cx, &made)
}

/// Written out step by step: `h = f(x w + h r + b)`.
fn rnn(cx: &mut Cx<'_>) -> Built {
    let layer = Layer::read(cx, 1, &RNN)?;
    if layer.steps > MAX_UNROLLED_STEPS {
        return Err(Reason::Value { what: "the number of steps", got: layer.steps as i64 });
    }
    let mut made = Vec::new();
    for d in 0..layer.reverse.len() {
        let (w, r) = (layer.part(cx, layer.w, d)?, layer.part(cx, layer.r, d)?);
        let (w, r) = (cx.transpose(w, &[1, 0])?, cx.transpose(r, &[1, 0])?);
        let [input_bias, recurrent_bias] = layer.biases(cx, d)?;
        let bias = cx.binary(Binary::Add, input_bias, recurrent_bias)?;
        let driven = cx.rows_times(layer.x, w, Some(bias))?;
        let mut h = layer.optional_part(cx, layer.h0, d)?;
        let mut sequence = vec![layer.x; layer.steps];
        for i in 0..layer.steps {
            let t = if layer.reverse[d] { layer.steps - 1 - i } else { i };
            let step = cx.narrow(driven, 0, t, 1)?;
            let mut sum = cx.drop_axes(step, &[0])?;
            if let Some(h) = h {
                let recurrent = cx.rows_times(h, r, None)?;
                sum = cx.binary(Binary::Add, sum, recurrent)?;
            }
            if layer.clip.is_finite() {
                sum = cx.unary_with(Unary::Clamp, sum, -layer.clip, layer.clip)?;
            }
            let next = cx.unary(layer.activations[d], sum)?;
            h = Some(next);
            sequence[t] = cx.reshape(next, vec![1, layer.batch, layer.hidden])?;
        }
        let last = h.ok_or(Reason::Shape { what: "the input", got: cx.dims(layer.x) })?;
        made.push(vec![cx.concat(&sequence, 0)?, last]);
    }
    layer.join(cx, &made)
}
