//! Long short-term memory, one direction.

use mote_abi::op;

use crate::error::{KernelError, Result};
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
    /// Bound on the absolute value of what enters a function, +inf for none.
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
    /// Input and recurrent bias, added.
    pub bias: &'a [f32],
}

/// What a layer keeps from step to step; on entry the initial states.
#[derive(Debug)]
pub struct LstmState<'a> {
    /// `[B, H]`.
    pub h: &'a mut [f32],
    /// `[B, H]`.
    pub c: &'a mut [f32],
    /// `[B, at least 4 H]`.
    pub scratch: &'a mut [f32],
}

/// `y` `[T, B, H]` from `x` `[T, B, I]`, gates in ONNX order i o f c. `peephole` `[3 H]` in order i o f.
///
/// # Errors
/// Contradicting shapes.
pub fn lstm(
    shape: &Recurrence,
    gates: &Gates,
    x: &[f32],
    weights: &Weights<'_>,
    peephole: Option<&[f32]>,
    state: &mut LstmState<'_>,
    y: &mut [f32],
) -> Result {
    let hidden = shape.hidden;
    shape.check(4, weights, x.len(), y.len())?;
    let rows = shape.batch.saturating_mul(hidden);
    let sound = state.h.len() == rows
        && state.c.len() == rows
        && state.scratch.len() >= rows.saturating_mul(4)
        && peephole.is_none_or(|p| p.len() == 3 * hidden);
    if !sound {
        return Err(KernelError::Shape);
    }
    let [f, g, h] = gates.functions;
    for step in 0..shape.steps_of(y.len()) {
        let t = if shape.reverse { shape.steps - 1 - step } else { step };
        for b in 0..shape.batch {
            let input = part(x, (t * shape.batch + b) * shape.input, shape.input)?;
            let old = part(state.h, b * hidden, hidden)?;
            let sums = part_mut(state.scratch, 0, 4 * hidden)?;
            for (column, sum) in sums.iter_mut().enumerate() {
                let acc = chain(element(weights.bias, column)?, input, weights.w, column)?;
                *sum = chain(acc, old, weights.r, column)?;
            }
            for j in 0..hidden {
                let sum = |gate: usize| element(sums, gate * hidden + j);
                let peep = |gate: usize, c: f32| match peephole {
                    Some(p) => Ok(element(p, gate * hidden + j)? * c),
                    None => Ok(0.0),
                };
                let at = b * hidden + j;
                let old = element(state.c, at)?;
                let i = gates.apply(f, sum(0)? + peep(0, old)?)?;
                let forget = gates.apply(f, sum(2)? + peep(2, old)?)?;
                let candidate = gates.apply(g, sum(3)?)?;
                let c = forget * old + i * candidate;
                let o = gates.apply(f, sum(1)? + peep(1, c)?)?;
                let out = o * function(h, c)?;
                set(state.c, at, c)?;
                set(state.h, at, out)?;
                set(y, (t * shape.batch + b) * hidden + j, out)?;
            }
        }
    }
    Ok(())
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

    /// Time steps that write something.
    pub(crate) fn steps_of(&self, y: usize) -> usize {
        if y == 0 { 0 } else { self.steps }
    }
}

impl Gates {
    /// Clips, then applies a gate function.
    pub(crate) fn apply(&self, op: op::Unary, x: f32) -> Result<f32> {
        function(op, clamp(x, -self.clip, self.clip))
    }
}

/// A gate function with ONNX's default parameters.
pub(crate) fn function(op: op::Unary, x: f32) -> Result<f32> {
    let (alpha, beta) = match op {
        op::Unary::LeakyRelu => (0.01, 0.0),
        op::Unary::HardSigmoid => (0.2, 0.5),
        op::Unary::Clamp => (0.0, f32::INFINITY),
        _ => (1.0, 0.0),
    };
    let mut block = [x];
    f32::unary(op, alpha, beta, &mut block)?;
    Ok(block[0])
}

/// `acc + sum of x_i * w_i` for i ascending, with one column of packed weights.
pub(crate) fn chain(acc: f32, x: &[f32], w: &[f32], column: usize) -> Result<f32> {
    let panel = part(w, column / PANEL * x.len() * PANEL, x.len() * PANEL)?;
    let columns = panel.as_chunks::<PANEL>().0;
    Ok(x.iter().zip(columns).fold(acc, |acc, (&x, w)| acc + x * w[column % PANEL]))
}

pub(crate) fn part<T>(slice: &[T], at: usize, len: usize) -> Result<&[T]> {
    slice.get(at..at.wrapping_add(len)).ok_or(KernelError::Shape)
}

pub(crate) fn part_mut<T>(slice: &mut [T], at: usize, len: usize) -> Result<&mut [T]> {
    slice.get_mut(at..at.wrapping_add(len)).ok_or(KernelError::Shape)
}

pub(crate) fn element(slice: &[f32], at: usize) -> Result<f32> {
    slice.get(at).copied().ok_or(KernelError::Shape)
}

pub(crate) fn set(slice: &mut [f32], at: usize, value: f32) -> Result {
    *slice.get_mut(at).ok_or(KernelError::Shape)? = value;
    Ok(())
}
