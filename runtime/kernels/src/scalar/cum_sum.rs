//! Running sums and products.

use crate::error::Result;
use crate::layout::{Around, expect_len};
use crate::memory::{Load, Store, one};
use crate::number::Number;

/// Which elements a running result includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CumSum {
    /// The element itself is left out.
    pub exclusive: bool,
    /// Results run from the end.
    pub reverse: bool,
}

/// Running sum from 0 along one axis of a dense tensor; integers wrap.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn cum_sum<W: Number, X, Y>(step: CumSum, shape: &Around, x: &X, y: &mut Y) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    run(step, shape, x, y, W::ZERO, W::add)
}

/// Running product from 1 along one axis of a dense tensor; integers wrap.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn cum_prod<W: Number, X, Y>(step: CumSum, shape: &Around, x: &X, y: &mut Y) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    run(step, shape, x, y, W::ONE, W::mul)
}

fn run<W: Number, X, Y>(step: CumSum, shape: &Around, x: &X, y: &mut Y, identity: W, join: impl Fn(W, W) -> W) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    expect_len(x.count(), shape.count())?;
    expect_len(y.count(), shape.count())?;
    for line in shape.lines() {
        let mut sum = identity;
        for i in 0..shape.len {
            let i = if step.reverse { shape.len - 1 - i } else { i };
            let at = line.wrapping_add(i.wrapping_mul(shape.inner));
            let next = join(sum, one(x, at));
            y.store(at, 0, &[if step.exclusive { sum } else { next }]);
            sum = next;
        }
    }
    Ok(())
}
