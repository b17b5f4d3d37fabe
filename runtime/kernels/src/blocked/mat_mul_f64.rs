//! Matrix product of f64 tensors: a row of outputs at once, each with its own ascending chain.

use crate::error::{KernelError, Result};
use crate::scalar::mat_mul::MatMul;

/// Like [`crate::scalar::mat_mul::mat_mul`].
///
/// # Errors
/// Contradicting shapes.
pub fn mat_mul(shape: &MatMul, a: &[f64], b: &[f64], y: &mut [f64]) -> Result {
    shape.check(a.len(), b.len(), y.len())?;
    if y.is_empty() {
        return Ok(());
    }
    let size = shape.m * shape.n;
    for (product, y) in y.chunks_exact_mut(size).enumerate() {
        let [at_a, at_b] = shape.offsets(product);
        let a = a.get(at_a..at_a + shape.m * shape.k).ok_or(KernelError::Shape)?;
        let b = b.get(at_b..at_b + shape.k * shape.n).ok_or(KernelError::Shape)?;
        for (row, y) in y.chunks_exact_mut(shape.n).enumerate() {
            let left = a.get(row * shape.k..(row + 1) * shape.k).ok_or(KernelError::Shape)?;
            y.iter_mut().for_each(|y| *y = 0.0);
            for (&left, right) in left.iter().zip(b.chunks_exact(shape.n)) {
                y.iter_mut().zip(right).for_each(|(y, &right)| *y += left * right);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn the_bits_are_those_of_the_reference() {
        for [batch, m, k, n] in [[1, 1, 1, 1], [2, 3, 7, 5], [1, 4, 0, 3], [3, 1, 9, 17]] {
            let number = |i: usize| 1.0 / (i as f64 + 0.7) - 0.3;
            let a: Vec<f64> = (0..batch * m * k).map(number).collect();
            let b: Vec<f64> = (0..k * n).map(|i| number(i + 5)).collect();
            let shape = MatMul { batch, m, k, n, one_a: false, one_b: true };
            let (mut fast, mut slow) = (vec![9.0; batch * m * n], vec![9.0; batch * m * n]);
            mat_mul(&shape, &a, &b, &mut fast).unwrap();
            scalar::mat_mul::mat_mul::<f64, [f64], [f64]>(&shape, &a, &b, &mut slow).unwrap();
            assert_eq!(fast, slow, "{batch} {m} {k} {n}");
        }
    }
}
