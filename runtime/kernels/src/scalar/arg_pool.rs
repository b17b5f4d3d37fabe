//! Positions of the largest elements of windows over three axes.

use crate::error::{KernelError, Result};
use crate::image::{Slide, check_slide};
use crate::layout::{count, expect_len};
use crate::memory::{Load, one};
use crate::number::Number;

/// The shapes of the windows; triples are along depth, height and width.
#[derive(Clone, Copy, Debug)]
pub struct ArgPool {
    /// Volumes: images times channels.
    pub volumes: usize,
    /// Extents of a volume.
    pub input: [usize; 3],
    /// Windows along each axis.
    pub output: [usize; 3],
    /// Elements of a window.
    pub kernel: [u32; 3],
    /// Distance between neighbouring windows.
    pub stride: [u32; 3],
    /// Distance between neighbouring elements of a window.
    pub dilation: [u32; 3],
    /// Padding before the input.
    pub pad: [u32; 3],
}

impl ArgPool {
    fn slides(&self) -> Result<[Slide; 3]> {
        let axes = self.kernel.iter().zip(&self.stride).zip(&self.dilation).zip(&self.pad);
        let mut along = [[0; 4]; 3];
        for (along, (((&kernel, &stride), &dilation), &pad)) in along.iter_mut().zip(axes) {
            *along = [kernel, stride, dilation, pad].map(|word| word as usize);
        }
        for (&along, &size) in along.iter().zip(&self.output) {
            check_slide(along, size)?;
        }
        let ([depth, height, width], [d, h, w]) = (along, self.input);
        Ok([Slide::new(depth, d), Slide::new(height, h), Slide::new(width, w)])
    }
}

/// Row-major position in x of the largest element of each window: the first of equal ones, and NaN before all numbers.
///
/// # Errors
/// Contradicting shapes, or a window without an element inside.
pub fn arg_pool<T: Number, X: Load<T> + ?Sized>(shape: &ArgPool, x: &X, y: &mut [i64]) -> Result {
    let [depths, rows, columns] = shape.slides()?;
    let ([_, high, wide], [d, h, w]) = (shape.input, shape.output);
    expect_len(x.count(), count([shape.volumes].into_iter().chain(shape.input)))?;
    expect_len(y.len(), count([shape.volumes].into_iter().chain(shape.output)))?;
    let volume = count(shape.input.into_iter());
    let mut places = y.iter_mut();
    for first in (0..shape.volumes).map(|i| i.wrapping_mul(volume)) {
        for z in (0..d).map(|z| depths.at(z)) {
            for r in (0..h).map(|r| rows.at(r)) {
                for c in (0..w).map(|c| columns.at(c)) {
                    let mut best: Option<(T, usize)> = None;
                    for kz in z.first..z.end {
                        for ky in r.first..r.end {
                            let row = z.input(kz).wrapping_mul(high).wrapping_add(r.input(ky)).wrapping_mul(wide);
                            for kx in c.first..c.end {
                                let at = first.wrapping_add(row).wrapping_add(c.input(kx));
                                best = Some(ahead(best, one(x, at), at));
                            }
                        }
                    }
                    let (_, at) = best.ok_or(KernelError::Shape)?;
                    *places.next().ok_or(KernelError::Shape)? = at as i64;
                }
            }
        }
    }
    Ok(())
}

fn ahead<T: Number>(best: Option<(T, usize)>, value: T, at: usize) -> (T, usize) {
    match best {
        Some((largest, _)) if (value > largest || value.is_nan()) && !largest.is_nan() => (value, at),
        Some(best) => best,
        None => (value, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(x: &[f32], kernel: u32, stride: u32, pad: u32, out: usize) -> Result<std::vec::Vec<i64>> {
        let shape = ArgPool {
            volumes: 1,
            input: [1, 1, x.len()],
            output: [1, 1, out],
            kernel: [1, 1, kernel],
            stride: [1, 1, stride],
            dilation: [1; 3],
            pad: [0, 0, pad],
        };
        let mut y = std::vec![-1; out];
        arg_pool::<f32, [f32]>(&shape, x, &mut y).map(|()| y)
    }

    #[test]
    fn the_first_of_equals_and_any_nan_win() {
        assert_eq!(line(&[1.0, 3.0, 3.0, 2.0], 2, 1, 0, 3), Ok(std::vec![1, 1, 2]));
        assert_eq!(line(&[1.0, f32::NAN, 9.0, f32::NAN], 4, 1, 0, 1), Ok(std::vec![1]));
        assert_eq!(line(&[-1.0, -2.0], 2, 2, 1, 2), Ok(std::vec![0, 1]), "padding is never the largest");
        assert_eq!(line(&[1.0], 1, 1, 1, 1), Err(KernelError::Shape), "a window beside the input");
    }

    #[test]
    fn positions_count_through_all_volumes() {
        let shape = ArgPool {
            volumes: 2,
            input: [2, 2, 2],
            output: [1, 1, 1],
            kernel: [2; 3],
            stride: [1; 3],
            dilation: [1; 3],
            pad: [0; 3],
        };
        let x: [i64; 16] = core::array::from_fn(|i| [5, 9, 2, 7, 0, 9, 1, 3][i % 8] + (i as i64 / 8) * (i as i64 % 8));
        let mut y = [0; 2];
        arg_pool::<i64, [i64]>(&shape, &x, &mut y).unwrap();
        assert_eq!(y, [1, 13]);
    }
}
