//! Images at points that fall between their pixels.

use mote_abi::op::{Coordinates, Filter, Outside};

use crate::error::{KernelError, Result};
use crate::layout::{count, expect_len};
use crate::scalar::math::{Float, clamp};

/// The shapes of a sampling, and what it means.
#[derive(Clone, Copy, Debug)]
pub struct GridSample {
    /// Images.
    pub batch: usize,
    /// Depth, height and width of an image.
    pub size: [usize; 3],
    /// Values of a pixel.
    pub channels: usize,
    /// Points of each image.
    pub points: usize,
    /// Coordinates of a point, 1 to 3: along width, height, depth. Axes without one have one pixel.
    pub rank: usize,
    /// How a value between pixels is found.
    pub filter: Filter,
    /// What lies outside an image.
    pub outside: Outside,
    /// What the coordinates count.
    pub coordinates: Coordinates,
}

/// Coordinates beyond this many pixels count as so many, and so does NaN: further out, binary32 knows whole pixels only.
const FARTHEST: f32 = 16_777_216.0;

impl GridSample {
    fn check(&self, x: usize, points: usize, y: usize) -> Result {
        expect_len(x, count([self.batch].into_iter().chain(self.size).chain([self.channels])))?;
        expect_len(points, count([self.batch, self.points, self.rank].into_iter()))?;
        expect_len(y, count([self.batch, self.points, self.channels].into_iter()))?;
        let usable = |&extent: &usize| (1..1 << 24).contains(&extent);
        let still = self.size.iter().rev().skip(self.rank).all(|&extent| extent == 1);
        let whole = (1..=3).contains(&self.rank) && still && self.size.iter().all(usable);
        if whole { Ok(()) } else { Err(KernelError::Shape) }
    }

    /// The pixels along one axis that a coordinate mixes; those without weight do not count.
    fn taps(&self, coordinate: f32, extent: usize) -> [Tap; 4] {
        let (far, near) = (FARTHEST, -FARTHEST);
        let position = self.position(coordinate, extent as f32);
        let position = if position > near { clamp(position, near, far) } else { near };
        let mut taps = [Tap { index: 0, weight: 0.0 }; 4];
        let mut put = |first: i32, weights: &[f32]| {
            for ((tap, &weight), i) in taps.iter_mut().zip(weights).zip(0..) {
                *tap = self.tap(first.saturating_add(i), weight, extent);
            }
        };
        match self.filter {
            Filter::Nearest => put(self.pulled(Float::round(position), extent) as i32, &[1.0]),
            Filter::Linear => {
                let position = self.pulled(position, extent);
                let below = Float::floor(position);
                let rest = position - below;
                put(below as i32, &[1.0 - rest, rest]);
            }
            Filter::Cubic => {
                let below = Float::floor(position);
                put((below as i32).saturating_sub(1), &cubic(position - below));
            }
        }
        taps
    }

    /// A coordinate in pixels from the centre of the first one.
    fn position(&self, coordinate: f32, extent: f32) -> f32 {
        match self.coordinates {
            Coordinates::Pixels => coordinate,
            Coordinates::Centres => (coordinate + 1.0) / 2.0 * (extent - 1.0),
            Coordinates::Edges => ((coordinate + 1.0) * extent - 1.0) / 2.0,
        }
    }

    /// A position brought into the image, unless zeros lie around it.
    fn pulled(&self, position: f32, extent: usize) -> f32 {
        let last = extent as f32 - 1.0;
        match self.outside {
            Outside::Zero => position,
            Outside::Edge => clamp(position, 0.0, last),
            Outside::Mirror if self.coordinates == Coordinates::Edges => mirrored(position, -0.5, last + 0.5),
            Outside::Mirror => mirrored(position, 0.0, last),
        }
    }

