//! Pooling.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::image::{Axis, Image, Pixel, Window};
use crate::number::Number;

/// The shapes of a pooling.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    /// `[N, H, W, C]`.
    pub x: Image,
    /// `[N, Ho, Wo, C]`.
    pub y: Image,
    /// The window.
    pub window: Window,
    /// Padding below and right.
    pub pad_end: [u32; 2],
    /// How a window is summarised.
    pub op: op::Pool,
}

impl Pool {
    pub(crate) fn check(&self) -> Result {
        if self.x.batch != self.y.batch || self.x.channels != self.y.channels {
            return Err(KernelError::Shape);
        }
        self.window.check(self.y.size)
    }

    /// Elements that an average divides by.
    pub(crate) fn divisor(&self, at: Pixel) -> usize {
        let extents = match self.op {
            op::Pool::AverageWithPadding => [self.padded(0), self.padded(1)],
            _ => self.x.size,
        };
        let window = match self.op {
            op::Pool::AverageWithPadding => Window { pad: [0, 0], ..self.window },
            _ => self.window,
        };
        let rows = window.inside(Axis::Vertical, at.row, extents[0]).len();
        rows.saturating_mul(window.inside(Axis::Horizontal, at.column, extents[1]).len()).max(1)
    }

    fn padded(&self, axis: usize) -> usize {
        let pads = match axis {
            0 => [self.window.pad[0], self.pad_end[0]],
            _ => [self.window.pad[1], self.pad_end[1]],
        };
        let size = if axis == 0 { self.x.size[0] } else { self.x.size[1] };
        size.saturating_add(pads[0] as usize).saturating_add(pads[1] as usize)
    }
}

/// The larger of both as pooling and Max reductions see it: NaN wins, the first of equals stays.
pub(crate) fn larger<T: Number>(acc: T, v: T) -> T {
    if (v > acc || v.is_nan()) && !acc.is_nan() { v } else { acc }
}

/// Summarises each window, channel by channel. A window without an element inside gives -inf (Max) or 0 (Average).
///
/// # Errors
/// Contradicting shapes.
pub fn pool<T: Number>(shape: &Pool, x: &[T], y: &mut [T]) -> Result {
    shape.check()?;
    let Pool { x: input, y: output, window, .. } = shape;
    output.pixels(|at| {
        let rows = window.inside(Axis::Vertical, at.row, input.size[0]);
        let columns = window.inside(Axis::Horizontal, at.column, input.size[1]);
        let to = output.at(at.image, at.row, at.column);
        let factor = T::ONE.div(T::from_count(shape.divisor(at)));
        for c in 0..output.channels {
            let mut acc = if shape.op == op::Pool::Max { T::LOWEST } else { T::ZERO };
            for ky in rows.first..rows.end {
                for kx in columns.first..columns.end {
                    let from = input.at(at.image, rows.input(ky), columns.input(kx));
                    let value = *x.get(from + c).ok_or(KernelError::Shape)?;
                    acc = if shape.op == op::Pool::Max { larger(acc, value) } else { acc.add(value) };
                }
            }
            let result = if shape.op == op::Pool::Max { acc } else { acc.mul(factor) };
            *y.get_mut(to + c).ok_or(KernelError::Shape)? = result;
        }
        Ok(())
    })
}
