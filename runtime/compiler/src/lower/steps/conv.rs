use mote_abi::{DType, op};
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::{Params, TensorRef};
use super::super::error::LowerError;
use super::super::layout::border;
use super::super::pack::{self, LANES, PANEL};
use super::{optional, quantized, required};
use crate::graph::{Clamp, Node, Value, ValueId, Window};

/// Convolution: full, depthwise or in groups.
pub(super) fn forward(
    build: &mut Build<'_>,
    node: &Node,
    window: &Window,
    groups: usize,
    clamp: Clamp,
) -> Result<(), LowerError> {
    let (x, y) = (required(build, node, 0)?, node.outputs[0]);
    let (input, output) = (dims4(build, x)?, dims4(build, y)?);
    require_f32(build, node, x)?;
    let (weight, bias) = filter(build, node)?;
    let (ci, co) = (input[3], output[3]);
    let taps = window.kernel[0] * window.kernel[1];
    let sound = groups > 0 && ci.is_multiple_of(groups) && co.is_multiple_of(groups);
    if !sound || weight.len() != co * taps * (ci / groups) || bias.as_ref().is_some_and(|bias| bias.len() != co) {
        return Err(build.malformed());
    }
    let shape = Shape { window, groups, clamp };
    let residual = optional(node, 3);
    let source = if border(window, &input, &output).is_some() { build.padded(x)? } else { build.any(x)? };
    if groups == 1 {
        let residual = residual.map(|id| build.any(id)).transpose()?;
        let (w, b) = panels(build, &weight, bias.as_deref(), co, taps * ci, PANEL)?;
        let target = build.result(y)?;
        let mut inputs = vec![Some(source), Some(w), Some(b)];
        inputs.extend(residual.map(Some));
        build.emit(Kind::Conv, inputs, [target], Params::Conv(shape.conv()));
        return Ok(());
    }
    let Some(residual) = residual else {
        let target = build.result(y)?;
        return grouped(build, &shape, source, (&weight, bias.as_deref()), (ci, co), target);
    };
    // Only full convolutions add a residual themselves.
    let sum = build.scratch(DType::F32, &output)?;
    let open = Shape { clamp: Clamp::NONE, ..shape };
    grouped(build, &open, source, (&weight, bias.as_deref()), (ci, co), sum)?;
    let residual = build.any(residual)?;
    let target = build.result(y)?;
    let add = Params::Binary(step::Binary { op: op::Binary::Add });
    build.emit(Kind::Binary, [Some(sum), Some(residual)], [target], add);
    if clamp != Clamp::NONE {
        let bounds = step::Unary { op: op::Unary::Clamp, alpha: clamp.low, beta: clamp.high };
        build.emit(Kind::Unary, [Some(target)], [target], Params::Unary(bounds));
    }
    Ok(())
}

/// Transposed convolution.
pub(super) fn transposed(build: &mut Build<'_>, node: &Node, window: &Window, groups: usize) -> Result<(), LowerError> {
    let (x, y) = (required(build, node, 0)?, node.outputs[0]);
    let (input, output) = (dims4(build, x)?, dims4(build, y)?);
    require_f32(build, node, x)?;
    let (weight, bias) = filter(build, node)?;
    let (ci, co) = (input[3], output[3]);
    let taps = window.kernel[0] * window.kernel[1];
    let sound = groups > 0 && ci.is_multiple_of(groups) && co.is_multiple_of(groups);
    if !sound || weight.len() != ci * taps * (co / groups) || bias.as_ref().is_some_and(|bias| bias.len() != co) {
        return Err(build.malformed());
    }
    let source = build.dense(x)?;
    let w = build.packed(DType::F32, &[ci, taps, co / groups], pack::bytes(&weight))?;
    let b = build.packed(DType::F32, &[co], pack::bytes(&pack::bias(bias.as_deref(), co, 1)))?;
    let target = build.result(y)?;
    let params = Shape { window, groups, clamp: Clamp::NONE }.grouped();
    build.emit(Kind::ConvTranspose, [Some(source), Some(w), Some(b)], [target], Params::ConvGroup(params));
    Ok(())
}

