//! Determinants.

use crate::error::{KernelError, Result};
use crate::layout::{count, expect_len};
use crate::scalar::math::Float;

/// `y[b]` = determinant of the dense `x[b]` of n rows and columns, by elimination with row exchange. `scratch` has room for
/// one matrix.
///
/// # Errors
/// Slices of other lengths than the shapes say.
pub fn det<F: Float>(n: usize, x: &[F], y: &mut [F], scratch: &mut [F]) -> Result {
    let size = count([n, n].into_iter());
    expect_len(scratch.len(), size)?;
    expect_len(x.len(), count([y.len(), size].into_iter()))?;
    if n == 0 {
        y.iter_mut().for_each(|y| *y = F::ONE);
        return Ok(());
    }
    for (x, y) in x.chunks_exact(size).zip(y) {
        scratch.iter_mut().zip(x).for_each(|(to, &from)| *to = from);
        *y = eliminate(n, scratch)?;
    }
    Ok(())
}

/// The product of the pivots, negated for every exchange of rows.
fn eliminate<F: Float>(n: usize, matrix: &mut [F]) -> Result<F> {
    let mut product = F::ONE;
    for column in 0..n {
        // Rows from the column's number on; those above are finished.
        let rest = matrix.get_mut(column * n..).ok_or(KernelError::Shape)?;
        let pivot_row = largest(n, column, rest);
        if pivot_row > 0 {
            exchange(n, pivot_row, rest)?;
            product = -product;
        }
        let (top, below) = rest.split_at_mut_checked(n).ok_or(KernelError::Shape)?;
        let pivot = *top.get(column).ok_or(KernelError::Shape)?;
        product = product.mul(pivot);
        if pivot == F::ZERO {
            return Ok(product);
        }
        for row in below.chunks_exact_mut(n) {
            let factor = row.get(column).ok_or(KernelError::Shape)?.div(pivot);
            for (to, &from) in row.iter_mut().zip(&*top).skip(column + 1) {
                *to = to.sub(factor.mul(from));
            }
        }
    }
    Ok(product)
}

/// The first row whose element in the column is largest by magnitude; NaN is larger than every number.
fn largest<F: Float>(n: usize, column: usize, rows: &[F]) -> usize {
    let mut best = (0, F::ZERO);
    for (i, &value) in rows.iter().skip(column).step_by(n.max(1)).enumerate() {
        let magnitude = value.magnitude();
        if !best.1.is_nan() && (magnitude > best.1 || magnitude.is_nan()) {
            best = (i, magnitude);
        }
    }
    best.0
}

fn exchange<F: Float>(n: usize, with: usize, rows: &mut [F]) -> Result {
    let (top, below) = rows.split_at_mut_checked(n).ok_or(KernelError::Shape)?;
    let other = below.chunks_exact_mut(n).nth(with - 1).ok_or(KernelError::Shape)?;
    top.iter_mut().zip(other).for_each(|(a, b)| core::mem::swap(a, b));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn determinants_of_known_matrices() {
        let x = [
            [1.0, 2.0, 3.0, 0.0, 1.0, 4.0, 5.0, 6.0, 0.0],
            [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0],
            [1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 7.0, 8.0, 9.0],
        ];
        let (mut y, mut scratch) = ([9.0_f64; 3], [0.0; 9]);
        det(3, x.as_flattened(), &mut y, &mut scratch).unwrap();
        assert!((y[0] - 1.0).abs() < 1e-14 && y[1] == 1.0 && y[2].abs() < 1e-14, "{y:?}");
        let mut none = [0.0_f32; 2];
        det(0, &[], &mut none, &mut []).unwrap();
        assert_eq!(none, [1.0; 2]);
        assert_eq!(det(2, &[1.0_f32; 3], &mut [0.0], &mut [0.0; 4]), Err(KernelError::Shape));
        let mut nan = vec![0.0_f32];
        det(2, &[0.0, 1.0, f32::NAN, 1.0], &mut nan, &mut [0.0; 4]).unwrap();
        assert!(nan[0].is_nan());
    }
}
