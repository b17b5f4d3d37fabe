//! Gated recurrent unit, one direction.

use crate::error::{KernelError, Result};
use crate::scalar::lstm::{Gates, Recurrence, Weights, chain, element, part, part_mut, set};

/// How the reset gate enters the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// It multiplies the state before the recurrent product.
    Before,
    /// It multiplies the recurrent product and its bias (`linear_before_reset`).
    After,
}

/// What a layer keeps from step to step; on entry the initial state.
#[derive(Debug)]
pub struct GruState<'a> {
    /// `[B, H]`.
    pub h: &'a mut [f32],
    /// `[B, at least 4 H]`.
    pub scratch: &'a mut [f32],
}

/// `y` `[T, B, H]` from `x` `[T, B, I]`, gates in ONNX order z r h. `recurrent_bias` is padded as the bias is.
///
/// # Errors
/// Contradicting shapes.
#[expect(clippy::too_many_arguments, reason = "the operands of the operator")]
pub fn gru(
    shape: &Recurrence,
    gates: &Gates,
    reset: Reset,
    x: &[f32],
    weights: &Weights<'_>,
    recurrent_bias: &[f32],
    state: &mut GruState<'_>,
    y: &mut [f32],
) -> Result {
    let hidden = shape.hidden;
    shape.check(3, weights, x.len(), y.len())?;
    let rows = shape.batch.saturating_mul(hidden);
    if state.h.len() != rows
        || state.scratch.len() < rows.saturating_mul(4)
        || recurrent_bias.len() != weights.bias.len()
    {
        return Err(KernelError::Shape);
    }
    for step in 0..shape.steps_of(y.len()) {
        let t = if shape.reverse { shape.steps - 1 - step } else { step };
        for b in 0..shape.batch {
            let input = part(x, (t * shape.batch + b) * shape.input, shape.input)?;
            let old = part_mut(state.h, b * hidden, hidden)?;
            let new = cell(gates, reset, input, weights, recurrent_bias, old, part_mut(state.scratch, 0, 4 * hidden)?)?;
            for (j, &value) in new.iter().enumerate() {
                set(old, j, value)?;
                set(y, (t * shape.batch + b) * hidden + j, value)?;
            }
        }
    }
    Ok(())
}

/// One time step of one sequence: the new state, in the scratch.
fn cell<'s>(
    gates: &Gates,
    reset: Reset,
    input: &[f32],
    weights: &Weights<'_>,
    recurrent_bias: &[f32],
    old: &[f32],
    scratch: &'s mut [f32],
) -> Result<&'s [f32]> {
    let hidden = old.len();
    let [f, g, _] = gates.functions;
    let (gate_values, rest) = scratch.split_at_mut_checked(2 * hidden).ok_or(KernelError::Shape)?;
    let (gated, new) = rest.split_at_mut_checked(hidden).ok_or(KernelError::Shape)?;
    for (column, value) in gate_values.iter_mut().enumerate() {
        let bias = element(weights.bias, column)? + element(recurrent_bias, column)?;
        let acc = chain(bias, input, weights.w, column)?;
        *value = gates.apply(f, chain(acc, old, weights.r, column)?)?;
    }
    for (j, gated) in gated.iter_mut().enumerate() {
        let r = element(gate_values, hidden + j)?;
        let column = 2 * hidden + j;
        *gated = match reset {
            Reset::Before => r * element(old, j)?,
            Reset::After => r * chain(element(recurrent_bias, column)?, old, weights.r, column)?,
        };
    }
    for (j, new) in new.iter_mut().enumerate() {
        let column = 2 * hidden + j;
        let (bias, recurrent) = (element(weights.bias, column)?, element(recurrent_bias, column)?);
        let sum = match reset {
            Reset::Before => chain(chain(bias + recurrent, input, weights.w, column)?, gated, weights.r, column)?,
            Reset::After => chain(bias, input, weights.w, column)? + element(gated, j)?,
        };
        let z = element(gate_values, j)?;
        *new = (1.0 - z) * gates.apply(g, sum)? + z * element(old, j)?;
    }
    part(new, 0, hidden)
}
