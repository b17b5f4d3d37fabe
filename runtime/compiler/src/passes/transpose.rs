//! Moves transposes down until they meet their inverse.
//!
//! Importers put a transpose before and after every convolution and pool. The walk below never writes a transpose where
//! it stands: a value that is one is only noted as (source, permutation), element-wise nodes work on the source and pass
//! the note on, and the transpose is written where somebody insists on the value itself.

use std::collections::BTreeMap;

use super::edit::operand;
use crate::eval;
use crate::graph::{Graph, Node, Op, Value, ValueId};

/// Before: `t = transpose(x)`, `u = f(t)`, `y = transpose'(u)`. After: `y = f'(x)`, f' the same along other axes.
///
/// Done with and without the readiness to transpose one more operand for it; the way that moves the fewest elements wins,
/// which may be the graph as it was.
pub(super) fn sink(graph: Graph) -> Graph {
    let ways = [Zeal::Free, Zeal::Bold].map(|zeal| Walk::over(graph.clone(), zeal));
    let best =
        ways.into_iter().min_by_key(moved_elements).filter(|best| moved_elements(best) <= moved_elements(&graph));
    best.unwrap_or(graph)
}

/// Whether a permutation leaves elements where they are: only axes of one element change places.
pub(super) fn keeps_order(dims: &[usize], perm: &[usize]) -> bool {
    perm.iter().filter(|&&axis| dims[axis] != 1).is_sorted()
}

/// Elements that the transposes which are needed move.
fn moved_elements(graph: &Graph) -> usize {
    let moved = |node: &Node| match &node.op {
        Op::Transpose { perm } => {
            operand(node, 0).map(|x| graph.value(x)).filter(|x| !keeps_order(&x.dims, perm)).map_or(0, Value::count)
        }
        _ => 0,
    };
    super::dead::remove(graph.clone()).nodes.iter().map(moved).sum()
}

/// What may be done so that a transpose can move on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zeal {
    /// Only what costs nothing.
    Free,
    /// One more transpose of another operand.
    Bold,
}

/// A value as a permutation of another.
#[derive(Clone)]
struct Note {
    source: ValueId,
    perm: Vec<usize>,
}

struct Walk {
    graph: Graph,
    zeal: Zeal,
    /// Values that are known as permutations and not written.
    notes: BTreeMap<ValueId, Note>,
    /// Permutations that are written.
    written: BTreeMap<(ValueId, Vec<usize>), ValueId>,
}

impl Walk {
    fn over(mut graph: Graph, zeal: Zeal) -> Graph {
        let nodes = std::mem::take(&mut graph.nodes);
        let mut walk = Self { graph, zeal, notes: BTreeMap::new(), written: BTreeMap::new() };
        for node in nodes {
            if !walk.pass_through(&node) {
                walk.keep(node);
            }
        }
        for id in walk.graph.outputs.clone() {
            walk.write(id);
        }
        walk.graph
    }

    /// Appends a node as it is, its operands written out.
    fn keep(&mut self, mut node: Node) {
        for id in node.inputs.iter_mut().flatten() {
            *id = self.write(*id);
        }
        self.graph.nodes.push(node);
    }

    /// Writes the transpose that a value was noted as.
    fn write(&mut self, id: ValueId) -> ValueId {
        let Some(Note { source, perm }) = self.notes.get(&id).cloned() else { return id };
        let is_output = self.graph.outputs.contains(&id);
        let identity = perm.iter().enumerate().all(|(i, &axis)| i == axis);
        if identity && !is_output {
            return source;
        }
        let key = (source, perm);
        match self.written.get(&key) {
            Some(&same) if !is_output || same == id => return same,
            _ => {}
        }
        let (source, perm) = key.clone();
        let op = if identity { Op::Reshape } else { Op::Transpose { perm } };
        let name = self.graph.value(id).name.clone();
        self.graph.nodes.push(Node { name, op, inputs: vec![Some(source)], outputs: vec![id] });
        self.written.insert(key, id);
        id
    }

