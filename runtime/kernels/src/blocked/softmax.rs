//! Softmax by blocks of a line, whatever the distance between its elements.

use crate::error::Result;
use crate::layout::{Around, expect_len};
use crate::memory::{BLOCK, Load, Store};
use crate::scalar::binary::max;
use crate::scalar::math::Float;
use crate::scalar::softmax::Scale;
use crate::scalar::unary::{blocks, first};

/// Like [`crate::scalar::softmax::softmax`].
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn softmax(shape: &Around, scale: Scale, x: &[f32], y: &mut [f32]) -> Result {
    expect_len(x.len(), shape.count())?;
    expect_len(y.len(), shape.count())?;
    let step = shape.inner.cast_signed();
    for line in shape.lines() {
        let at = |done: usize| line.wrapping_add(done.wrapping_mul(shape.inner));
        let mut most = Partial::of(f32::NEG_INFINITY);
        for (done, count) in blocks(shape.len) {
            let mut block = Block::default();
            x.load(at(done), step, first(&mut block, count));
            most.take(&block, count, max);
        }
        let most = most.whole(max);
        let mut sum = Partial::of(0.0);
        for (done, count) in blocks(shape.len) {
            let mut block = Block::default();
            x.load(at(done), step, first(&mut block, count));
            block.as_flattened_mut().iter_mut().for_each(|v| *v -= most);
            f32::exp_block(&mut block);
            sum.take(&block, count, |a, b| a + b);
            y.store(at(done), step, first(&mut block, count));
        }
        let sum = sum.whole(|a, b| a + b);
        let log = Float::log(sum);
        for (done, count) in blocks(shape.len) {
            let mut block = Block::default();
            match scale {
                Scale::Linear => {
                    y.load(at(done), step, first(&mut block, count));
                    block.as_flattened_mut().iter_mut().for_each(|v| *v /= sum);
                }
                Scale::Log => {
                    x.load(at(done), step, first(&mut block, count));
                    block.as_flattened_mut().iter_mut().for_each(|v| *v = (*v - most) - log);
                }
            }
            y.store(at(done), step, first(&mut block, count));
        }
    }
    Ok(())
}

type Block = [[f32; 4]; BLOCK / 4];

/// A reduction under way, in the order of `ORDER.md`: four lanes, and the elements after the last four.
struct Partial {
    lanes: [f32; 4],
    tail: [f32; 4],
    tail_len: usize,
}

impl Partial {
    fn of(identity: f32) -> Self {
        Self { lanes: [identity; 4], tail: [0.0; 4], tail_len: 0 }
    }

    fn take(&mut self, block: &Block, count: usize, join: impl Fn(f32, f32) -> f32) {
        let (fours, rest) = block.split_at((count / 4).min(BLOCK / 4));
        for four in fours {
            self.lanes.iter_mut().zip(four).for_each(|(lane, &v)| *lane = join(*lane, v));
        }
        self.tail_len = count % 4;
        if let Some(&tail) = rest.first() {
            self.tail = tail;
        }
    }

    fn whole(self, join: impl Fn(f32, f32) -> f32) -> f32 {
        let [a, b, c, d] = self.lanes;
        self.tail.into_iter().take(self.tail_len).fold(join(join(a, c), join(b, d)), join)
    }
}
