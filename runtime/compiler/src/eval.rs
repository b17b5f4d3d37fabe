//! Runs one operator at compile time by the engine that will run it later, so that constants do not depend on the
//! compiling machine.

use std::sync::Arc;

use mote_abi::DType;
use mote_engine::{Arena, Fault};
use mote_plan::{AlignedBytes, Meta, Plan, PlanError};

use crate::graph::{Graph, Node, Op, Value, ValueId};
use crate::lower::{self, Core, EntryGraph, LowerError, Target};

/// Why constants could not be combined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The operator has no Plan.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The Plan of the operator contradicts itself.
    #[error("the Plan of a constant expression is malformed")]
    Plan(#[from] PlanError),
    /// The operator refuses these operands, such as an index out of range.
    #[error("a constant expression cannot be computed: {0}")]
    Run(#[from] Fault),
}

/// Computes one operator over constants: little-endian bytes per output, whose types and shapes the caller states.
///
/// # Errors
/// See [`EvalError`].
pub(crate) fn fold(
    op: &Op,
    inputs: &[Option<&Value>],
    outputs: &[(DType, Vec<usize>)],
) -> Result<Vec<Arc<[u8]>>, EvalError> {
    if let (Op::Reshape | Op::BitCast, [Some(Value { data: Some(data), .. })]) = (op, inputs) {
        return Ok(vec![Arc::clone(data)]);
    }
    let graph = single_node(op, inputs, outputs);
    let lowered = lower::plan(&[EntryGraph { batch: 1, graph }], &Meta::default(), Target::Mcu(Core::Generic))?;
    let bytes = AlignedBytes::copy_of(&lowered.plan);
    run(&Plan::view(&bytes)?, outputs.len())
}

fn single_node(op: &Op, inputs: &[Option<&Value>], outputs: &[(DType, Vec<usize>)]) -> Graph {
    let mut graph = Graph::default();
    let inputs = inputs.iter().map(|input| input.map(|value| graph.add_value(value.clone()))).collect();
    let outputs: Vec<ValueId> = outputs
        .iter()
        .enumerate()
        .map(|(i, (dtype, dims))| graph.computed(i.to_string(), *dtype, dims.clone()))
        .collect();
    graph.outputs.clone_from(&outputs);
    graph.nodes.push(Node { name: "constant".to_owned(), op: op.clone(), inputs, outputs });
    graph
}

fn run(plan: &Plan<'_>, count: usize) -> Result<Vec<Arc<[u8]>>, EvalError> {
    let mut bytes = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut bytes)?;
    mote_engine::run(plan, 0, &mut arena)?;
    let output = |i| mote_engine::output(plan, 0, i, &arena).map(Arc::from).ok_or(Fault::MalformedPlan);
    Ok((0..count).map(output).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_abi::op::Binary;

    fn i64s(dims: &[usize], elements: &[i64]) -> Value {
        let data: Vec<u8> = elements.iter().flat_map(|x| x.to_le_bytes()).collect();
        Value { name: "c".into(), dtype: DType::I64, dims: dims.to_vec(), data: Some(data.into()) }
    }

    fn check(op: &Op, inputs: &[&Value], dims: &[usize], want: &[i64]) {
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        let got = fold(op, &inputs, &[(DType::I64, dims.to_vec())]).unwrap();
        assert_eq!(&*got[0], &*i64s(dims, want).data.unwrap(), "{op:?}");
    }

    #[test]
    fn shapes_are_computed() {
        let shape = i64s(&[4], &[1, 3, 224, 224]);
        check(&Op::Gather { axis: 0 }, &[&shape, &i64s(&[2], &[0, -1])], &[2], &[1, 224]);
        check(&Op::Slice { start: vec![3], step: vec![-1] }, &[&shape], &[2], &[224, 224]);
        check(&Op::Concat { axis: 0 }, &[&i64s(&[1], &[7]), &i64s(&[2], &[8, 9])], &[3], &[7, 8, 9]);
        check(&Op::Binary(Binary::Mul), &[&shape, &i64s(&[], &[2])], &[4], &[2, 6, 448, 448]);
        check(
            &Op::Transpose { perm: vec![1, 0] },
            &[&i64s(&[2, 3], &[1, 2, 3, 4, 5, 6])],
            &[3, 2],
            &[1, 4, 2, 5, 3, 6],
        );
        check(&Op::Reshape, &[&i64s(&[2, 2], &[1, 2, 3, 4])], &[4], &[1, 2, 3, 4]);
        check(&Op::Expand, &[&i64s(&[1, 2], &[1, 2])], &[2, 2], &[1, 2, 1, 2]);
        let padding = Op::Pad { before: vec![1], value: 9_i64.to_le_bytes().to_vec() };
        check(&padding, &[&i64s(&[1], &[5])], &[3], &[9, 5, 9]);
    }

    #[test]
    fn a_bad_index_is_refused() {
        let inputs = [i64s(&[2], &[1, 2]), i64s(&[1], &[2])];
        let got = fold(&Op::Gather { axis: 0 }, &[Some(&inputs[0]), Some(&inputs[1])], &[(DType::I64, vec![1])]);
        assert_eq!(got, Err(EvalError::Run(Fault::IndexOutOfRange)));
    }
}
