use std::collections::BTreeSet;

use mote_abi::DType;
use mote_abi::op::Binary;

use super::edit::{Links, operand, without};
use crate::graph::{Clamp, Graph, Op, ValueId};

/// Before: `c = conv(x)`, `y = c + r`, equal shapes, c read once. After: `y = conv(x, residual r)` in place of the sum.
///
/// Where both are convolutions the later one takes the other, so that the earlier may overlap with less.
pub(super) fn fuse(mut graph: Graph) -> Graph {
    let mut links = Links::of(&graph);
    let mut dropped = BTreeSet::new();
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        if node.op != Op::Binary(Binary::Add) {
            continue;
        }
        let (Some(a), Some(b), y) = (operand(node, 0), operand(node, 1), node.outputs[0]) else { continue };
        let pairs = [(a, b), (b, a)];
        let fitting = pairs.into_iter().filter_map(|(c, r)| Some((open_conv(&graph, &links, c, r, y)?, r)));
        let Some((maker, residual)) = fitting.max_by_key(|&(maker, _)| maker) else { continue };
        let mut conv = graph.nodes[maker].clone();
        conv.inputs.resize(3, None);
        conv.inputs.push(Some(residual));
        conv.outputs[0] = y;
        graph.nodes[at] = conv;
        dropped.insert(maker);
        links.remake(y, at);
    }
    without(graph, &dropped)
}

/// The node of a full convolution `c` that can still add `r`.
fn open_conv(graph: &Graph, links: &Links, c: ValueId, r: ValueId, y: ValueId) -> Option<usize> {
    let maker = links.private_maker(graph, c)?;
    let node = &graph.nodes[maker];
    let Op::Conv { groups: 1, clamp, .. } = &node.op else { return None };
    let equal = [c, r].iter().all(|&id| graph.value(id).dims == graph.value(y).dims);
    let open = *clamp == Clamp::NONE && operand(node, 3).is_none();
    (equal && open && graph.value(r).dtype == DType::F32 && !graph.value(r).is_constant()).then_some(maker)
}
