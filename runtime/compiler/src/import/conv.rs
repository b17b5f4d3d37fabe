//! Convolutions, over images that are turned to `[N, H, W, C]` and back. A sequence `[N, C, L]` is an image of height 1.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Clamp, Op, ValueId, Window};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Conv", 1, &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"], conv),
    Entry::onnx(
        "ConvTranspose",
        1,
        &["auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"],
        conv_transpose,
    ),
];

/// How a window moves along each spatial axis.
#[derive(Clone, Debug)]
pub(super) struct Spatial {
    pub(super) kernel: Vec<usize>,
    pub(super) stride: Vec<usize>,
    pub(super) dilation: Vec<usize>,
    /// Padding before and after.
    pub(super) pad: Vec<[usize; 2]>,
}

impl Spatial {
    /// Reads the attributes for an input of such spatial extents.
    pub(super) fn read(cx: &Cx<'_>, extents: &[usize], kernel: Vec<usize>) -> Result<Self, Reason> {
        let rank = extents.len();
        let stride = positive(cx, "strides", rank)?.unwrap_or_else(|| vec![1; rank]);
        let dilation = positive(cx, "dilations", rank)?.unwrap_or_else(|| vec![1; rank]);
        let given = cx.optional_ints_attribute("pads")?;
        let mut spatial = Self { kernel, stride, dilation, pad: vec![[0, 0]; rank] };
        let auto = cx.text("auto_pad", "NOTSET")?;
        // Exporters write the unused default of `pads` next to `auto_pad`.
        let given = given.filter(|pads| auto == "NOTSET" || pads.iter().any(|&p| p != 0));
        match (auto, given) {
            ("NOTSET" | "VALID", None) => {}
            ("NOTSET", Some(given)) => spatial.pad = explicit_pads(&given, rank)?,
            ("SAME_UPPER" | "SAME_LOWER", None) => {
                for (i, &extent) in extents.iter().enumerate() {
                    let out = extent.div_ceil(spatial.stride[i]);
                    let reach = out.saturating_sub(1) * spatial.stride[i] + spatial.reach(i);
                    spatial.pad[i] = halves(reach.saturating_sub(extent), auto == "SAME_UPPER");
                }
            }
            (_, Some(_)) => return Err(Reason::Form("it has both `auto_pad` and `pads`")),
            (got, None) => return Err(Reason::AttributeValue { name: "auto_pad", got: got.to_owned() }),
        }
        Ok(spatial)
    }

    /// Input pixels that one window spans along an axis.
    pub(super) fn reach(&self, i: usize) -> usize {
        (self.kernel[i] - 1) * self.dilation[i] + 1
    }

    /// Extents of the result of a convolution.
    pub(super) fn out(&self, extents: &[usize]) -> Result<Vec<usize>, Reason> {
        (0..extents.len())
            .map(|i| {
                let room = (extents[i] + self.pad[i][0] + self.pad[i][1]).checked_sub(self.reach(i));
                room.map(|room| room / self.stride[i] + 1)
                    .ok_or_else(|| Reason::Shape { what: "the input", got: extents.to_vec() })
            })
            .collect()
    }

    /// The window over images; a sequence is an image of height 1.
    pub(super) fn window(&self) -> Window {
        match self.kernel.len() {
            1 => Window {
                kernel: [1, self.kernel[0]],
                stride: [1, self.stride[0]],
                dilation: [1, self.dilation[0]],
                pad: [0, self.pad[0][0], 0, self.pad[0][1]],
            },
            _ => Window {
                kernel: [self.kernel[0], self.kernel[1]],
                stride: [self.stride[0], self.stride[1]],
                dilation: [self.dilation[0], self.dilation[1]],
                pad: [self.pad[0][0], self.pad[1][0], self.pad[0][1], self.pad[1][1]],
            },
        }
    }
}

/// Splits a total padding; the odd pixel goes after, or before for the lower form.
fn halves(total: usize, upper: bool) -> [usize; 2] {
    let (small, large) = (total / 2, total - total / 2);
    if upper { [small, large] } else { [large, small] }
}

/// Largest stride, dilation, kernel extent or padding; keeps every later sum far from overflow.
const MAX_STEP: i64 = 1 << 24;

/// An attribute of one positive number per spatial axis.
pub(super) fn positive(cx: &Cx<'_>, name: &'static str, rank: usize) -> Result<Option<Vec<usize>>, Reason> {
    let Some(given) = cx.optional_ints_attribute(name)? else { return Ok(None) };
    if given.len() == rank && given.iter().all(|&v| (1..=MAX_STEP).contains(&v)) {
        return Ok(Some(given.iter().map(|&v| v as usize).collect()));
    }
    Err(Reason::AttributeValue { name, got: format!("{given:?}") })
}

/// Pads as ONNX orders them: all before, then all after.
fn explicit_pads(given: &[i64], rank: usize) -> Result<Vec<[usize; 2]>, Reason> {
    if given.len() == 2 * rank && given.iter().all(|&v| (0..=MAX_STEP).contains(&v)) {
        return Ok((0..rank).map(|i| [given[i] as usize, given[i + rank] as usize]).collect());
    }
    Err(Reason::AttributeValue { name: "pads", got: format!("{given:?}") })
}

