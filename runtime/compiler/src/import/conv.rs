//! Convolutions, over images that are turned to `[N, H, W, C]` and back.
//!
//! A sequence `[N, C, L]` is an image of height 1, a volume becomes images in `volume`. What a step of its own does not
//! cover - computed weights, binary64, more axes - is a product with what each tap sees.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::emit::element;
use super::node::{Built, Cx};
use super::table::Entry;
use super::volume;
use super::window::{Spatial, from_image, image_dims, positive, to_image};
use crate::error::Reason;
use crate::graph::{Clamp, Op, ValueId};

pub(super) const OPS: &[Entry] =
    &[Entry::onnx("Conv", 1, &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], conv)];

/// Operands that both directions share: the input's dimensions, the weights' dimensions, the groups, the bias.
pub(super) struct Operands {
    pub(super) x: ValueId,
    pub(super) w: ValueId,
    pub(super) dims: Vec<usize>,
    pub(super) weights: Vec<usize>,
    pub(super) groups: usize,
    pub(super) bias: Option<ValueId>,
}

impl Operands {
    pub(super) fn read(cx: &Cx<'_>) -> Result<Self, Reason> {
        let (x, w, bias) = (cx.input(0)?, cx.input(1)?, cx.optional(2));
        let dtype = cx.dtype(x);
        if !matches!(dtype, DType::F32 | DType::F64) {
            return Err(Reason::Type(dtype));
        }
        if let Some(other) = [Some(w), bias].into_iter().flatten().map(|id| cx.dtype(id)).find(|&t| t != dtype) {
            return Err(Reason::Types(dtype, other));
        }
        let (dims, weights) = (cx.dims(x), cx.dims(w));
        if !(3..=MAX_RANK).contains(&dims.len()) {
            return Err(Reason::Shape { what: "the input", got: dims });
        }
        if weights.len() != dims.len() {
            return Err(Reason::Shapes(dims, weights));
        }
        if dims.contains(&0) || weights.contains(&0) {
            return Err(Reason::Shape { what: "an operand", got: dims });
        }
        if let Some(kernel) = positive(cx, "kernel_shape", dims.len() - 2)?
            && kernel != weights[2..]
        {
            return Err(Reason::Shapes(kernel, weights));
        }
        let groups = cx.int("group", 1)?;
        let groups =
            usize::try_from(groups).ok().filter(|&g| g > 0).ok_or(Reason::Value { what: "group", got: groups })?;
        Ok(Self { x, w, dims, weights, groups, bias })
    }

    /// Refuses a bias of another length than the channels of the result.
    pub(super) fn check_bias(&self, cx: &Cx<'_>, channels: usize) -> Result<(), Reason> {
        match self.bias.map(|id| cx.dims(id)) {
            Some(dims) if dims != [channels] => Err(Reason::Shape { what: "the bias", got: dims }),
            _ => Ok(()),
        }
    }

    /// Whether convolution steps take the weights: single precision, known, and at most three spatial axes.
    pub(super) fn has_steps(&self, cx: &Cx<'_>) -> bool {
        cx.dtype(self.x) == DType::F32 && cx.is_constant(self.w) && self.dims.len() <= 5
    }

    /// The bias as a convolution step takes it, and what is left to be added.
    pub(super) fn split_bias(&self, cx: &Cx<'_>) -> (Option<ValueId>, Option<ValueId>) {
        match self.bias {
            Some(bias) if cx.is_constant(bias) => (Some(bias), None),
            bias => (None, bias),
        }
    }
}

/// Most axes of an operand; two more split channels and taps.
const MAX_RANK: usize = 7;

