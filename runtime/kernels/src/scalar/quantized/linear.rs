//! Between real numbers and quantized integers.

use super::round_within;
use crate::error::{KernelError, Result};
use crate::layout::Layout;
use crate::memory::{BLOCK, Ints, IntsMut, Load, Store};
use crate::scalar::unary::{advance, blocks};
use crate::walk::Walk;

/// Scale and zero point, numpy-broadcast to the tensor.
#[derive(Clone, Copy, Debug)]
pub struct Grid<'a> {
    /// Size of a step.
    pub scale: &'a [f32],
    /// Where the scales lie.
    pub scale_layout: Layout,
    /// What stands for 0; absent is 0.
    pub zero: Option<Ints<'a>>,
    /// Where the zero points lie.
    pub zero_layout: Layout,
}

impl<'a> Grid<'a> {
    fn zero(&self) -> Ints<'a> {
        self.zero.unwrap_or(Ints::I64(&[0]))
    }
}

/// `y = saturate(round(x / scale) + zero)`, ties to even; y of 8 or 16 bits. NaN gives the lowest number.
///
/// # Errors
/// Contradicting shapes, or a wider y.
pub fn quantize(grid: &Grid<'_>, x: &[f32], x_layout: &Layout, y: &mut IntsMut<'_>, y_layout: &Layout) -> Result {
    let [low, high] = match y {
        IntsMut::I8(_) => [i64::from(i8::MIN), i64::from(i8::MAX)],
        IntsMut::U8(_) => [0, i64::from(u8::MAX)],
        IntsMut::I16(_) => [i64::from(i16::MIN), i64::from(i16::MAX)],
        IntsMut::U16(_) => [0, i64::from(u16::MAX)],
        _ => return Err(KernelError::Unsupported),
    };
    let (scales, zeros) = (grid.scale_layout.broadcast(y_layout)?, grid.zero_layout.broadcast(y_layout)?);
    let zero = grid.zero();
    let walk =
        Walk::new([(x_layout, x.len()), (&scales, grid.scale.len()), (&zeros, zero.count()), (y_layout, y.count())])?;
    let steps = walk.steps();
    let (mut numbers, mut scale, mut origin) = ([0.0; BLOCK], [1.0; BLOCK], [0_i64; BLOCK]);
    for [from, scale_at, zero_at, to] in walk.rows() {
        for (done, count) in blocks(walk.row_len()) {
            x.load(advance(from, done, steps[0]), steps[0], first(&mut numbers, count));
            // One for the whole row stays.
            let one = [steps[1], steps[2]] == [0, 0];
            if done == 0 || !one {
                let wanted = if one { BLOCK } else { count };
                grid.scale.load(advance(scale_at, done, steps[1]), steps[1], first(&mut scale, wanted));
                zero.load(advance(zero_at, done, steps[2]), steps[2], first(&mut origin, wanted));
            }
            let mut made = [0_i64; BLOCK];
            for (((made, number), scale), origin) in made.iter_mut().zip(numbers).zip(scale).zip(origin) {
                // A zero point of the type of y, so that the bounds are exact.
                let bounds = [low.wrapping_sub(origin), high.wrapping_sub(origin)].map(|bound| bound as f32);
                *made = i64::from(round_within(number / scale, bounds[0], bounds[1])).wrapping_add(origin);
            }
            y.store(advance(to, done, steps[3]), steps[3], first(&mut made, count));
        }
    }
    Ok(())
}

/// `y = (x - zero) * scale`, the difference exact and then rounded to f32.
///
/// # Errors
/// Contradicting shapes.
pub fn dequantize(grid: &Grid<'_>, x: &Ints<'_>, x_layout: &Layout, y: &mut [f32], y_layout: &Layout) -> Result {
    let (scales, zeros) = (grid.scale_layout.broadcast(y_layout)?, grid.zero_layout.broadcast(y_layout)?);
    let zero = grid.zero();
    let walk =
        Walk::new([(x_layout, x.count()), (&scales, grid.scale.len()), (&zeros, zero.count()), (y_layout, y.len())])?;
    let steps = walk.steps();
    let (mut ints, mut scale, mut origin) = ([0_i64; BLOCK], [0.0; BLOCK], [0_i64; BLOCK]);
    for [from, scale_at, zero_at, to] in walk.rows() {
        for (done, count) in blocks(walk.row_len()) {
            x.load(advance(from, done, steps[0]), steps[0], first(&mut ints, count));
            // One for the whole row stays.
            let one = [steps[1], steps[2]] == [0, 0];
            if done == 0 || !one {
                let wanted = if one { BLOCK } else { count };
                grid.scale.load(advance(scale_at, done, steps[1]), steps[1], first(&mut scale, wanted));
                zero.load(advance(zero_at, done, steps[2]), steps[2], first(&mut origin, wanted));
            }
            let mut made = [0.0; BLOCK];
            for (((made, int), scale), origin) in made.iter_mut().zip(ints).zip(scale).zip(origin) {
                *made = int.wrapping_sub(origin) as f32 * scale;
            }
            y.store(advance(to, done, steps[3]), steps[3], first(&mut made, count));
        }
    }
    Ok(())
}

fn first<T>(block: &mut [T; BLOCK], used: usize) -> &mut [T] {
    block.split_at_mut(used.min(BLOCK)).0
}
