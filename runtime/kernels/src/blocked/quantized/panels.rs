//! Full convolution of bytes: two pixels by eight columns, four neighbours along the reduction at a time.

use crate::arch::{I16x8, I32x4};
use crate::error::{KernelError, Result};
use crate::image::{Axis, Slide, Taps};
use crate::scalar::quantized::conv::{DEPTH, Filter, PANEL, QConv, Sums};

/// Pixels of a tile: their sums fill half of the registers.
const PIXELS: usize = 2;
/// Pixels for which all panels are computed before the next ones: what they read and write stays in the cache.
const STRETCH: usize = 64;
/// Weights of four neighbours for eight columns.
const GROUP: usize = DEPTH * PANEL;

/// Like [`crate::scalar::quantized::conv::q_conv`] for panels of weights.
pub(super) fn panels(shape: &QConv, x: &[u8], filter: &Filter<'_>, y: &mut Sums<'_>) -> Result {
    let shape = &pointwise(shape).unwrap_or(*shape);
    let groups = filter.weights.as_chunks::<GROUP>().0;
    let each = shape.row() / DEPTH * shape.window.kernel[0] as usize;
    let columns = &shape.window.slide(Axis::Horizontal, shape.x.size[1]);
    for image in 0..shape.y.batch {
        for row in 0..shape.y.size[0] {
            let rows = shape.window.inside(Axis::Vertical, row, shape.x.size[0]);
            for begin in (0..shape.y.size[1]).step_by(STRETCH) {
                let stretch = begin..(begin + STRETCH).min(shape.y.size[1]);
                for panel in 0..shape.y.channels.div_ceil(PANEL) {
                    let weights = groups.get(panel * each..(panel + 1) * each).ok_or(KernelError::Shape)?;
                    let line = Line { shape, x, filter, weights, image, row, rows, columns, first: panel * PANEL };
                    match filter.zero {
                        None => line.run::<false>(stretch.clone(), y)?,
                        Some(_) => line.run::<true>(stretch.clone(), y)?,
                    }
                }
            }
        }
    }
    Ok(())
}

/// A convolution that looks at one pixel at a time sees no rows: long rows leave fewer pixels outside a tile.
fn pointwise(shape: &QConv) -> Option<QConv> {
    let window = &shape.window;
    let one_tap = window.kernel == [1, 1] && window.stride == [1, 1] && window.pad == [0, 0];
    if !one_tap || shape.x.size != shape.y.size {
        return None;
    }
    let rows = QConv { x: shape.x.as_one_row()?, y: shape.y.as_one_row()?, ..*shape };
    rows.window.check(rows.y.size).is_ok().then_some(rows)
}

/// One row of output pixels, one panel of columns.
struct Line<'a> {
    shape: &'a QConv,
    x: &'a [u8],
    filter: &'a Filter<'a>,
    /// `[kh][ceil(kw*Ci/4)]` groups.
    weights: &'a [[i8; GROUP]],
    image: usize,
    row: usize,
    /// Filter rows that lie inside the input.
    rows: Taps,
    columns: &'a Slide,
    /// First column of the panel.
    first: usize,
}

/// The sums of a tile. A register holds the halves of the sums of two columns.
#[derive(Clone, Copy)]
struct Tile<const N: usize> {
    columns: [[I32x4; PANEL / 2]; N],
    /// The differences from the zero point, for weights that have one as well.
    total: [I32x4; N],
}

/// Neighbours along one filter row.
struct Run<const N: usize> {
    /// Where they begin in the input, for each pixel.
    from: [usize; N],
    /// Where they begin in the filter row.
    at: usize,
    len: usize,
}

