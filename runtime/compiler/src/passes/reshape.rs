use super::edit::{Links, operand};
use crate::graph::{Graph, Node, Op, Value, ValueId};

/// Before: `r = reshape(x)`, `y = f(r)`, f element-wise and r read once. After: `t = f(x)`, `y = reshape(t)`.
///
/// Importers put reshapes around the convolution that a product with a constant matrix is; bias and activation reach it
/// this way, and the reshapes between two layers meet and vanish.
pub(super) fn sink(mut graph: Graph) -> Graph {
    let links = Links::of(&graph);
    let nodes = std::mem::take(&mut graph.nodes);
    // Sources of the reshapes seen so far, by their result.
    let mut sources: Vec<Option<ValueId>> = vec![None; graph.values.len()];
    for node in nodes {
        let Some((source, inputs)) = moved(&mut graph, &links, &sources, &node) else {
            if node.op == Op::Reshape {
                sources[node.outputs[0].0 as usize] = operand(&node, 0);
            }
            graph.nodes.push(node);
            continue;
        };
        let y = node.outputs[0];
        let (dims, dtype) = (graph.value(source).dims.clone(), graph.value(y).dtype);
        let t = graph.node(node.name.clone(), node.op, &inputs, dtype, dims);
        graph.nodes.push(Node { name: node.name, op: Op::Reshape, inputs: vec![Some(t)], outputs: vec![y] });
        sources.resize(graph.values.len(), None);
        sources[y.0 as usize] = Some(t);
    }
    graph
}

/// The value under the reshape, and the operands of the node in its shape.
fn moved(
    graph: &mut Graph,
    links: &Links,
    sources: &[Option<ValueId>],
    node: &Node,
) -> Option<(ValueId, Vec<Option<ValueId>>)> {
    let under = |id: ValueId| sources[id.0 as usize].filter(|_| links.is_private(graph, id));
    match node.op {
        Op::Unary { .. } | Op::Cast => {
            let x = under(operand(node, 0)?)?;
            Some((x, vec![Some(x)]))
        }
        Op::Binary(_) => {
            let (a, b) = (operand(node, 0)?, operand(node, 1)?);
            // Either operand may lead; one that is itself made under a reshape is preferred.
            let (lead, other) = if under(a).is_some() { (a, b) } else { (b, a) };
            let source = under(lead)?;
            let y = &graph.value(node.outputs[0]).dims;
            if graph.value(lead).dims != *y {
                return None;
            }
            let other = beside(graph, source, lead, other)?;
            let pair = if lead == a { [source, other] } else { [other, source] };
            Some((source, pair.map(Some).to_vec()))
        }
        _ => None,
    }
}

/// The other operand of a binary node as it meets the shape under the reshape.
fn beside(graph: &mut Graph, source: ValueId, lead: ValueId, other: ValueId) -> Option<ValueId> {
    let (from, to) = (&graph.value(source).dims, &graph.value(lead).dims);
    let value = graph.value(other);
    let along_last = value.count() == 1
        || (value.dims.last() == to.last() && to.last() == from.last() && Some(&value.count()) == to.last());
    if value.is_constant() && along_last {
        let dims = if value.count() == 1 { vec![] } else { vec![value.count()] };
        return Some(graph.add_value(Value { dims, ..value.clone() }));
    }
    if value.dims != *to {
        return None;
    }
    let (name, dtype, dims) = (value.name.clone(), value.dtype, from.clone());
    if value.is_constant() {
        return Some(graph.add_value(Value { dims, ..value.clone() }));
    }
    Some(graph.node(name, Op::Reshape, &[Some(other)], dtype, dims))
}
