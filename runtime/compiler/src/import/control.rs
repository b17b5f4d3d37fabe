//! Control flow that vanishes: the branch that is taken, the body as often as it runs.

use std::collections::HashMap;

use mote_abi::DType;
use tract_onnx::pb::{GraphProto, NodeProto};

use super::node::axis;
use super::walk::{Failure, Made, Walk, title};
use crate::error::Reason;
use crate::graph::ValueId;

/// Most rounds that the loops of a model are written out for, nested ones multiplied.
const MAX_ROUNDS: usize = 4096;

impl<'m> Walk<'m> {
    /// Builds the branch that a constant condition takes, else both and a selection between equal shapes.
    pub(super) fn branch(&mut self, node: &'m NodeProto, inputs: &[Option<ValueId>]) -> Made {
        let [Some(condition)] = *inputs else { return Err(Reason::MissingInput(0).into()) };
        let (then, other) = (graph_attribute(node, "then_branch")?, graph_attribute(node, "else_branch")?);
        if let Some(taken) = self.truth(condition)? {
            return Ok(Some(self.scoped(if taken { then } else { other }, &[])?));
        }
        let (a, b) = (self.scoped(then, &[])?, self.scoped(other, &[])?);
        self.emit.node = title(node);
        if a.len() != b.len() {
            return Err(Reason::Form("its branches have different numbers of outputs").into());
        }
        let condition = self.emit.reshape(condition, vec![])?;
        let mut made = Vec::with_capacity(a.len());
        for pair in a.into_iter().zip(b) {
            let (Some(a), Some(b)) = pair else { return Ok(None) };
            if self.emit.dims(a) != self.emit.dims(b) {
                return Err(Reason::Form("its condition is not constant and its branches have different shapes").into());
            }
            made.push(Some(self.emit.select(condition, a, b)?));
        }
        Ok(Some(made))
    }

    /// Writes out a loop whose number of rounds is known: a constant trip count, a constant condition, or both.
    pub(super) fn repeat(&mut self, node: &'m NodeProto, inputs: &[Option<ValueId>]) -> Made {
        let body = graph_attribute(node, "body")?;
        let optional = |i: usize| inputs.get(i).copied().flatten();
        let trips = match optional(0) {
            None => None,
            Some(id) => Some(self.emit.ints(id).and_then(|v| v.first().copied()).ok_or(Reason::NotConstant(0))?),
        };
        let mut going = match optional(1) {
            None => true,
            Some(id) => self.truth(id)?.ok_or(Reason::NotConstant(1))?,
        };
        let mut carried: Vec<ValueId> = inputs
            .iter()
            .enumerate()
            .skip(2)
            .map(|(i, id)| id.ok_or(Reason::MissingInput(i)))
            .collect::<Result<_, _>>()?;
        if body.input.len() != 2 + carried.len() || body.output.len() <= carried.len() {
            return Err(Reason::Form("its body does not take and give what the loop carries").into());
        }
        let mut stacks = vec![Vec::new(); body.output.len() - 1 - carried.len()];
        let mut round = 0;
        while going && trips.is_none_or(|trips| round < trips) {
            self.emit.node = title(node);
            let counter = self.emit.i64s(vec![], &[round])?;
            let condition = self.emit.filled(DType::Bool, vec![], 1.0)?;
            let given: Vec<ValueId> = [counter, condition].into_iter().chain(carried.iter().copied()).collect();
            let Some(made) = self.round(body, &given)? else { return Ok(None) };
            going = self.truth(made[0])?.ok_or(Reason::Form("its condition is computed while it runs"))?;
            let count = carried.len();
            carried.copy_from_slice(&made[1..=count]);
            stacks.iter_mut().zip(&made[1 + count..]).for_each(|(stack, &value)| stack.push(value));
            round += 1;
        }
        self.emit.node = title(node);
        let mut outputs: Vec<Option<ValueId>> = carried.into_iter().map(Some).collect();
        for stack in stacks {
            outputs.push(Some(self.stacked(&stack, 0)?));
        }
        Ok(Some(outputs))
    }

