//! Plain recurrent layer, one direction.

use crate::error::{KernelError, Result};
use crate::scalar::recurrent::{Gates, Recurrence, Weights, copy, row, row_mut};

/// What a layer keeps from step to step; on entry the initial state.
#[derive(Debug)]
pub struct RnnState<'a> {
    /// `[B, H]`.
    pub h: &'a mut [f32],
    /// At least `[H]`.
    pub scratch: &'a mut [f32],
}

/// `y` `[T, B, H]` from `x` `[T, B, I]`: `h = f(bias + x w + h r)`. `add_products` is the chain over packed weights.
///
/// # Errors
/// Contradicting shapes.
pub fn rnn(
    shape: &Recurrence<'_>,
    gates: &Gates,
    x: &[f32],
    weights: &Weights<'_>,
    state: &mut RnnState<'_>,
    y: &mut [f32],
    add_products: impl Fn(&mut [f32], &[f32], &[f32], usize),
) -> Result {
    let hidden = shape.hidden;
    shape.check(1, weights, x.len(), y.len())?;
    if state.h.len() != shape.batch.saturating_mul(hidden) || state.scratch.len() < hidden {
        return Err(KernelError::Shape);
    }
    shape.clear_beyond(y, &mut [&mut *state.h]);
    let [f, ..] = gates.functions;
    for (at, b) in shape.rows() {
        let (out, sums) = (row_mut(state.h, b, hidden)?, row_mut(state.scratch, 0, hidden)?);
        copy(weights.bias, sums);
        add_products(sums, row(x, at, shape.input)?, weights.w, 0);
        add_products(sums, out, weights.r, 0);
        gates.gate(f, sums)?;
        copy(sums, out);
        copy(sums, row_mut(y, at, hidden)?);
    }
    Ok(())
}
