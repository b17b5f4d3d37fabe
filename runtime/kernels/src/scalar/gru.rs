//! Gated recurrent unit, one direction.

use crate::error::{KernelError, Result};
use crate::scalar::recurrent::{Gates, Recurrence, Weights, copy, row, row_mut};

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
/// `add_products` is the chain over packed weights.
///
/// # Errors
/// Contradicting shapes.
#[expect(clippy::too_many_arguments, reason = "the operands of the operator")]
pub fn gru(
    shape: &Recurrence<'_>,
    gates: &Gates,
    reset: Reset,
    x: &[f32],
    weights: &Weights<'_>,
    recurrent_bias: &[f32],
    state: &mut GruState<'_>,
    y: &mut [f32],
    add_products: impl Fn(&mut [f32], &[f32], &[f32], usize),
) -> Result {
    let hidden = shape.hidden;
    shape.check(3, weights, x.len(), y.len())?;
    let rows = shape.batch.saturating_mul(hidden);
    let room = state.scratch.len() >= rows.saturating_mul(4);
    if state.h.len() != rows || !room || recurrent_bias.len() != weights.bias.len() {
        return Err(KernelError::Shape);
    }
    shape.clear_beyond(y, &mut [&mut *state.h]);
    let [f, g, _] = gates.functions;
    let both = 2 * hidden;
    for (at, b) in shape.rows() {
        let (input, state_row) = (row(x, at, shape.input)?, row_mut(state.h, b, hidden)?);
        let (zr, rest) = state.scratch.split_at_mut_checked(both).ok_or(KernelError::Shape)?;
        let (gated, rest) = rest.split_at_mut_checked(hidden).ok_or(KernelError::Shape)?;
        let candidate = rest.get_mut(..hidden).ok_or(KernelError::Shape)?;

        copy(weights.bias, zr);
        add(zr, recurrent_bias);
        add_products(zr, input, weights.w, 0);
        add_products(zr, state_row, weights.r, 0);
        gates.gate(f, zr)?;
        let (z, r) = zr.split_at_checked(hidden).ok_or(KernelError::Shape)?;

        let bias = weights.bias.get(both..).ok_or(KernelError::Shape)?;
        let recurrent_bias = recurrent_bias.get(both..).ok_or(KernelError::Shape)?;
        copy(bias, candidate);
        match reset {
            Reset::Before => {
                copy(state_row, gated);
                multiply(gated, r);
                add(candidate, recurrent_bias);
                add_products(candidate, input, weights.w, both);
                add_products(candidate, gated, weights.r, both);
            }
            Reset::After => {
                copy(recurrent_bias, gated);
                add_products(gated, state_row, weights.r, both);
                multiply(gated, r);
                add_products(candidate, input, weights.w, both);
                add(candidate, gated);
            }
        }
        gates.gate(g, candidate)?;
        for ((state, &z), &candidate) in state_row.iter_mut().zip(z).zip(&*candidate) {
            *state = (1.0 - z) * candidate + z * *state;
        }
        copy(state_row, row_mut(y, at, hidden)?);
    }
    Ok(())
}

fn add(to: &mut [f32], other: &[f32]) {
    to.iter_mut().zip(other).for_each(|(to, &other)| *to += other);
}

fn multiply(to: &mut [f32], other: &[f32]) {
    to.iter_mut().zip(other).for_each(|(to, &other)| *to *= other);
}
