//! Sums and products of two 8-bit tensors.

use super::{Byte, Requantize};
use crate::error::{KernelError, Result};
use crate::layout::Layout;
use crate::scalar::binary::Operand;
use crate::scalar::unary::advance;
use crate::walk::Walk;

/// What two numbers become, in steps of the result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blend {
    /// `a * scale_a + b * scale_b`: two products, then their sum.
    Sum {
        /// Steps of the result in one of a.
        a: f32,
        /// Steps of the result in one of b.
        b: f32,
    },
    /// `(a * b) * scale`, the first product exact.
    Product {
        /// Steps of the result in one of a times one of b.
        scale: f32,
    },
}

impl Blend {
    #[inline(always)]
    fn steps(self, x: i16, y: i16) -> f32 {
        match self {
            Self::Sum { a, b } => f32::from(x) * a + f32::from(y) * b,
            Self::Product { scale } => (i32::from(x) * i32::from(y)) as f32 * scale,
        }
    }
}

/// Blends two tensors with numpy broadcasting. An operand's data is `None` where y itself is read.
///
/// # Errors
/// Contradicting shapes.
pub fn blend(
    how: Blend,
    (a, a_byte): (&Operand<'_, [u8]>, Byte),
    (b, b_byte): (&Operand<'_, [u8]>, Byte),
    to: &Requantize,
    y: &mut [u8],
    y_layout: &Layout,
) -> Result {
    let (a_layout, b_layout) = (a.layout.broadcast(y_layout)?, b.layout.broadcast(y_layout)?);
    let len = |data: Option<&[u8]>| data.map_or(y.len(), <[u8]>::len);
    let walk = Walk::new([(&a_layout, len(a.data)), (&b_layout, len(b.data)), (y_layout, y.len())])?;
    let steps = walk.steps();
    for [a_at, b_at, y_at] in walk.rows() {
        for i in 0..walk.row_len() {
            let at = advance(y_at, i, steps[2]);
            let read = |data: Option<&[u8]>, from: usize, step: isize| match data {
                Some(data) => data.get(advance(from, i, step)).copied(),
                None => y.get(advance(from, i, step)).copied(),
            };
            let (x, z) = (read(a.data, a_at, steps[0]), read(b.data, b_at, steps[1]));
            let (x, z) = (x.ok_or(KernelError::Shape)?, z.ok_or(KernelError::Shape)?);
            let made = to.byte(how.steps(a_byte.value(x), b_byte.value(z)));
            *y.get_mut(at).ok_or(KernelError::Shape)? = made;
        }
    }
    Ok(())
}
