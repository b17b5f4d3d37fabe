//! Softmax and its logarithm.

use crate::error::Result;
use crate::layout::{Around, expect_len};
use crate::memory::{Load, Store};
use crate::number::Number;
use crate::scalar::binary::max;
use crate::scalar::math::Float;

/// What is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Probabilities that sum to 1.
    Linear,
    /// Their natural logarithms.
    Log,
}

/// Softmax along one axis of a dense f32 tensor.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn softmax(shape: &Around, scale: Scale, x: &[f32], y: &mut [f32]) -> Result {
    expect_len(x.len(), shape.count())?;
    expect_len(y.len(), shape.count())?;
    let step = shape.inner.cast_signed();
    for first in shape.lines() {
        let at = |i: usize| first.wrapping_add(i.wrapping_mul(shape.inner));
        let most = fold(shape.len, f32::NEG_INFINITY, max, |i, four| x.load(at(i), step, four));
        let sum = fold(shape.len, 0.0, f32::add, |i, four| {
            x.load(at(i), step, four);
            for v in &mut *four {
                *v = Float::exp(*v - most);
            }
            y.store(at(i), step, four);
        });
        let log = Float::log(sum);
        for i in 0..shape.len {
            let mut one = [0.0];
            match scale {
                Scale::Linear => {
                    y.load(at(i), 0, &mut one);
                    one[0] /= sum;
                }
                Scale::Log => {
                    x.load(at(i), 0, &mut one);
                    one[0] = (one[0] - most) - log;
                }
            }
            y.store(at(i), 0, &one);
        }
    }
    Ok(())
}

/// Reduces elements that `read` puts into up to four places, in the order of `ORDER.md`.
pub(crate) fn fold(
    count: usize,
    identity: f32,
    join: impl Fn(f32, f32) -> f32,
    mut read: impl FnMut(usize, &mut [f32]),
) -> f32 {
    let mut lanes = [identity; 4];
    let whole = count - count % 4;
    for i in (0..whole).step_by(4) {
        let mut four = [0.0; 4];
        read(i, &mut four);
        for (lane, v) in lanes.iter_mut().zip(four) {
            *lane = join(*lane, v);
        }
    }
    let [a, b, c, d] = lanes;
    let mut acc = join(join(a, c), join(b, d));
    for i in whole..count {
        let mut one = [0.0];
        read(i, &mut one);
        acc = join(acc, one[0]);
    }
    acc
}