    /// Notes what a node makes as a permutation of what the node makes of its unpermuted operands. False where it must
    /// stay as it is.
    fn pass_through(&mut self, node: &Node) -> bool {
        if let Op::Transpose { perm } = &node.op {
            let Some(x) = operand(node, 0) else { return false };
            let note = match self.notes.get(&x) {
                Some(Note { source, perm: first }) => {
                    Note { source: *source, perm: perm.iter().map(|&axis| first[axis]).collect() }
                }
                None => Note { source: x, perm: perm.clone() },
            };
            self.notes.insert(node.outputs[0], note);
            return true;
        }
        self.rewritten(node).is_some()
    }

    fn rewritten(&mut self, node: &Node) -> Option<()> {
        match &node.op {
            Op::Unary { .. } | Op::Cast | Op::Lookup => self.along(node, |_| Some(node.op.clone())),
            Op::Quantize | Op::Dequantize if node.inputs[1..].iter().flatten().all(|&id| self.is_scalar(id)) => {
                self.along(node, |_| Some(node.op.clone()))
            }
            Op::Reduce { op, axes } => self.along(node, |perm| {
                let mut axes: Vec<usize> = axes.iter().map(|&axis| perm[axis]).collect();
                axes.sort_unstable();
                Some(Op::Reduce { op: *op, axes })
            }),
            Op::Softmax { axis, log } => self.along(node, |perm| Some(Op::Softmax { axis: perm[*axis], log: *log })),
            Op::ArgReduce { axis, max, last } => {
                self.along(node, |perm| Some(Op::ArgReduce { axis: perm[*axis], max: *max, last: *last }))
            }
            Op::CumSum { axis, exclusive, reverse } => self
                .along(node, |perm| Some(Op::CumSum { axis: perm[*axis], exclusive: *exclusive, reverse: *reverse })),
            Op::TopK { axis, largest } => {
                self.along(node, |perm| Some(Op::TopK { axis: perm[*axis], largest: *largest }))
            }
            Op::Lerp { axis } => self.along(node, |perm| Some(Op::Lerp { axis: perm[*axis] })),
            Op::Gather { axis } if self.rank(operand(node, 1)?) == 1 => {
                self.along(node, |perm| Some(Op::Gather { axis: perm[*axis] }))
            }
            Op::Slice { start, step } => {
                self.along(node, |perm| Some(Op::Slice { start: back(perm, start), step: back(perm, step) }))
            }
            Op::Pad { before, value } => {
                self.along(node, |perm| Some(Op::Pad { before: back(perm, before), value: value.clone() }))
            }
            Op::Expand if self.rank(operand(node, 0)?) == self.rank(node.outputs[0]) => {
                self.along(node, |_| Some(Op::Expand))
            }
            Op::Binary(_) | Op::Select | Op::QBinary(_) => self.together(node, |_| node.op.clone()),
            Op::Concat { axis } => self.together(node, |perm| Op::Concat { axis: perm[*axis] }),
            Op::Reshape => self.regrouped(node),
            _ => None,
        }
    }

    /// A node whose first operand is noted and whose results have the same rank.
    fn along(&mut self, node: &Node, op: impl FnOnce(&[usize]) -> Option<Op>) -> Option<()> {
        let Note { source, perm } = self.notes.get(&operand(node, 0)?)?.clone();
        let op = op(&perm)?;
        let mut inputs = node.inputs.clone();
        inputs[0] = Some(source);
        for id in inputs[1..].iter_mut().flatten() {
            *id = self.write(*id);
        }
        self.emit(node, op, inputs, &perm);
        Some(())
    }

    /// A node whose operands broadcast against each other, or stand beside each other.
    fn together(&mut self, node: &Node, op: impl FnOnce(&[usize]) -> Op) -> Option<()> {
        let rank = self.rank(node.outputs[0]);
        let leading =
            node.inputs.iter().flatten().filter_map(|id| self.notes.get(id)).filter(|note| {
                note.perm.len() == rank && !keeps_order(&self.graph.value(note.source).dims, &note.perm)
            });
        let perm = leading.max_by_key(|note| self.graph.value(note.source).count())?.perm.clone();
        let inverse = inverse(&perm);
        let mut extra = 0;
        for id in node.inputs.iter().flatten() {
            extra += usize::from(!self.is_free(*id, &inverse));
        }
        if extra > usize::from(self.zeal == Zeal::Bold) {
            return None;
        }
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &id in node.inputs.iter().flatten() {
            inputs.push(Some(self.permuted(id, &inverse)?));
        }
        self.emit(node, op(&perm), inputs, &perm);
        Some(())
    }

