//! Convolution and fully connected layers.

use crate::error::{KernelError, Result};
use crate::image::{Axis, Clamp, Image, Window};

/// Columns of one panel of packed weights.
pub const PANEL: usize = 8;

/// The shapes of a convolution. A fully connected layer has N = H = 1 and its rows as W.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// `[N, H, W, Ci]`.
    pub x: Image,
    /// `[N, Ho, Wo, Co]`.
    pub y: Image,
    /// `[N, Ho, Wo, Co]`, read where a residual is given.
    pub residual: Image,
    /// The filter.
    pub window: Window,
    /// Applied last.
    pub clamp: Clamp,
}

impl Conv {
    pub(crate) fn check(&self, weights: usize, bias: usize) -> Result {
        let k = self.window.taps().saturating_mul(self.x.channels);
        let padded = self.y.channels.div_ceil(PANEL).saturating_mul(PANEL);
        let same_pixels = self.y.batch == self.residual.batch && self.y.size == self.residual.size;
        if weights != padded.saturating_mul(k)
            || bias != padded
            || self.x.batch != self.y.batch
            || !same_pixels
            || self.residual.channels != self.y.channels
        {
            return Err(KernelError::Shape);
        }
        self.window.check(self.y.size)
    }
}

/// `y = clamp(x * w + bias + residual)`.
/// `w` `[ceil(Co/8)][kh*kw*Ci][8]`, zero where a panel exceeds Co; `bias` padded likewise and never -0.0.
///
/// # Errors
/// Contradicting shapes.
pub fn conv(shape: &Conv, x: &[f32], w: &[f32], bias: &[f32], residual: Option<&[f32]>, y: &mut [f32]) -> Result {
    shape.check(w.len(), bias.len())?;
    let Conv { x: input, y: output, window, .. } = shape;
    let k = window.taps() * input.channels;
    output.pixels(|at| {
        let rows = window.inside(Axis::Vertical, at.row, input.size[0]);
        let columns = window.inside(Axis::Horizontal, at.column, input.size[1]);
        let to = output.at(at.image, at.row, at.column);
        let skip = shape.residual.at(at.image, at.row, at.column);
        for co in 0..output.channels {
            let panel = co / PANEL * k * PANEL + co % PANEL;
            let mut acc = *bias.get(co).ok_or(KernelError::Shape)?;
            for ky in rows.first..rows.end {
                for kx in columns.first..columns.end {
                    let from = input.at(at.image, rows.input(ky), columns.input(kx));
                    let tap = (ky * window.kernel[1] as usize + kx) * input.channels;
                    for ci in 0..input.channels {
                        let value = x.get(from + ci).ok_or(KernelError::Shape)?;
                        let weight = w.get(panel + (tap + ci) * PANEL).ok_or(KernelError::Shape)?;
                        acc += value * weight;
                    }
                }
            }
            if let Some(residual) = residual {
                acc += residual.get(skip + co).ok_or(KernelError::Shape)?;
            }
            *y.get_mut(to + co).ok_or(KernelError::Shape)? = shape.clamp.apply(acc);
        }
        Ok(())
    })
}
