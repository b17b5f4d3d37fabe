use mote_abi::op;
use mote_kernels::select as kernel;
use mote_plan::{Plan, Step, step};

use super::{flag, params, require};
use crate::arena::{Arena, Operands, Overlap};
use crate::fault::{Fault, Result};

/// One direction of a long short-term memory, [`mote_plan::Kind::Lstm`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn lstm(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Recurrent = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, gates) = (extents(&operands, &p)?, gates(&p)?);
    let weights = kernel::Weights { w: operands.input(1)?, r: operands.input(2)?, bias: operands.input(3)? };
    let peephole = if operands.has_input(6) { Some(operands.input(6)?) } else { None };
    let (y, h, c, scratch) = (operands.output(0)?, operands.output(1)?, operands.output(2)?, operands.output(3)?);
    begin(&operands, 4, h)?;
    begin(&operands, 5, c)?;
    let mut state = kernel::LstmState { h, c, scratch };
    Ok(kernel::lstm(&shape, &gates, operands.input(0)?, &weights, peephole, &mut state, y, kernel::add_products)?)
}

/// One direction of a gated recurrent unit, [`mote_plan::Kind::Gru`].
///
/// # Errors
/// A step that contradicts its tensors.
pub fn gru(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Recurrent = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, gates) = (extents(&operands, &p)?, gates(&p)?);
    let reset = if flag(p.linear_before_reset)? { kernel::Reset::After } else { kernel::Reset::Before };
    let weights = kernel::Weights { w: operands.input(1)?, r: operands.input(2)?, bias: operands.input(3)? };
    let (y, h, scratch) = (operands.output(0)?, operands.output(1)?, operands.output(2)?);
    begin(&operands, 5, h)?;
    let mut state = kernel::GruState { h, scratch };
    let (x, recurrent_bias) = (operands.input(0)?, operands.input(4)?);
    Ok(kernel::gru(&shape, &gates, reset, x, &weights, recurrent_bias, &mut state, y, kernel::add_products)?)
}

fn extents(operands: &Operands<'_>, p: &step::Recurrent) -> Result<kernel::Recurrence> {
    operands.all_dense()?;
    let (&[t, b, i], &[t_y, b_y, h]) = (operands.input_tensor(0)?.dims(), operands.output_tensor(0)?.dims()) else {
        return Err(Fault::MalformedPlan);
    };
    require(t == t_y && b == b_y)?;
    Ok(kernel::Recurrence {
        steps: t as usize,
        batch: b as usize,
        input: i as usize,
        hidden: h as usize,
        reverse: flag(p.reverse)?,
    })
}

fn gates(p: &step::Recurrent) -> Result<kernel::Gates> {
    let [f, g, h] = p.activations;
    // A GRU has two functions; what stands in the third place is not looked at.
    let function = |code| op::Unary::from_code(code).ok_or(Fault::MalformedPlan);
    Ok(kernel::Gates { clip: p.clip, functions: [function(f)?, function(g)?, function(h).unwrap_or(op::Unary::Tanh)] })
}

/// Sets a state to its initial value, zero where the step has none.
fn begin(operands: &Operands<'_>, input: usize, state: &mut [f32]) -> Result {
    if !operands.has_input(input) {
        state.iter_mut().for_each(|state| *state = 0.0);
        return Ok(());
    }
    let initial = operands.input::<f32>(input)?;
    require(initial.len() == state.len())?;
    for (state, &initial) in state.iter_mut().zip(initial) {
        *state = initial;
    }
    Ok(())
}
