use mote_abi::{DType, op};
use mote_plan::{Kind, step};

use super::super::build::Build;
use super::super::draft::{Params, TensorRef};
use super::super::error::LowerError;
use super::super::pack::{self, LANES, PANEL};
use super::conv::{constant, dims4, pair};
use super::{dense, dense_if_present, optional, required};
use crate::graph::{Node, QBinary, QConv, QPool, Steps, Value, Window};

/// Between numbers and steps.
pub(super) fn linear(build: &mut Build<'_>, node: &Node, kind: Kind) -> Result<(), LowerError> {
    let x = required(build, node, 0)?;
    let mut inputs = vec![Some(build.any(x)?), Some(dense(build, node, 1)?)];
    inputs.extend(dense_if_present(build, node, 2)?.map(Some));
    let target = build.result(node.outputs[0])?;
    build.emit(kind, inputs, [target], Params::None);
    Ok(())
}

/// Convolution in integers: full, depthwise or in groups.
pub(super) fn conv(build: &mut Build<'_>, node: &Node, settings: &QConv) -> Result<(), LowerError> {
    let (x, y) = (required(build, node, 0)?, node.outputs[0]);
    let (input, output) = (dims4(build, x)?, dims4(build, y)?);
    let QConv { window, groups, .. } = settings;
    let (ci, co, rows) = (input[3], output[3], window.kernel[0]);
    let taps = rows * window.kernel[1];
    let weights = constant(build, node, 1)?;
    let data = weights.data.as_deref().filter(|_| weights.dtype == DType::I8).ok_or_else(|| build.malformed())?;
    let sound = *groups > 0 && ci.is_multiple_of(*groups) && co.is_multiple_of(*groups);
    if !sound || taps == 0 || data.len() != co * taps * (ci / groups) {
        return Err(build.malformed());
    }
    let each = taps * (ci / groups);
    let (kind, width, dims, packed) = if *groups == 1 {
        let packed = pack::byte_panels(data, co, rows, window.kernel[1] * ci);
        let k = rows * (window.kernel[1] * ci).next_multiple_of(4);
        (Kind::QConv, PANEL, vec![co.div_ceil(PANEL), k, PANEL], packed)
    } else if *groups == ci && co == ci {
        (Kind::QDepthwise, LANES, vec![co.div_ceil(LANES), taps, LANES], pack::byte_lanes(data, co, taps))
    } else {
        (Kind::QConvGroup, 1, vec![co, each], data.to_vec())
    };
    let w = build.packed(DType::I8, &dims, packed)?;
    let bias = per_channel(build, node, 2, co, width)?;
    let bias = match bias {
        Some(bias) => bias,
        None => {
            let padded = co.next_multiple_of(width);
            build.packed(DType::I32, &[padded], vec![0; 4 * padded])?
        }
    };
    let scale = per_channel(build, node, 3, co, width)?;
    let x_zero = dense_if_present(build, node, 4)?;
    let w_zero = per_channel(build, node, 5, co, width)?;
    let source = build.any(x)?;
    let target = build.result(y)?;
    let mut inputs = vec![Some(source), Some(w), Some(bias), scale, x_zero, w_zero];
    while inputs.last() == Some(&None) {
        inputs.pop();
    }
    let params = step::QConv {
        kernel: pair(window.kernel),
        stride: pair(window.stride),
        dilation: pair(window.dilation),
        pad: pair([window.pad[0], window.pad[1]]),
        groups: *groups as u32,
        x_zero: settings.x_zero,
        y_zero: settings.to.zero,
        low: settings.to.low,
        high: settings.to.high,
    };
    build.emit(kind, inputs, [target], Params::QConv(params));
    Ok(())
}

/// A constant of one 32-bit element per output channel, padded with zeros to a multiple of `width`.
fn per_channel(
    build: &mut Build<'_>,
    node: &Node,
    i: usize,
    channels: usize,
    width: usize,
) -> Result<Option<TensorRef>, LowerError> {
    if optional(node, i).is_none() {
        return Ok(None);
    }
    let Value { dtype, data, .. } = constant(build, node, i)?;
    let mut bytes =
        data.as_deref().filter(|data| data.len() == 4 * channels).ok_or_else(|| build.malformed())?.to_vec();
    let padded = channels.next_multiple_of(width);
    bytes.resize(4 * padded, 0);
    build.packed(*dtype, &[padded], bytes).map(Some)
}

/// Any function of one 8-bit number.
pub(super) fn lookup(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    let (x, table) = (dense(build, node, 0)?, dense(build, node, 1)?);
    let target = build.result(node.outputs[0])?;
    build.emit(Kind::Lookup, [Some(x), Some(table)], [target], Params::None);
    Ok(())
}

/// Sum or product of two 8-bit tensors.
pub(super) fn binary(build: &mut Build<'_>, node: &Node, settings: &QBinary) -> Result<(), LowerError> {
    let (a, b) = (required(build, node, 0)?, required(build, node, 1)?);
    let (a, b) = (build.any(a)?, build.any(b)?);
    let target = build.result(node.outputs[0])?;
    let params = step::QBinary {
        op: settings.op,
        a_scale: settings.scale[0],
        b_scale: settings.scale[1],
        a_zero: settings.zero[0],
        b_zero: settings.zero[1],
        y_zero: settings.to.zero,
        low: settings.to.low,
        high: settings.to.high,
    };
    build.emit(Kind::QBinary, [Some(a), Some(b)], [target], Params::QBinary(params));
    Ok(())
}

/// Average over windows of 8-bit images.
pub(super) fn pool(build: &mut Build<'_>, node: &Node, settings: &QPool) -> Result<(), LowerError> {
    let x = required(build, node, 0)?;
    let source = build.any(x)?;
    let target = build.result(node.outputs[0])?;
    let QPool { window, op, scale, x_zero, to } = *settings;
    let params = step::QPool {
        kernel: pair(window.kernel),
        stride: pair(window.stride),
        dilation: pair(window.dilation),
        pad: pair([window.pad[0], window.pad[1]]),
        pad_end: pair([window.pad[2], window.pad[3]]),
        op,
        scale,
        x_zero,
        y_zero: to.zero,
        low: to.low,
        high: to.high,
    };
    build.emit(Kind::QPool, [Some(source)], [target], Params::QPool(params));
    Ok(())
}

/// Largest 8-bit number of each window.
pub(super) fn largest(build: &mut Build<'_>, node: &Node, window: &Window) -> Result<(), LowerError> {
    let to = Steps::all(build.graph.value(node.outputs[0]).dtype, 0).ok_or_else(|| build.malformed())?;
    pool(build, node, &QPool { window: *window, op: op::Pool::Max, scale: 1.0, x_zero: 0, to })
}
