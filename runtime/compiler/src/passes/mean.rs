use mote_abi::DType;
use mote_abi::op::{Pool, Reduce};

use super::edit::operand;
use crate::graph::{Graph, Op, Window};

/// Pixels up to which one running sum is as good as four: its error grows with the count.
const MAX_PIXELS: usize = 1024;

/// Before: the mean over rows and columns of an image. After: an average pool of the whole image, whose kernel is emitted,
/// works on four channels at a time and reads a padded image.
pub(super) fn pool(mut graph: Graph) -> Graph {
    for at in 0..graph.nodes.len() {
        let node = &graph.nodes[at];
        let Some(x) = operand(node, 0).map(|x| graph.value(x)) else { continue };
        let mean = matches!(&node.op, Op::Reduce { op: Reduce::Mean, axes } if *axes == [1, 2]);
        let &[_, height, width, _] = x.dims.as_slice() else { continue };
        if mean && x.dtype == DType::F32 && (1..=MAX_PIXELS).contains(&(height * width)) {
            let window = Window { kernel: [height, width], stride: [1, 1], dilation: [1, 1], pad: [0; 4] };
            graph.nodes[at].op = Op::Pool { window, op: Pool::Average };
        }
    }
    graph
}
