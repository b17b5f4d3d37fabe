//! Positions of extreme elements.

use crate::error::Result;
use crate::layout::{Around, expect_len};
use crate::memory::{Load, one};
use crate::number::Number;

/// Which position is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgReduce {
    /// The largest instead of the smallest element.
    pub max: bool,
    /// The last instead of the first of equal elements.
    pub last: bool,
}

/// Position of the extreme along one axis of a dense tensor. A NaN is more extreme than every number, and equal to NaN.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn arg_reduce<W: Number, X: Load<W> + ?Sized>(step: ArgReduce, shape: &Around, x: &X, y: &mut [i64]) -> Result {
    expect_len(x.count(), shape.count())?;
    expect_len(y.len(), Around { len: 1, ..*shape }.count())?;
    if shape.len == 0 {
        // Nothing to point at; no model means this.
        return expect_len(y.len(), 0);
    }
    for (line, y) in shape.lines().zip(y) {
        let mut best: W = read(x, line);
        let mut position = 0;
        for i in 1..shape.len {
            let value: W = read(x, line.wrapping_add(i.wrapping_mul(shape.inner)));
            let ahead = if step.max { value > best } else { value < best };
            let equal = value == best || (value.is_nan() && best.is_nan());
            if ahead && !best.is_nan() || value.is_nan() && !best.is_nan() || equal && step.last {
                (best, position) = (value, i);
            }
        }
        *y = position as i64;
    }
    Ok(())
}

/// One element; u64 with the sign bit inverted, which gives it the order of i64.
fn read<W: Number, X: Load<W> + ?Sized>(x: &X, at: usize) -> W {
    let value: W = one(x, at);
    if W::INTEGER && x.is_u64() { value.flip() } else { value }
}