    /// Whether the permutation of a value that is to meet others costs no copy.
    fn is_free(&self, id: ValueId, perm: &[usize]) -> bool {
        let value = self.graph.value(id);
        if value.is_constant() {
            return true;
        }
        let dims = widened(&value.dims, perm.len());
        let (source, all) = match self.notes.get(&id) {
            Some(note) if note.perm.len() == perm.len() => {
                (note.source, perm.iter().map(|&axis| note.perm[axis]).collect::<Vec<_>>())
            }
            _ => (id, perm.to_vec()),
        };
        let dims = if source == id { dims } else { self.graph.value(source).dims.clone() };
        keeps_order(&dims, &all) || self.written.contains_key(&(source, all))
    }

    /// A value, widened to the rank of a permutation and permuted.
    fn permuted(&mut self, id: ValueId, perm: &[usize]) -> Option<ValueId> {
        let value = self.graph.value(id).clone();
        let wide = widened(&value.dims, perm.len());
        let dims: Vec<usize> = perm.iter().map(|&axis| wide[axis]).collect();
        if value.is_constant() {
            let op = Op::Transpose { perm: perm.to_vec() };
            let whole = Value { dims: wide, ..value.clone() };
            let data = eval::fold(&op, &[Some(&whole)], &[(value.dtype, dims.clone())]).ok()?.pop()?;
            return Some(self.graph.add_value(Value { dims, data: Some(data), ..value }));
        }
        let (source, all) = match self.notes.get(&id) {
            Some(note) if note.perm.len() == perm.len() => {
                (note.source, perm.iter().map(|&axis| note.perm[axis]).collect::<Vec<_>>())
            }
            _ => (self.write(id), perm.to_vec()),
        };
        if all.iter().enumerate().all(|(i, &axis)| i == axis) && self.graph.value(source).dims == dims {
            return Some(source);
        }
        if let Some(&same) = self.written.get(&(source, all.clone())) {
            return Some(same);
        }
        let from = widened(&self.graph.value(source).dims, perm.len());
        if keeps_order(&from, &all) {
            return Some(self.graph.node(value.name, Op::Reshape, &[Some(source)], value.dtype, dims));
        }
        let y = self.graph.node(value.name, Op::Transpose { perm: all.clone() }, &[Some(source)], value.dtype, dims);
        self.written.insert((source, all), y);
        Some(y)
    }

    /// A reshape that splits or joins axes which lie beside each other under the transpose as well.
    fn regrouped(&mut self, node: &Node) -> Option<()> {
        let Note { source, perm } = self.notes.get(&operand(node, 0)?)?.clone();
        let y = node.outputs[0];
        let (dims, perm) = regroup(&self.graph.value(source).dims, &perm, &self.graph.value(y).dims)?;
        let (name, dtype) = (self.graph.value(y).name.clone(), self.graph.value(y).dtype);
        let source = self.graph.node(name, Op::Reshape, &[Some(source)], dtype, dims);
        self.notes.insert(y, Note { source, perm });
        Some(())
    }

    /// Appends a node over unpermuted operands and notes its results.
    fn emit(&mut self, node: &Node, op: Op, inputs: Vec<Option<ValueId>>, perm: &[usize]) {
        let mut outputs = Vec::with_capacity(node.outputs.len());
        for &y in &node.outputs {
            let value = self.graph.value(y).clone();
            let source = self.graph.computed(value.name, value.dtype, back(perm, &value.dims));
            self.notes.insert(y, Note { source, perm: perm.to_vec() });
            outputs.push(source);
        }
        self.graph.nodes.push(Node { name: node.name.clone(), op, inputs, outputs });
    }

