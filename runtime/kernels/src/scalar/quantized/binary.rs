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
        let len = walk.row_len();
        if let (Some(a), Some(b), [1, 1, 1]) = (a.data, b.data, steps) {
            let ends = |at: usize| at..at.wrapping_add(len);
            let (a, b) = (a.get(ends(a_at)).ok_or(KernelError::Shape)?, b.get(ends(b_at)).ok_or(KernelError::Shape)?);
            let y = y.get_mut(ends(y_at)).ok_or(KernelError::Shape)?;
            for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                *y = to.byte(how.steps(a_byte.value(a), b_byte.value(b)));
            }
            continue;
        }
        for i in 0..len {
            let read = |data: Option<&[u8]>, from: usize, step: isize| match data {
                Some(data) => data.get(advance(from, i, step)).copied(),
                None => y.get(advance(from, i, step)).copied(),
            };
            let (a, b) = (read(a.data, a_at, steps[0]), read(b.data, b_at, steps[1]));
            let (a, b) = (a.ok_or(KernelError::Shape)?, b.ok_or(KernelError::Shape)?);
            let made = to.byte(how.steps(a_byte.value(a), b_byte.value(b)));
            *y.get_mut(advance(y_at, i, steps[2])).ok_or(KernelError::Shape)? = made;
        }
    }
    Ok(())
}
