//! Functions of one 8-bit tensor as tables, computed by the engine that would compute them element by element.

use std::sync::Arc;

use mote_abi::DType;

use super::{To, Walk};
use crate::eval;
use crate::graph::{Graph, Node, Op, Value, ValueId};

/// An f32 value as a function of 8-bit integers of the same shape.
#[derive(Clone)]
pub(super) struct Table {
    source: ValueId,
    /// What each of the 256 bytes becomes.
    numbers: Value,
}

/// Operands of a function that are looked through.
const MAX_DEPTH: usize = 64;

impl Walk<'_> {
    /// The quantization of a function of one tensor: the tensor itself, or a table over it.
    pub(super) fn by_table(&mut self, x: ValueId, to: &To) -> Option<ValueId> {
        let Table { source, numbers } = self.table(x, 0)?;
        let data = numbers.data.as_deref()?.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw));
        let steps = steps(&self.graph, &data.collect::<Vec<_>>(), to)?;
        let table: Vec<u8> = steps.iter().map(|&step| step.max(to.steps.low).min(to.steps.high) as u8).collect();
        let from = self.graph.value(source).dtype;
        if from == to.dtype && table.iter().enumerate().all(|(i, &byte)| usize::from(byte) == i) {
            return Some(source);
        }
        let Value { name, dims, .. } = self.graph.value(x).clone();
        let table = self.graph.constant(format!("{name}.table"), to.dtype, vec![256], table);
        Some(self.graph.node(name, Op::Lookup, &[Some(source), Some(table)], to.dtype, dims))
    }

    fn table(&mut self, x: ValueId, depth: usize) -> Option<Table> {
        if let Some(known) = self.tables.get(&x) {
            return known.clone();
        }
        let made = if depth < MAX_DEPTH { self.new_table(x, depth) } else { None };
        self.tables.insert(x, made.clone());
        made
    }

    fn new_table(&mut self, x: ValueId, depth: usize) -> Option<Table> {
        if let Some(origin) = self.origins.get(&x) {
            let bytes = (0..=u8::MAX).collect::<Vec<_>>();
            let dtype = self.graph.value(origin.integers).dtype;
            let bytes = Value { name: String::new(), dtype, dims: vec![256], data: Some(bytes.into()) };
            let linear = origin.linear.map(|id| id.map(|id| scalar(&self.graph, id)));
            let inputs = [Some(&bytes), linear[0].as_ref(), linear[1].as_ref()];
            return Some(Table { source: origin.integers, numbers: computed(&Op::Dequantize, &inputs)? });
        }
        let nodes = self.nodes;
        let node: &Node = &nodes[self.links.maker(x)?];
        if !matches!(node.op, Op::Unary { .. } | Op::Binary(_)) || self.graph.value(x).dtype != DType::F32 {
            return None;
        }
        let mut source = None;
        let mut operands = Vec::with_capacity(2);
        for &id in node.inputs.iter().flatten() {
            let value = self.graph.value(id);
            if value.is_constant() && value.count() == 1 && value.dims.len() <= self.graph.value(x).dims.len() {
                operands.push(scalar(&self.graph, id));
                continue;
            }
            let table = self.table(id, depth + 1)?;
            if *source.get_or_insert(table.source) != table.source {
                return None;
            }
            operands.push(table.numbers);
        }
        let source = source.filter(|&source| self.graph.value(source).dims == self.graph.value(x).dims)?;
        let inputs: Vec<_> = operands.iter().map(Some).collect();
        Some(Table { source, numbers: computed(&node.op, &inputs)? })
    }
}

/// The steps of numbers under a quantization.
pub(super) fn steps(graph: &Graph, numbers: &[f32], to: &To) -> Option<Vec<i32>> {
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    let numbers = Value { name: String::new(), dtype: DType::F32, dims: vec![numbers.len()], data: Some(data.into()) };
    let linear = to.linear.map(|id| id.map(|id| scalar(graph, id)));
    let inputs = [Some(&numbers), linear[0].as_ref(), linear[1].as_ref()];
    let bytes = fold(&Op::Quantize, &inputs, to.dtype, numbers.dims.clone())?;
    let step = |&byte: &u8| if to.dtype == DType::I8 { byte.cast_signed().into() } else { byte.into() };
    Some(bytes.iter().map(step).collect())
}

fn computed(op: &Op, inputs: &[Option<&Value>]) -> Option<Value> {
    let data = fold(op, inputs, DType::F32, vec![256])?;
    Some(Value { name: String::new(), dtype: DType::F32, dims: vec![256], data: Some(data) })
}

fn fold(op: &Op, inputs: &[Option<&Value>], dtype: DType, dims: Vec<usize>) -> Option<Arc<[u8]>> {
    eval::fold(op, inputs, &[(dtype, dims)]).ok()?.pop()
}

/// A constant of one element without axes.
fn scalar(graph: &Graph, id: ValueId) -> Value {
    Value { dims: vec![], ..graph.value(id).clone() }
}
