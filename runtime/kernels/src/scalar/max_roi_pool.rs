//! Largest pixels of the cells of regions.

use crate::error::{KernelError, Result};
use crate::layout::{count, expect_len};
use crate::scalar::math::{Float, clamp};
use crate::scalar::pool::larger;

/// The shapes of the regions.
#[derive(Clone, Copy, Debug)]
pub struct MaxRoiPool {
    /// Images.
    pub batch: usize,
    /// Rows and columns of an image.
    pub size: [usize; 2],
    /// Values of a pixel.
    pub channels: usize,
    /// Regions.
    pub regions: usize,
    /// Rows and columns of cells that each region is cut into.
    pub cells: [usize; 2],
    /// Pixels per unit of the regions' coordinates.
    pub scale: f32,
}

/// Coordinates beyond this many pixels count as so many, and so does NaN.
const FARTHEST: f32 = 16_777_216.0;

impl MaxRoiPool {
    fn check(&self, x: usize, regions: usize, y: usize) -> Result {
        let ([h, w], [rows, columns]) = (self.size, self.cells);
        expect_len(x, count([self.batch, h, w, self.channels].into_iter()))?;
        expect_len(regions, count([self.regions, 5].into_iter()))?;
        expect_len(y, count([self.regions, rows, columns, self.channels].into_iter()))?;
        let usable = |&extent: &usize| (1..1 << 24).contains(&extent);
        if self.size.iter().chain(&self.cells).all(usable) { Ok(()) } else { Err(KernelError::Shape) }
    }

    /// A coordinate in whole pixels, half away from zero.
    fn pixel(&self, coordinate: f32) -> f32 {
        let scaled = coordinate * self.scale;
        let scaled = if scaled > -FARTHEST { clamp(scaled, -FARTHEST, FARTHEST) } else { -FARTHEST };
        let (size, whole) = (scaled.magnitude(), Float::floor(scaled.magnitude()));
        (if size - whole >= 0.5 { whole + 1.0 } else { whole }).with_sign_of(scaled)
    }
}

/// The pixels of a cell along one axis: it begins at the pixel below its start and ends at the one above its end.
fn cell(start: f32, end: f32, cell: usize, cells: usize, extent: usize) -> core::ops::Range<usize> {
    let pixels = end - start + 1.0;
    let size = (if pixels > 1.0 { pixels } else { 1.0 }) / cells as f32;
    let inside = |v: f32| clamp(v + start, 0.0, extent as f32) as usize;
    inside(Float::floor(cell as f32 * size))..inside(Float::ceil((cell + 1) as f32 * size))
}

/// The largest pixel of each cell, channel by channel; 0 where a cell has none.
///
/// # Errors
/// Contradicting shapes, or an image that is not there.
pub fn max_roi_pool(shape: &MaxRoiPool, x: &[f32], regions: &[f32], y: &mut [f32]) -> Result {
    shape.check(x.len(), regions.len(), y.len())?;
    if y.is_empty() {
        return Ok(());
    }
    let ([high, wide], [down, across], channels) = (shape.size, shape.cells, shape.channels);
    for (region, &[image, left, top, right, bottom]) in regions.as_chunks().0.iter().enumerate() {
        if !(image >= 0.0 && image < shape.batch as f32) {
            return Err(KernelError::IndexOutOfRange);
        }
        let first = image as usize * high;
        let [left, top, right, bottom] = [left, top, right, bottom].map(|v| shape.pixel(v));
        for row in 0..down {
            let rows = cell(top, bottom, row, down, high);
            for column in 0..across {
                let columns = cell(left, right, column, across, wide);
                let at = ((region * down + row) * across + column) * channels;
                let y = y.get_mut(at..at + channels).ok_or(KernelError::Shape)?;
                let empty = rows.is_empty() || columns.is_empty();
                y.fill(if empty { 0.0 } else { f32::NEG_INFINITY });
                for r in rows.clone() {
                    for c in columns.clone() {
                        let from = ((first + r) * wide + c) * channels;
                        let x = x.get(from..from + channels).ok_or(KernelError::Shape)?;
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y = larger(*y, x);
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_overlap_where_pixels_are_shared() {
        let shape = MaxRoiPool { batch: 1, size: [1, 5], channels: 1, regions: 2, cells: [1, 2], scale: 0.5 };
        let x = [5.0, 1.0, 4.0, 2.0, 3.0];
        let mut y = [f32::NAN; 4];
        // 0.5 and 3 pixels after scaling and rounding: 1..=3; then a region to the right of the image.
        let regions = [0.0, 1.0, 0.0, 6.0, 0.0, 0.0, 40.0, 0.0, 44.0, 0.0];
        max_roi_pool(&shape, &x, &regions, &mut y).unwrap();
        assert_eq!(y, [4.0, 4.0, 0.0, 0.0]);
        let absent = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0];
        assert_eq!(max_roi_pool(&shape, &x, &absent, &mut y), Err(KernelError::IndexOutOfRange));
    }
}
