use std::collections::BTreeSet;

use mote_abi::op::Unary;

use super::edit::{Links, operand, without};
use crate::graph::{Clamp, Graph, Op};

/// Before: `c = conv(x)`, `y = clamp(c)`, c read once. After: `y = conv(x)` that clamps, residual or not.
pub(super) fn fuse(mut graph: Graph) -> Graph {
    let mut links = Links::of(&graph);
    let mut dropped = BTreeSet::new();
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let Op::Unary { op: Unary::Clamp, alpha, beta } = node.op else { continue };
        let y = node.outputs[0];
        let Some(maker) = operand(node, 0).and_then(|x| links.private_maker(&graph, x)) else { continue };
        let Op::Conv { clamp, .. } = &mut graph.nodes[maker].op else { continue };
        if *clamp != Clamp::NONE {
            continue;
        }
        *clamp = Clamp { low: alpha, high: beta };
        graph.nodes[maker].outputs[0] = y;
        links.remake(y, maker);
        dropped.insert(at);
    }
    without(graph, &dropped)
}
