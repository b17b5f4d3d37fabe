//! What the recurrent layers share.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::memory::BLOCK;
use crate::number::Number;
use crate::scalar::conv::PANEL;
use crate::scalar::math::clamp;
use crate::scalar::unary::Unary;

/// Extents of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence<'a> {
    /// Time steps.
    pub steps: usize,
    /// Sequences.
    pub batch: usize,
    /// Values of an input.
    pub input: usize,
    /// Values of a state.
    pub hidden: usize,
    /// From the last time step to the first.
    pub reverse: bool,
    /// Time steps of each sequence, from 0 to `steps`; absent where every sequence has all.
    pub lengths: Option<&'a [i32]>,
}

/// The functions of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gates {
    /// Bound on the absolute value of what enters a gate function, +inf for none.
    pub clip: f32,
    /// Gate functions in ONNX order: LSTM f g h, GRU f g, RNN f.
    pub functions: [Unary; 3],
}

/// Weights `[ceil(G*H/8)][K][8]` of the inputs and of the states, and the bias padded to a multiple of 8.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// For the inputs.
    pub w: &'a [f32],
    /// For the states.
    pub r: &'a [f32],
    /// For the inputs; but for a GRU the recurrent bias is added to it.
    pub bias: &'a [f32],
}

impl Recurrence<'_> {
    /// Refuses weights and sequences of other lengths than the extents say, and sequences of more steps than there are.
    pub(crate) fn check(&self, gates: usize, weights: &Weights<'_>, x: usize, y: usize) -> Result {
        let count = |lens: [usize; 3]| crate::layout::count(lens.into_iter());
        let padded = self.hidden.saturating_mul(gates).div_ceil(PANEL).saturating_mul(PANEL);
        let sound = weights.w.len() == count([padded, self.input, 1])
            && weights.r.len() == count([padded, self.hidden, 1])
            && weights.bias.len() == padded
            && x == count([self.steps, self.batch, self.input])
            && y == count([self.steps, self.batch, self.hidden]);
        let lengths = self.lengths.unwrap_or(&[]);
        if !sound || (self.lengths.is_some() && lengths.len() != self.batch) {
            return Err(KernelError::Shape);
        }
        let inside = |&length: &i32| usize::try_from(length).is_ok_and(|length| length <= self.steps);
        if lengths.iter().all(inside) { Ok(()) } else { Err(KernelError::IndexOutOfRange) }
    }

    /// Prepares the outputs of sequences that end early: y is zero beyond them, and so are the states of empty ones.
    pub(crate) fn clear_beyond(&self, y: &mut [f32], states: &mut [&mut [f32]]) {
        let Some(lengths) = self.lengths else { return };
        y.iter_mut().for_each(|y| *y = 0.0);
        for state in states {
            let rows = state.chunks_exact_mut(self.hidden.max(1));
            let empty = rows.zip(lengths).filter(|(_, length)| **length == 0);
            empty.for_each(|(row, _)| row.iter_mut().for_each(|state| *state = 0.0));
        }
    }

    /// Every time step of every sequence, in the order of computation: its row in x and y, and the sequence. Empty where y
    /// is.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, usize)> {
        let Self { steps, batch, hidden, reverse, lengths, .. } = *self;
        let steps = if batch == 0 || hidden == 0 { 0 } else { steps };
        let length = move |b: usize| {
            let stated = lengths.and_then(|lengths| lengths.get(b)).and_then(|&length| usize::try_from(length).ok());
            stated.map_or(steps, |length| if length < steps { length } else { steps })
        };
        let t = move |step: usize, b: usize| if reverse { length(b) - 1 - step } else { step };
        let of_step = move |step: usize| (0..batch).filter(move |&b| step < length(b)).map(move |b| (step, b));
        (0..steps).flat_map(of_step).map(move |(step, b)| (t(step, b) * batch + b, b))
    }
}

impl Gates {
    /// Clips, then applies a gate function.
    pub(crate) fn gate(&self, function: Unary, values: &mut [f32]) -> Result {
        for value in &mut *values {
            *value = clamp(*value, -self.clip, self.clip);
        }
        activate(function, values)
    }
}

impl Unary {
    /// A gate function with the default parameters of the ONNX operator.
    pub const fn gate(op: op::Unary) -> Self {
        let (alpha, beta) = match op {
            op::Unary::LeakyRelu => (0.01, 0.0),
            op::Unary::HardSigmoid => (0.2, 0.5),
            op::Unary::Clamp => (0.0, f32::INFINITY),
            _ => (1.0, 0.0),
        };
        Self { op, alpha, beta }
    }
}

/// Applies a gate function.
pub(crate) fn activate(function: Unary, values: &mut [f32]) -> Result {
    let Unary { op, alpha, beta } = function;
    for values in values.chunks_mut(BLOCK) {
        let mut block = [[0.0; 4]; BLOCK / 4];
        copy(values, block.as_flattened_mut());
        f32::unary(op, alpha, beta, &mut block, values.len())?;
        copy(block.as_flattened(), values);
    }
    Ok(())
}

/// `sums[n] += sum of x_i * w[i][n]` for i ascending, one chain for each column of packed weights `[N/8][K][8]`.
pub fn add_products(sums: &mut [f32], x: &[f32], w: &[f32], first_column: usize) {
    let panels = w.as_chunks::<PANEL>().0;
    for (n, sum) in sums.iter_mut().enumerate() {
        let column = first_column.wrapping_add(n);
        let panel = (column / PANEL).wrapping_mul(x.len());
        for (&x, w) in x.iter().zip(panels.get(panel..).unwrap_or(&[])) {
            *sum += x * w[column % PANEL];
        }
    }
}

/// Copies what both hold.
pub(crate) fn copy(from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
}

/// The i-th stretch of so many values.
pub(crate) fn row(slice: &[f32], i: usize, len: usize) -> Result<&[f32]> {
    slice.get(i.wrapping_mul(len)..).and_then(|rest| rest.get(..len)).ok_or(KernelError::Shape)
}

/// The i-th stretch of so many values.
pub(crate) fn row_mut(slice: &mut [f32], i: usize, len: usize) -> Result<&mut [f32]> {
    slice.get_mut(i.wrapping_mul(len)..).and_then(|rest| rest.get_mut(..len)).ok_or(KernelError::Shape)
}