impl Line<'_> {
    fn run<const ZERO: bool>(&self, stretch: core::ops::Range<usize>, y: &mut Sums<'_>) -> Result {
        let mut column = stretch.start;
        while column < stretch.end {
            // Neighbours make a tile where all taps of all of them lie inside the input.
            let interior = &self.columns.interior;
            let last = column + PIXELS - 1;
            if last < stretch.end && interior.contains(&column) && interior.contains(&last) {
                self.tile::<PIXELS, ZERO>(column, y)?;
                column += PIXELS;
            } else {
                self.tile::<1, ZERO>(column, y)?;
                column += 1;
            }
        }
        Ok(())
    }

    fn tile<const N: usize, const ZERO: bool>(&self, column: usize, y: &mut Sums<'_>) -> Result {
        let QConv { x: input, window, .. } = self.shape;
        let mut tile = Tile { columns: [[I32x4::ZERO; PANEL / 2]; N], total: [I32x4::ZERO; N] };
        let taps: [Taps; N] = core::array::from_fn(|i| self.columns.at(column + i));
        // Taps that touch in x touch in w as well, and make one long run.
        let joined = window.dilation[1] == 1 && input.rows_are_runs();
        let (width, channels) = (taps[0].len(), input.channels);
        let (runs, len) = if joined { (width.min(1), width * channels) } else { (width, channels) };
        let row = self.shape.row() / DEPTH;
        for ky in self.rows.first..self.rows.end {
            let weights = self.weights.get(ky * row..(ky + 1) * row).ok_or(KernelError::Shape)?;
            for i in 0..runs {
                let kx = taps[0].first + i;
                let from = taps.map(|taps| input.at(self.image, self.rows.input(ky), taps.input(kx)));
                self.accumulate::<N, ZERO>(&mut tile, &Run { from, at: kx * channels, len }, weights)?;
            }
        }
        for (i, (columns, total)) in tile.columns.iter().zip(tile.total).enumerate() {
            self.finish::<ZERO>(column + i, columns, total, y)?;
        }
        Ok(())
    }

    /// Adds the products of a run. What a group of weights has before and after it meets the zero point of x.
    #[inline(always)]
    fn accumulate<const N: usize, const ZERO: bool>(
        &self,
        tile: &mut Tile<N>,
        run: &Run<N>,
        weights: &[[i8; GROUP]],
    ) -> Result {
        let mut pixels = [&[] as &[u8]; N];
        for (pixel, &from) in pixels.iter_mut().zip(&run.from) {
            *pixel = self.x.get(from..from.wrapping_add(run.len)).ok_or(KernelError::Shape)?;
        }
        let (skip, head) = (run.at / DEPTH, run.at % DEPTH);
        let weights = weights.get(skip..).ok_or(KernelError::Shape)?;
        let whole = if head == 0 { run.len / DEPTH } else { 0 };
        let (flip, origin) = (self.shape.from.flips(), I16x8::splat(self.shape.from.origin()));
        // A local copy stays in registers.
        let mut sums = *tile;
        for (g, weights) in weights.iter().take(whole).enumerate() {
            let weights = split(weights);
            for (n, pixel) in pixels.iter().enumerate() {
                let Some(&bytes) = pixel.as_chunks::<DEPTH>().0.get(g) else { return Err(KernelError::Shape) };
                sums.add::<ZERO>(n, I16x8::twice(bytes, flip).sub(origin), &weights);
            }
        }
        for (g, weights) in weights.iter().enumerate().take((head + run.len).div_ceil(DEPTH)).skip(whole) {
            let weights = split(weights);
            for (n, pixel) in pixels.iter().enumerate() {
                let mut bytes = [self.shape.from.zero_byte(); DEPTH];
                for (i, byte) in bytes.iter_mut().enumerate() {
                    let inside = (g * DEPTH + i).checked_sub(head).and_then(|at| pixel.get(at));
                    *byte = inside.copied().unwrap_or(*byte);
                }
                sums.add::<ZERO>(n, I16x8::twice(bytes, flip).sub(origin), &weights);
            }
        }
        *tile = sums;
        Ok(())
    }

    fn finish<const ZERO: bool>(
        &self,
        column: usize,
        columns: &[I32x4; PANEL / 2],
        total: I32x4,
        y: &mut Sums<'_>,
    ) -> Result {
        let (output, filter) = (&self.shape.y, self.filter);
        let live = (output.channels - self.first).min(PANEL);
        let to = output.at(self.image, self.row, column) + self.first;
        // Both halves of a group hold the same four differences.
        let [a, b, ..] = total.to_array();
        let total = a.wrapping_add(b);
        let halves = columns.map(I32x4::to_array);
        for (i, &[low, high]) in halves.as_flattened().as_chunks::<2>().0.iter().enumerate().take(live) {
            let co = self.first + i;
            let mut sum = filter.bias.get(co).ok_or(KernelError::Shape)?.wrapping_add(low).wrapping_add(high);
            if ZERO {
                let zero = filter.zero.and_then(|zero| zero.get(co)).ok_or(KernelError::Shape)?;
                sum = sum.wrapping_sub(zero.wrapping_mul(total));
            }
            let scale = filter.scale.and_then(|scale| scale.get(co)).copied().unwrap_or(1.0);
            y.put(to + i, sum, scale)?;
        }
        Ok(())
    }
}

impl<const N: usize> Tile<N> {
    #[inline(always)]
    fn add<const ZERO: bool>(&mut self, n: usize, x: I16x8, weights: &[I16x8; PANEL / 2]) {
        if let Some(columns) = self.columns.get_mut(n) {
            for (sum, &weights) in columns.iter_mut().zip(weights) {
                *sum = sum.add_dot(x, weights);
            }
        }
        if let Some(total) = self.total.get_mut(n).filter(|_| ZERO) {
            *total = total.add_dot(x, I16x8::splat(1));
        }
    }
}

/// Two columns of a group in each register.
#[inline(always)]
fn split(group: &[i8; GROUP]) -> [I16x8; PANEL / 2] {
    let mut columns = [I16x8::splat(0); PANEL / 2];
    for (columns, weights) in columns.iter_mut().zip(group.as_chunks::<8>().0) {
        *columns = I16x8::widen(weights);
    }
    columns
}
