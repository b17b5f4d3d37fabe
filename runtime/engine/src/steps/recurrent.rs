use mote_abi::op;
use mote_kernels::select as kernel;
use mote_plan::{Plan, Step, step};

use super::{flag, params, require};
use crate::arena::{Arena, Operands, Overlap};
use crate::fault::{Fault, Result};

/// One direction of a long short-term memory, [`mote_plan::Kind::Lstm`].
///
/// # Errors
/// A step that contradicts its tensors, or a sequence longer than they are.
pub fn lstm(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Recurrent = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, gates) = (extents(&operands, &p, 7)?, gates(&operands, &p, 8)?);
    let forget = if flag(p.variant)? { kernel::Forget::Coupled } else { kernel::Forget::Own };
    let peephole = if operands.has_input(6) { Some(operands.input(6)?) } else { None };
    let (y, h, c, scratch) = (operands.output(0)?, operands.output(1)?, operands.output(2)?, operands.output(3)?);
    begin(&operands, 4, h)?;
    begin(&operands, 5, c)?;
    let (x, weights) = (operands.input(0)?, weights(&operands)?);
    let mut state = kernel::LstmState { h, c, scratch };
    Ok(kernel::lstm(&shape, &gates, forget, x, &weights, peephole, &mut state, y, kernel::add_products)?)
}

/// One direction of a gated recurrent unit, [`mote_plan::Kind::Gru`].
///
/// # Errors
/// A step that contradicts its tensors, or a sequence longer than they are.
pub fn gru(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Recurrent = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, gates) = (extents(&operands, &p, 6)?, gates(&operands, &p, 7)?);
    let reset = if flag(p.variant)? { kernel::Reset::After } else { kernel::Reset::Before };
    let (y, h, scratch) = (operands.output(0)?, operands.output(1)?, operands.output(2)?);
    begin(&operands, 5, h)?;
    let (x, weights, recurrent_bias) = (operands.input(0)?, weights(&operands)?, operands.input(4)?);
    let mut state = kernel::GruState { h, scratch };
    Ok(kernel::gru(&shape, &gates, reset, x, &weights, recurrent_bias, &mut state, y, kernel::add_products)?)
}

/// One direction of a plain recurrent layer, [`mote_plan::Kind::Rnn`].
///
/// # Errors
/// A step that contradicts its tensors, or a sequence longer than they are.
pub fn rnn(plan: &Plan<'_>, step: &Step<'_>, arena: &mut Arena<'_>) -> Result {
    let p: step::Recurrent = params(step)?;
    let mut operands = arena.operands(plan, step, Overlap::Apart)?;
    let (shape, gates) = (extents(&operands, &p, 5)?, gates(&operands, &p, 6)?);
    require(!flag(p.variant)?)?;
    let (y, h, scratch) = (operands.output(0)?, operands.output(1)?, operands.output(2)?);
    begin(&operands, 4, h)?;
    let (x, weights) = (operands.input(0)?, weights(&operands)?);
    let mut state = kernel::RnnState { h, scratch };
    Ok(kernel::rnn(&shape, &gates, x, &weights, &mut state, y, kernel::add_products)?)
}

fn weights<'v>(operands: &Operands<'v>) -> Result<kernel::Weights<'v>> {
    Ok(kernel::Weights { w: operands.input(1)?, r: operands.input(2)?, bias: operands.input(3)? })
}

fn extents<'v>(operands: &Operands<'v>, p: &step::Recurrent, lengths: usize) -> Result<kernel::Recurrence<'v>> {
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
        lengths: if operands.has_input(lengths) { Some(operands.input(lengths)?) } else { None },
    })
}

fn gates(operands: &Operands<'_>, p: &step::Recurrent, given: usize) -> Result<kernel::Gates> {
    let [f, g, h] = p.activations;
    let function = |code| op::Unary::from_code(code).map(kernel::Unary::gate).ok_or(Fault::MalformedPlan);
    // What stands in an unused place is not looked at.
    let unused = kernel::Unary::gate(op::Unary::Tanh);
    let mut functions = [function(f)?, function(g).unwrap_or(unused), function(h).unwrap_or(unused)];
    if operands.has_input(given) {
        let pairs = operands.input::<f32>(given)?.as_chunks().0;
        require(pairs.len() == functions.len())?;
        for (function, &[alpha, beta]) in functions.iter_mut().zip(pairs) {
            (function.alpha, function.beta) = (alpha, beta);
        }
    }
    Ok(kernel::Gates { clip: p.clip, functions })
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
