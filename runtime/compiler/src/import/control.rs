//! Control flow vanishes: the branch that is taken, the body as often as it runs.

use std::collections::HashMap;

use mote_abi::DType;
use tract_onnx::pb::{GraphProto, NodeProto};

use super::fault;
use super::item::Item;
use super::node::axis;
use super::walk::{Failure, Made, Walk, title};
use crate::error::Reason;
use crate::graph::ValueId;

/// Most rounds that the loops of a model are written out for, nested ones multiplied.
pub(super) const MAX_ROUNDS: usize = 4096;

impl Walk<'_> {
    /// Builds the branch that a constant condition takes, else both and a selection between equal shapes.
    pub(super) fn branch(&mut self, node: &NodeProto, inputs: &[Option<Item>]) -> Made {
        let condition = tensor(inputs, 0)?.ok_or(Reason::MissingInput(0))?;
        let (then, other) = (graph_attribute(node, "then_branch")?, graph_attribute(node, "else_branch")?);
        if let Some(taken) = self.truth(condition)? {
            return Ok(Some(self.scoped(if taken { then } else { other }, &[])?));
        }
        let from = self.emit.graph.nodes.len();
        let (a, b) = (self.scoped(then, &[])?, self.scoped(other, &[])?);
        self.emit.node = title(node);
        if a.len() != b.len() {
            return Err(Reason::Form("its branches have different numbers of outputs").into());
        }
        self.expect_no_fault(from)?;
        let condition = self.emit.reshape(condition, vec![])?;
        let mut made = Vec::with_capacity(a.len());
        for pair in a.into_iter().zip(b) {
            let (Some(a), Some(b)) = pair else { return Ok(None) };
            made.push(Some(self.chosen(condition, &a, &b)?));
        }
        Ok(Some(made))
    }

    /// Either of two values, by a computed condition; both are computed.
    pub(super) fn chosen(&mut self, condition: ValueId, a: &Item, b: &Item) -> Result<Item, Reason> {
        let mut choose = |a: ValueId, b: ValueId| {
            if a == b {
                return Ok(a);
            }
            if self.emit.is_padded(a) || self.emit.is_padded(b) {
                return Err(Reason::Padded);
            }
            if self.emit.dims(a) != self.emit.dims(b) {
                return Err(Reason::Form("its condition is computed and chooses between different shapes"));
            }
            let made = self.emit.select(condition, a, b)?;
            self.emit.mark_as(made, &[a, b])
        };
        match (a, b) {
            (Item::Tensor(a), Item::Tensor(b)) => choose(*a, *b).map(Item::Tensor),
            (Item::Sequence(a), Item::Sequence(b)) if a.len() == b.len() => {
                a.iter().zip(b).map(|(&a, &b)| choose(a, b)).collect::<Result<_, _>>().map(Item::Sequence)
            }
            _ => Err(Reason::Form("its condition is computed and chooses between sequences of different lengths")),
        }
    }

    /// Refuses what runs although the model might not run it, where that could end in a fault.
    pub(super) fn expect_no_fault(&self, from: usize) -> Result<(), Reason> {
        match self.emit.graph.nodes[from..].iter().find(|node| fault::possible(&self.emit, node)) {
            Some(node) => Err(Reason::Conditional { node: node.name.clone() }),
            None => Ok(()),
        }
    }

    /// Runs a body once; `None` where one of its nodes was refused.
    pub(super) fn round(&mut self, body: &GraphProto, given: &[Item]) -> Result<Option<Vec<Item>>, Failure> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS || self.emit.graph.nodes.len() > self.limits.nodes {
            return Err(Reason::Form("it runs too often to be written out").into());
        }
        self.emit.repeated += 1;
        let made = self.scoped(body, given);
        self.emit.repeated -= 1;
        Ok(made?.into_iter().collect())
    }

    /// Builds a subgraph in a scope of its own, its inputs bound to values.
    pub(super) fn scoped(&mut self, graph: &GraphProto, given: &[Item]) -> Result<Vec<Option<Item>>, Failure> {
        self.scopes.push(HashMap::new());
        let bound =
            graph.input.iter().zip(given).try_for_each(|(input, item)| self.define(&input.name, Some(item.clone())));
        let made = bound.and_then(|()| self.block(graph));
        self.scopes.pop();
        Ok(made?)
    }

    /// Joins values along a new axis.
    pub(super) fn stacked(&mut self, parts: &[ValueId], at: i64) -> Result<ValueId, Reason> {
        let first = *parts.first().ok_or(Reason::MissingInput(0))?;
        let at = axis(at, self.emit.rank(first) + 1)?;
        let mut boxed = Vec::with_capacity(parts.len());
        for &part in parts {
            let mut dims = self.emit.dims(part);
            if dims != self.emit.dims(first) {
                return Err(Reason::Shapes(self.emit.dims(first), dims));
            }
            if self.emit.is_padded(part) {
                return Err(Reason::Padded);
            }
            dims.insert(at, 1);
            boxed.push(self.emit.reshape(part, dims)?);
        }
        let made = self.emit.concat(&boxed, at)?;
        self.emit.mark_as(made, parts)
    }

    /// What stacking no values gives, by one of them.
    pub(super) fn empty_stack(&mut self, like: &Item, at: i64) -> Result<ValueId, Reason> {
        let like = only_tensor(like)?;
        let mut dims = self.emit.dims(like);
        let at = axis(at, dims.len() + 1)?;
        dims.insert(at, 0);
        self.emit.filled(self.emit.dtype(like), dims, 0.0)
    }

    /// A condition's value where it is known.
    pub(super) fn truth(&self, condition: ValueId) -> Result<Option<bool>, Reason> {
        if self.emit.is_padded(condition) {
            return Err(Reason::Padded);
        }
        let value = self.emit.graph.value(condition);
        match (value.dtype, value.count()) {
            (DType::Bool, 1) => Ok(value.data.as_ref().map(|data| data[0] != 0)),
            (DType::Bool, _) => Err(Reason::Shape { what: "the condition", got: value.dims.clone() }),
            (other, _) => Err(Reason::Type(other)),
        }
    }
}

/// The i-th operand as a tensor, where it is present.
pub(super) fn tensor(inputs: &[Option<Item>], i: usize) -> Result<Option<ValueId>, Reason> {
    Item::operand(inputs.get(i).and_then(Option::as_ref))
}

/// A value that must be a tensor.
pub(super) fn only_tensor(item: &Item) -> Result<ValueId, Reason> {
    Item::operand(Some(item))?.ok_or(Reason::Form("an optional without a value is read"))
}

pub(super) fn graph_attribute<'n>(node: &'n NodeProto, name: &'static str) -> Result<&'n GraphProto, Reason> {
    let attribute = node.attribute.iter().find(|a| a.name == name).ok_or(Reason::MissingAttribute(name))?;
    attribute.g.as_ref().ok_or(Reason::AttributeType(name))
}
