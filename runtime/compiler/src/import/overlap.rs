//! Windows added up where they overlap: what undoes cutting patches out of an image.

use mote_abi::op::Binary;

use super::conv::check_taps;
use super::emit::element;
use super::node::{Built, Cx};
use super::table::Entry;
use super::window::{Spatial, explicit_pads, positive};
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[Entry::onnx("Col2Im", 18, &["dilations", "pads", "strides"], col2im)];

fn col2im(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let (image, block) = (sizes(cx, 1)?, sizes(cx, 2)?);
    let rank = image.len();
    let dims = cx.dims(x);
    let [n, columns, places] = dims[..] else { return Err(Reason::Shape { what: "the input", got: dims }) };
    if rank == 0 || block.len() != rank {
        return Err(Reason::Shapes(image, block));
    }
    let pads = cx.optional_ints_attribute("pads")?.unwrap_or_else(|| vec![0; 2 * rank]);
    let spatial = Spatial {
        kernel: block,
        stride: positive(cx, "strides", rank)?.unwrap_or_else(|| vec![1; rank]),
        dilation: positive(cx, "dilations", rank)?.unwrap_or_else(|| vec![1; rank]),
        pad: explicit_pads(&pads, rank)?,
    };
    check_taps(&spatial)?;
    let windows = spatial.out(&image)?;
    if windows.iter().product::<usize>() != places || !columns.is_multiple_of(spatial.taps()) {
        return Err(Reason::Shapes(dims, windows));
    }
    let split = [&[n, columns / spatial.taps(), spatial.taps()], &windows[..]].concat();
    let x = cx.reshape(x, split)?;
    Ok(vec![add(cx, x, &spatial, &image)?])
}

/// Positive extents from a constant input.
fn sizes(cx: &Cx<'_>, input: usize) -> Result<Vec<usize>, Reason> {
    let usable = |size: i64| usize::try_from(size).ok().filter(|&n| n > 0);
    let given = cx.constant_ints(input)?;
    given.iter().map(|&n| usable(n).ok_or(Reason::Value { what: "an extent", got: n })).collect()
}

/// `[N, C, taps, windows..] -> [N, C, out..]`: tap k of window i is added at `i * stride + k * dilation - pad`, taps
/// ascending. What lies in the padding is lost.
pub(super) fn add(cx: &mut Cx<'_>, x: ValueId, spatial: &Spatial, out: &[usize]) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let (lead, windows) = ([dims[0], dims[1]], &dims[3..]);
    let whole: Vec<usize> = (0..out.len())
        .map(|i| {
            let reached = (windows[i] - 1) * spatial.stride[i] + spatial.reach(i);
            let wanted = spatial.pad[i][0] + out[i];
            if reached > wanted { reached } else { wanted }
        })
        .collect();
    let value = element(cx.dtype(x), 0.0);
    let mut sum: Option<ValueId> = None;
    for tap in 0..dims[2] {
        let mut part = cx.narrow(x, 2, tap, 1)?;
        part = cx.reshape(part, [&lead, windows].concat())?;
        for (i, &stride) in spatial.stride.iter().enumerate() {
            part = spread(cx, part, i + 2, stride)?;
        }
        let op = Op::Pad { before: [&[0, 0], &spatial.offset(tap)[..]].concat(), value: value.clone() };
        part = cx.emit_as(op, &[Some(part)], x, [&lead, &whole[..]].concat())?;
        sum = Some(match sum {
            None => part,
            Some(sum) => cx.binary(Binary::Add, sum, part)?,
        });
    }
    let sum = sum.ok_or_else(|| Reason::Shape { what: "the input", got: dims.clone() })?;
    let start = [0, 0].into_iter().chain(spatial.pad.iter().map(|pad| pad[0])).collect();
    cx.slice(sum, start, vec![1; whole.len() + 2], [&lead, out].concat())
}

/// Puts `stride - 1` zeros between neighbours along an axis.
pub(super) fn spread(cx: &mut Cx<'_>, x: ValueId, axis: usize, stride: usize) -> Result<ValueId, Reason> {
    let mut dims = cx.dims(x);
    if stride == 1 || dims[axis] <= 1 {
        return Ok(x);
    }
    let (outer, len, inner) = (dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product());
    let wide = len.checked_mul(stride).ok_or_else(|| Reason::TooLarge(dims.clone()))?;
    let y = cx.reshape(x, vec![outer, len, 1, inner])?;
    let op = Op::Pad { before: vec![0; 4], value: element(cx.dtype(x), 0.0) };
    let y = cx.emit_as(op, &[Some(y)], x, vec![outer, len, stride, inner])?;
    let y = cx.reshape(y, vec![outer, wide, inner])?;
    let y = cx.narrow(y, 1, 0, wide - stride + 1)?;
    dims[axis] = wide - stride + 1;
    cx.reshape(y, dims)
}

/// What a transposed convolution with computed weights adds up: `[N, groups, per group * taps, inputs]` is one product.
pub(super) fn products(
    cx: &mut Cx<'_>,
    x: ValueId,
    w: ValueId,
    groups: usize,
    spatial: &Spatial,
) -> Result<ValueId, Reason> {
    let (dims, weights) = (cx.dims(x), cx.dims(w));
    let (per_group, taps, places) = (weights[1], spatial.taps(), dims[2..].iter().product::<usize>());
    let w = cx.reshape(w, vec![1, groups, dims[1] / groups, per_group * taps])?;
    let w = cx.transpose(w, &[0, 1, 3, 2])?;
    let flat = cx.reshape(x, vec![dims[0], groups, dims[1] / groups, places])?;
    let made = vec![dims[0], groups, per_group * taps, places];
    let y = cx.emit_as(Op::MatMul, &[Some(w), Some(flat)], x, made)?;
    cx.reshape(y, [&[dims[0], groups * per_group, taps], &dims[2..]].concat())
}