pub(super) fn conv(cx: &mut Cx<'_>) -> Built {
    let operands = Operands::read(cx)?;
    let Operands { x, w, dims, weights, groups, .. } = &operands;
    let channels = weights[0];
    if dims[1] != weights[1].saturating_mul(*groups) || !channels.is_multiple_of(*groups) {
        return Err(Reason::Shapes(dims.clone(), weights.clone()));
    }
    operands.check_bias(cx, channels)?;
    let spatial = Spatial::read(cx, &dims[2..], weights[2..].to_vec())?;
    let out = spatial.out(&dims[2..])?;
    if !operands.has_steps(cx) {
        let y = by_patches(cx, &operands, &spatial, &out)?;
        return Ok(vec![add_bias(cx, y, operands.bias)?]);
    }
    let (bias, late) = operands.split_bias(cx);
    let y = if dims.len() == 5 {
        volume::conv(cx, (*x, *w, bias), &spatial, *groups, &out)?
    } else {
        let (image, w) = (to_image(cx, *x)?, to_image(cx, *w)?);
        let op = Op::Conv { window: spatial.window(), groups: *groups, clamp: Clamp::NONE };
        let made = image_dims(dims[0], &out, channels);
        let y = cx.emit(op, &[Some(image), Some(w), bias], DType::F32, made)?;
        from_image(cx, y, dims.len())?
    };
    Ok(vec![add_bias(cx, y, late)?])
}

/// Most filter taps of a convolution that is made of one copy per tap.
const MAX_TAPS: usize = 1024;

/// Refuses filters of which a copy per tap would be too much.
pub(super) fn check_taps(spatial: &Spatial) -> Result<(), Reason> {
    if spatial.taps() > MAX_TAPS {
        return Err(Reason::Form("computed weights of more than 1024 taps are not supported"));
    }
    Ok(())
}

/// What each tap sees is cut out of the padded input, and one product per group joins them.
fn by_patches(cx: &mut Cx<'_>, operands: &Operands, spatial: &Spatial, out: &[usize]) -> Result<ValueId, Reason> {
    let Operands { x, w, dims, weights, groups, .. } = operands;
    check_taps(spatial)?;
    let source = pad_space(cx, *x, spatial)?;
    let seen = [&dims[..2], out].concat();
    let step: Vec<isize> = [1, 1].into_iter().chain(spatial.stride.iter().map(|&s| s as isize)).collect();
    let places: usize = out.iter().product();
    let mut parts = Vec::with_capacity(spatial.taps());
    for tap in 0..spatial.taps() {
        let start = [&[0, 0], &spatial.offset(tap)[..]].concat();
        let part = cx.slice(source, start, step.clone(), seen.clone())?;
        parts.push(cx.reshape(part, vec![dims[0], dims[1], 1, places])?);
    }
    let patches = cx.concat(&parts, 2)?;
    let (inputs, outputs) = (weights[1] * spatial.taps(), weights[0] / groups);
    let patches = cx.reshape(patches, vec![dims[0], *groups, inputs, places])?;
    let w = cx.reshape(*w, vec![1, *groups, outputs, inputs])?;
    let y = cx.emit_as(Op::MatMul, &[Some(w), Some(patches)], *x, vec![dims[0], *groups, outputs, places])?;
    cx.reshape(y, [&[dims[0], weights[0]], out].concat())
}

/// `[N, C, ..]` surrounded by the zeros that a window states.
pub(super) fn pad_space(cx: &mut Cx<'_>, x: ValueId, spatial: &Spatial) -> Result<ValueId, Reason> {
    let mut dims = cx.dims(x);
    let mut before = vec![0; dims.len()];
    for (i, [low, high]) in spatial.pad.iter().enumerate() {
        before[i + 2] = *low;
        dims[i + 2] += low + high;
    }
    if dims == cx.dims(x) {
        return Ok(x);
    }
    let value = element(cx.dtype(x), 0.0);
    cx.emit_as(Op::Pad { before, value }, &[Some(x)], x, dims)
}

/// Adds one number per channel to `[N, C, ..]`.
pub(super) fn add_bias(cx: &mut Cx<'_>, y: ValueId, bias: Option<ValueId>) -> Result<ValueId, Reason> {
    let Some(bias) = bias else { return Ok(y) };
    let mut dims = vec![1; cx.rank(y) - 1];
    dims[0] = cx.dims(y)[1];
    let bias = cx.reshape(bias, dims)?;
    cx.binary(Binary::Add, y, bias)
}
