//! Convolution of 8-bit images by 8-bit weights into 32-bit sums.

use super::{Byte, Requantize};
use crate::error::{KernelError, Result};
use crate::image::{Axis, Image, Window};

/// Columns of a panel.
pub const PANEL: usize = 8;
/// Channels of a group of depthwise weights.
pub const LANES: usize = 4;
/// Neighbours along the reduction that lie together in a panel.
pub const DEPTH: usize = 4;

/// In which order weights lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// One group: `[ceil(Co/8)][kh][ceil(kw*Ci/4)][8][4]`, each filter row padded to fours with zeros.
    Panels,
    /// As many groups as channels: `[ceil(C/4)][kh*kw][4]`.
    Lanes,
    /// Any groups: `[Co][kh*kw*Ci/groups]`.
    Rows,
}

/// The shapes of a convolution. A fully connected layer has N = H = 1 and its rows as W.
#[derive(Clone, Copy, Debug)]
pub struct QConv {
    /// `[N, H, W, Ci]`.
    pub x: Image,
    /// `[N, Ho, Wo, Co]`.
    pub y: Image,
    /// The filter.
    pub window: Window,
    /// Divides both channel counts.
    pub groups: usize,
    /// Order of the weights.
    pub packing: Packing,
    /// Bytes of the input; padding is its zero point.
    pub from: Byte,
}

/// What does not change from call to call, each but the first per output channel, padded as the packing pads.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// The weights.
    pub weights: &'a [i8],
    /// Where the sums begin.
    pub bias: &'a [i32],
    /// What a sum is multiplied by, unless sums are the result.
    pub scale: Option<&'a [f32]>,
    /// Zero points of the weights; absent is 0.
    pub zero: Option<&'a [i32]>,
}

/// Where results go.
#[derive(Debug)]
pub enum Sums<'a> {
    /// Scaled and brought back to 8 bits.
    Bytes(&'a mut [u8], Requantize),
    /// Scaled.
    Floats(&'a mut [f32]),
    /// As they are.
    Whole(&'a mut [i32]),
}

impl Sums<'_> {
    /// Stores one sum.
    #[inline(always)]
    pub(crate) fn put(&mut self, at: usize, sum: i32, scale: f32) -> Result {
        match self {
            Self::Bytes(y, to) => *y.get_mut(at).ok_or(KernelError::Shape)? = to.byte(sum as f32 * scale),
            Self::Floats(y) => *y.get_mut(at).ok_or(KernelError::Shape)? = sum as f32 * scale,
            Self::Whole(y) => *y.get_mut(at).ok_or(KernelError::Shape)? = sum,
        }
        Ok(())
    }
}

impl QConv {
    /// Elements of one filter row in a panel.
    pub(crate) fn row(&self) -> usize {
        (self.window.kernel[1] as usize).saturating_mul(self.x.channels).div_ceil(DEPTH).saturating_mul(DEPTH)
    }

    /// Input channels that one output channel sees, and output channels that see the same.
    fn per_group(&self) -> Result<[usize; 2]> {
        let divide = |channels: usize| channels.checked_div(self.groups).filter(|&n| n * self.groups == channels);
        match (divide(self.x.channels), divide(self.y.channels)) {
            (Some(from), Some(to)) => Ok([from, to]),
            _ => Err(KernelError::Shape),
        }
    }

    pub(crate) fn check(&self, filter: &Filter<'_>, sums: &Sums<'_>) -> Result {
        let [from, _] = self.per_group()?;
        let (taps, channels) = (self.window.taps(), self.y.channels);
        let (padded, each) = match self.packing {
            Packing::Panels if self.groups == 1 => (
                channels.div_ceil(PANEL).saturating_mul(PANEL),
                self.row().saturating_mul(self.window.kernel[0] as usize),
            ),
            Packing::Lanes if self.groups == channels && from == 1 => {
                (channels.div_ceil(LANES).saturating_mul(LANES), taps)
            }
            Packing::Rows => (channels, taps.saturating_mul(from)),
            _ => return Err(KernelError::Shape),
        };
        let fits = |len: Option<usize>| len.is_none_or(|len| len == padded);
        let scaled = filter.scale.is_some() || matches!(sums, Sums::Whole(_));
        let sound = filter.weights.len() == padded.saturating_mul(each)
            && filter.bias.len() == padded
            && fits(filter.scale.map(<[f32]>::len))
            && fits(filter.zero.map(<[i32]>::len))
            && self.x.batch == self.y.batch;
        if sound && scaled { self.window.check(self.y.size) } else { Err(KernelError::Shape) }
    }

    /// Place of a weight.
    fn position(&self, co: usize, [ky, kx]: [usize; 2], ci: usize, from: usize) -> usize {
        let [height, width] = self.window.kernel.map(|taps| taps as usize);
        match self.packing {
            Packing::Panels => {
                let k = kx * from + ci;
                let row = (co / PANEL * height + ky) * self.row();
                (row + k / DEPTH * DEPTH) * PANEL + co % PANEL * DEPTH + k % DEPTH
            }
            Packing::Lanes => ((co / LANES * height + ky) * width + kx) * LANES + co % LANES,
            Packing::Rows => ((co * height + ky) * width + kx) * from + ci,
        }
    }
}

/// `sum = bias + (x - zero) * (w - zero)` over the taps inside the input, wrapping; then as [`Sums`] says.
///
/// # Errors
/// Contradicting shapes.
pub fn q_conv(shape: &QConv, x: &[u8], filter: &Filter<'_>, y: &mut Sums<'_>) -> Result {
    shape.check(filter, y)?;
    let [from, to] = shape.per_group()?;
    let QConv { x: input, y: output, window, .. } = shape;
    output.pixels(|at| {
        let rows = window.inside(Axis::Vertical, at.row, input.size[0]);
        let columns = window.inside(Axis::Horizontal, at.column, input.size[1]);
        let place = output.at(at.image, at.row, at.column);
        for co in 0..output.channels {
            let first = co.checked_div(to).unwrap_or(0) * from;
            let mut sum = *filter.bias.get(co).ok_or(KernelError::Shape)?;
            let zero = filter.zero.and_then(|zero| zero.get(co)).copied().unwrap_or(0);
            for ky in rows.first..rows.end {
                for kx in columns.first..columns.end {
                    let pixel = input.at(at.image, rows.input(ky), columns.input(kx)) + first;
                    for ci in 0..from {
                        let value = shape.from.value(*x.get(pixel + ci).ok_or(KernelError::Shape)?);
                        let weight = filter.weights.get(shape.position(co, [ky, kx], ci, from));
                        let weight = i32::from(*weight.ok_or(KernelError::Shape)?).wrapping_sub(zero);
                        sum = sum.wrapping_add(weight.wrapping_mul(value.into()));
                    }
                }
            }
            let scale = filter.scale.and_then(|scale| scale.get(co)).copied().unwrap_or(1.0);
            y.put(place + co, sum, scale)?;
        }
        Ok(())
    })
}
