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
    walk.rows(|[from, to]| {
        let mut block = [W::ZERO; BLOCK];
        let mut done = 0;
        while done < walk.row_len() {
            let (used, _) = block.split_at_mut((walk.row_len() - done).min(BLOCK));
            let (from, to) = (advance(from, done, from_step), advance(to, done, to_step));
            match x {
                Some(x) => x.load(from, from_step, used),
                None => y.load(from, from_step, used),
            }
            W::unary(step.op, step.alpha, step.beta, used)?;
            y.store(to, to_step, used);
            done += used.len();
        }
        Ok(())
    })
}

/// The position so many elements further along a row.
pub(crate) fn advance(at: usize, elements: usize, step: isize) -> usize {
    at.wrapping_add(elements.wrapping_mul(step.cast_unsigned()))
}
