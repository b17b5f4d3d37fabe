//! Discrete Fourier transforms of any length.

use crate::error::{KernelError, Result};
use crate::layout::{count, expect_len};
use crate::number::Number;

/// A batch of transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dft {
    /// Number of lines.
    pub lines: usize,
    /// Samples of a line of x; those beyond the transform's length are cut off, missing ones are 0.
    pub given: usize,
    /// 1 for real numbers, 2 for real and imaginary parts.
    pub parts: usize,
    /// Results kept of each line.
    pub kept: usize,
    /// From frequencies to time, divided by the length.
    pub inverse: bool,
}

type Complex<W> = [W; 2];

/// Transforms every line of `x [lines, given, parts]` into `y [lines, kept, 2]`. `turns [len, 2]` holds the cosine and minus
/// the sine of `2 pi i / len`; `scratch` has room for two lines of complex numbers.
///
/// The length is split into its prime factors, ascending. Before a factor p, `a [len / l, l]` holds transforms of length l;
/// after it, those of length `l * p`: sums of p products, ascending.
///
/// # Errors
/// Slices of other lengths than the shape says, or more results kept than there are.
pub fn dft<W: Number>(shape: &Dft, x: &[W], turns: &[W], y: &mut [W], scratch: &mut [W]) -> Result {
    let len = turns.len() / 2;
    expect_len(x.len(), count([shape.lines, shape.given, shape.parts].into_iter()))?;
    expect_len(y.len(), count([shape.lines, shape.kept, 2].into_iter()))?;
    expect_len(scratch.len(), count([2, len, 2].into_iter()))?;
    if len == 0 || shape.kept > len || shape.parts == 0 || shape.parts > 2 {
        return Err(KernelError::Shape);
    }
    let (turns, _) = turns.as_chunks::<2>();
    let halves = scratch.as_chunks_mut::<2>().0.split_at_mut_checked(len);
    let (first, second) = halves.ok_or(KernelError::Shape)?;
    let (x_line, y_line) = (shape.given.saturating_mul(shape.parts), shape.kept.saturating_mul(2));
    for line in 0..shape.lines {
        let x = x.get(line.wrapping_mul(x_line)..).and_then(|x| x.get(..x_line)).unwrap_or(&[]);
        let y = y.get_mut(line.wrapping_mul(y_line)..).and_then(|y| y.get_mut(..y_line)).unwrap_or(&mut []);
        read(x, shape.parts, first);
        let done = transform(first, second, turns, shape.inverse);
        for (to, from) in y.as_chunks_mut::<2>().0.iter_mut().zip(done.iter()) {
            *to = *from;
        }
    }
    Ok(())
}

fn read<W: Number>(x: &[W], parts: usize, into: &mut [Complex<W>]) {
    into.fill([W::ZERO; 2]);
    for (i, to) in into.iter_mut().enumerate() {
        for (part, to) in to.iter_mut().enumerate().take(parts) {
            *to = x.get(i.wrapping_mul(parts).wrapping_add(part)).copied().unwrap_or_default();
        }
    }
}

/// Transforms one line; answers whichever of the two buffers holds the result.
fn transform<'a, W: Number>(
    mut from: &'a mut [Complex<W>],
    mut to: &'a mut [Complex<W>],
    turns: &[Complex<W>],
    inverse: bool,
) -> &'a [Complex<W>] {
    let mut done = 1;
    for (factor, left) in Factors::of(from.len()) {
        stage(from, to, turns, Stage { done, factor, left, inverse });
        done *= factor;
        core::mem::swap(&mut from, &mut to);
    }
    if inverse {
        let len = W::from_count(from.len());
        for value in from.iter_mut() {
            *value = [value[0].div(len), value[1].div(len)];
        }
    }
    from
}

#[derive(Clone, Copy)]
struct Stage {
    /// Length of the transforms so far.
    done: usize,
    factor: usize,
    /// Number of transforms afterwards.
    left: usize,
    inverse: bool,
}

