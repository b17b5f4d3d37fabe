//! Who makes and who reads each value, and the one way to drop a node that only renames.

use std::collections::BTreeSet;

use crate::graph::{Graph, Node, ValueId};

/// Makers and readers of every value of a graph.
pub(super) struct Links {
    makers: Vec<Option<usize>>,
    reads: Vec<usize>,
}

impl Links {
    pub(super) fn of(graph: &Graph) -> Self {
        let mut links = Self { makers: vec![None; graph.values.len()], reads: vec![0; graph.values.len()] };
        for (at, node) in graph.nodes.iter().enumerate() {
            for id in node.inputs.iter().flatten() {
                links.reads[id.0 as usize] += 1;
            }
            for id in &node.outputs {
                links.makers[id.0 as usize] = Some(at);
            }
        }
        for id in &graph.outputs {
            links.reads[id.0 as usize] += 1;
        }
        links
    }

    /// Index of the node that makes a value.
    pub(super) fn maker(&self, id: ValueId) -> Option<usize> {
        self.makers.get(id.0 as usize).copied().flatten()
    }

    /// The node that makes a value, where a single operand and no output of the graph reads it.
    pub(super) fn private_maker(&self, graph: &Graph, id: ValueId) -> Option<usize> {
        self.maker(id).filter(|_| self.is_private(graph, id))
    }

    /// Whether a single operand and no output of the graph reads a value.
    pub(super) fn is_private(&self, graph: &Graph, id: ValueId) -> bool {
        self.reads[id.0 as usize] == 1 && !graph.outputs.contains(&id)
    }

    /// A node now stands elsewhere, or makes another value.
    pub(super) fn remake(&mut self, id: ValueId, at: usize) {
        self.makers[id.0 as usize] = Some(at);
    }
}

/// The i-th operand of a node, where it is present.
pub(super) fn operand(node: &Node, i: usize) -> Option<ValueId> {
    node.inputs.get(i).copied().flatten()
}

/// The graph without the nodes of these indices.
pub(super) fn without(mut graph: Graph, dropped: &BTreeSet<usize>) -> Graph {
    let mut at = 0..;
    graph.nodes.retain(|_| at.next().is_none_or(|at| !dropped.contains(&at)));
    graph
}

/// Lets every reader of `y` read `x`, which is equal to it, so that the maker of `y` dies. Where the caller of the graph
/// reads `y`, the maker of `x` makes `y` instead. False where neither can be: an input or a constant is an output.
pub(super) fn equate(graph: &mut Graph, y: ValueId, x: ValueId) -> bool {
    if !graph.outputs.contains(&y) {
        rename_reads(graph, y, x);
        return true;
    }
    let made = graph.nodes.iter().any(|node| node.outputs.contains(&x));
    if !made || graph.outputs.contains(&x) {
        return false;
    }
    rename_reads(graph, x, y);
    for id in graph.nodes.iter_mut().flat_map(|node| &mut node.outputs) {
        if *id == y {
            // The renaming node makes `x`, which nobody reads.
            *id = x;
        } else if *id == x {
            *id = y;
        }
    }
    true
}

fn rename_reads(graph: &mut Graph, from: ValueId, to: ValueId) {
    for id in graph.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().flatten()) {
        if *id == from {
            *id = to;
        }
    }
}
