use crate::graph::{Graph, Op};

/// Before: a node none of whose results is read, and that cannot end a run for that is its purpose. After: no such node.
pub(super) fn remove(mut graph: Graph) -> Graph {
    let mut read = vec![false; graph.values.len()];
    for id in &graph.outputs {
        read[id.0 as usize] = true;
    }
    let mut kept = Vec::with_capacity(graph.nodes.len());
    for node in graph.nodes.into_iter().rev() {
        if matches!(node.op, Op::Bound { .. }) || node.outputs.iter().any(|id| read[id.0 as usize]) {
            for id in node.inputs.iter().flatten() {
                read[id.0 as usize] = true;
            }
            kept.push(node);
        }
    }
    kept.reverse();
    graph.nodes = kept;
    graph
}
