use super::edit::{equate, operand};
use super::transpose::keeps_order;
use crate::graph::{Graph, Node, Op, ValueId};

/// Before: nodes that change nothing, chains of reshapes, transposes that move only axes of one element.
/// After: nothing; one reshape; a reshape.
pub(super) fn remove(mut graph: Graph) -> Graph {
    for at in 0..graph.nodes.len() {
        simplify(&mut graph, at);
    }
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        if let Some(x) = unchanged(&graph, node) {
            let y = node.outputs[0];
            equate(&mut graph, y, x);
        }
    }
    graph
}

/// Makes a reshape of what is one, and lets it read the first of a chain.
fn simplify(graph: &mut Graph, at: usize) {
    let node = &graph.nodes[at];
    let Some(x) = operand(node, 0) else { return };
    let moves_nothing = match &node.op {
        Op::Transpose { perm } => keeps_order(&graph.value(x).dims, perm),
        Op::Expand => graph.value(x).count() == graph.value(node.outputs[0]).count(),
        _ => node.op == Op::Reshape,
    };
    if !moves_nothing {
        return;
    }
    let source = reshape_source(graph, at, x);
    let node = &mut graph.nodes[at];
    (node.op, node.inputs) = (Op::Reshape, vec![Some(source)]);
}

fn reshape_source(graph: &Graph, before: usize, mut x: ValueId) -> ValueId {
    for node in graph.nodes[..before].iter().rev() {
        if node.op == Op::Reshape && node.outputs[0] == x {
            x = operand(node, 0).unwrap_or(x);
        }
    }
    x
}

/// The operand that a node only passes on.
fn unchanged(graph: &Graph, node: &Node) -> Option<ValueId> {
    let x = operand(node, 0)?;
    let (from, to) = (graph.value(x), graph.value(*node.outputs.first()?));
    if from.dtype != to.dtype || from.dims != to.dims {
        return None;
    }
    let same = match &node.op {
        Op::Reshape | Op::Cast | Op::Expand | Op::Pad { .. } => true,
        Op::Concat { .. } => node.inputs.len() == 1,
        Op::Slice { start, step } => {
            // An axis of one element may be walked by any step.
            let whole = |(i, &step): (usize, &isize)| step == 1 || from.dims[i] == 1;
            start.iter().all(|&at| at == 0) && step.iter().enumerate().all(whole)
        }
        _ => false,
    };
    same.then_some(x)
}
