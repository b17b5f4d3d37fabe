//! Convolution in groups of channels.

use crate::error::{KernelError, Result};
use crate::image::{Axis, Clamp, Image, Window};

/// The shapes of a grouped or transposed convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvGroup {
    /// `[N, H, W, Ci]`.
    pub x: Image,
    /// `[N, Ho, Wo, Co]`.
    pub y: Image,
    /// The filter.
    pub window: Window,
    /// Applied last.
    pub clamp: Clamp,
    /// Number of groups; divides both channel counts.
    pub groups: u32,
}

impl ConvGroup {
    /// Input and output channels of a group.
    pub(crate) fn per_group(&self) -> Result<[usize; 2]> {
        let groups = self.groups as usize;
        let share = |channels: usize| match channels.checked_rem(groups) {
            Some(0) => channels.checked_div(groups).ok_or(KernelError::Shape),
            _ => Err(KernelError::Shape),
        };
        Ok([share(self.x.channels)?, share(self.y.channels)?])
    }

    pub(crate) fn check(&self, weights: usize, bias: usize) -> Result {
        let [ci, _] = self.per_group()?;
        let want = self.y.channels.saturating_mul(self.window.taps()).saturating_mul(ci);
        if weights != want || bias != self.y.channels || self.x.batch != self.y.batch {
            return Err(KernelError::Shape);
        }
        self.window.check(self.y.size)
    }
}

/// `y = clamp(x * w + bias)`; group g reads and writes the g-th share of the channels. `w` `[Co][kh*kw][Ci/groups]`.
///
/// # Errors
/// Contradicting shapes.
pub fn conv_group(shape: &ConvGroup, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) -> Result {
    shape.check(w.len(), bias.len())?;
    let ConvGroup { x: input, y: output, window, .. } = shape;
    let [ci, co] = shape.per_group()?;
    let filter_len = window.taps() * ci;
    output.pixels(|at| {
        let rows = window.inside(Axis::Vertical, at.row, input.size[0]);
        let columns = window.inside(Axis::Horizontal, at.column, input.size[1]);
        let to = output.at(at.image, at.row, at.column);
        for c in 0..output.channels {
            let first = c.checked_div(co).unwrap_or(0) * ci;
            let mut acc = *bias.get(c).ok_or(KernelError::Shape)?;
            for ky in rows.first..rows.end {
                for kx in columns.first..columns.end {
                    let from = input.at(at.image, rows.input(ky), columns.input(kx)) + first;
                    let tap = c * filter_len + (ky * window.kernel[1] as usize + kx) * ci;
                    let values = x.get(from..from + ci).ok_or(KernelError::Shape)?;
                    let weights = w.get(tap..tap + ci).ok_or(KernelError::Shape)?;
                    for (value, weight) in values.iter().zip(weights) {
                        acc += value * weight;
                    }
                }
            }
            *y.get_mut(to + c).ok_or(KernelError::Shape)? = shape.clamp.apply(acc);
        }
        Ok(())
    })
}
