//! Weights and bias of a convolution in the integers that the file stores.

use std::sync::Arc;

use mote_abi::DType;

use super::operand;
use crate::centered::{self, Centered};
use crate::graph::{Clamp, Graph, Node, Op, Quantized, Value, ValueId};

/// What a convolution multiplies and adds in integers, per output channel.
pub(super) struct Filter {
    name: String,
    weights: ValueId,
    bias: Option<ValueId>,
    zero: Option<ValueId>,
    /// What one unit of a sum is worth.
    unit: Vec<f64>,
}

/// How far the scale of a stored bias may be from that of the sums, relative: a few roundings to f32.
const SAME_SCALE: f64 = 1e-6;
/// Largest bias.
const MAX_BIAS: f64 = (1 << 30) as f64;

/// The integers of a plain convolution whose weights the file stores in 8 bits, for an input of this scale.
pub(super) fn filter(graph: &mut Graph, node: &Node, x_scale: f32) -> Option<Filter> {
    let Op::Conv { clamp: Clamp::NONE, .. } = node.op else { return None };
    if operand(node, 3).is_some() {
        return None;
    }
    let Quantized { integers, axis, scale, zero } = graph.quantized.get(&operand(node, 1)?)?.clone();
    let weights = graph.value(integers).clone();
    let channels = *weights.dims.first()?;
    let per_channel = axis.is_none_or(|axis| axis == 0) && [1, channels].contains(&scale.len());
    if !per_channel {
        return None;
    }
    let each = |c: usize| scale.get(c).or(scale.first()).copied().unwrap_or(0.0);
    let unit: Vec<f64> = (0..channels).map(|c| f64::from(x_scale) * f64::from(each(c))).collect();
    if !unit.iter().all(|unit| unit.is_finite() && *unit > 0.0) {
        return None;
    }
    let Centered { bytes, zero } = centered::weights(weights.dtype, weights.data.as_deref()?, channels, &zero)?;
    let bias = match operand(node, 2) {
        Some(bias) => Some(integer_bias(graph, bias, &unit)?),
        None => None,
    };
    if !sums_fit(&bytes, zero.as_deref(), bias.as_deref(), channels) {
        return None;
    }
    let name = node.name.clone();
    let weights = graph.constant(format!("{name}.weight"), DType::I8, weights.dims, bytes);
    let bias = bias.map(|bias| graph.constant(format!("{name}.bias"), DType::I32, vec![channels], bytes_of(&bias)));
    let zero = zero.map(|zero| graph.constant(format!("{name}.zero"), DType::I32, vec![channels], bytes_of(&zero)));
    Some(Filter { name, weights, bias, zero, unit })
}

impl Filter {
    /// The constant by which sums are multiplied.
    pub(super) fn scaled(&self, graph: &mut Graph, by: f64) -> ValueId {
        let scale: Vec<u8> = self.unit.iter().flat_map(|unit| ((unit * by) as f32).to_le_bytes()).collect();
        graph.constant(format!("{}.scale", self.name), DType::F32, vec![self.unit.len()], scale)
    }

    /// The operands of the node.
    pub(super) fn operands(&self, x: ValueId, scale: ValueId) -> Vec<Option<ValueId>> {
        vec![Some(x), Some(self.weights), self.bias, Some(scale), None, self.zero]
    }
}

/// A constant bias in units of the sums: the stored integers where they have that scale, else rounded to it, which is half
/// a unit of the sum at most.
fn integer_bias(graph: &Graph, id: ValueId, unit: &[f64]) -> Option<Vec<i32>> {
    if let Some(known) = graph.quantized.get(&id) {
        let Value { dtype, data, .. } = graph.value(known.integers);
        let at = |c: usize| known.scale.get(c).or(known.scale.first()).copied().unwrap_or(0.0);
        let alike = |(c, unit): (usize, &f64)| (f64::from(at(c)) - unit).abs() <= SAME_SCALE * unit;
        if *dtype == DType::I32 && known.zero.iter().all(|&zero| zero == 0) && unit.iter().enumerate().all(alike) {
            let data: &Arc<[u8]> = data.as_ref()?;
            return Some(data.as_chunks().0.iter().map(|&raw| i32::from_le_bytes(raw)).collect());
        }
    }
    let data = graph.value(id).data.as_deref()?;
    let numbers = data.as_chunks().0.iter().map(|&raw| f64::from(f32::from_le_bytes(raw)));
    numbers.zip(unit).map(|(number, unit)| round(number / unit)).collect()
}

/// Whether no sum of a channel can leave 32 bits, whatever the input is.
fn sums_fit(weights: &[u8], zero: Option<&[i32]>, bias: Option<&[i32]>, channels: usize) -> bool {
    let each = weights.len() / channels.max(1);
    weights.chunks_exact(each.max(1)).enumerate().all(|(c, weights)| {
        let at = |all: Option<&[i32]>| all.and_then(|all| all.get(c)).map_or(0, |&int| i64::from(int));
        let zero = at(zero);
        let magnitudes: i64 = weights.iter().map(|byte| (i64::from(byte.cast_signed()) - zero).abs()).sum();
        magnitudes * i64::from(u8::MAX) + at(bias).abs() <= i64::from(i32::MAX)
    })
}

/// The nearest whole number, ties to even.
fn round(number: f64) -> Option<i32> {
    // 1.5 * 2^52: adding it leaves no room for a fraction.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    (number.abs() <= MAX_BIAS).then_some(((number + MAGIC) - MAGIC) as i32)
}

fn bytes_of(integers: &[i32]) -> Vec<u8> {
    integers.iter().flat_map(|int| int.to_le_bytes()).collect()
}