/// The input as `[N, H, W, C]` from `[N, C, H, W]` or `[N, C, L]`.
pub(super) fn to_image(cx: &mut Cx<'_>, x: ValueId) -> Result<ValueId, Reason> {
    let y = cx.channels_last(x)?;
    let dims = cx.dims(y);
    match dims[..] {
        [n, l, c] => cx.reshape(y, vec![n, 1, l, c]),
        _ => Ok(y),
    }
}

/// Undoes [`to_image`] for a result of the rank of the input.
pub(super) fn from_image(cx: &mut Cx<'_>, y: ValueId, rank: usize) -> Result<ValueId, Reason> {
    let dims = cx.dims(y);
    let y = if rank == 3 { cx.reshape(y, vec![dims[0], dims[2], dims[3]])? } else { y };
    cx.channels_first(y)
}

/// Operands that both directions share: the input's dimensions, the weights' dimensions, the groups, the bias.
struct Operands {
    x: ValueId,
    w: ValueId,
    dims: Vec<usize>,
    weights: Vec<usize>,
    groups: usize,
    bias: Option<ValueId>,
}

fn operands(cx: &Cx<'_>) -> Result<Operands, Reason> {
    let (x, w) = (cx.f32_input(0)?, cx.f32_input(1)?);
    let bias = match cx.optional(2) {
        None => None,
        Some(_) => Some(cx.f32_input(2)?),
    };
    let (dims, weights) = (cx.dims(x), cx.dims(w));
    if !matches!(dims.len(), 3 | 4) {
        return Err(Reason::Form("only sequences [N, C, L] and images [N, C, H, W] are supported"));
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
    let groups = usize::try_from(groups).ok().filter(|&g| g > 0).ok_or(Reason::Value { what: "group", got: groups })?;
    Ok(Operands { x, w, dims, weights, groups, bias })
}

fn check_bias(cx: &Cx<'_>, bias: Option<ValueId>, channels: usize) -> Result<(), Reason> {
    match bias.map(|id| cx.dims(id)) {
        Some(dims) if dims != [channels] => Err(Reason::Shape { what: "the bias", got: dims }),
        _ => Ok(()),
    }
}

/// The weights with their spatial axes in the middle, as those of an image.
fn image_weights(cx: &mut Cx<'_>, w: ValueId) -> Result<ValueId, Reason> {
    to_image(cx, w)
}

pub(super) fn conv(cx: &mut Cx<'_>) -> Built {
    let Operands { x, w, dims, weights, groups, bias } = operands(cx)?;
    let channels = weights[0];
    if dims[1] != weights[1].saturating_mul(groups) || !channels.is_multiple_of(groups) {
        return Err(Reason::Shapes(dims, weights));
    }
    check_bias(cx, bias, channels)?;
    let spatial = Spatial::read(cx, &dims[2..], weights[2..].to_vec())?;
    let out = spatial.out(&dims[2..])?;
    if !cx.is_constant(w) || bias.is_some_and(|b| !cx.is_constant(b)) {
        let y = by_patches(cx, x, w, &spatial, groups, &out)?;
        return Ok(vec![bias.map_or(Ok(y), |bias| add_per_channel(cx, y, bias))?]);
    }
    let (image, w) = (to_image(cx, x)?, image_weights(cx, w)?);
    let op = Op::Conv { window: spatial.window(), groups, clamp: Clamp::NONE };
    let made = image_dims(dims[0], &out, channels);
    let y = cx.emit(op, &[Some(image), Some(w), bias], DType::F32, made)?;
    Ok(vec![from_image(cx, y, dims.len())?])
}

/// Most filter taps of a convolution whose weights are computed.
const MAX_TAPS: usize = 1024;

/// A convolution with computed weights: what each tap sees is cut out of the padded input, and one product per group
/// joins them.
fn by_patches(
    cx: &mut Cx<'_>,
    x: ValueId,
    w: ValueId,
    spatial: &Spatial,
    groups: usize,
    out: &[usize],
) -> Result<ValueId, Reason> {
    let (dims, weights) = (cx.dims(x), cx.dims(w));
    let taps: usize = spatial.kernel.iter().product();
    if taps > MAX_TAPS {
        return Err(Reason::NotConstant(1));
    }
    let mut padded = dims.clone();
    let mut before = vec![0; dims.len()];
    for (i, [low, high]) in spatial.pad.iter().enumerate() {
        before[i + 2] = *low;
        padded[i + 2] += low + high;
    }
    let source = if padded == dims {
        x
    } else {
        cx.emit(Op::Pad { before, value: vec![0; 4] }, &[Some(x)], DType::F32, padded)?
    };
    let seen = [&dims[..2], out].concat();
    let step: Vec<isize> = [1, 1].into_iter().chain(spatial.stride.iter().map(|&s| s as isize)).collect();
    let mut parts = Vec::with_capacity(taps);
    for tap in 0..taps {
        let mut start = vec![0; dims.len()];
        let mut rest = tap;
        for i in (0..spatial.kernel.len()).rev() {
            start[i + 2] = rest % spatial.kernel[i] * spatial.dilation[i];
            rest /= spatial.kernel[i];
        }
        let part = cx.slice(source, start, step.clone(), seen.clone())?;
        parts.push(cx.reshape(part, vec![dims[0], dims[1], 1, out.iter().product()])?);
    }
    let patches = cx.concat(&parts, 2)?;
    let patches = cx.reshape(patches, vec![dims[0], groups, weights[1] * taps, out.iter().product()])?;
    let w = cx.reshape(w, vec![1, groups, weights[0] / groups, weights[1] * taps])?;
    let product = vec![dims[0], groups, weights[0] / groups, out.iter().product()];
    let y = cx.emit(Op::MatMul, &[Some(w), Some(patches)], DType::F32, product)?;
    cx.reshape(y, [&[dims[0], weights[0]], out].concat())
}

fn add_per_channel(cx: &mut Cx<'_>, y: ValueId, bias: ValueId) -> Result<ValueId, Reason> {
    let mut dims = vec![1; cx.rank(y) - 1];
    dims[0] = cx.dims(y)[1];
    let bias = cx.reshape(bias, dims)?;
    cx.binary(Binary::Add, y, bias)
}

/// `[N, H, W, C]` of a sequence's or an image's spatial extents.
pub(super) fn image_dims(n: usize, spatial: &[usize], channels: usize) -> Vec<usize> {
    match spatial {
        [l] => vec![n, 1, *l, channels],
        _ => vec![n, spatial[0], spatial[1], channels],
    }
}

fn conv_transpose(cx: &mut Cx<'_>) -> Built {
    let Operands { x, w, dims, weights, groups, bias } = operands(cx)?;
    let channels = weights[1].saturating_mul(groups);
    if dims[1] != weights[0] || !dims[1].is_multiple_of(groups) {
        return Err(Reason::Shapes(dims, weights));
    }
    check_bias(cx, bias, channels)?;
    if !cx.is_constant(w) {
        return Err(Reason::NotConstant(1));
    }
    if bias.is_some_and(|bias| !cx.is_constant(bias)) {
        return Err(Reason::NotConstant(2));
    }
    let (spatial, out) = transposed_spatial(cx, &dims[2..], weights[2..].to_vec())?;
    let (image, w) = (to_image(cx, x)?, image_weights(cx, w)?);
    let op = Op::ConvTranspose { window: spatial.window(), groups };
    let made = image_dims(dims[0], &out, channels);
    let y = cx.emit(op, &[Some(image), Some(w), bias], DType::F32, made)?;
    Ok(vec![from_image(cx, y, dims.len())?])
}

/// Window and extents of a transposed convolution: what the full result has beyond the wanted extents is cut off.
fn transposed_spatial(cx: &Cx<'_>, extents: &[usize], kernel: Vec<usize>) -> Result<(Spatial, Vec<usize>), Reason> {
    let rank = extents.len();
    let stride = positive(cx, "strides", rank)?.unwrap_or_else(|| vec![1; rank]);
    let dilation = positive(cx, "dilations", rank)?.unwrap_or_else(|| vec![1; rank]);
    let extra = match cx.optional_ints_attribute("output_padding")? {
        None => vec![[0, 0]; rank],
        Some(given) => explicit_pads(&[given, vec![0; rank]].concat(), rank)?,
    };
    let given = cx.optional_ints_attribute("pads")?;
    let wanted = positive(cx, "output_shape", rank)?;
    let auto = cx.text("auto_pad", "NOTSET")?;
    let mut spatial = Spatial { kernel, stride, dilation, pad: vec![[0, 0]; rank] };
    if let Some(given) = &given {
        spatial.pad = explicit_pads(given, rank)?;
    }
    let mut out = Vec::with_capacity(rank);
    for i in 0..rank {
        let full = spatial.stride[i] * (extents[i] - 1) + extra[i][0] + spatial.reach(i);
        let target = match (auto, &wanted) {
            (_, Some(wanted)) => Some(wanted[i]),
            ("SAME_UPPER" | "SAME_LOWER", None) => Some(extents[i] * spatial.stride[i]),
            ("NOTSET" | "VALID", None) => None,
            (got, None) => return Err(Reason::AttributeValue { name: "auto_pad", got: got.to_owned() }),
        };
        match target {
            Some(target) => {
                spatial.pad[i] = halves(full.saturating_sub(target), auto == "SAME_UPPER");
                out.push(target);
            }
            None => {
                let [before, after] = spatial.pad[i];
                let kept = full.checked_sub(before + after).filter(|&n| n > 0);
                out.push(kept.ok_or_else(|| Reason::Shape { what: "the input", got: extents.to_vec() })?);
            }
        }
    }
    Ok((spatial, out))
}
