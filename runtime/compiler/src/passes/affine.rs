use std::collections::BTreeSet;

use mote_abi::DType;
use mote_abi::op::Binary;

use super::edit::{Links, operand, without};
use crate::graph::{Clamp, Graph, Op, Value};

/// Before: `c = conv(x, w, b)`, `y = c * k` or `c + k` (also minus, divided by), k constant per channel, c read once.
/// After: `y = conv(x, w', b')`. Batch normalisation is one of each. Also for transposed convolutions.
pub(super) fn fold(mut graph: Graph) -> Graph {
    let mut links = Links::of(&graph);
    let mut dropped = BTreeSet::new();
    for at in 0..graph.nodes.len() {
        let Some((maker, map)) = affine_of_conv(&graph, &links, at) else { continue };
        let Some((weight, bias)) = mapped(&graph, maker, &map) else { continue };
        let y = graph.nodes[at].outputs[0];
        let node = &graph.nodes[maker];
        let (w, name) = (operand(node, 1), node.name.clone());
        let dims = w.map_or_else(Vec::new, |w| graph.value(w).dims.clone());
        let channels = bias.len();
        let w = graph.constant(format!("{name}.weight"), DType::F32, dims, bytes(&weight));
        let b = graph.constant(format!("{name}.bias"), DType::F32, vec![channels], bytes(&bias));
        let node = &mut graph.nodes[maker];
        node.inputs.resize(node.inputs.len().max(3), None);
        (node.inputs[1], node.inputs[2], node.outputs[0]) = (Some(w), Some(b), y);
        links.remake(y, maker);
        dropped.insert(at);
    }
    without(graph, &dropped)
}

/// `v * scale + shift` per output channel, rounded once per step.
struct Affine {
    scale: Vec<f64>,
    shift: Vec<f64>,
}

/// The convolution under an affine node, and what that node does to each channel.
fn affine_of_conv(graph: &Graph, links: &Links, at: usize) -> Option<(usize, Affine)> {
    let node = &graph.nodes[at];
    let Op::Binary(op) = node.op else { return None };
    let (a, b) = (operand(node, 0)?, operand(node, 1)?);
    let constant_left = graph.value(a).is_constant();
    let (c, k) = if constant_left { (b, a) } else { (a, b) };
    let maker = links.private_maker(graph, c)?;
    let open = match &graph.nodes[maker].op {
        Op::Conv { clamp, .. } => *clamp == Clamp::NONE && operand(&graph.nodes[maker], 3).is_none(),
        Op::ConvTranspose { .. } => true,
        _ => false,
    };
    let dims = &graph.value(c).dims;
    if !open || *dims != graph.value(node.outputs[0]).dims {
        return None;
    }
    let k = per_channel(graph.value(k), *dims.last()?)?;
    let (ones, zeros) = (vec![1.0; k.len()], vec![0.0; k.len()]);
    let negated = |values: Vec<f64>| values.into_iter().map(|x| -x).collect();
    let map = match op {
        Binary::Mul => Affine { scale: k, shift: zeros },
        Binary::Add => Affine { scale: ones, shift: k },
        Binary::Sub if constant_left => Affine { scale: negated(ones), shift: k },
        Binary::Sub => Affine { scale: ones, shift: negated(k) },
        Binary::Div if !constant_left => Affine { scale: k.into_iter().map(|x| 1.0 / x).collect(), shift: zeros },
        _ => return None,
    };
    Some((maker, map))
}

/// A constant of one element, or of one per channel and none elsewhere, as one number per channel.
fn per_channel(value: &Value, channels: usize) -> Option<Vec<f64>> {
    let numbers = floats(value)?;
    match numbers.len() {
        1 => Some(vec![numbers[0].into(); channels]),
        n if n == channels && value.dims.last() == Some(&channels) => {
            Some(numbers.into_iter().map(f64::from).collect())
        }
        _ => None,
    }
}

/// Weights and bias of a convolution after the map; `None` where they are unknown or would not be finite.
fn mapped(graph: &Graph, at: usize, map: &Affine) -> Option<(Vec<f32>, Vec<f32>)> {
    let node = &graph.nodes[at];
    let w = graph.value(operand(node, 1)?);
    let mut weight = floats(w)?;
    let mut bias = match operand(node, 2) {
        Some(b) => floats(graph.value(b))?,
        None => vec![0.0; map.scale.len()],
    };
    let channel = output_channel(&node.op, &w.dims)?;
    if bias.len() != map.scale.len() {
        return None;
    }
    for (i, x) in weight.iter_mut().enumerate() {
        *x = (f64::from(*x) * map.scale.get(channel(i))?) as f32;
    }
    for ((x, scale), shift) in bias.iter_mut().zip(&map.scale).zip(&map.shift) {
        *x = (f64::from(*x) * scale + shift) as f32;
    }
    let finite = weight.iter().chain(&bias).all(|x| x.is_finite());
    finite.then_some((weight, bias))
}

/// Which output channel each weight belongs to.
fn output_channel(op: &Op, dims: &[usize]) -> Option<Box<dyn Fn(usize) -> usize>> {
    let &[outer, height, width, inner] = dims else { return None };
    let each = height * width * inner;
    match *op {
        Op::Conv { .. } => Some(Box::new(move |i| i / each)),
        // `[Ci, kh, kw, Co / groups]`: the input channel says which group.
        Op::ConvTranspose { groups, .. } => {
            let per_group = outer / groups.max(1);
            Some(Box::new(move |i| i / each / per_group * inner + i % inner))
        }
        _ => None,
    }
}

fn floats(value: &Value) -> Option<Vec<f32>> {
    let data = value.data.as_deref().filter(|_| value.dtype == DType::F32)?;
    Some(data.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect())
}

fn bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|x| x.to_le_bytes()).collect()
}
