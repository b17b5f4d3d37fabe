//! Pooling of 8-bit images.

use mote_abi::op;

use super::{Byte, Requantize};
use crate::error::{KernelError, Result};
use crate::image::Axis;
use crate::scalar::pool::Pool;

/// From what is pooled to what is stored; an average is `sum * (1 / count) * scale`, the reciprocal rounded to f32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pooled {
    /// Bytes of the input.
    pub from: Byte,
    /// Steps of the result in one of the input.
    pub scale: f32,
    /// Bytes of the result.
    pub to: Requantize,
}

/// Summarises each window, channel by channel. The largest number of a window is passed on as it is; one without an element
/// inside gives the lowest. Averages sum the distances from the zero point, padding counting as that.
///
/// # Errors
/// Contradicting shapes.
pub fn pool(shape: &Pool, pooled: &Pooled, x: &[u8], y: &mut [u8]) -> Result {
    shape.check()?;
    let Pool { x: input, y: output, window, .. } = shape;
    output.pixels(|at| {
        let rows = window.inside(Axis::Vertical, at.row, input.size[0]);
        let columns = window.inside(Axis::Horizontal, at.column, input.size[1]);
        let to = output.at(at.image, at.row, at.column);
        let factor = 1.0 / shape.divisor(at) as f32;
        for c in 0..output.channels {
            let (mut largest, mut sum) = (pooled.from.lowest(), 0_i32);
            for ky in rows.first..rows.end {
                for kx in columns.first..columns.end {
                    let from = input.at(at.image, rows.input(ky), columns.input(kx));
                    let byte = *x.get(from + c).ok_or(KernelError::Shape)?;
                    if pooled.from.rank(byte) > pooled.from.rank(largest) {
                        largest = byte;
                    }
                    sum = sum.wrapping_add(pooled.from.value(byte).into());
                }
            }
            let made = match shape.op {
                op::Pool::Max => largest,
                _ => pooled.to.byte(sum as f32 * factor * pooled.scale),
            };
            *y.get_mut(to + c).ok_or(KernelError::Shape)? = made;
        }
        Ok(())
    })
}
