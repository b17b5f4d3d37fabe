//! Interpolation between two places of an axis, the inner loop of every resize.

use crate::error::{KernelError, Result};
use crate::layout::{Around, expect_len};
use crate::scalar::gather::Indices;

/// Where each output position reads: all of one length.
#[derive(Clone, Copy, Debug)]
pub struct Taps<'a> {
    /// First position on the input axis.
    pub low: &'a [i32],
    /// Second position.
    pub high: &'a [i32],
    /// Share of the second.
    pub weight: &'a [f32],
}

/// `y = x[low] + (x[high] - x[low]) * weight` along the axis of a dense tensor; y has one element per tap there.
///
/// # Errors
/// Contradicting shapes, or a position outside the axis.
pub fn lerp(shape: &Around, x: &[f32], taps: &Taps<'_>, y: &mut [f32]) -> Result {
    let len = taps.weight.len();
    expect_len(x.len(), shape.count())?;
    expect_len(y.len(), Around { len, ..*shape }.count())?;
    expect_len(taps.low.len(), len)?;
    expect_len(taps.high.len(), len)?;
    if y.is_empty() {
        return Ok(());
    }
    let mut rest = y;
    for outer in 0..shape.outer {
        for (i, &weight) in taps.weight.iter().enumerate() {
            let line = |positions| {
                let at = (outer * shape.len + Indices::I32(positions).position(i, shape.len)?) * shape.inner;
                x.get(at..at + shape.inner).ok_or(KernelError::Shape)
            };
            let (low, high) = (line(taps.low)?, line(taps.high)?);
            let (to, after) = rest.split_at_mut_checked(shape.inner).ok_or(KernelError::Shape)?;
            for ((to, &low), &high) in to.iter_mut().zip(low).zip(high) {
                *to = low + (high - low) * weight;
            }
            rest = after;
        }
    }
    Ok(())
}
