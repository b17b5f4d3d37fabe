//! Softmax and its logarithm.

use crate::error::Result;
use crate::layout::{Around, expect_len};
use crate::memory::{Load, Store};
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

/// Softmax along one axis of a dense tensor.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn softmax<F: Float>(shape: &Around, scale: Scale, x: &[F], y: &mut [F]) -> Result {
    expect_len(x.len(), shape.count())?;
    expect_len(y.len(), shape.count())?;
    let step = shape.inner.cast_signed();
    for first in shape.lines() {
        let at = |i: usize| first.wrapping_add(i.wrapping_mul(shape.inner));
        let most = fold(shape.len, F::LOWEST, max, |i, four| x.load(at(i), step, four));
        let sum = fold(shape.len, F::ZERO, F::add, |i, four| {
            x.load(at(i), step, four);
            for v in &mut *four {
                *v = v.sub(most).exp();
            }
            y.store(at(i), step, four);
        });
        let log = sum.log();
        for i in 0..shape.len {
            let mut one = [F::ZERO];
            match scale {
                Scale::Linear => {
                    y.load(at(i), 0, &mut one);
                    one[0] = one[0].div(sum);
                }
                Scale::Log => {
                    x.load(at(i), 0, &mut one);
                    one[0] = one[0].sub(most).sub(log);
                }
            }
            y.store(at(i), 0, &one);
        }
    }
    Ok(())
}

/// Reduces elements that `read` puts into up to four places, in the order of `ORDER.md`.
fn fold<F: Float>(count: usize, identity: F, join: impl Fn(F, F) -> F, mut read: impl FnMut(usize, &mut [F])) -> F {
    let mut lanes = [identity; 4];
    let whole = count - count % 4;
    for i in (0..whole).step_by(4) {
        let mut four = [F::ZERO; 4];
        read(i, &mut four);
        for (lane, v) in lanes.iter_mut().zip(four) {
            *lane = join(*lane, v);
        }
    }
    let [a, b, c, d] = lanes;
    let mut acc = join(join(a, c), join(b, d));
    for i in whole..count {
        let mut one = [F::ZERO];
        read(i, &mut one);
        acc = join(acc, one[0]);
    }
    acc
}
