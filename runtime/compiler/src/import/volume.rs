//! Convolutions of volumes `[N, C, D, H, W]`: every output plane is an image whose channels are those of all planes that
//! the filter sees at once, so that one step over images does the work.

use mote_abi::DType;

use super::node::Cx;
use super::overlap::spread;
use super::window::Spatial;
use crate::error::Reason;
use crate::graph::{Clamp, Op, ValueId};

/// Weights known; the sum of each output runs over (ky, kx, kz, ci).
pub(super) fn conv(
    cx: &mut Cx<'_>,
    (x, w, bias): (ValueId, ValueId, Option<ValueId>),
    spatial: &Spatial,
    groups: usize,
    out: &[usize],
) -> Result<ValueId, Reason> {
    let (n, weights) = (cx.dims(x)[0], cx.dims(w));
    let (channels, per_group, depth) = (weights[0], weights[1], weights[2]);
    let planes = cx.channels_last(x)?;
    let [before, after] = spatial.pad[0];
    let planes = grow(cx, planes, before as isize, after as isize)?;
    let seen = Seen { taps: depth, dilation: spatial.dilation[0], stride: spatial.stride[0], count: out[0] };
    let images = stack(cx, planes, &seen, groups)?;
    let w = cx.transpose(w, &[0, 3, 4, 2, 1])?;
    let w = cx.reshape(w, vec![channels, weights[3], weights[4], depth * per_group])?;
    let op = Op::Conv { window: spatial.axes(&[1, 2]).window(), groups, clamp: Clamp::NONE };
    let made = vec![n * out[0], out[1], out[2], channels];
    let y = cx.emit(op, &[Some(images), Some(w), bias], DType::F32, made)?;
    unstack(cx, y, n)
}

/// Transposed: planes are spread by the stride, and each output plane looks back through the filter's depth, reversed.
pub(super) fn conv_transpose(
    cx: &mut Cx<'_>,
    (x, w, bias): (ValueId, ValueId, Option<ValueId>),
    spatial: &Spatial,
    groups: usize,
    out: &[usize],
) -> Result<ValueId, Reason> {
    let (dims, weights) = (cx.dims(x), cx.dims(w));
    let (n, c, per_group, depth) = (dims[0], dims[1], weights[1], weights[2]);
    let planes = cx.channels_last(x)?;
    let planes = spread(cx, planes, 1, spatial.stride[0])?;
    let before = (spatial.reach(0) - 1) as isize - spatial.pad[0][0] as isize;
    let needed = out[0] + spatial.reach(0) - 1;
    let after = needed as isize - before - cx.dims(planes)[1] as isize;
    let planes = grow(cx, planes, before, after)?;
    let seen = Seen { taps: depth, dilation: spatial.dilation[0], stride: 1, count: out[0] };
    let images = stack(cx, planes, &seen, groups)?;
    let w = reversed_depth(cx, w)?;
    let w = cx.reshape(w, vec![groups, c / groups, per_group, depth, weights[3], weights[4]])?;
    let w = cx.transpose(w, &[0, 3, 1, 4, 5, 2])?;
    let w = cx.reshape(w, vec![depth * c, weights[3], weights[4], per_group])?;
    let op = Op::ConvTranspose { window: spatial.axes(&[1, 2]).window(), groups };
    let made = vec![n * out[0], out[1], out[2], per_group * groups];
    let y = cx.emit(op, &[Some(images), Some(w), bias], DType::F32, made)?;
    unstack(cx, y, n)
}

/// Weights `[.., kd, kh, kw]` with the depth running backwards.
fn reversed_depth(cx: &mut Cx<'_>, w: ValueId) -> Result<ValueId, Reason> {
    let dims = cx.dims(w);
    let (mut start, mut step) = (vec![0; dims.len()], vec![1; dims.len()]);
    // A single plane has no direction.
    if dims[2] > 1 {
        (start[2], step[2]) = (dims[2] - 1, -1);
    }
    cx.slice(w, start, step, dims)
}

/// `[N, D, H, W, C]` with planes of zeros put before and after, or as many cut off where negative.
fn grow(cx: &mut Cx<'_>, x: ValueId, before: isize, after: isize) -> Result<ValueId, Reason> {
    let cut = |amount: isize| if amount < 0 { amount.unsigned_abs() } else { 0 };
    let dims = cx.dims(x);
    let left = dims[1].checked_sub(cut(before) + cut(after)).filter(|&n| n > 0);
    let left = left.ok_or_else(|| Reason::Shape { what: "the input", got: dims.clone() })?;
    let x = cx.narrow(x, 1, cut(before), left)?;
    let (before, after) = (before.unsigned_abs() - cut(before), after.unsigned_abs() - cut(after));
    if before + after == 0 {
        return Ok(x);
    }
    let mut made = dims;
    made[1] = left + before + after;
    let op = Op::Pad { before: vec![0, before, 0, 0, 0], value: vec![0; 4] };
    cx.emit_as(op, &[Some(x)], x, made)
}

/// The planes that each output plane sees.
struct Seen {
    taps: usize,
    dilation: usize,
    stride: usize,
    count: usize,
}

/// `[N, D, H, W, C]` as `[N * count, H, W, (group, tap, channel of the group)]`.
fn stack(cx: &mut Cx<'_>, x: ValueId, seen: &Seen, groups: usize) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let [n, _, h, w, c] = dims[..] else { return Err(Reason::Shape { what: "the input", got: dims }) };
    let mut taps = Vec::with_capacity(seen.taps);
    for tap in 0..seen.taps {
        let start = vec![0, tap * seen.dilation, 0, 0, 0];
        let step = vec![1, seen.stride as isize, 1, 1, 1];
        let planes = cx.slice(x, start, step, vec![n, seen.count, h, w, c])?;
        taps.push(cx.reshape(planes, vec![n * seen.count, h, w, groups, c / groups])?);
    }
    let all = cx.concat(&taps, 4)?;
    cx.reshape(all, vec![n * seen.count, h, w, seen.taps * c])
}

/// `[N * D, H, W, C]` as `[N, C, D, H, W]`.
fn unstack(cx: &mut Cx<'_>, y: ValueId, n: usize) -> Result<ValueId, Reason> {
    let dims = cx.dims(y);
    let y = cx.reshape(y, vec![n, dims[0] / n, dims[1], dims[2], dims[3]])?;
    cx.channels_first(y)
}
