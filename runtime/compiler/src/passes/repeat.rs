use std::collections::BTreeMap;

use super::edit::equate;
use crate::graph::Graph;

/// Before: `y = f(x)`, `z = f(x)`. After: readers of z read y.
pub(super) fn merge(mut graph: Graph) -> Graph {
    let mut seen = BTreeMap::new();
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let facts = |id: &_| (graph.value(*id).dtype, graph.value(*id).dims.clone());
        let results: Vec<_> = node.outputs.iter().map(facts).collect();
        let key = (format!("{:?}", node.op), node.inputs.clone(), results);
        let outputs = node.outputs.clone();
        let Some(first) = seen.get(&key).cloned() else {
            seen.insert(key, outputs);
            continue;
        };
        let first: Vec<_> = first;
        // An output of the graph keeps its own node: renaming it would reorder makers and readers.
        if outputs.iter().any(|id| graph.outputs.contains(id)) {
            continue;
        }
        for (&y, &x) in outputs.iter().zip(&first) {
            equate(&mut graph, y, x);
        }
    }
    graph
}
