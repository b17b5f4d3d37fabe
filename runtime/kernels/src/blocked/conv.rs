//! Convolution: tiles of a few pixels by eight columns.

use crate::arch::{F32x4, TILE};
use crate::error::{KernelError, Result};
use crate::image::{Axis, Slide, Taps};
use crate::scalar::conv::{Conv, PANEL};

/// Pixels of a tile; the weights of a panel are read once for all of them.
const PIXELS: usize = TILE;
/// Pixels for which all panels are computed before the next ones: what they read and write stays in the cache.
const STRETCH: usize = 64;

/// Like [`crate::scalar::conv::conv`].
///
/// # Errors
/// Contradicting shapes.
pub fn conv(shape: &Conv, x: &[f32], w: &[f32], bias: &[f32], residual: Option<&[f32]>, y: &mut [f32]) -> Result {
    shape.check(w.len(), bias.len())?;
    if shape.y.count() == 0 {
        return Ok(());
    }
    let shape = &pointwise(shape).unwrap_or(*shape);
    let k = shape.window.taps() * shape.x.channels;
    let panels = w.as_chunks::<PANEL>().0;
    let columns = &shape.window.slide(Axis::Horizontal, shape.x.size[1]);
    for image in 0..shape.y.batch {
        for row in 0..shape.y.size[0] {
            let rows = shape.window.inside(Axis::Vertical, row, shape.x.size[0]);
            for begin in (0..shape.y.size[1]).step_by(STRETCH) {
                let stretch = begin..(begin + STRETCH).min(shape.y.size[1]);
                for (panel, bias) in bias.as_chunks::<PANEL>().0.iter().enumerate() {
                    let weights = panels.get(panel * k..(panel + 1) * k).ok_or(KernelError::Shape)?;
                    let line =
                        Line { shape, x, weights, bias, residual, image, row, rows, columns, first: panel * PANEL };
                    line.run(stretch.clone(), y)?;
                }
            }
        }
    }
    Ok(())
}

/// A convolution that looks at one pixel at a time sees no rows: long rows leave fewer pixels outside a tile.
fn pointwise(shape: &Conv) -> Option<Conv> {
    let window = &shape.window;
    let one_tap = window.kernel == [1, 1] && window.stride == [1, 1] && window.pad == [0, 0];
    if !one_tap || shape.x.size != shape.y.size {
        return None;
    }
    let (x, y, residual) = (shape.x.as_one_row()?, shape.y.as_one_row()?, shape.residual.as_one_row()?);
    let rows = Conv { x, y, residual, ..*shape };
    rows.window.check(y.size).is_ok().then_some(rows)
}

/// One row of output pixels, one panel of columns.
struct Line<'a> {
    shape: &'a Conv,
    x: &'a [f32],
    /// `[kh*kw*Ci][8]`.
    weights: &'a [[f32; PANEL]],
    bias: &'a [f32; PANEL],
    residual: Option<&'a [f32]>,
    image: usize,
    row: usize,
    /// Filter rows that lie inside the input.
    rows: Taps,
    columns: &'a Slide,
    /// First column of the panel.
    first: usize,
}

impl Line<'_> {
    fn run(&self, stretch: core::ops::Range<usize>, y: &mut [f32]) -> Result {
        let mut column = stretch.start;
        while column < stretch.end {
            // Neighbours make a tile where all taps of all of them lie inside the input.
            let interior = &self.columns.interior;
            let last = column + PIXELS - 1;
            if last < stretch.end && interior.contains(&column) && interior.contains(&last) {
                self.tile::<PIXELS>(column, y)?;
                column += PIXELS;
            } else {
                self.tile::<1>(column, y)?;
                column += 1;
            }
        }
        Ok(())
    }

    fn tile<const N: usize>(&self, column: usize, y: &mut [f32]) -> Result {
        let Conv { x: input, window, .. } = self.shape;
        let mut acc = [split(self.bias); N];
        let taps: [Taps; N] = core::array::from_fn(|i| self.columns.at(column + i));
        let kernel_width = window.kernel[1] as usize;
        // Taps that touch in x touch in w as well, and make one long run.
        let joined = window.dilation[1] == 1 && input.rows_are_runs();
        let (width, channels) = (taps[0].len(), input.channels);
        let (runs, run) = if joined { (width.min(1), width * channels) } else { (width, channels) };
        for ky in self.rows.first..self.rows.end {
            for i in 0..runs {
                let kx = taps[0].first + i;
                let from = taps.map(|taps| input.at(self.image, self.rows.input(ky), taps.input(kx)));
                let weights = (ky * kernel_width + kx) * input.channels;
                let weights = self.weights.get(weights..weights + run).ok_or(KernelError::Shape)?;
                accumulate(&mut acc, self.x, from, weights)?;
            }
        }
        for (i, acc) in acc.into_iter().enumerate() {
            self.finish(column + i, acc, y)?;
        }
        Ok(())
    }

    fn finish(&self, column: usize, [low, high]: Columns, y: &mut [f32]) -> Result {
        let (output, clamp) = (&self.shape.y, self.shape.clamp);
        let live = (output.channels - self.first).min(PANEL);
        let halves = [low.to_array(), high.to_array()];
        let mut acc = [0.0; PANEL];
        copy(halves.as_flattened(), &mut acc);
        if let Some(residual) = self.residual {
            let at = self.shape.residual.at(self.image, self.row, column) + self.first;
            let residual = residual.get(at..at + live).ok_or(KernelError::Shape)?;
            let mut added = [0.0; PANEL];
            copy(residual, &mut added);
            for (acc, added) in acc.iter_mut().zip(added) {
                *acc += added;
            }
        }
        let acc = acc.map(|v| clamp.apply(v));
        let to = output.at(self.image, self.row, column) + self.first;
        copy(&acc, y.get_mut(to..to + live).ok_or(KernelError::Shape)?);
        Ok(())
    }
}

/// Copies what both hold, the whole panel in two registers.
fn copy(from: &[f32], to: &mut [f32]) {
    match (from.first_chunk::<PANEL>(), to.first_chunk_mut::<PANEL>()) {
        (Some(from), Some(to)) => *to = *from,
        _ => to.iter_mut().zip(from).for_each(|(to, &from)| *to = from),
    }
}

/// `acc[n] += x[from[n] + k] * weights[k]` for k ascending.
#[inline(always)]
fn accumulate<const N: usize>(acc: &mut [Columns; N], x: &[f32], from: [usize; N], weights: &[[f32; PANEL]]) -> Result {
    let mut pixels = [&[] as &[f32]; N];
    for (pixel, from) in pixels.iter_mut().zip(from) {
        *pixel = x.get(from..from.wrapping_add(weights.len())).ok_or(KernelError::Shape)?;
    }
    // A local copy stays in registers.
    let mut sums = *acc;
    for (k, weights) in weights.iter().enumerate() {
        let weights = split(weights);
        for (sums, pixel) in sums.iter_mut().zip(&pixels) {
            let Some(&value) = pixel.get(k) else { return Err(KernelError::Shape) };
            let value = F32x4::splat(value);
            *sums = [sums[0].add_product(value, weights[0]), sums[1].add_product(value, weights[1])];
        }
    }
    *acc = sums;
    Ok(())
}

/// The eight columns of a panel.
type Columns = [F32x4; 2];

fn split(panel: &[f32; PANEL]) -> Columns {
    let [a, b, c, d, e, f, g, h] = *panel;
    [F32x4::load(&[a, b, c, d]), F32x4::load(&[e, f, g, h])]
}
