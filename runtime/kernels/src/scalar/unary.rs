//! Element-wise functions of one tensor.

use mote_abi::op;

use crate::error::Result;
use crate::layout::Layout;
use crate::memory::{BLOCK, Load, Store};
use crate::number::Number;
use crate::walk::Walk;

/// The function and its two parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unary {
    /// Which function.
    pub op: op::Unary,
    /// First parameter.
    pub alpha: f32,
    /// Second parameter.
    pub beta: f32,
}

/// `y = op(x)`, element by element. `x` is `None` where y itself is read, with y's layout. Predicates need a bool y.
///
/// # Errors
/// Different extents, elements outside a slice, or a function that the type does not have.
pub fn unary<W: Number, X, Y>(step: &Unary, x: Option<&X>, x_layout: &Layout, y: &mut Y, y_layout: &Layout) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    let x_len = x.map_or(y.count(), Load::count);
    let walk = Walk::new([(x_layout, x_len), (y_layout, y.count())])?;
    let [from_step, to_step] = walk.steps();
    for [from, to] in walk.rows() {
        for (done, count) in blocks(walk.row_len()) {
            let mut block = [[W::ZERO; 4]; BLOCK / 4];
            let (block, _) = block.split_at_mut(count.div_ceil(4).min(BLOCK / 4));
            let from = advance(from, done, from_step);
            match x {
                Some(x) => x.load(from, from_step, first(block, count)),
                None => y.load(from, from_step, first(block, count)),
            }
            W::unary(step.op, step.alpha, step.beta, block, count)?;
            y.store(advance(to, done, to_step), to_step, first(block, count));
        }
    }
    Ok(())
}

/// Cuts a row into blocks: where each begins and how many elements it has.
pub(crate) fn blocks(row_len: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..row_len).step_by(BLOCK).map(move |done| (done, (row_len - done).min(BLOCK)))
}

/// The position so many elements further along a row.
pub(crate) fn advance(at: usize, elements: usize, step: isize) -> usize {
    at.wrapping_add(elements.wrapping_mul(step.cast_unsigned()))
}

/// The numbers of a block that matter.
pub(crate) fn first<W>(block: &mut [[W; 4]], used: usize) -> &mut [W] {
    let flat = block.as_flattened_mut();
    let used = used.min(flat.len());
    flat.split_at_mut(used).0
}