    /// Writes out a scan: one round per slice of its scanned inputs.
    pub(super) fn scan(&mut self, node: &'m NodeProto, inputs: &[Option<ValueId>]) -> Made {
        let body = graph_attribute(node, "body")?;
        let scanned = node.attribute.iter().find(|a| a.name == "num_scan_inputs").map_or(0, |a| a.i);
        let scanned = usize::try_from(scanned).ok().filter(|&n| n > 0 && n <= inputs.len());
        let scanned = scanned.ok_or(Reason::MissingAttribute("num_scan_inputs"))?;
        let given: Vec<ValueId> =
            inputs.iter().enumerate().map(|(i, id)| id.ok_or(Reason::MissingInput(i))).collect::<Result<_, _>>()?;
        let (carried, sources) = given.split_at(given.len() - scanned);
        if body.input.len() != given.len() || body.output.len() < carried.len() {
            return Err(Reason::Form("its body does not take and give what the scan carries").into());
        }
        let results = body.output.len() - carried.len();
        let in_axes = list(node, "scan_input_axes", scanned)?;
        let backwards = list(node, "scan_input_directions", scanned)?;
        let out_axes = list(node, "scan_output_axes", results)?;
        let prepend = list(node, "scan_output_directions", results)?;
        let mut axes = Vec::with_capacity(scanned);
        for (&source, &at) in sources.iter().zip(&in_axes) {
            axes.push(axis(at, self.emit.rank(source))?);
        }
        let extent = |walk: &Self, i: usize| walk.emit.dims(sources[i])[axes[i]];
        let rounds = extent(self, 0);
        if (1..scanned).any(|i| extent(self, i) != rounds) {
            return Err(Reason::Form("its scanned inputs differ in length").into());
        }
        let mut carried = carried.to_vec();
        let mut stacks = vec![Vec::new(); results];
        for round in 0..rounds {
            self.emit.node = title(node);
            let mut given = carried.clone();
            for (i, &source) in sources.iter().enumerate() {
                let at = if backwards[i] == 1 { rounds - 1 - round } else { round };
                let slice = self.emit.narrow(source, axes[i], at, 1)?;
                given.push(self.emit.drop_axes(slice, &[axes[i]])?);
            }
            let Some(made) = self.round(body, &given)? else { return Ok(None) };
            let count = carried.len();
            carried.copy_from_slice(&made[..count]);
            stacks.iter_mut().zip(&made[count..]).for_each(|(stack, &value)| stack.push(value));
        }
        self.emit.node = title(node);
        let mut outputs: Vec<Option<ValueId>> = carried.into_iter().map(Some).collect();
        for (i, mut stack) in stacks.into_iter().enumerate() {
            if prepend[i] == 1 {
                stack.reverse();
            }
            outputs.push(Some(self.stacked(&stack, out_axes[i])?));
        }
        Ok(Some(outputs))
    }

    /// Runs a body once; `None` where one of its nodes was refused.
    fn round(&mut self, body: &'m GraphProto, given: &[ValueId]) -> Result<Option<Vec<ValueId>>, Failure> {
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
    fn scoped(&mut self, graph: &'m GraphProto, given: &[ValueId]) -> Result<Vec<Option<ValueId>>, Failure> {
        self.scopes.push(HashMap::new());
        let bound = graph.input.iter().zip(given).try_for_each(|(input, &id)| self.define(&input.name, Some(id)));
        let made = bound.and_then(|()| self.block(graph));
        self.scopes.pop();
        Ok(made?)
    }

    /// Joins values along a new axis.
    fn stacked(&mut self, parts: &[ValueId], at: i64) -> Result<ValueId, Reason> {
        let first = *parts.first().ok_or(Reason::Form("it runs no round, so the shape of its results is not known"))?;
        let at = axis(at, self.emit.rank(first) + 1)?;
        let mut boxed = Vec::with_capacity(parts.len());
        for &part in parts {
            let mut dims = self.emit.dims(part);
            if dims != self.emit.dims(first) {
                return Err(Reason::Shapes(self.emit.dims(first), dims));
            }
            dims.insert(at, 1);
            boxed.push(self.emit.reshape(part, dims)?);
        }
        self.emit.concat(&boxed, at)
    }

    /// A condition's value where it is known.
    fn truth(&self, condition: ValueId) -> Result<Option<bool>, Reason> {
        let value = self.emit.graph.value(condition);
        match (value.dtype, value.count()) {
            (DType::Bool, 1) => Ok(value.data.as_ref().map(|data| data[0] != 0)),
            (DType::Bool, _) => Err(Reason::Shape { what: "the condition", got: value.dims.clone() }),
            (other, _) => Err(Reason::Type(other)),
        }
    }
}

fn graph_attribute<'m>(node: &'m NodeProto, name: &'static str) -> Result<&'m GraphProto, Reason> {
    let attribute = node.attribute.iter().find(|a| a.name == name).ok_or(Reason::MissingAttribute(name))?;
    attribute.g.as_ref().ok_or(Reason::AttributeType(name))
}

/// An attribute of one number per scanned tensor, zeros by default.
fn list(node: &NodeProto, name: &'static str, count: usize) -> Result<Vec<i64>, Reason> {
    match node.attribute.iter().find(|a| a.name == name) {
        None => Ok(vec![0; count]),
        Some(a) if a.ints.len() == count => Ok(a.ints.clone()),
        Some(a) => Err(Reason::AttributeValue { name, got: format!("{:?}", a.ints) }),
    }
}
