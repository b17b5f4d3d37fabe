//! Moves elements between strided boxes.

use crate::error::{KernelError, Result};
use crate::layout::Layout;
use crate::memory::{Load, Store};
use crate::walk::Walk;

/// Copies the box `from` of x into the box `to` of y, row-major. Strides may be zero or negative.
///
/// # Errors
/// Different extents, elements outside a slice, or more elements than y has.
pub fn copy<T: Copy + Default>(x: &[T], from: &Layout, y: &mut [T], to: &Layout) -> Result {
    // Writing an element twice is never meant, and this bounds the time by the memory.
    if to.count() > y.len() {
        return Err(KernelError::Shape);
    }
    let walk = Walk::new([(from, x.len()), (to, y.len())])?;
    let [from_step, to_step] = walk.steps();
    walk.rows(|[from, to]| {
        if from_step == 1 && to_step == 1 {
            let source = x.get(from..from.wrapping_add(walk.row_len())).ok_or(KernelError::Shape)?;
            y.store(to, 1, source);
            return Ok(());
        }
        let (mut from, mut to) = (from, to);
        for _ in 0..walk.row_len() {
            let mut value = [T::default()];
            x.load(from, 0, &mut value);
            y.store(to, 0, &value);
            (from, to) = (from.wrapping_add_signed(from_step), to.wrapping_add_signed(to_step));
        }
        Ok(())
    })
}
