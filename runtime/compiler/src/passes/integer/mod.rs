//! Keeps quantized models in integers.
//!
//! A file says `y = quantize(f(dequantize(x)))`. The walk below knows which f32 values are dequantized integers, lets data
//! movement work on the integers instead, and puts a step over integers wherever a quantization is reached: a table for
//! functions of one tensor, and products, sums, averages with their scales joined. What nobody reads any more dies.

mod filter;
mod table;

use std::collections::BTreeMap;

use mote_abi::DType;
use mote_abi::op::{Binary, Pool, Unary};

use super::edit::{Links, operand};
use crate::graph::{Graph, Node, Op, QBinary, QConv, QPool, Steps, Value, ValueId, Window};
use filter::filter;
use table::Table;

/// Before: `y = quantize(f(dequantize(x)))`. After: `y = f'(x)` over 8-bit integers.
pub(super) fn quantize(mut graph: Graph) -> Graph {
    if !graph.nodes.iter().any(|node| node.op == Op::Dequantize) {
        return graph;
    }
    let (links, nodes) = (Links::of(&graph), std::mem::take(&mut graph.nodes));
    let (origins, renames, tables) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut walk = Walk { graph, links, nodes: &nodes, origins, renames, tables };
    for node in &nodes {
        walk.visit(node);
    }
    walk.graph
}

/// Before: `y = conv(dequantize(x), w)`, w stored as integers. After: the same sum in integers, scaled to f32.
pub(super) fn keep_weights(mut graph: Graph) -> Graph {
    let links = Links::of(&graph);
    for at in 0..graph.nodes.len() {
        let node = graph.nodes[at].clone();
        let Op::Conv { window, groups, .. } = node.op else { continue };
        let maker = operand(&node, 0).and_then(|x| links.maker(x)).map(|maker| &graph.nodes[maker]);
        let Some(origin) = maker.and_then(|maker| Origin::of(&graph, maker)) else { continue };
        let Some(filter) = filter(&mut graph, &node, origin.scale) else { continue };
        let scale = filter.scaled(&mut graph, 1.0);
        let to = Steps { zero: 0, low: 0, high: 0 };
        graph.nodes[at].op = Op::QConv(QConv { window, groups, x_zero: origin.zero, to });
        graph.nodes[at].inputs = filter.operands(origin.integers, scale);
    }
    graph
}

/// Nodes that are looked through on the way from a quantization to the integers under it.
const MAX_DEPTH: usize = 64;

/// An f32 value as dequantized 8-bit integers with one scale.
#[derive(Clone, Copy)]
struct Origin {
    integers: ValueId,
    scale: f32,
    zero: i32,
    /// The operands of a node that dequantizes in this way.
    linear: [Option<ValueId>; 2],
}

/// A quantization to 8 bits with one scale.
#[derive(Clone, Copy)]
struct To {
    dtype: DType,
    scale: f32,
    steps: Steps,
    linear: [Option<ValueId>; 2],
}

struct Walk<'n> {
    graph: Graph,
    links: Links,
    /// The graph before.
    nodes: &'n [Node],
    origins: BTreeMap<ValueId, Origin>,
    /// Values that are equal to others.
    renames: BTreeMap<ValueId, ValueId>,
    tables: BTreeMap<ValueId, Option<Table>>,
}

impl Origin {
    /// What a dequantization makes.
    fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let x = operand(node, 0).filter(|_| node.op == Op::Dequantize)?;
        let (scale, zero) = linear(graph, node)?;
        Steps::all(graph.value(x).dtype, zero)?;
        Some(Self { integers: x, scale, zero, linear: [operand(node, 1), operand(node, 2)] })
    }
}

impl To {
    fn of(graph: &Graph, node: &Node) -> Option<Self> {
        let dtype = graph.value(node.outputs[0]).dtype;
        let (scale, zero) = linear(graph, node)?;
        let steps = Steps::all(dtype, zero)?;
        Some(Self { dtype, scale, steps, linear: [operand(node, 1), operand(node, 2)] })
    }
}

/// Scale and zero point of a node that has one of each, both known.
fn linear(graph: &Graph, node: &Node) -> Option<(f32, i32)> {
    let scale = graph.value(operand(node, 1)?);
    let scale: [u8; 4] = scale.data.as_deref().filter(|_| scale.count() == 1)?.try_into().ok()?;
    let scale = f32::from_le_bytes(scale);
    let zero = match operand(node, 2).map(|zero| graph.value(zero)) {
        None => 0,
        Some(Value { dtype, data, .. }) => match (dtype, data.as_deref()?) {
            (DType::I8, &[zero]) => zero.cast_signed().into(),
            (DType::U8, &[zero]) => zero.into(),
            _ => return None,
        },
    };
    (scale.is_finite() && scale > 0.0).then_some((scale, zero))
}