fn stage<W: Number>(from: &[Complex<W>], to: &mut [Complex<W>], turns: &[Complex<W>], stage: Stage) {
    let Stage { done, factor, left, inverse } = stage;
    let width = done * factor;
    for group in 0..left {
        for (out, to) in to.iter_mut().skip(group * width).take(width).enumerate() {
            let column = out.checked_rem(done).unwrap_or(0);
            let mut sum = from.get(group * done + column).copied().unwrap_or_default();
            // The angle of each product is a multiple of the first, taken around the circle.
            let mut turn = 0;
            for part in 1..factor {
                turn += out;
                if turn >= width {
                    turn -= width;
                }
                let value = from.get((part * left + group) * done + column).copied().unwrap_or_default();
                let [cos, mut sin] = turns.get(turn * left).copied().unwrap_or_default();
                if inverse {
                    sin = W::ZERO.sub(sin);
                }
                sum[0] = sum[0].add(value[0].mul(cos)).sub(value[1].mul(sin));
                sum[1] = sum[1].add(value[0].mul(sin)).add(value[1].mul(cos));
            }
            *to = sum;
        }
    }
}

/// Prime factors, ascending, each with the quotient that it leaves.
struct Factors {
    left: usize,
    factor: usize,
}

impl Factors {
    fn of(number: usize) -> Self {
        Self { left: number, factor: 2 }
    }
}

impl Iterator for Factors {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        while self.left > 1 {
            // What has no factor up to its root is prime.
            if self.factor.saturating_mul(self.factor) > self.left {
                self.factor = self.left;
            }
            if self.left.is_multiple_of(self.factor) {
                self.left = self.left.checked_div(self.factor)?;
                return Some((self.factor, self.left));
            }
            self.factor += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "the reference")]

    use super::*;
    use std::vec;
    use std::vec::Vec;

    fn turns(len: usize) -> Vec<f64> {
        let angle = |i: usize| core::f64::consts::TAU * i as f64 / len as f64;
        (0..len).flat_map(|i| [angle(i).cos(), -angle(i).sin()]).collect()
    }

    /// The definition.
    fn plain(x: &[f64], len: usize, parts: usize, inverse: bool) -> Vec<f64> {
        let at =
            |i: usize, part: usize| if part < parts { x.get(i * parts + part).copied().unwrap_or(0.0) } else { 0.0 };
        let sign = if inverse { 1.0 } else { -1.0 };
        let result = |k: usize| {
            (0..len).fold([0.0, 0.0], |[re, im], i| {
                let (sin, cos) = (sign * core::f64::consts::TAU * ((i * k) % len) as f64 / len as f64).sin_cos();
                [re + at(i, 0) * cos - at(i, 1) * sin, im + at(i, 0) * sin + at(i, 1) * cos]
            })
        };
        let scale = if inverse { len as f64 } else { 1.0 };
        (0..len).flat_map(result).map(|v| v / scale).collect()
    }

    #[test]
    fn every_length_agrees_with_the_definition() {
        for len in [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 16, 20, 25, 30, 49, 60, 64, 97, 128, 400] {
            for (parts, inverse, given) in [(1, false, len), (2, false, len + 1), (2, true, len.max(2) - 1)] {
                let x: Vec<f64> = (0..2 * given * parts).map(|i| ((i * 37 + 11) % 101) as f64 / 50.0 - 1.0).collect();
                let shape = Dft { lines: 2, given, parts, kept: len, inverse };
                let (mut y, mut scratch) = (vec![0.0; 4 * len], vec![0.0; 4 * len]);
                dft(&shape, &x, &turns(len), &mut y, &mut scratch).unwrap();
                let line = given * parts;
                let want = [&x[..line], &x[line..]].map(|x| {
                    let shorter = if given > len { &x[..len * parts] } else { x };
                    plain(shorter, len, parts, inverse)
                });
                for (got, want) in y.iter().zip(want.iter().flatten()) {
                    assert!((got - want).abs() < 1e-10 * len as f64, "{len} {parts} {inverse}: {got}, not {want}");
                }
            }
        }
    }

    #[test]
    fn factors_ascend() {
        for (len, factors) in [(1, vec![]), (2, vec![2]), (60, vec![2, 2, 3, 5]), (97, vec![97]), (49, vec![7, 7])] {
            assert_eq!(Factors::of(len).map(|(factor, _)| factor).collect::<Vec<_>>(), factors, "{len}");
        }
    }

    #[test]
    fn lengths_must_fit() {
        let shape = Dft { lines: 1, given: 2, parts: 1, kept: 3, inverse: false };
        let got = dft(&shape, &[0.0, 0.0], &turns(2), &mut [0.0; 6], &mut [0.0; 8]);
        assert_eq!(got, Err(KernelError::Shape));
        let none = Dft { kept: 0, ..shape };
        assert_eq!(dft::<f32>(&none, &[0.0, 0.0], &[], &mut [], &mut []), Err(KernelError::Shape));
    }
}
