//! Long short-term memory, one direction.

use crate::error::{KernelError, Result};
use crate::scalar::recurrent::{Gates, Recurrence, Weights, activate, copy, row, row_mut};

/// Where the forget gate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forget {
    /// Its own columns.
    Own,
    /// It is one minus the input gate (`input_forget`).
    Coupled,
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
/// `add_products` is the chain over packed weights.
///
/// # Errors
/// Contradicting shapes.
#[expect(clippy::too_many_arguments, reason = "the operands of the operator")]
pub fn lstm(
    shape: &Recurrence<'_>,
    gates: &Gates,
    from: Forget,
    x: &[f32],
    weights: &Weights<'_>,
    peephole: Option<&[f32]>,
    state: &mut LstmState<'_>,
    y: &mut [f32],
    add_products: impl Fn(&mut [f32], &[f32], &[f32], usize),
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
    shape.clear_beyond(y, &mut [&mut *state.h, &mut *state.c]);
    let [f, g, h] = gates.functions;
    for (at, b) in shape.rows() {
        let (out, c) = (row_mut(state.h, b, hidden)?, row_mut(state.c, b, hidden)?);
        let sums = row_mut(state.scratch, 0, 4 * hidden)?;
        copy(weights.bias, sums);
        add_products(sums, row(x, at, shape.input)?, weights.w, 0);
        add_products(sums, out, weights.r, 0);
        let (input, rest) = sums.split_at_mut_checked(hidden).ok_or(KernelError::Shape)?;
        let (output, rest) = rest.split_at_mut_checked(hidden).ok_or(KernelError::Shape)?;
        let (forget, candidate) = rest.split_at_mut_checked(hidden).ok_or(KernelError::Shape)?;

        if let Some(peephole) = peephole {
            peep(input, row(peephole, 0, hidden)?, c);
            peep(forget, row(peephole, 2, hidden)?, c);
        }
        gates.gate(f, input)?;
        match from {
            Forget::Own => gates.gate(f, forget)?,
            Forget::Coupled => forget.iter_mut().zip(&*input).for_each(|(forget, &input)| *forget = 1.0 - input),
        }
        gates.gate(g, candidate)?;
        for (((c, &forget), &input), &candidate) in c.iter_mut().zip(&*forget).zip(&*input).zip(&*candidate) {
            *c = forget * *c + input * candidate;
        }
        if let Some(peephole) = peephole {
            peep(output, row(peephole, 1, hidden)?, c);
        }
        gates.gate(f, output)?;
        copy(c, candidate);
        activate(h, candidate)?;
        for ((out, &output), &candidate) in out.iter_mut().zip(&*output).zip(&*candidate) {
            *out = output * candidate;
        }
        copy(out, row_mut(y, at, hidden)?);
    }
    Ok(())
}

/// `sums += weights * c`.
fn peep(sums: &mut [f32], weights: &[f32], c: &[f32]) {
    for ((sum, &weight), &c) in sums.iter_mut().zip(weights).zip(c) {
        *sum += weight * c;
    }
}
