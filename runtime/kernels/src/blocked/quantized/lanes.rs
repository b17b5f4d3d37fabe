//! Depthwise convolution of bytes: sixteen channels at once, the taps of one pixel after another.

use crate::error::{KernelError, Result};
use crate::image::{Axis, Pixel, Taps};
use crate::scalar::quantized::conv::{Filter, LANES, QConv, Sums};

/// Groups of channels that share the search for a tap.
const GROUPS: usize = 4;

/// Like [`crate::scalar::quantized::conv::q_conv`] for depthwise weights without zero points.
pub(super) fn lanes(shape: &QConv, x: &[u8], filter: &Filter<'_>, y: &mut Sums<'_>) -> Result {
    let weights = filter.weights.as_chunks::<LANES>().0;
    let rows = shape.window.slide(Axis::Vertical, shape.x.size[0]);
    let columns = shape.window.slide(Axis::Horizontal, shape.x.size[1]);
    shape.y.pixels(|at| {
        let (rows, columns) = (rows.at(at.row), columns.at(at.column));
        let window = Placed { shape, x, filter, weights, at, rows, columns };
        let mut first = 0;
        while first < shape.y.channels {
            if first + GROUPS * LANES <= shape.y.channels {
                window.tile::<GROUPS>(first, y)?;
                first += GROUPS * LANES;
            } else {
                window.tile::<1>(first, y)?;
                first += LANES;
            }
        }
        Ok(())
    })
}

/// The window of one output pixel.
struct Placed<'a> {
    shape: &'a QConv,
    x: &'a [u8],
    filter: &'a Filter<'a>,
    weights: &'a [[i8; LANES]],
    at: Pixel,
    rows: Taps,
    columns: Taps,
}

impl Placed<'_> {
    /// `N` groups of channels from `first` on; a single group may end with the last channel.
    #[inline(always)]
    fn tile<const N: usize>(&self, first: usize, y: &mut Sums<'_>) -> Result {
        let QConv { x: input, y: output, window, from, .. } = self.shape;
        let live = (output.channels - first).min(N * LANES);
        let taps = window.taps();
        let mut sums = [[0_i32; LANES]; N];
        let mut groups = [&[] as &[[i8; LANES]]; N];
        for (i, group) in groups.iter_mut().enumerate() {
            let begin = (first / LANES + i) * taps;
            *group = self.weights.get(begin..begin + taps).ok_or(KernelError::Shape)?;
        }
        for ky in self.rows.first..self.rows.end {
            for kx in self.columns.first..self.columns.end {
                let place = input.at(self.at.image, self.rows.input(ky), self.columns.input(kx)) + first;
                let bytes = self.x.get(place..place + live).ok_or(KernelError::Shape)?;
                let mut values = [[0_u8; LANES]; N];
                values.as_flattened_mut().iter_mut().zip(bytes).for_each(|(to, &byte)| *to = byte);
                let tap = ky * window.kernel[1] as usize + kx;
                for ((sums, values), group) in sums.iter_mut().zip(&values).zip(groups) {
                    let weights = group.get(tap).ok_or(KernelError::Shape)?;
                    for ((sum, &value), &weight) in sums.iter_mut().zip(values).zip(weights) {
                        let product = i32::from(from.value(value)) * i32::from(weight);
                        *sum = sum.wrapping_add(product);
                    }
                }
            }
        }
        let to = output.at(self.at.image, self.at.row, self.at.column) + first;
        for (i, &sum) in sums.as_flattened().iter().enumerate().take(live) {
            let bias = self.filter.bias.get(first + i).ok_or(KernelError::Shape)?;
            let scale = self.filter.scale.and_then(|scale| scale.get(first + i)).copied().unwrap_or(1.0);
            y.put(to + i, sum.wrapping_add(*bias), scale)?;
        }
        Ok(())
    }
}
