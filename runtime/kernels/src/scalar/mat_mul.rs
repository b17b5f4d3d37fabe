//! Matrix product of two computed operands.

use crate::error::{KernelError, Result};
use crate::memory::{Load, Store, one};
use crate::number::Number;

/// The shapes of a matrix product, all dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatMul {
    /// Products.
    pub batch: usize,
    /// Rows of `a` and y.
    pub m: usize,
    /// Columns of `a`, rows of `b`.
    pub k: usize,
    /// Columns of `b` and y.
    pub n: usize,
    /// Whether every product reads the same `a`.
    pub one_a: bool,
    /// Whether every product reads the same `b`.
    pub one_b: bool,
}

impl MatMul {
    /// Refuses slices of other lengths than the shape says.
    pub(crate) fn check(&self, a: usize, b: usize, y: usize) -> Result {
        let product =
            |batch: usize, rows: usize, columns: usize| crate::layout::count([batch, rows, columns].into_iter());
        let want_a = product(if self.one_a { 1 } else { self.batch }, self.m, self.k);
        let want_b = product(if self.one_b { 1 } else { self.batch }, self.k, self.n);
        if a != want_a || b != want_b || y != product(self.batch, self.m, self.n) {
            return Err(KernelError::Shape);
        }
        Ok(())
    }

    /// Elements before the operands of one product.
    pub(crate) fn offsets(&self, product: usize) -> [usize; 2] {
        let offset = |shared, size: usize| if shared { 0 } else { product.wrapping_mul(size) };
        [offset(self.one_a, self.m.wrapping_mul(self.k)), offset(self.one_b, self.k.wrapping_mul(self.n))]
    }
}

/// `y[m, n] = sum over k of a[m, k] * b[k, n]`, from 0, k ascending; integers wrap.
///
/// # Errors
/// Contradicting shapes.
pub fn mat_mul<W: Number, X, Y>(shape: &MatMul, a: &X, b: &X, y: &mut Y) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    shape.check(a.count(), b.count(), y.count())?;
    if y.count() == 0 {
        return Ok(());
    }
    let mut to = 0;
    for product in 0..shape.batch {
        let [at_a, at_b] = shape.offsets(product);
        for m in 0..shape.m {
            for n in 0..shape.n {
                let mut acc = W::ZERO;
                for k in 0..shape.k {
                    let left: W = one(a, at_a + m * shape.k + k);
                    acc = acc.add(left.mul(one(b, at_b + k * shape.n + n)));
                }
                y.store(to, 1, &[acc]);
                to += 1;
            }
        }
    }
    Ok(())
}
