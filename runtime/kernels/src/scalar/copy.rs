//! Moves elements between strided boxes.

use crate::error::{KernelError, Result};
use crate::layout::Layout;
use crate::scalar::movement::{Line, move_line};
use crate::walk::Walk;

/// Copies the box `from` of x into the box `to` of y, row-major, for elements of `size` bytes. Strides may be zero or
/// negative.
///
/// # Errors
/// Different extents, elements outside a slice, or more elements than y has.
pub fn copy(size: usize, x: &[u8], from: &Layout, y: &mut [u8], to: &Layout) -> Result {
    let elements = |bytes: usize| bytes.checked_div(size).unwrap_or(0);
    // Writing an element twice is never meant, and this bounds the time by the memory.
    if to.count() > elements(y.len()) {
        return Err(KernelError::Shape);
    }
    let walk = Walk::new([(from, elements(x.len())), (to, elements(y.len()))])?;
    let [from_step, to_step] = walk.steps();
    for [from, to] in walk.rows() {
        let (from, to) = (Line { at: from, step: from_step }, Line { at: to, step: to_step });
        move_line(size, x, from, y, to, walk.row_len());
    }
    Ok(())
}
