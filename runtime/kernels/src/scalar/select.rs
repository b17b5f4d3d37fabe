//! Chooses between two tensors.

use crate::error::Result;
use crate::layout::Layout;
use crate::memory::{BLOCK, Load, Store};
use crate::scalar::binary::Operand;
use crate::scalar::unary::advance;
use crate::walk::Walk;

/// `y = condition ? a : b` with numpy broadcasting, for elements of any type of one size. Every condition but 0 is true.
///
/// # Errors
/// Extents that do not broadcast to y's, or elements outside a slice.
pub fn select<T: Copy + Default>(
    condition: &[u8],
    condition_layout: &Layout,
    a: &Operand<'_, [T]>,
    b: &Operand<'_, [T]>,
    y: &mut [T],
    y_layout: &Layout,
) -> Result {
    let len = |operand: &Operand<'_, [T]>| operand.data.map_or(y.len(), <[T]>::len);
    let (a_wide, b_wide) = (a.layout.broadcast(y_layout)?, b.layout.broadcast(y_layout)?);
    let c_wide = condition_layout.broadcast(y_layout)?;
    let walk = Walk::new([(&c_wide, condition.len()), (&a_wide, len(a)), (&b_wide, len(b)), (y_layout, y.len())])?;
    let [c_step, a_step, b_step, y_step] = walk.steps();
    walk.rows(|[c_at, a_at, b_at, y_at]| {
        let (mut choices, mut left, mut right) = ([0; BLOCK], [T::default(); BLOCK], [T::default(); BLOCK]);
        let mut done = 0;
        while done < walk.row_len() {
            let count = (walk.row_len() - done).min(BLOCK);
            let (choices, _) = choices.split_at_mut(count);
            let ((left, _), (right, _)) = (left.split_at_mut(count), right.split_at_mut(count));
            condition.load(advance(c_at, done, c_step), c_step, choices);
            a.data.unwrap_or(y).load(advance(a_at, done, a_step), a_step, left);
            b.data.unwrap_or(y).load(advance(b_at, done, b_step), b_step, right);
            for ((left, &right), &choice) in left.iter_mut().zip(&*right).zip(&*choices) {
                *left = if choice != 0 { *left } else { right };
            }
            y.store(advance(y_at, done, y_step), y_step, left);
            done += count;
        }
        Ok(())
    })
}
