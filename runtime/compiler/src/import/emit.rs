//! Appends operators to the Graph. An operator whose operands are all constant is computed at once and leaves a constant.

mod allowance;
mod constant;
mod operators;

use std::collections::{BTreeMap, HashMap};

use mote_abi::DType;

use super::padding::Padding;
use super::strings::Strings;
use super::{Limits, quantized};
use crate::error::Reason;
use crate::graph::{Graph, Node, Op, Value, ValueId};

pub(crate) use constant::element;
pub(crate) use operators::broadcast;

/// What the bookkeeping of one constant expression counts for, beside its result.
const FOLD_BYTES: usize = 2048;

/// Graph under construction.
pub(crate) struct Emit {
    pub(crate) graph: Graph,
    /// Name of the source node at work, for messages.
    pub(crate) node: String,
    /// Bytes of constants that may still be made.
    allowance: usize,
    /// Scalar operations that may still be spent on constants.
    work: usize,
    /// Loops around the node at work.
    pub(super) repeated: usize,
    pub(super) strings: Strings,
    /// Names of the columns of values that stand for maps.
    pub(super) columns: HashMap<ValueId, Vec<String>>,
    /// What has been widened from half precision, and to what.
    widened: HashMap<ValueId, ValueId>,
    /// Values whose number of elements depends on data.
    pub(super) paddings: HashMap<ValueId, Padding>,
    /// Most results of nodes whose number of results depends on data, and whether a node asked for it.
    pub(super) bounds: BTreeMap<String, (usize, bool)>,
}

impl Emit {
    pub(crate) fn new(limits: Limits, bounds: BTreeMap<String, usize>) -> Self {
        Self {
            graph: Graph::default(),
            node: String::new(),
            allowance: limits.computed_bytes,
            work: limits.computed_operations,
            repeated: 0,
            strings: Strings::default(),
            columns: HashMap::new(),
            widened: HashMap::new(),
            paddings: HashMap::new(),
            bounds: bounds.into_iter().map(|(name, bound)| (name, (bound, false))).collect(),
        }
    }

    pub(crate) fn dims(&self, id: ValueId) -> Vec<usize> {
        self.graph.value(id).dims.clone()
    }

    pub(crate) fn rank(&self, id: ValueId) -> usize {
        self.graph.value(id).dims.len()
    }

    pub(crate) fn dtype(&self, id: ValueId) -> DType {
        self.graph.value(id).dtype
    }

    pub(crate) fn is_constant(&self, id: ValueId) -> bool {
        self.graph.value(id).is_constant()
    }

    /// Appends an operator with one output.
    pub(crate) fn emit(
        &mut self,
        op: Op,
        inputs: &[Option<ValueId>],
        dtype: DType,
        dims: Vec<usize>,
    ) -> Result<ValueId, Reason> {
        Ok(self.emit_all(op, inputs, vec![(dtype, dims)])?[0])
    }

    /// Appends an operator whose one output has the type of `like`.
    pub(crate) fn emit_as(
        &mut self,
        op: Op,
        inputs: &[Option<ValueId>],
        like: ValueId,
        dims: Vec<usize>,
    ) -> Result<ValueId, Reason> {
        self.emit(op, inputs, self.dtype(like), dims)
    }

    /// Appends an operator.
    pub(crate) fn emit_all(
        &mut self,
        op: Op,
        inputs: &[Option<ValueId>],
        outputs: Vec<(DType, Vec<usize>)>,
    ) -> Result<Vec<ValueId>, Reason> {
        let mut bytes = 0;
        for (dtype, dims) in &outputs {
            bytes += self.checked_bytes(*dtype, dims)?;
        }
        if inputs.iter().flatten().all(|&id| self.is_constant(id)) {
            self.charge(bytes.saturating_add(FOLD_BYTES), &outputs[0].1)?;
            self.charge_work(&op, inputs, &outputs)?;
            return self.fold(&op, inputs, outputs);
        }
        let name = self.node.clone();
        let outputs: Vec<ValueId> =
            outputs.into_iter().map(|(dtype, dims)| self.graph.computed(name.clone(), dtype, dims)).collect();
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: outputs.clone() });
        Ok(outputs)
    }

    fn fold(
        &mut self,
        op: &Op,
        inputs: &[Option<ValueId>],
        outputs: Vec<(DType, Vec<usize>)>,
    ) -> Result<Vec<ValueId>, Reason> {
        let operands: Vec<Option<&Value>> = inputs.iter().map(|id| id.map(|id| self.graph.value(id))).collect();
        let data = match (op, operands.first()) {
            (Op::Reshape | Op::BitCast, Some(Some(Value { data: Some(data), .. }))) => vec![data.clone()],
            _ => crate::eval::fold(op, &operands, &outputs)?,
        };
        let name = self.node.clone();
        let made = outputs.into_iter().zip(data);
        let made: Vec<ValueId> =
            made.map(|((dtype, dims), data)| self.graph.constant(name.clone(), dtype, dims, data)).collect();
        self.remember(op, inputs, made[0])?;
        Ok(made)
    }

    /// Notes what integers a constant stands for, so that passes can put them in its place.
    fn remember(&mut self, op: &Op, inputs: &[Option<ValueId>], y: ValueId) -> Result<(), Reason> {
        let Some(x) = inputs.first().copied().flatten() else { return Ok(()) };
        let known = match op {
            Op::Dequantize => quantized::of(&self.graph, inputs),
            Op::Transpose { perm } => self.graph.quantized.get(&x).cloned().map(|mut known| {
                known.axis = known.axis.and_then(|axis| perm.iter().position(|&from| from == axis));
                known
            }),
            Op::Reshape => self.graph.quantized.get(&x).cloned().and_then(|mut known| {
                known.axis = match known.axis {
                    None => None,
                    Some(axis) => Some(quantized::axis_after(&self.dims(x), axis, &self.dims(y))?),
                };
                Some(known)
            }),
            _ => None,
        };
        let Some(mut known) = known else { return Ok(()) };
        if *op != Op::Dequantize {
            let integers = known.integers;
            known.integers = self.emit(op.clone(), &[Some(integers)], self.dtype(integers), self.dims(y))?;
        }
        self.graph.quantized.insert(y, known);
        Ok(())
    }
}
