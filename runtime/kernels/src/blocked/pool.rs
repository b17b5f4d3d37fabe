//! Pooling: eight channels at once.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::image::{Axis, Taps};
use crate::scalar::pool::{Pool, larger};

const LANES: usize = 8;

/// Like [`crate::scalar::pool::pool`].
///
/// # Errors
/// Contradicting shapes.
pub fn pool(shape: &Pool, x: &[f32], y: &mut [f32]) -> Result {
    shape.check()?;
    let rows = shape.window.slide(Axis::Vertical, shape.x.size[0]);
    let columns = shape.window.slide(Axis::Horizontal, shape.x.size[1]);
    shape.y.pixels(|at| {
        let place = Place { image: at.image, rows: rows.at(at.row), columns: columns.at(at.column) };
        let factor = 1.0 / shape.divisor(at) as f32;
        for first in (0..shape.y.channels).step_by(LANES) {
            let result = match shape.op {
                op::Pool::Max => window(shape, &place, first, x, f32::NEG_INFINITY, larger)?,
                op::Pool::Average | op::Pool::AverageWithPadding => {
                    window(shape, &place, first, x, 0.0, |acc, v| acc + v)?.map(|sum| sum * factor)
                }
            };
            let to = shape.y.at(at.image, at.row, at.column) + first;
            let live = (shape.y.channels - first).min(LANES);
            for (y, value) in y.get_mut(to..to + live).ok_or(KernelError::Shape)?.iter_mut().zip(result) {
                *y = value;
            }
        }
        Ok(())
    })
}

/// The taps of one output pixel.
struct Place {
    image: usize,
    rows: Taps,
    columns: Taps,
}

fn window(
    shape: &Pool,
    place: &Place,
    first: usize,
    x: &[f32],
    start: f32,
    join: impl Fn(f32, f32) -> f32,
) -> Result<[f32; LANES]> {
    let Place { image, rows, columns } = place;
    let live = (shape.y.channels - first).min(LANES);
    let mut acc = [start; LANES];
    for ky in rows.first..rows.end {
        for kx in columns.first..columns.end {
            let from = shape.x.at(*image, rows.input(ky), columns.input(kx)) + first;
            let values = x.get(from..from + live).ok_or(KernelError::Shape)?;
            match values.first_chunk::<LANES>() {
                Some(values) => {
                    for (acc, &v) in acc.iter_mut().zip(values) {
                        *acc = join(*acc, v);
                    }
                }
                None => {
                    for (acc, &v) in acc.iter_mut().zip(values) {
                        *acc = join(*acc, v);
                    }
                }
            }
        }
    }
    Ok(acc)
}
