//! Matrix product of f32 tensors: a few rows by eight columns.

use crate::arch::{F32x4, TILE};
use crate::error::{KernelError, Result};
use crate::scalar::mat_mul::MatMul;

const ROWS: usize = TILE;
const COLUMNS: usize = 8;

/// Like [`crate::scalar::mat_mul::mat_mul`].
///
/// # Errors
/// Contradicting shapes.
pub fn mat_mul(shape: &MatMul, a: &[f32], b: &[f32], y: &mut [f32]) -> Result {
    shape.check(a.len(), b.len(), y.len())?;
    if y.is_empty() {
        return Ok(());
    }
    for product in 0..shape.batch {
        let [at_a, at_b] = shape.offsets(product);
        let a = a.get(at_a..at_a + shape.m * shape.k).ok_or(KernelError::Shape)?;
        let b = b.get(at_b..at_b + shape.k * shape.n).ok_or(KernelError::Shape)?;
        let to = product * shape.m * shape.n;
        let y = y.get_mut(to..to + shape.m * shape.n).ok_or(KernelError::Shape)?;
        for column in (0..shape.n).step_by(COLUMNS) {
            let mut row = 0;
            while row < shape.m {
                if shape.m - row >= ROWS {
                    tile::<ROWS>(shape, a, b, row, column, y)?;
                    row += ROWS;
                } else {
                    tile::<1>(shape, a, b, row, column, y)?;
                    row += 1;
                }
            }
        }
    }
    Ok(())
}

fn tile<const N: usize>(shape: &MatMul, a: &[f32], b: &[f32], row: usize, column: usize, y: &mut [f32]) -> Result {
    let live = (shape.n - column).min(COLUMNS);
    let mut rows = [&[] as &[f32]; N];
    for (i, slot) in rows.iter_mut().enumerate() {
        *slot = a.get((row + i) * shape.k..(row + i + 1) * shape.k).ok_or(KernelError::Shape)?;
    }
    let mut acc = [[F32x4::splat(0.0); 2]; N];
    for k in 0..shape.k {
        let from = k * shape.n + column;
        let right = columns(b.get(from..from + live).ok_or(KernelError::Shape)?);
        for (acc, row) in acc.iter_mut().zip(&rows) {
            let Some(&left) = row.get(k) else { return Err(KernelError::Shape) };
            let left = F32x4::splat(left);
            *acc = [acc[0].add_product(left, right[0]), acc[1].add_product(left, right[1])];
        }
    }
    for (i, [low, high]) in acc.into_iter().enumerate() {
        let to = (row + i) * shape.n + column;
        let acc = [low.to_array(), high.to_array()];
        let y = y.get_mut(to..to + live).ok_or(KernelError::Shape)?;
        for (y, &acc) in y.iter_mut().zip(acc.as_flattened()) {
            *y = acc;
        }
    }
    Ok(())
}

/// Eight neighbours, zeros beyond the last.
fn columns(values: &[f32]) -> [F32x4; 2] {
    let mut eight = [0.0; COLUMNS];
    match values.first_chunk::<COLUMNS>() {
        Some(values) => eight = *values,
        None => eight.iter_mut().zip(values).for_each(|(to, &value)| *to = value),
    }
    let [a, b, c, d, e, f, g, h] = eight;
    [F32x4::load(&[a, b, c, d]), F32x4::load(&[e, f, g, h])]
}
