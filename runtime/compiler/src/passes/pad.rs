use super::edit::{Links, operand};
use crate::graph::{Graph, Op};

/// Before: `p = pad(x, rows and columns, 0)`, `y = conv(p)`. After: `y = conv(x)` with a wider window padding.
pub(super) fn fold(graph: Graph) -> Graph {
    let mut graph = swap(graph);
    let links = Links::of(&graph);
    for at in 0..graph.nodes.len() {
        let Some(padded) = operand(&graph.nodes[at], 0) else { continue };
        let Some(maker) = links.maker(padded) else { continue };
        let Some((x, border)) = zero_border(&graph, maker) else { continue };
        let node = &mut graph.nodes[at];
        if let Op::Conv { window, .. } = &mut node.op {
            for (pad, more) in window.pad.iter_mut().zip(border) {
                *pad += more;
            }
            node.inputs[0] = Some(x);
        }
    }
    graph
}

/// Before: `p = pad(x)`, `y = transpose(p)`, p read once. After: `t = transpose(x)`, `y = pad(t)`, which moves less and
/// meets the convolution.
fn swap(mut graph: Graph) -> Graph {
    let links = Links::of(&graph);
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let Op::Transpose { perm } = &node.op else { continue };
        let Some(maker) = operand(node, 0).and_then(|p| links.private_maker(&graph, p)) else { continue };
        let pad = &graph.nodes[maker];
        let (Op::Pad { before, value }, Some(x)) = (&pad.op, operand(pad, 0)) else { continue };
        let (from, name) = (graph.value(x), graph.value(node.outputs[0]).name.clone());
        let dims = perm.iter().map(|&axis| from.dims[axis]).collect();
        let before = perm.iter().map(|&axis| before[axis]).collect();
        let (op, value, dtype) = (node.op.clone(), value.clone(), from.dtype);
        let t = graph.computed(name, dtype, dims);
        let first = &mut graph.nodes[maker];
        (first.op, first.outputs) = (op, vec![t]);
        let second = &mut graph.nodes[at];
        (second.op, second.inputs) = (Op::Pad { before, value }, vec![Some(t)]);
    }
    graph
}

/// What a pad node of an image reads, and its zeros above, left, below and right.
fn zero_border(graph: &Graph, at: usize) -> Option<(crate::graph::ValueId, [usize; 4])> {
    let node = &graph.nodes[at];
    let Op::Pad { before, value } = &node.op else { return None };
    let x = operand(node, 0)?;
    let (from, to) = (&graph.value(x).dims, &graph.value(node.outputs[0]).dims);
    let image = from.len() == 4 && from[0] == to[0] && from[3] == to[3];
    if !image || value.iter().any(|&byte| byte != 0) {
        return None;
    }
    let after = |axis: usize| to[axis] - from[axis] - before[axis];
    Some((x, [before[1], before[2], after(1), after(2)]))
}
