//! Element-wise functions of two tensors.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::layout::Layout;
use crate::memory::{BLOCK, Load, Store};
use crate::number::Number;
use crate::scalar::unary::{advance, blocks};
use crate::walk::Walk;

/// One operand: its elements and where they lie.
#[derive(Debug)]
pub struct Operand<'a, X: ?Sized> {
    /// The elements; `None` where the operand is the output itself, with the output's layout.
    pub data: Option<&'a X>,
    /// Broadcast to the output's extents by the kernel.
    pub layout: &'a Layout,
}

/// `y = op(a, b)` with numpy broadcasting. Comparisons answer 0 or 1.
///
/// # Errors
/// Extents that do not broadcast to y's, elements outside a slice, an integer division by zero, bit operations on floats.
pub fn binary<W: Number, X, Y>(
    op: op::Binary,
    a: &Operand<'_, X>,
    b: &Operand<'_, X>,
    y: &mut Y,
    y_layout: &Layout,
) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    let len = |operand: &Operand<'_, X>| operand.data.map_or(y.count(), Load::count);
    let is_u64 = a.data.map_or(y.is_u64(), Load::is_u64);
    let (a_wide, b_wide) = (a.layout.broadcast(y_layout)?, b.layout.broadcast(y_layout)?);
    let walk = Walk::new([(&a_wide, len(a)), (&b_wide, len(b)), (y_layout, y.count())])?;
    let [a_step, b_step, y_step] = walk.steps();
    for [a_at, b_at, y_at] in walk.rows() {
        for (done, count) in blocks(walk.row_len()) {
            // No divisor beyond the row's end is zero.
            let (mut left, mut right) = ([W::ONE; BLOCK], [W::ONE; BLOCK]);
            fetch(a, y, advance(a_at, done, a_step), a_step, left.split_at_mut(count).0);
            fetch(b, y, advance(b_at, done, b_step), b_step, right.split_at_mut(count).0);
            apply(op, is_u64, &mut left, &mut right, count)?;
            y.store(advance(y_at, done, y_step), y_step, left.split_at(count).0);
        }
    }
    Ok(())
}

fn fetch<W, X, Y>(operand: &Operand<'_, X>, y: &Y, at: usize, step: isize, into: &mut [W])
where
    X: Load<W> + ?Sized,
    Y: Load<W> + ?Sized,
{
    match operand.data {
        Some(data) => data.load(at, step, into),
        None => y.load(at, step, into),
    }
}

/// Replaces each `a` by `op(a, b)`; of the blocks the first `used` numbers matter. `is_u64` says that numbers are u64 bits.
#[inline(never)]
fn apply<W: Number>(op: op::Binary, is_u64: bool, a: &mut [W; BLOCK], b: &mut [W; BLOCK], used: usize) -> Result {
    use op::Binary as Op;
    let is_u64 = W::INTEGER && is_u64;
    let ordered = matches!(op, Op::Max | Op::Min | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual);
    if is_u64 && ordered {
        a.iter_mut().chain(&mut *b).for_each(|v| *v = v.flip());
    }
    match op {
        Op::Add => each(a, b, W::add),
        Op::Sub => each(a, b, W::sub),
        Op::Mul => each(a, b, W::mul),
        Op::Div | Op::Mod | Op::Fmod if W::INTEGER && b.contains(&W::ZERO) => return Err(KernelError::DivisionByZero),
        Op::Div if is_u64 => each(a, b, W::div_unsigned),
        Op::Mod | Op::Fmod if is_u64 => each(a, b, W::rem_unsigned),
        Op::Div => each(a, b, W::div),
        Op::Mod => each(first(a, used), b, W::modulo),
        Op::Fmod => each(first(a, used), b, W::fmod),
        Op::Pow => each(first(a, used), b, W::pow),
        Op::Max => each(a, b, max),
        Op::Min => each(a, b, min),
        Op::Equal => each(a, b, |a, b| W::truth(a == b)),
        Op::Less => each(a, b, |a, b| W::truth(a < b)),
        Op::LessOrEqual => each(a, b, |a, b| W::truth(a <= b)),
        Op::Greater => each(a, b, |a, b| W::truth(a > b)),
        Op::GreaterOrEqual => each(a, b, |a, b| W::truth(a >= b)),
        Op::PRelu => each(a, b, |a, b| if a < W::ZERO { a.mul(b) } else { a }),
        Op::And | Op::Or | Op::Xor | Op::ShiftLeft | Op::ShiftRight if !W::INTEGER => {
            return Err(KernelError::Unsupported);
        }
        Op::And => each(a, b, |a, b| W::from_bits(a.bits() & b.bits())),
        Op::Or => each(a, b, |a, b| W::from_bits(a.bits() | b.bits())),
        Op::Xor => each(a, b, |a, b| W::from_bits(a.bits() ^ b.bits())),
        Op::ShiftLeft => each(a, b, |a, b| W::from_bits(shift(a.bits(), b.bits(), u64::checked_shl))),
        Op::ShiftRight => each(a, b, |a, b| W::from_bits(shift(a.bits(), b.bits(), u64::checked_shr))),
    }
    if is_u64 && matches!(op, Op::Max | Op::Min) {
        a.iter_mut().for_each(|v| *v = v.flip());
    }
    Ok(())
}

/// The larger of both; NaN if either is; the first where they are equal.
pub(crate) fn max<W: Number>(a: W, b: W) -> W {
    if (b > a || b.is_nan()) && !a.is_nan() { b } else { a }
}

/// The smaller of both; NaN if either is; the first where they are equal.
pub(crate) fn min<W: Number>(a: W, b: W) -> W {
    if (b < a || b.is_nan()) && !a.is_nan() { b } else { a }
}

fn shift(value: u64, by: u64, shifted: impl Fn(u64, u32) -> Option<u64>) -> u64 {
    u32::try_from(by).ok().and_then(|by| shifted(value, by)).unwrap_or(0)
}

/// The numbers that matter, for functions too long to run over the rest.
fn first<W>(block: &mut [W; BLOCK], used: usize) -> &mut [W] {
    block.split_at_mut(used.min(BLOCK)).0
}

fn each<W: Copy>(a: &mut [W], b: &[W], function: impl Fn(W, W) -> W) {
    for (a, &b) in a.iter_mut().zip(b) {
        *a = function(*a, b);
    }
}
