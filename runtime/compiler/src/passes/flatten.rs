use super::edit::{Links, operand};
use super::transpose::inverse;
use crate::eval;
use crate::graph::{Graph, Op, QConv, Value, ValueId};

/// Before: `t = transpose(x)`, `r = reshape(t, [1, 1, N, K])`, `y = conv(r, w)`, a product with a constant matrix over
/// flattened images. After: `r = reshape(x)`, `y = conv(r, w')`, the columns of w' in the order of x.
pub(super) fn reorder(mut graph: Graph) -> Graph {
    let links = Links::of(&graph);
    for at in 0..graph.nodes.len() {
        let Some((r, x, weight)) = flattened(&graph, &links, at) else { continue };
        let w = graph.add_value(weight);
        graph.nodes[at].inputs[1] = Some(w);
        graph.nodes[r].inputs[0] = Some(x);
    }
    graph
}

/// The reshape under a product, what its transpose reads, and the weights for that.
fn flattened(graph: &Graph, links: &Links, at: usize) -> Option<(usize, ValueId, Value)> {
    let node = &graph.nodes[at];
    let weight = graph.value(operand(node, 1)?);
    let (Op::Conv { window, groups: 1, .. } | Op::QConv(QConv { window, groups: 1, .. })) = &node.op else {
        return None;
    };
    let product = window.kernel == [1, 1];
    let &[out, 1, 1, k] = weight.dims.as_slice() else { return None };
    let r = links.private_maker(graph, operand(node, 0)?).filter(|_| product)?;
    let (reshape, t) = (&graph.nodes[r], operand(&graph.nodes[r], 0)?);
    let transpose = &graph.nodes[links.maker(t)?];
    let (Op::Reshape, Op::Transpose { perm }) = (&reshape.op, &transpose.op) else { return None };
    let (t, x) = (&graph.value(t).dims, operand(transpose, 0)?);
    // Rows stay rows: the leading axis is not moved and the others are one row.
    let rows = perm.first() == Some(&0) && t[1..].iter().product::<usize>() == k;
    let data = weight.data.clone().filter(|_| rows)?;
    let columns = Value { dims: [&[out], &t[1..]].concat(), data: Some(data), ..weight.clone() };
    let back = inverse(perm);
    let dims = back.iter().map(|&axis| columns.dims[axis]).collect();
    let reordered =
        eval::fold(&Op::Transpose { perm: back }, &[Some(&columns)], &[(weight.dtype, dims)]).ok()?.pop()?;
    Some((r, x, Value { data: Some(reordered), ..weight.clone() }))
}
