//! The order in which nodes can be built.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use tract_onnx::pb::{GraphProto, NodeProto};

/// Indices of the nodes, each after those whose results it reads, otherwise in file order.
///
/// # Errors
/// The index of a node that is part of a cycle.
pub(super) fn order(graph: &GraphProto) -> Result<Vec<usize>, usize> {
    let makers: HashMap<&str, usize> = graph
        .node
        .iter()
        .enumerate()
        .flat_map(|(i, node)| node.output.iter().map(move |name| (name.as_str(), i)))
        .filter(|(name, _)| !name.is_empty())
        .collect();
    let mut waiting = vec![0_usize; graph.node.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    for (i, node) in graph.node.iter().enumerate() {
        each_read(node, &mut |name| {
            if let Some(&maker) = makers.get(name) {
                readers[maker].push(i);
                waiting[i] += 1;
            }
        });
    }
    let mut ready: BinaryHeap<Reverse<usize>> = (0..waiting.len()).filter(|&i| waiting[i] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(waiting.len());
    while let Some(Reverse(i)) = ready.pop() {
        order.push(i);
        for &reader in &readers[i] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    match waiting.iter().position(|&count| count > 0) {
        Some(stuck) => Err(stuck),
        None => Ok(order),
    }
}

/// Calls back with every name that a node reads, subgraphs included.
fn each_read<'a>(node: &'a NodeProto, found: &mut dyn FnMut(&'a str)) {
    node.input.iter().for_each(|name| found(name));
    let graphs = node.attribute.iter().flat_map(|a| a.g.iter().chain(&a.graphs));
    for graph in graphs {
        graph.output.iter().for_each(|output| found(&output.name));
        graph.node.iter().for_each(|inner| each_read(inner, found));
    }
}
