//! Which values keep a border of zero pixels.
//!
//! A convolution reads a padded image as kh contiguous runs when the padding is there as data. Whoever makes the image
//! writes around the border, which costs nothing; only where the maker cannot, lowering inserts a copy.

use mote_plan::Halo;

use super::Target;
use crate::graph::{Graph, Node, Op, ValueId, Window};

/// The border of every value.
pub(super) struct Layout {
    wanted: Vec<Halo>,
    own: Vec<Halo>,
}

impl Layout {
    /// Microcontroller Plans are unpadded: memory is dearer there than the test of an edge.
    pub(super) fn of(graph: &Graph, target: Target) -> Self {
        let mut wanted = vec![Halo::NONE; graph.values.len()];
        if let Target::Mcu(_) = target {
            return Self { own: wanted.clone(), wanted };
        }
        for node in &graph.nodes {
            let (Op::Conv { window, .. }, Some(&Some(x))) = (&node.op, node.inputs.first()) else { continue };
            if let Some(halo) = border(window, &graph.value(x).dims, &graph.value(node.outputs[0]).dims) {
                let all = &mut wanted[x.0 as usize];
                *all = union(*all, halo);
            }
        }
        let own = own(graph, &wanted);
        Self { wanted, own }
    }

    /// What the convolutions that read a value need around it.
    pub(super) fn wanted(&self, id: ValueId) -> Halo {
        self.wanted[id.0 as usize]
    }

    /// What the maker of a value writes it with.
    pub(super) fn own(&self, id: ValueId) -> Halo {
        self.own[id.0 as usize]
    }
}

/// The border with which each value is made: the wanted one where the maker can leave it. What an element-wise node alone
/// reads gets the border of its result, so that the node may overwrite it.
fn own(graph: &Graph, wanted: &[Halo]) -> Vec<Halo> {
    let mut own = vec![Halo::NONE; graph.values.len()];
    let mut readers = vec![0; graph.values.len()];
    for id in graph.nodes.iter().flat_map(|node| &node.inputs).flatten().chain(&graph.outputs) {
        readers[id.0 as usize] += 1;
    }
    let mut inherited = vec![Halo::NONE; graph.values.len()];
    for node in graph.nodes.iter().rev().filter(|node| writes_halo(node)) {
        let y = node.outputs[0];
        let at = y.0 as usize;
        if !graph.outputs.contains(&y) {
            let free = matches!(node.op, Op::Reshape | Op::Slice { .. });
            own[at] = if wanted[at] == Halo::NONE && !free { inherited[at] } else { wanted[at] };
        }
        if matches!(node.op, Op::Unary { .. } | Op::Binary(_)) {
            for &x in node.inputs.iter().flatten() {
                let (from, to) = (graph.value(x), graph.value(y));
                if readers[x.0 as usize] == 1 && from.dtype == to.dtype && from.dims == to.dims {
                    inherited[x.0 as usize] = own[at];
                }
            }
        }
    }
    own
}

/// The border that a window reads beyond its image; `None` where it reads none.
pub(super) fn border(window: &Window, x: &[usize], y: &[usize]) -> Option<Halo> {
    let reach = |axis: usize| {
        let last =
            y[axis + 1].checked_sub(1)? * window.stride[axis] + (window.kernel[axis] - 1) * window.dilation[axis];
        Some((last + 1).saturating_sub(x[axis + 1] + window.pad[axis]))
    };
    let side = |pixels: usize| u16::try_from(pixels).ok();
    let halo = Halo {
        top: side(window.pad[0])?,
        left: side(window.pad[1])?,
        bottom: side(reach(0)?)?,
        right: side(reach(1)?)?,
    };
    (halo != Halo::NONE).then_some(halo)
}

fn union(a: Halo, b: Halo) -> Halo {
    Halo {
        top: a.top.max(b.top),
        left: a.left.max(b.left),
        bottom: a.bottom.max(b.bottom),
        right: a.right.max(b.right),
    }
}

/// Whether the step of a node can leave a border around what it writes. A reshape is free while nothing is moved; the
/// border makes it a copy, which it would be one step later anyway.
fn writes_halo(node: &Node) -> bool {
    matches!(
        node.op,
        Op::Conv { .. }
            | Op::Pool { .. }
            | Op::Unary { .. }
            | Op::Binary(_)
            | Op::Transpose { .. }
            | Op::Reshape
            | Op::Slice { .. }
            | Op::Concat { .. }
            | Op::Pad { .. }
            | Op::Expand
            | Op::Dequantize
            | Op::QConv(_)
    )
}
