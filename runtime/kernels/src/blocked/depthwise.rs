//! Depthwise convolution: sixteen channels at once, the taps of one pixel after another.

use crate::arch::F32x4;
use crate::error::{KernelError, Result};
use crate::image::{Axis, Pixel, Taps};
use crate::scalar::depthwise::{Depthwise, LANES};

/// Groups of channels that share the search for a tap.
const GROUPS: usize = 4;

/// Like [`crate::scalar::depthwise::depthwise`].
///
/// # Errors
/// Contradicting shapes.
pub fn depthwise(shape: &Depthwise, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) -> Result {
    shape.check(w.len(), bias.len())?;
    let weights = w.as_chunks::<LANES>().0;
    let rows = shape.window.slide(Axis::Vertical, shape.x.size[0]);
    let columns = shape.window.slide(Axis::Horizontal, shape.x.size[1]);
    shape.y.pixels(|at| {
        let window = Placed { shape, x, weights, at, rows: rows.at(at.row), columns: columns.at(at.column) };
        let mut rest = bias.as_chunks::<LANES>().0;
        let mut first = 0;
        while let Some((group, after)) = rest.split_first() {
            let whole = first + GROUPS * LANES <= shape.y.channels;
            match rest.split_first_chunk::<GROUPS>() {
                Some((groups, after)) if whole => {
                    window.tile(first, groups, y)?;
                    (rest, first) = (after, first + GROUPS * LANES);
                }
                _ => {
                    window.tile(first, &[*group], y)?;
                    (rest, first) = (after, first + LANES);
                }
            }
        }
        Ok(())
    })
}

/// The window of one output pixel.
struct Placed<'a> {
    shape: &'a Depthwise,
    x: &'a [f32],
    weights: &'a [[f32; LANES]],
    at: Pixel,
    rows: Taps,
    columns: Taps,
}

impl Placed<'_> {
    /// `N` groups of channels from `first` on; a single group may end with the last channel.
    #[inline(always)]
    fn tile<const N: usize>(&self, first: usize, bias: &[[f32; LANES]; N], y: &mut [f32]) -> Result {
        let Depthwise { x: input, y: output, window, clamp } = self.shape;
        let live = (output.channels - first).min(N * LANES);
        let taps = window.taps();
        let mut acc = [F32x4::splat(0.0); N];
        for (acc, bias) in acc.iter_mut().zip(bias) {
            *acc = F32x4::load(bias);
        }
        let mut groups = [&[] as &[[f32; LANES]]; N];
        for (i, group) in groups.iter_mut().enumerate() {
            let begin = (first / LANES + i) * taps;
            *group = self.weights.get(begin..begin + taps).ok_or(KernelError::Shape)?;
        }
        for ky in self.rows.first..self.rows.end {
            for kx in self.columns.first..self.columns.end {
                let from = input.at(self.at.image, self.rows.input(ky), self.columns.input(kx)) + first;
                let values = lanes::<N>(self.x.get(from..from + live).ok_or(KernelError::Shape)?);
                let tap = ky * window.kernel[1] as usize + kx;
                for ((acc, value), group) in acc.iter_mut().zip(&values).zip(groups) {
                    let weight = F32x4::load(group.get(tap).ok_or(KernelError::Shape)?);
                    *acc = acc.add_product(F32x4::load(value), weight);
                }
            }
        }
        let to = output.at(self.at.image, self.at.row, self.at.column) + first;
        let y = y.get_mut(to..to + live).ok_or(KernelError::Shape)?;
        let results = acc.map(|acc| acc.to_array().map(|v| clamp.apply(v)));
        match y.as_chunks_mut::<LANES>() {
            (whole, []) => whole.iter_mut().zip(&results).for_each(|(y, result)| *y = *result),
            _ => y.iter_mut().zip(results.as_flattened()).for_each(|(y, &result)| *y = result),
        }
        Ok(())
    }
}

/// The values of a pixel; zeros beyond its last channel.
#[inline(always)]
fn lanes<const N: usize>(values: &[f32]) -> [[f32; LANES]; N] {
    match values.as_chunks::<LANES>() {
        (whole, []) if whole.len() == N => whole.first_chunk().copied().unwrap_or([[0.0; LANES]; N]),
        _ => {
            let mut padded = [[0.0; LANES]; N];
            padded.as_flattened_mut().iter_mut().zip(values).for_each(|(to, &value)| *to = value);
            padded
        }
    }
}
