//! Regions of an image, sampled between its pixels.

use crate::error::{KernelError, Result};
use crate::layout::{count, expect_len};
use crate::scalar::math::Float;
use crate::scalar::pool::larger;

/// The shapes of the regions, and what their coordinates mean.
#[derive(Clone, Copy, Debug)]
pub struct RoiAlign {
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
    /// Samples of a cell along each axis; 0 takes as many as it has pixels.
    pub samples: u32,
    /// Pixels per unit of the regions' coordinates.
    pub scale: f32,
    /// Whether the first pixel's centre lies at 1/2; else it lies at 0 and regions are at least one pixel large.
    pub half_pixel: bool,
    /// The largest weighted sample of a cell instead of their mean.
    pub max: bool,
}

/// Most samples that may be asked for.
const MAX_SAMPLES: u32 = 64;

impl RoiAlign {
    fn check(&self, x: usize, regions: usize, images: usize, y: usize) -> Result {
        let [h, w] = self.size;
        let [rows, columns] = self.cells;
        expect_len(x, count([self.batch, h, w, self.channels].into_iter()))?;
        expect_len(regions, count([self.regions, 4].into_iter()))?;
        expect_len(images, self.regions)?;
        expect_len(y, count([self.regions, rows, columns, self.channels].into_iter()))?;
        let usable = |&extent: &usize| (1..1 << 24).contains(&extent);
        let whole = self.samples <= MAX_SAMPLES && self.size.iter().chain(&self.cells).all(usable);
        if whole { Ok(()) } else { Err(KernelError::Shape) }
    }

    /// One axis of a region from its two coordinates.
    fn span(&self, from: f32, to: f32, extent: usize, cells: usize) -> Result<Span> {
        let offset = if self.half_pixel { 0.5 } else { 0.0 };
        let (start, end) = (from * self.scale - offset, to * self.scale - offset);
        let length = end - start;
        let length = if !self.half_pixel && length < 1.0 { 1.0 } else { length };
        let cell = length / cells as f32;
        let samples = match self.samples {
            0 => adaptive(cell, extent, cells)?,
            samples => samples,
        };
        Ok(Span { start, cell, samples, extent })
    }
}

/// As many samples as a cell has pixels. A region is refused where it is more than twice as long as the image.
fn adaptive(cell: f32, extent: usize, cells: usize) -> Result<u32> {
    let wanted = Float::ceil(cell);
    let most = (2 * (extent + 1)).checked_div(cells).unwrap_or(0) + 1;
    if wanted <= most as f32 { Ok(wanted as u32) } else { Err(KernelError::BoundExceeded) }
}

/// One axis of a region, in pixels.
struct Span {
    start: f32,
    /// Length of a cell.
    cell: f32,
    /// Samples of a cell.
    samples: u32,
    extent: usize,
}

impl Span {
    /// The neighbours of a sample: nearer to the start, the other one, and the share of the latter. None outside.
    fn sample(&self, cell: usize, i: u32) -> Option<(usize, usize, f32)> {
        let position = self.start + cell as f32 * self.cell + (i as f32 + 0.5) * self.cell / self.samples as f32;
        if !(position >= -1.0 && position <= self.extent as f32) {
            return None;
        }
        let position = if position > 0.0 { position } else { 0.0 };
        let (low, last) = (position as usize, self.extent - 1);
        if low >= last { Some((last, last, 0.0)) } else { Some((low, low + 1, position - low as f32)) }
    }
}

/// Summarises the samples of each cell, each a mean of four pixels weighted by distance. A sample more than a pixel outside
/// is 0; a cell without samples too.
///
/// # Errors
/// Contradicting shapes, an image that is not there, or a region more than twice as large as the image where the number of
/// samples follows from its size.
pub fn roi_align(shape: &RoiAlign, x: &[f32], regions: &[f32], images: &[i64], y: &mut [f32]) -> Result {
    shape.check(x.len(), regions.len(), images.len(), y.len())?;
    if y.is_empty() {
        return Ok(());
    }
    let ([high, wide], [down, across]) = (shape.size, shape.cells);
    for (region, (&[left, top, right, bottom], &image)) in regions.as_chunks().0.iter().zip(images).enumerate() {
        let image = usize::try_from(image).ok().filter(|&i| i < shape.batch).ok_or(KernelError::IndexOutOfRange)?;
        let (rows, columns) = (shape.span(top, bottom, high, down)?, shape.span(left, right, wide, across)?);
        let pixels = Pixels { x, first: image * high, wide, channels: shape.channels };
        for row in 0..down {
            for column in 0..across {
                let at = ((region * down + row) * across + column) * shape.channels;
                let y = y.get_mut(at..at + shape.channels).ok_or(KernelError::Shape)?;
                summarise(shape, &pixels, (&rows, row), (&columns, column), y)?;
            }
        }
    }
    Ok(())
}

