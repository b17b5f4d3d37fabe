//! What the recurrent layers share: their operands, checked and cut into directions.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::gates::{self, Gate};
use crate::error::Reason;
use crate::graph::{Recurrent, ValueId};
use crate::import::node::{Built, Cx};

/// Columns of a panel of packed weights.
const PANEL: usize = 8;

/// The operands that all have, with time first.
pub(super) struct Layer {
    pub(super) x: ValueId,
    w: ValueId,
    r: ValueId,
    b: Option<ValueId>,
    h0: Option<ValueId>,
    lengths: Option<ValueId>,
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
    gates: Vec<Gate>,
}

impl Layer {
    pub(super) fn read(cx: &mut Cx<'_>, gates: usize, defaults: &[Unary]) -> Result<Self, Reason> {
        let x = cx.f32_input(0)?;
        let (w, r) = (cx.f32_input(1)?, cx.f32_input(2)?);
        let b = cx.optional(3).map(|_| cx.f32_input(3)).transpose()?;
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
        let lengths = lengths(cx, *batch, *steps)?;
        let clip = cx.optional_float("clip")?.unwrap_or(f32::INFINITY);
        if clip.is_nan() || clip <= 0.0 {
            return Err(Reason::AttributeValue { name: "clip", got: clip.to_string() });
        }
        let gates = gates::read(cx, defaults, reverse.len())?;
        let (steps, batch, hidden, columns) = (*steps, *batch, *hidden, *columns);
        let h0 = None;
        let mut layer =
            Self { x, w, r, b, h0, lengths, reverse, steps, batch, hidden, columns, clip, batch_first, gates };
        layer.h0 = layer.state(cx, 5)?;
        Ok(layer)
    }

    pub(super) fn directions(&self) -> usize {
        self.reverse.len()
    }

    /// An optional initial state as `[D, B, H]`.
    pub(super) fn state(&self, cx: &mut Cx<'_>, i: usize) -> Result<Option<ValueId>, Reason> {
        if cx.optional(i).is_none() {
            return Ok(None);
        }
        let id = cx.f32_input(i)?;
        let id = if self.batch_first && cx.rank(id) == 3 { cx.transpose(id, &[1, 0, 2])? } else { id };
        if cx.dims(id) == [self.directions(), self.batch, self.hidden] {
            Ok(Some(id))
        } else {
            Err(Reason::Shape { what: "an initial state", got: cx.dims(id) })
        }
    }

    /// The optional peepholes, `[D, 3 H]`.
    pub(super) fn peepholes(&self, cx: &Cx<'_>, i: usize) -> Result<Option<ValueId>, Reason> {
        if cx.optional(i).is_none() {
            return Ok(None);
        }
        let id = cx.f32_input(i)?;
        if cx.dims(id) == [self.directions(), 3 * self.hidden] {
            Ok(Some(id))
        } else {
            Err(Reason::Shape { what: "the peepholes", got: cx.dims(id) })
        }
    }

    /// The part of a parameter or state that belongs to one direction, without the direction's axis.
    pub(super) fn part(&self, cx: &mut Cx<'_>, id: Option<ValueId>, d: usize) -> Result<Option<ValueId>, Reason> {
        let Some(id) = id else { return Ok(None) };
        let one = cx.narrow(id, 0, d, 1)?;
        cx.drop_axes(one, &[0]).map(Some)
    }

    /// Input and recurrent weights of a direction, `[C, K]`, or in panels where they are computed.
    pub(super) fn weights(&self, cx: &mut Cx<'_>, d: usize) -> Result<[Option<ValueId>; 2], Reason> {
        let mut both = [None; 2];
        for (part, whole) in both.iter_mut().zip([self.w, self.r]) {
            let rows = cx.narrow(whole, 0, d, 1)?;
            let rows = cx.drop_axes(rows, &[0])?;
            *part = Some(if cx.is_constant(rows) { rows } else { panels(cx, rows)? });
        }
        Ok(both)
    }

    /// Bias of the input product and of the recurrent product.
    pub(super) fn biases(&self, cx: &mut Cx<'_>, d: usize) -> Result<[Option<ValueId>; 2], Reason> {
        let Some(both) = self.part(cx, self.b, d)? else {
            let zero = cx.filled(DType::F32, vec![self.columns], 0.0)?;
            return Ok([Some(zero); 2]);
        };
        let halves = [cx.narrow(both, 0, 0, self.columns)?, cx.narrow(both, 0, self.columns, self.columns)?];
        let [input, recurrent] = halves.map(|half| padded(cx, half));
        Ok([Some(input?), Some(recurrent?)])
    }

