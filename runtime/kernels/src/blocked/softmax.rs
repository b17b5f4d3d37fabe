//! Softmax of lines whose elements are adjacent: exponentials by the block.

use crate::error::{KernelError, Result};
use crate::layout::{Around, expect_len};
use crate::scalar::binary::max;
use crate::scalar::math::Float;
use crate::scalar::softmax::{self as scalar, Scale};

/// Like [`crate::scalar::softmax::softmax`].
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn softmax(shape: &Around, scale: Scale, x: &[f32], y: &mut [f32]) -> Result {
    if shape.inner != 1 {
        return scalar::softmax(shape, scale, x, y);
    }
    expect_len(x.len(), shape.count())?;
    expect_len(y.len(), shape.count())?;
    for line in shape.lines() {
        let x = x.get(line..line + shape.len).ok_or(KernelError::Shape)?;
        let y = y.get_mut(line..line + shape.len).ok_or(KernelError::Shape)?;
        let most = fold(x, f32::NEG_INFINITY, max);
        for (y, &x) in y.iter_mut().zip(x) {
            *y = Float::exp(x - most);
        }
        let sum = fold(y, 0.0, |a, b| a + b);
        match scale {
            Scale::Linear => y.iter_mut().for_each(|y| *y /= sum),
            Scale::Log => {
                let log = Float::log(sum);
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - most) - log);
            }
        }
    }
    Ok(())
}

/// Reduces a line in the order of `ORDER.md`.
fn fold(line: &[f32], identity: f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let (quads, tail) = line.as_chunks::<4>();
    let mut lanes = [identity; 4];
    for quad in quads {
        for (lane, &v) in lanes.iter_mut().zip(quad) {
            *lane = join(*lane, v);
        }
    }
    let [a, b, c, d] = lanes;
    tail.iter().fold(join(join(a, c), join(b, d)), |acc, &v| join(acc, v))
}