    /// Whether a value broadcasts to any shape of any order of axes.
    fn is_scalar(&self, id: ValueId) -> bool {
        self.rank(id) == 0
    }

    fn rank(&self, id: ValueId) -> usize {
        self.graph.value(id).dims.len()
    }
}

/// Facts per axis of the permuted value as facts per axis of its source.
fn back<T: Copy>(perm: &[usize], facts: &[T]) -> Vec<T> {
    inverse(perm).into_iter().map(|axis| facts[axis]).collect()
}

/// The permutation that undoes another.
pub(super) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; perm.len()];
    for (i, &axis) in perm.iter().enumerate() {
        inverse[axis] = i;
    }
    inverse
}

fn widened(dims: &[usize], rank: usize) -> Vec<usize> {
    let mut wide = vec![1; rank.saturating_sub(dims.len())];
    wide.extend(dims);
    wide
}

/// `reshape(transpose(x, perm), to)` as `transpose(reshape(x, dims), perm')`, where each run of axes that the reshape
/// splits or joins is one run of axes of x in the same order.
fn regroup(source: &[usize], perm: &[usize], to: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
    // Axes of one element take part in no order; those of the result are put first.
    let solid: Vec<usize> = (0..source.len()).filter(|&axis| source[axis] != 1).collect();
    let from: Vec<usize> = perm.iter().filter_map(|axis| solid.iter().position(|solid| solid == axis)).collect();
    let wide: Vec<usize> = (0..to.len()).filter(|&axis| to[axis] != 1).collect();
    if source.contains(&0) {
        return None;
    }
    // Where each run of source axes begins, and which axes of the result it becomes.
    let mut runs: Vec<(usize, &[usize])> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < from.len() {
        let (first_i, first_j) = (i, j);
        let (mut left, mut right) = (source[solid[from[i]]], *to.get(*wide.get(j)?)?);
        (i, j) = (i + 1, j + 1);
        while left != right {
            if left < right {
                left *= source[solid[*from.get(i)?]];
                i += 1;
            } else {
                right *= to[*wide.get(j)?];
                j += 1;
            }
        }
        if !from[first_i..i].windows(2).all(|pair| pair[0] + 1 == pair[1]) {
            return None;
        }
        runs.push((from[first_i], &wide[first_j..j]));
    }
    runs.sort_unstable_by_key(|&(first, _)| first);
    let ones = (0..to.len()).filter(|&axis| to[axis] == 1);
    let order: Vec<usize> = ones.chain(runs.iter().flat_map(|(_, axes)| axes.iter().copied())).collect();
    Some((order.iter().map(|&axis| to[axis]).collect(), inverse(&order)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reshape_that_keeps_runs_together_moves_above() {
        let nchw = &[0, 3, 1, 2][..];
        for (source, perm, to, want) in [
            // Squeeze and unsqueeze.
            (&[1, 1, 9, 4][..], nchw, &[1, 4, 9][..], Some((vec![1, 9, 4], vec![0, 2, 1]))),
            // Channel shuffle splits the channels.
            (&[1, 5, 7, 6], nchw, &[1, 2, 3, 5, 7], Some((vec![1, 5, 7, 2, 3], vec![0, 3, 4, 1, 2]))),
            // Rows and columns join.
            (&[2, 5, 7, 6], nchw, &[2, 6, 35], Some((vec![2, 35, 6], vec![0, 2, 1]))),
            // Channels before pixels cannot be flattened without moving them.
            (&[1, 5, 7, 6], nchw, &[1, 210], None),
        ] {
            assert_eq!(regroup(source, perm, to), want, "{source:?} {to:?}");
        }
    }

    #[test]
    fn order_is_kept_where_only_single_elements_move() {
        for (dims, perm, keeps) in [
            (&[1, 1, 1, 8][..], &[0, 3, 1, 2][..], true),
            (&[1, 4, 1, 8], &[0, 3, 1, 2], false),
            (&[1, 1, 4, 8], &[1, 2, 0, 3], true),
        ] {
            assert_eq!(keeps_order(dims, perm), keeps, "{dims:?}");
        }
    }
}
