//! Windows that slide over spatial axes, as convolutions, pools and their inverses state them, and the images they slide
//! over.

use super::node::Cx;
use crate::error::Reason;
use crate::graph::{ValueId, Window};

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

    /// The same along some of the axes.
    pub(super) fn axes(&self, axes: &[usize]) -> Self {
        Self {
            kernel: axes.iter().map(|&i| self.kernel[i]).collect(),
            stride: axes.iter().map(|&i| self.stride[i]).collect(),
            dilation: axes.iter().map(|&i| self.dilation[i]).collect(),
            pad: axes.iter().map(|&i| self.pad[i]).collect(),
        }
    }

    /// Number of taps.
    pub(super) fn taps(&self) -> usize {
        self.kernel.iter().fold(1, |n, &k| n.saturating_mul(k))
    }

    /// Where a tap lies along each axis, counted from the first; taps are numbered row-major.
    pub(super) fn offset(&self, tap: usize) -> Vec<usize> {
        let mut offset = vec![0; self.kernel.len()];
        let mut rest = tap;
        for i in (0..offset.len()).rev() {
            offset[i] = rest % self.kernel[i] * self.dilation[i];
            rest /= self.kernel[i];
        }
        offset
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
pub(super) fn halves(total: usize, upper: bool) -> [usize; 2] {
    let (small, large) = (total / 2, total - total / 2);
    if upper { [small, large] } else { [large, small] }
}

/// Largest stride, dilation, kernel extent or padding; keeps every later sum far from overflow.
pub(super) const MAX_STEP: i64 = 1 << 24;

/// An attribute of one positive number per spatial axis.
pub(super) fn positive(cx: &Cx<'_>, name: &'static str, rank: usize) -> Result<Option<Vec<usize>>, Reason> {
    let Some(given) = cx.optional_ints_attribute(name)? else { return Ok(None) };
    if given.len() == rank && given.iter().all(|&v| (1..=MAX_STEP).contains(&v)) {
        return Ok(Some(given.iter().map(|&v| v as usize).collect()));
    }
    Err(Reason::AttributeValue { name, got: format!("{given:?}") })
}

/// Pads as ONNX orders them: all before, then all after.
pub(super) fn explicit_pads(given: &[i64], rank: usize) -> Result<Vec<[usize; 2]>, Reason> {
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

/// `[N, H, W, C]` of a sequence's or an image's spatial extents.
pub(super) fn image_dims(n: usize, spatial: &[usize], channels: usize) -> Vec<usize> {
    match spatial {
        [l] => vec![n, 1, *l, channels],
        _ => vec![n, spatial[0], spatial[1], channels],
    }
}
