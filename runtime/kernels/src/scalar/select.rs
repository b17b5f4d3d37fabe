//! Chooses between two tensors.

use crate::error::Result;
use crate::layout::Layout;
use crate::scalar::binary::Operand;
use crate::scalar::movement::{Line, with_size};
use crate::walk::Walk;

/// `y = condition ? a : b` with numpy broadcasting, for elements of `size` bytes. Every condition but 0 is true.
///
/// # Errors
/// Extents that do not broadcast to y's, or elements outside a slice.
pub fn select(
    size: usize,
    condition: (&[u8], &Layout),
    a: &Operand<'_, [u8]>,
    b: &Operand<'_, [u8]>,
    y: &mut [u8],
    y_layout: &Layout,
) -> Result {
    let elements = |bytes: usize| bytes.checked_div(size).unwrap_or(0);
    let len = |operand: &Operand<'_, [u8]>| elements(operand.data.map_or(y.len(), <[u8]>::len));
    let (a_wide, b_wide) = (a.layout.broadcast(y_layout)?, b.layout.broadcast(y_layout)?);
    let (conditions, c_layout) = condition;
    let c_wide = c_layout.broadcast(y_layout)?;
    let lens = [(&c_wide, conditions.len()), (&a_wide, len(a)), (&b_wide, len(b)), (y_layout, elements(y.len()))];
    let walk = Walk::new(lens)?;
    for row in walk.rows() {
        let mut lines = [Line::run(0); 4];
        for ((line, at), step) in lines.iter_mut().zip(row).zip(walk.steps()) {
            *line = Line { at, step };
        }
        with_size!(size, choose(conditions, a.data, b.data, y, lines, walk.row_len()));
    }
    Ok(())
}

fn choose<const SIZE: usize>(
    conditions: &[u8],
    a: Option<&[u8]>,
    b: Option<&[u8]>,
    y: &mut [u8],
    [mut c, mut a_line, mut b_line, mut to]: [Line; 4],
    count: usize,
) {
    let y = y.as_chunks_mut::<SIZE>().0;
    for _ in 0..count {
        let choice = conditions.get(c.at).is_some_and(|&condition| condition != 0);
        let (source, line) = if choice { (a, a_line) } else { (b, b_line) };
        let value = match source {
            Some(source) => source.as_chunks::<SIZE>().0.get(line.at).copied(),
            None => y.get(line.at).copied(),
        };
        if let (Some(value), Some(y)) = (value, y.get_mut(to.at)) {
            *y = value;
        }
        for line in [&mut c, &mut a_line, &mut b_line, &mut to] {
            line.at = line.at.wrapping_add_signed(line.step);
        }
    }
}