    /// The sum of both biases.
    pub(super) fn bias(&self, cx: &mut Cx<'_>, d: usize) -> Result<Option<ValueId>, Reason> {
        match self.biases(cx, d)? {
            [Some(input), Some(recurrent)] => cx.binary(Binary::Add, input, recurrent).map(Some),
            _ => Ok(None),
        }
    }

    /// The initial state of a direction.
    pub(super) fn initial(&self, cx: &mut Cx<'_>, d: usize) -> Result<Option<ValueId>, Reason> {
        self.part(cx, self.h0, d)
    }

    /// The lengths of the sequences and the constants of a direction's gate functions, where there are any.
    pub(super) fn extras(&self, cx: &mut Cx<'_>, d: usize) -> Result<[Option<ValueId>; 2], Reason> {
        let gates = self.functions(d);
        if gates.iter().all(Gate::is_default) {
            return Ok([self.lengths, None]);
        }
        let pairs: Vec<f32> = gates.iter().flat_map(|gate| [gate.alpha, gate.beta]).collect();
        Ok([self.lengths, Some(cx.f32s(vec![gates.len(), 2], &pairs)?)])
    }

    /// The gate functions of a direction; what a layer does not have is tanh.
    fn functions(&self, d: usize) -> [Gate; 3] {
        let per = self.gates.len() / self.directions();
        let mut gates = [Gate::plain(Unary::Tanh); 3];
        gates[..per].copy_from_slice(&self.gates[d * per..(d + 1) * per]);
        gates
    }

    pub(super) fn settings(&self, d: usize, variant: bool) -> Recurrent {
        let activations = self.functions(d).map(|gate| gate.op);
        Recurrent { reverse: self.reverse[d], clip: self.clip, variant, activations }
    }

    /// Shapes of a direction's sequence and states.
    pub(super) fn outputs(&self, states: usize) -> Vec<(DType, Vec<usize>)> {
        let mut outputs = vec![(DType::F32, vec![self.steps, self.batch, self.hidden])];
        outputs.extend(vec![(DType::F32, vec![self.batch, self.hidden]); states]);
        outputs
    }

    /// Joins the directions: the sequence to `[T, D, B, H]`, each state to `[D, B, H]`, batch first where wanted.
    pub(super) fn join(&self, cx: &mut Cx<'_>, made: &[Vec<ValueId>]) -> Built {
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

/// Steps of each sequence, where not every sequence has all.
fn lengths(cx: &Cx<'_>, batch: usize, steps: usize) -> Result<Option<ValueId>, Reason> {
    let Some(id) = cx.optional(4) else { return Ok(None) };
    if cx.dtype(id) != DType::I32 {
        return Err(Reason::Type(cx.dtype(id)));
    }
    if cx.dims(id) != [batch] {
        return Err(Reason::Shape { what: "the sequence lengths", got: cx.dims(id) });
    }
    let Some(given) = cx.ints(id) else { return Ok(Some(id)) };
    match given.iter().find(|&&n| !(0..=steps as i64).contains(&n)) {
        Some(&got) => Err(Reason::Value { what: "a sequence length", got }),
        None => Ok(given.iter().any(|&n| n != steps as i64).then_some(id)),
    }
}

/// Computed weights `[C, K]` as the kernels read them, `[C/8 up, K, 8]`.
fn panels(cx: &mut Cx<'_>, rows: ValueId) -> Result<ValueId, Reason> {
    let padded = padded(cx, rows)?;
    let [n, k] = cx.dims(padded)[..] else { return Err(Reason::Shape { what: "the weights", got: cx.dims(rows) }) };
    let panels = cx.reshape(padded, vec![n / PANEL, PANEL, k])?;
    cx.transpose(panels, &[0, 2, 1])
}

/// A computed tensor with rows of zeros up to a multiple of a panel; a constant is padded when it is packed.
fn padded(cx: &mut Cx<'_>, rows: ValueId) -> Result<ValueId, Reason> {
    let mut dims = cx.dims(rows);
    let full = dims[0].next_multiple_of(PANEL);
    if cx.is_constant(rows) || full == dims[0] {
        return Ok(rows);
    }
    dims[0] = full - dims[0];
    let zeros = cx.filled(DType::F32, dims, 0.0)?;
    cx.concat(&[rows, zeros], 0)
}