/// The pixels of one image.
struct Pixels<'a> {
    x: &'a [f32],
    /// Rows of the images before.
    first: usize,
    wide: usize,
    channels: usize,
}

impl Pixels<'_> {
    fn at(&self, row: usize, column: usize) -> Result<&[f32]> {
        let at = ((self.first + row) * self.wide + column) * self.channels;
        self.x.get(at..at + self.channels).ok_or(KernelError::Shape)
    }
}

fn summarise(
    shape: &RoiAlign,
    pixels: &Pixels<'_>,
    (rows, row): (&Span, usize),
    (columns, column): (&Span, usize),
    y: &mut [f32],
) -> Result {
    y.fill(0.0);
    let mut first = true;
    for i in 0..rows.samples {
        let vertical = rows.sample(row, i);
        for j in 0..columns.samples {
            let start = core::mem::replace(&mut first, false) && shape.max;
            let (Some((top, bottom, v)), Some((left, right, h))) = (vertical, columns.sample(column, j)) else {
                if shape.max {
                    y.iter_mut().for_each(|y| *y = if start { 0.0 } else { larger(*y, 0.0) });
                }
                continue;
            };
            let weights = [(1.0 - v) * (1.0 - h), (1.0 - v) * h, v * (1.0 - h), v * h];
            let corners =
                [pixels.at(top, left)?, pixels.at(top, right)?, pixels.at(bottom, left)?, pixels.at(bottom, right)?];
            for (c, y) in y.iter_mut().enumerate() {
                let mut parts = [0.0; 4];
                for ((part, corner), weight) in parts.iter_mut().zip(corners).zip(weights) {
                    *part = weight * corner.get(c).ok_or(KernelError::Shape)?;
                }
                let [a, b, c, d] = parts;
                *y = match (shape.max, start) {
                    (false, _) => *y + (a + b + c + d),
                    (true, true) => larger(larger(larger(a, b), c), d),
                    (true, false) => larger(*y, larger(larger(larger(a, b), c), d)),
                };
            }
        }
    }
    if !shape.max && !first {
        let samples = rows.samples as f32 * columns.samples as f32;
        y.iter_mut().for_each(|y| *y /= samples);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: RoiAlign = RoiAlign {
        batch: 1,
        size: [3, 3],
        channels: 1,
        regions: 1,
        cells: [1, 1],
        samples: 1,
        scale: 1.0,
        half_pixel: true,
        max: false,
    };

    fn run(shape: &RoiAlign, region: [f32; 4], image: i64) -> Result<f32> {
        let x: [f32; 9] = core::array::from_fn(|i| i as f32);
        let mut y = [f32::NAN];
        roi_align(shape, &x, &region, &[image], &mut y).map(|()| y[0])
    }

    #[test]
    fn regions_are_sampled() {
        let whole = [0.0, 0.0, 3.0, 3.0];
        let with = |samples, half_pixel, max| RoiAlign { samples, half_pixel, max, ..SHAPE };
        for (shape, region, want) in [
            (with(1, true, false), whole, 4.0),
            (with(0, true, false), whole, 4.0),
            // The only sample lies between four pixels.
            (with(1, false, false), whole, 6.0),
            (with(1, false, true), whole, 2.0),
            (with(3, true, true), whole, 8.0),
            (with(1, true, false), [8.0, 8.0, 9.0, 9.0], 0.0),
            // Regions turned around have no samples of their own.
            (with(0, true, false), [2.0, 2.0, 1.0, 1.0], 0.0),
        ] {
            assert_eq!(run(&shape, region, 0), Ok(want), "{shape:?} {region:?}");
        }
    }

    #[test]
    fn what_cannot_be_sampled_is_refused() {
        assert_eq!(run(&SHAPE, [0.0, 0.0, 1.0, 1.0], 1), Err(KernelError::IndexOutOfRange));
        let adaptive = RoiAlign { samples: 0, ..SHAPE };
        assert_eq!(run(&adaptive, [0.0, 0.0, 1.0, 99.0], 0), Err(KernelError::BoundExceeded));
        assert_eq!(run(&adaptive, [0.0, 0.0, f32::NAN, 1.0], 0), Err(KernelError::BoundExceeded));
        assert_eq!(run(&RoiAlign { samples: 65, ..SHAPE }, [0.0; 4], 0), Err(KernelError::Shape));
    }
}