    /// One pixel with its weight; an index outside the image stands for another or has no weight.
    fn tap(&self, index: i32, weight: f32, extent: usize) -> Tap {
        let (i, n) = (i64::from(index), extent as i64);
        let fold = |period: i64, top: i64| {
            let i = i.checked_rem_euclid(period).unwrap_or(0);
            if i < n { i } else { top - i }
        };
        let inside = match self.outside {
            _ if (0..n).contains(&i) => i,
            Outside::Zero => return Tap { index: 0, weight: 0.0 },
            Outside::Edge if i < 0 => 0,
            Outside::Edge => n - 1,
            Outside::Mirror if self.coordinates == Coordinates::Edges => fold(2 * n, 2 * n - 1),
            Outside::Mirror => fold(2 * n - 2, 2 * n - 2),
        };
        Tap { index: inside as usize, weight }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Tap {
    index: usize,
    weight: f32,
}

/// Mirrors at both ends until the position lies between them.
fn mirrored(position: f32, low: f32, high: f32) -> f32 {
    let range = high - low;
    let beyond = if position < low { low - position } else { position - high };
    if beyond <= 0.0 || range <= 0.0 {
        return clamp(position, low, high);
    }
    let rest = Float::remainder(beyond, 2.0 * range);
    let from_near = if rest < range { rest } else { 2.0 * range - rest };
    if position < low { low + from_near } else { high - from_near }
}

/// Weights of four neighbours, `t` after the second (Keys 1981).
fn cubic(t: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let outer = |d: f32| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    let inner = |d: f32| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    [outer(t + 1.0), inner(t), inner(1.0 - t), outer(2.0 - t)]
}

/// `y[n, p] = sum over depth, height, width of x[n, z, y, x] * (wz * wy * wx)`, from 0, channel by channel.
///
/// # Errors
/// Contradicting shapes.
pub fn grid_sample(shape: &GridSample, x: &[f32], points: &[f32], y: &mut [f32]) -> Result {
    shape.check(x.len(), points.len(), y.len())?;
    let ([d, h, w], channels) = (shape.size, shape.channels);
    for image in 0..shape.batch {
        for point in (0..shape.points).map(|p| image * shape.points + p) {
            let at = |axis: usize| points.get(point * shape.rank + axis).copied().filter(|_| axis < shape.rank);
            let along = |axis, extent| match at(axis) {
                Some(coordinate) => shape.taps(coordinate, extent),
                None => [Tap { index: 0, weight: 1.0 }, NOTHING, NOTHING, NOTHING],
            };
            let (columns, rows, depths) = (along(0, w), along(1, h), along(2, d));
            let y = y.get_mut(point * channels..(point + 1) * channels).ok_or(KernelError::Shape)?;
            y.fill(0.0);
            for z in depths.iter().filter(|z| z.weight != 0.0) {
                for r in rows.iter().filter(|r| r.weight != 0.0) {
                    for c in columns.iter().filter(|c| c.weight != 0.0) {
                        let pixel = ((image * d + z.index) * h + r.index) * w + c.index;
                        let x = x.get(pixel * channels..(pixel + 1) * channels).ok_or(KernelError::Shape)?;
                        let weight = z.weight * r.weight * c.weight;
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y += x * weight;
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

const NOTHING: Tap = Tap { index: 0, weight: 0.0 };

#[cfg(test)]
mod tests {
    use super::*;

    fn at(filter: Filter, outside: Outside, coordinates: Coordinates, coordinate: f32) -> f32 {
        let shape =
            GridSample { batch: 1, size: [1, 1, 4], channels: 1, points: 1, rank: 1, filter, outside, coordinates };
        let mut y = [f32::NAN];
        grid_sample(&shape, &[1.0, 2.0, 4.0, 8.0], &[coordinate], &mut y).unwrap();
        y[0]
    }

    #[test]
    fn coordinates_count_from_centres_or_edges() {
        use Coordinates::{Centres, Edges, Pixels};
        for (coordinates, coordinate, want) in [
            (Pixels, 1.5, 3.0),
            (Centres, -1.0, 1.0),
            (Centres, 1.0, 8.0),
            (Centres, 0.0, 3.0),
            (Edges, 0.0, 3.0),
            (Edges, 1.0, 4.0),
            (Edges, -0.75, 1.0),
        ] {
            assert_eq!(at(Filter::Linear, Outside::Zero, coordinates, coordinate), want, "{coordinates:?}");
        }
    }

    #[test]
    fn outside_are_zeros_edges_or_mirrors() {
        use Coordinates::{Edges, Pixels};
        for (outside, coordinates, pixel, want) in [
            (Outside::Zero, Pixels, 4.0, 0.0),
            (Outside::Zero, Pixels, f32::NAN, 0.0),
            (Outside::Edge, Pixels, 9.0, 8.0),
            (Outside::Edge, Pixels, f32::NEG_INFINITY, 1.0),
            (Outside::Mirror, Pixels, 4.0, 4.0),
            (Outside::Mirror, Pixels, -1.0, 2.0),
            (Outside::Mirror, Pixels, 6.0, 1.0),
            // Pixel -1 and pixel 5 in coordinates of an image of four pixels.
            (Outside::Mirror, Edges, -1.25, 1.0),
            (Outside::Mirror, Edges, 1.75, 4.0),
        ] {
            for filter in [Filter::Nearest, Filter::Linear] {
                assert_eq!(at(filter, outside, coordinates, pixel), want, "{filter:?} {outside:?} {pixel}");
            }
        }
    }

    #[test]
    fn cubic_goes_through_pixels_and_lines() {
        assert_eq!(at(Filter::Cubic, Outside::Zero, Coordinates::Pixels, 2.0), 4.0);
        let middle = at(Filter::Cubic, Outside::Edge, Coordinates::Pixels, 1.5);
        assert!((middle - (6.0 * 0.593_75 - 9.0 * 0.093_75)).abs() < 1e-6, "{middle}");
    }

    #[test]
    fn a_pixel_without_weight_does_not_count() {
        let shape = GridSample {
            batch: 1,
            size: [1, 1, 2],
            channels: 1,
            points: 1,
            rank: 1,
            filter: Filter::Linear,
            outside: Outside::Zero,
            coordinates: Coordinates::Pixels,
        };
        let mut y = [0.0];
        grid_sample(&shape, &[3.0, f32::INFINITY], &[0.0], &mut y).unwrap();
        assert_eq!(y, [3.0]);
    }
}
