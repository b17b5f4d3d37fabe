//! The zero border of an image.

use crate::error::{KernelError, Result};

/// An image `[N, H, W, C]` and its border, in bytes where they lie along a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halo {
    /// Images.
    pub batch: usize,
    /// Rows above, inside and below.
    pub rows: [usize; 3],
    /// Bytes of a row left of, inside and right of the image.
    pub row_bytes: [usize; 3],
}

/// Zeroes the border and leaves the image.
///
/// # Errors
/// A slice of another length than the shape says.
pub fn halo(shape: &Halo, y: &mut [u8]) -> Result {
    let [top, height, bottom] = shape.rows;
    let [left, width, right] = shape.row_bytes;
    let sum = |three: [usize; 3]| three.into_iter().fold(0, usize::saturating_add);
    let (rows, row) = (sum(shape.rows), sum(shape.row_bytes));
    crate::layout::expect_len(y.len(), crate::layout::count([shape.batch, rows, row].into_iter()))?;
    let mut rest = y;
    if rest.is_empty() {
        return Ok(());
    }
    for _ in 0..shape.batch {
        rest = zero(rest, top.wrapping_mul(row))?;
        for _ in 0..height {
            rest = zero(skip(zero(rest, left)?, width)?, right)?;
        }
        rest = zero(rest, bottom.wrapping_mul(row))?;
    }
    Ok(())
}

fn zero(y: &mut [u8], bytes: usize) -> Result<&mut [u8]> {
    let (border, rest) = y.split_at_mut_checked(bytes).ok_or(KernelError::Shape)?;
    super::fill::set(border, 0);
    Ok(rest)
}

fn skip(y: &mut [u8], bytes: usize) -> Result<&mut [u8]> {
    Ok(y.split_at_mut_checked(bytes).ok_or(KernelError::Shape)?.1)
}
