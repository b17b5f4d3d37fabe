//! Depthwise convolution: one filter for each channel.

use crate::error::{KernelError, Result};
use crate::image::{Axis, Clamp, Image, Window};

/// Channels of one group of packed weights.
pub const LANES: usize = 4;

/// The shapes of a depthwise convolution.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise {
    /// `[N, H, W, C]`.
    pub x: Image,
    /// `[N, Ho, Wo, C]`.
    pub y: Image,
    /// The filter.
    pub window: Window,
    /// Applied last.
    pub clamp: Clamp,
}

impl Depthwise {
    pub(crate) fn check(&self, weights: usize, bias: usize) -> Result {
        let padded = self.y.channels.div_ceil(LANES).saturating_mul(LANES);
        if weights != padded.saturating_mul(self.window.taps())
            || bias != padded
            || self.x.batch != self.y.batch
            || self.x.channels != self.y.channels
        {
            return Err(KernelError::Shape);
        }
        self.window.check(self.y.size)
    }
}

/// `y = clamp(x * w + bias)`, channel by channel. `w` `[ceil(C/4)][kh*kw][4]`, `bias` padded to a multiple of 4.
///
/// # Errors
/// Contradicting shapes.
pub fn depthwise(shape: &Depthwise, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) -> Result {
    shape.check(w.len(), bias.len())?;
    let Depthwise { x: input, y: output, window, .. } = shape;
    let taps = window.taps();
    output.pixels(|at| {
        let rows = window.inside(Axis::Vertical, at.row, input.size[0]);
        let columns = window.inside(Axis::Horizontal, at.column, input.size[1]);
        let to = output.at(at.image, at.row, at.column);
        for c in 0..output.channels {
            let group = c / LANES * taps * LANES + c % LANES;
            let mut acc = *bias.get(c).ok_or(KernelError::Shape)?;
            for ky in rows.first..rows.end {
                for kx in columns.first..columns.end {
                    let from = input.at(at.image, rows.input(ky), columns.input(kx));
                    let tap = ky * window.kernel[1] as usize + kx;
                    let value = x.get(from + c).ok_or(KernelError::Shape)?;
                    acc += value * w.get(group + tap * LANES).ok_or(KernelError::Shape)?;
                }
            }
            *y.get_mut(to + c).ok_or(KernelError::Shape)? = shape.clamp.apply(acc);
        }
        Ok(())
    })
}
