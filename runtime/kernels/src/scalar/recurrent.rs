//! What the recurrent layers share.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::memory::BLOCK;
use crate::number::Number;
use crate::scalar::conv::PANEL;
use crate::scalar::math::clamp;

/// Extents of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
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
}

/// The functions of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gates {
    /// Bound on the absolute value of what enters a gate function, +inf for none.
    pub clip: f32,
    /// Gate functions in ONNX order: LSTM f g h, GRU f g. Their alpha and beta are ONNX's defaults.
    pub functions: [op::Unary; 3],
}

/// Weights `[ceil(G*H/8)][K][8]` of the inputs and of the states, and the bias padded to a multiple of 8.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// For the inputs.
    pub w: &'a [f32],
    /// For the states.
    pub r: &'a [f32],
    /// For the inputs; of an LSTM the recurrent bias is added to it.
    pub bias: &'a [f32],
}

impl Recurrence {
    /// Refuses weights and sequences of other lengths than the extents say.
    pub(crate) fn check(&self, gates: usize, weights: &Weights<'_>, x: usize, y: usize) -> Result {
        let count = |lens: [usize; 3]| crate::layout::count(lens.into_iter());
        let padded = self.hidden.saturating_mul(gates).div_ceil(PANEL).saturating_mul(PANEL);
        let sound = weights.w.len() == count([padded, self.input, 1])
            && weights.r.len() == count([padded, self.hidden, 1])
            && weights.bias.len() == padded
            && x == count([self.steps, self.batch, self.input])
            && y == count([self.steps, self.batch, self.hidden]);
        if sound { Ok(()) } else { Err(KernelError::Shape) }
    }

    /// Every time step of every sequence, in the order of computation: its row in x and y, and the sequence. Empty where y
    /// is.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let Self { steps, batch, hidden, reverse, .. } = *self;
        let steps = if batch == 0 || hidden == 0 { 0 } else { steps };
        let t = move |step: usize| if reverse { steps - 1 - step } else { step };
        (0..steps).flat_map(move |step| (0..batch).map(move |b| (t(step) * batch + b, b)))
    }
}

impl Gates {
    /// Clips, then applies a gate function.
    pub(crate) fn gate(&self, op: op::Unary, values: &mut [f32]) -> Result {
        for value in &mut *values {
            *value = clamp(*value, -self.clip, self.clip);
        }
        activate(op, values)
    }
}

/// A gate function with ONNX's default parameters.
pub(crate) fn activate(op: op::Unary, values: &mut [f32]) -> Result {
    let (alpha, beta) = match op {
        op::Unary::LeakyRelu => (0.01, 0.0),
        op::Unary::HardSigmoid => (0.2, 0.5),
        op::Unary::Clamp => (0.0, f32::INFINITY),
        _ => (1.0, 0.0),
    };
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