/// Pooling.
pub(super) fn pool(build: &mut Build<'_>, node: &Node, window: &Window, op: op::Pool) -> Result<(), LowerError> {
    let x = required(build, node, 0)?;
    if op == op::Pool::Max && matches!(build.graph.value(x).dtype, DType::I8 | DType::U8) {
        return quantized::largest(build, node, window);
    }
    if build.graph.value(x).dtype != DType::F64 {
        require_f32(build, node, x)?;
    }
    let source = build.any(x)?;
    let target = build.result(node.outputs[0])?;
    let params = step::Pool {
        kernel: pair(window.kernel),
        stride: pair(window.stride),
        dilation: pair(window.dilation),
        pad: pair([window.pad[0], window.pad[1]]),
        pad_end: pair([window.pad[2], window.pad[3]]),
        op,
    };
    build.emit(Kind::Pool, [Some(source)], [target], Params::Pool(params));
    Ok(())
}

/// What every convolution step says of itself.
#[derive(Clone, Copy)]
struct Shape<'a> {
    window: &'a Window,
    groups: usize,
    clamp: Clamp,
}

impl Shape<'_> {
    fn conv(&self) -> step::Conv {
        step::Conv {
            kernel: pair(self.window.kernel),
            stride: pair(self.window.stride),
            dilation: pair(self.window.dilation),
            pad: pair([self.window.pad[0], self.window.pad[1]]),
            low: self.clamp.low,
            high: self.clamp.high,
        }
    }

    fn grouped(&self) -> step::ConvGroup {
        let step::Conv { kernel, stride, dilation, pad, low, high } = self.conv();
        step::ConvGroup { kernel, stride, dilation, pad, low, high, groups: self.groups as u32 }
    }
}

fn grouped(
    build: &mut Build<'_>,
    shape: &Shape<'_>,
    source: TensorRef,
    (weight, bias): (&[f32], Option<&[f32]>),
    (ci, co): (usize, usize),
    target: TensorRef,
) -> Result<(), LowerError> {
    let taps = shape.window.kernel[0] * shape.window.kernel[1];
    if shape.groups == ci && co == ci {
        let (w, b) = panels(build, weight, bias, co, taps, LANES)?;
        build.emit(Kind::Depthwise, [Some(source), Some(w), Some(b)], [target], Params::Conv(shape.conv()));
    } else {
        let w = build.packed(DType::F32, &[co, taps * (ci / shape.groups)], pack::bytes(weight))?;
        let b = build.packed(DType::F32, &[co], pack::bytes(&pack::bias(bias, co, 1)))?;
        build.emit(Kind::ConvGroup, [Some(source), Some(w), Some(b)], [target], Params::ConvGroup(shape.grouped()));
    }
    Ok(())
}

fn panels(
    build: &mut Build<'_>,
    weight: &[f32],
    bias: Option<&[f32]>,
    n: usize,
    k: usize,
    width: usize,
) -> Result<(TensorRef, TensorRef), LowerError> {
    let packed = pack::bytes(&pack::panels(weight, n, k, width));
    let w = build.packed(DType::F32, &[n.div_ceil(width), k, width], packed)?;
    let b = build.packed(DType::F32, &[n.next_multiple_of(width)], pack::bytes(&pack::bias(bias, n, width)))?;
    Ok((w, b))
}

fn filter(build: &Build<'_>, node: &Node) -> Result<(Vec<f32>, Option<Vec<f32>>), LowerError> {
    let weight = pack::weights(constant(build, node, 1)?)?;
    let bias = optional(node, 2).map(|_| constant(build, node, 2).and_then(pack::weights)).transpose()?;
    Ok((weight, bias))
}

/// The constant operand of a node.
pub(super) fn constant<'g>(build: &Build<'g>, node: &Node, i: usize) -> Result<&'g Value, LowerError> {
    let value = build.graph.value(required(build, node, i)?);
    if value.is_constant() {
        Ok(value)
    } else {
        Err(LowerError::ComputedWeight { node: node.name.clone(), operand: i })
    }
}

/// Refuses an operand that is not f32.
pub(super) fn require_f32(build: &Build<'_>, node: &Node, id: ValueId) -> Result<(), LowerError> {
    let dtype = build.graph.value(id).dtype;
    if dtype == DType::F32 { Ok(()) } else { Err(LowerError::UnsupportedType { node: node.name.clone(), dtype }) }
}

pub(super) fn dims4(build: &Build<'_>, id: ValueId) -> Result<[usize; 4], LowerError> {
    build.graph.value(id).dims.as_slice().try_into().map_err(|_| build.malformed())
}

pub(super) fn pair(sizes: [usize; 2]) -> [u32; 2] {
    sizes.map(|size| u32::try_from(size).unwrap_or(u32::MAX))
}
