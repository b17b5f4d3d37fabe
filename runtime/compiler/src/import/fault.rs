//! Which nodes can end a run, so that they must not run where the model would not run them.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::emit::Emit;
use crate::graph::{Node, Op, ValueId};

/// Whether a node can end a run by the values of its operands.
pub(super) fn possible(emit: &Emit, node: &Node) -> bool {
    let operand = |i: usize| node.inputs.get(i).copied().flatten();
    let (Some(first), second) = (operand(0).map(|id| emit.graph.value(id)), operand(1)) else { return false };
    let along = |axis: usize| first.dims.get(axis).copied().into_iter().collect::<Vec<_>>();
    let outside = |lens: &[usize]| outside(emit, second, lens);
    let third = |inside: &dyn Fn(i64) -> bool| operand(2).is_none_or(|id| !holds(emit, id, |v, _| inside(v)));
    match &node.op {
        Op::Binary(Binary::Div | Binary::Mod | Binary::Fmod) => {
            let real = matches!(first.dtype, DType::F32 | DType::F64);
            !real && second.is_none_or(|divisor| !holds(emit, divisor, |v, _| v != 0))
        }
        Op::Gather { axis } | Op::GatherElements { axis } | Op::ScatterElements { axis, .. } => outside(&along(*axis)),
        Op::GatherNd { batch_dims } => outside(&first.dims[*batch_dims..]),
        Op::ScatterNd { .. } => outside(&first.dims),
        // Their regions name pictures.
        Op::RoiAlign { .. } => third(&|image| (0..first.dims.first().copied().unwrap_or(0) as i64).contains(&image)),
        Op::MaxRoiPool { .. } | Op::Bound { .. } => true,
        // Sequences may be stated to be longer than they are.
        Op::Lstm(_) => operand(7).is_some_and(|lengths| !emit.is_constant(lengths)),
        Op::Gru(_) => operand(6).is_some_and(|lengths| !emit.is_constant(lengths)),
        Op::Rnn(_) => operand(5).is_some_and(|lengths| !emit.is_constant(lengths)),
        _ => false,
    }
}

/// Whether an index may lie outside the axes that its last dimension counts; of one axis, every index does.
fn outside(emit: &Emit, indices: Option<ValueId>, lens: &[usize]) -> bool {
    let Some(indices) = indices else { return true };
    let depth = if lens.len() == 1 { 1 } else { emit.dims(indices).last().copied().unwrap_or(1).max(1) };
    !holds(emit, indices, |index, i| {
        lens.get(i % depth).is_some_and(|&len| (-(len as i64)..len as i64).contains(&index))
    })
}

/// Whether every element of a constant satisfies a condition on it and its number.
fn holds(emit: &Emit, constant: ValueId, condition: impl Fn(i64, usize) -> bool) -> bool {
    emit.ints(constant).is_some_and(|elements| elements.iter().enumerate().all(|(i, &element)| condition(element, i)))
}