impl Walk<'_> {
    fn visit(&mut self, node: &Node) {
        let mut node = node.clone();
        for id in node.inputs.iter_mut().flatten() {
            *id = self.renames.get(id).copied().unwrap_or(*id);
        }
        let y = node.outputs.first().copied();
        if let (Some(origin), Some(y)) = (Origin::of(&self.graph, &node), y) {
            self.origins.insert(y, origin);
        } else if node.op == Op::Quantize
            && let Some(x) = operand(&node, 0)
            && let Some(to) = To::of(&self.graph, &node)
            && let Some(made) = self.integers(x, &to, 0)
        {
            return self.rename(node, made);
        } else if let Some(origin) = self.moved(&node) {
            node = Node { op: Op::Dequantize, inputs: vec![Some(origin.integers)], ..node };
            node.inputs.extend(origin.linear);
            self.origins.insert(node.outputs[0], origin);
        }
        self.graph.nodes.push(node);
    }

    /// Lets readers of a node's result read another value. The caller of the graph goes on reading the result.
    fn rename(&mut self, node: Node, made: ValueId) {
        self.renames.insert(node.outputs[0], made);
        if self.graph.outputs.contains(&node.outputs[0]) {
            self.graph.nodes.push(Node { op: Op::Reshape, inputs: vec![Some(made)], ..node });
        }
    }

    /// The result of data movement over dequantized integers, as integers.
    fn moved(&mut self, node: &Node) -> Option<Origin> {
        let origin = *self.origins.get(&operand(node, 0)?)?;
        let dtype = self.graph.value(origin.integers).dtype;
        if let Op::Concat { .. } = node.op {
            let mut parts = Vec::with_capacity(node.inputs.len());
            for part in node.inputs.iter().flatten() {
                let other = self.origins.get(part)?;
                let alike = other.scale.to_bits() == origin.scale.to_bits() && other.zero == origin.zero;
                parts.push(other.integers);
                if !alike || self.graph.value(other.integers).dtype != dtype {
                    return None;
                }
            }
            return Some(Origin { integers: self.joined(node, &parts, dtype), ..origin });
        }
        let op = over_integers(&node.op, origin.zero)?;
        Some(Origin { integers: self.again(node, op, origin.integers, dtype), ..origin })
    }

    /// A node once more over another first operand.
    fn again(&mut self, node: &Node, op: Op, first: ValueId, dtype: DType) -> ValueId {
        let mut inputs = node.inputs.clone();
        inputs[0] = Some(first);
        let dims = self.graph.value(node.outputs[0]).dims.clone();
        self.graph.node(node.name.clone(), op, &inputs, dtype, dims)
    }

    fn joined(&mut self, node: &Node, parts: &[ValueId], dtype: DType) -> ValueId {
        let inputs: Vec<_> = parts.iter().copied().map(Some).collect();
        let dims = self.graph.value(node.outputs[0]).dims.clone();
        self.graph.node(node.name.clone(), node.op.clone(), &inputs, dtype, dims)
    }

    /// The quantization of an f32 value, made of integers.
    fn integers(&mut self, x: ValueId, to: &To, depth: usize) -> Option<ValueId> {
        if let Some(made) = self.by_table(x, to) {
            return Some(made);
        }
        // What somebody else reads in f32 is computed in f32 anyway.
        let at = self.links.private_maker(&self.graph, x).filter(|_| depth < MAX_DEPTH)?;
        let nodes = self.nodes;
        let node = &nodes[at];
        match &node.op {
            Op::Unary { op: Unary::Clamp, alpha, beta } => {
                let to = self.tightened(to, *alpha, *beta)?;
                self.integers(operand(node, 0)?, &to, depth + 1)
            }
            Op::Concat { .. } => self.concat(node, to, depth),
            Op::Conv { window, groups, .. } => self.conv(node, *window, *groups, to),
            Op::Pool { window, op: op @ (Pool::Average | Pool::AverageWithPadding) } => {
                self.average(node, *window, *op, to)
            }
            Op::Binary(op @ (Binary::Add | Binary::Sub | Binary::Mul)) => self.blend(node, *op, to),
            op => {
                let op = over_integers(op, to.steps.zero)?;
                let x = self.integers(operand(node, 0)?, to, depth + 1)?;
                Some(self.again(node, op, x, to.dtype))
            }
        }
    }

    /// A quantization of what was clamped, its bounds those of the clamp.
    fn tightened(&self, to: &To, low: f32, high: f32) -> Option<To> {
        let steps = table::steps(&self.graph, &[low, high], to)?;
        let (low, high) = (*steps.first()?, *steps.get(1)?);
        let steps = Steps {
            low: to.steps.low.max(low).min(to.steps.high),
            high: to.steps.high.min(high).max(to.steps.low),
            ..to.steps
        };
        (steps.low <= steps.high).then_some(To { steps, ..*to })
    }

    /// Parts quantized one by one; one that is not made of integers is quantized as it is.
    fn concat(&mut self, node: &Node, to: &To, depth: usize) -> Option<ValueId> {
        let made: Vec<_> =
            node.inputs.iter().flatten().map(|&part| (part, self.integers(part, to, depth + 1))).collect();
        let whole = Steps::all(to.dtype, to.steps.zero) == Some(to.steps);
        if made.iter().all(|(_, made)| made.is_none()) || (!whole && made.iter().any(|(_, made)| made.is_none())) {
            return None;
        }
        let mut parts = Vec::with_capacity(made.len());
        for (part, made) in made {
            parts.push(made.unwrap_or_else(|| {
                let Value { name, dims, .. } = self.graph.value(part).clone();
                let inputs = [Some(part), to.linear[0], to.linear[1]];
                self.graph.node(name, Op::Quantize, &inputs, to.dtype, dims)
            }));
        }
        Some(self.joined(node, &parts, to.dtype))
    }

    fn conv(&mut self, node: &Node, window: Window, groups: usize, to: &To) -> Option<ValueId> {
        let origin = *self.origins.get(&operand(node, 0)?)?;
        let filter = filter(&mut self.graph, node, origin.scale)?;
        let scale = filter.scaled(&mut self.graph, 1.0 / f64::from(to.scale));
        let op = Op::QConv(QConv { window, groups, x_zero: origin.zero, to: to.steps });
        let dims = self.graph.value(node.outputs[0]).dims.clone();
        let inputs = filter.operands(origin.integers, scale);
        Some(self.graph.node(node.name.clone(), op, &inputs, to.dtype, dims))
    }

    fn average(&mut self, node: &Node, window: Window, op: Pool, to: &To) -> Option<ValueId> {
        let origin = *self.origins.get(&operand(node, 0)?)?;
        let scale = (f64::from(origin.scale) / f64::from(to.scale)) as f32;
        let op = Op::QPool(QPool { window, op, scale, x_zero: origin.zero, to: to.steps });
        scale.is_finite().then(|| self.again(node, op, origin.integers, to.dtype))
    }

    fn blend(&mut self, node: &Node, op: Binary, to: &To) -> Option<ValueId> {
        let (a, b) = (self.known(operand(node, 0)?)?, self.known(operand(node, 1)?)?);
        let [sa, sb, sy] = [a.scale, b.scale, to.scale].map(f64::from);
        let (op, scale) = match op {
            Binary::Add => (Binary::Add, [sa / sy, sb / sy]),
            Binary::Sub => (Binary::Add, [sa / sy, -sb / sy]),
            _ => (Binary::Mul, [sa * sb / sy, 1.0]),
        };
        let scale = scale.map(|scale| scale as f32);
        let settings = QBinary { op, scale, zero: [a.zero, b.zero], to: to.steps };
        let inputs = [Some(a.integers), Some(b.integers)];
        let dims = self.graph.value(node.outputs[0]).dims.clone();
        let sound = scale.iter().all(|scale| scale.is_finite());
        sound.then(|| self.graph.node(node.name.clone(), Op::QBinary(settings), &inputs, to.dtype, dims))
    }

    /// A value as dequantized integers, computed or constant.
    fn known(&self, id: ValueId) -> Option<Origin> {
        if let Some(&origin) = self.origins.get(&id) {
            return Some(origin);
        }
        let known = self.graph.quantized.get(&id)?;
        let (&[scale], &[zero]) = (known.scale.as_slice(), known.zero.as_slice()) else { return None };
        let zero = i32::try_from(zero).ok()?;
        Steps::all(self.graph.value(known.integers).dtype, zero)?;
        let sound = scale.is_finite() && scale > 0.0;
        sound.then_some(Origin { integers: known.integers, scale, zero, linear: [None; 2] })
    }
}

/// Data movement as it is done to integers, 0 being their zero point; `None` for what computes.
fn over_integers(op: &Op, zero: i32) -> Option<Op> {
    match op {
        // Of a pool the largest number is that of the largest integer, for scales are positive.
        Op::Transpose { .. }
        | Op::Reshape
        | Op::Slice { .. }
        | Op::Expand
        | Op::Gather { .. }
        | Op::Pool { op: Pool::Max, .. } => Some(op.clone()),
        Op::Pad { before, value } if value.iter().all(|&byte| byte == 0) => {
            Some(Op::Pad { before: before.clone(), value: vec![zero as u8] })
        }
        _ => None,
    }
}
