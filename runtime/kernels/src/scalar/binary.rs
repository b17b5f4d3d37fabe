//! Element-wise functions of two tensors.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::layout::Layout;
use crate::memory::{BLOCK, Load, Store};
use crate::number::{self, Number};
use crate::scalar::unary::{advance, blocks, first};
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
            let (mut left, mut right) = ([[W::ONE; 4]; BLOCK / 4], [[W::ONE; 4]; BLOCK / 4]);
            let fours = count.div_ceil(4).min(BLOCK / 4);
            let ((left, _), (right, _)) = (left.split_at_mut(fours), right.split_at_mut(fours));
            fetch(a, y, advance(a_at, done, a_step), a_step, first(left, count));
            fetch(b, y, advance(b_at, done, b_step), b_step, first(right, count));
            W::binary(op, is_u64, left, right, count)?;
            y.store(advance(y_at, done, y_step), y_step, first(left, count));
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

/// The body of [`Number::binary`].
#[inline(never)]
pub(crate) fn apply<W: Number>(
    op: op::Binary,
    is_u64: bool,
    a: &mut [[W; 4]],
    b: &mut [[W; 4]],
    used: usize,
) -> Result {
    use op::Binary as Op;
    let is_u64 = W::INTEGER && is_u64;
    let ordered = matches!(op, Op::Max | Op::Min | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual);
    if is_u64 && ordered {
        number::each(a, W::flip);
        number::each(b, W::flip);
    }
    match op {
        Op::Add => each(a, b, W::add),
        Op::Sub => each(a, b, W::sub),
        Op::Mul => each(a, b, W::mul),
        Op::Div | Op::Mod | Op::Fmod if W::INTEGER && b.as_flattened().contains(&W::ZERO) => {
            return Err(KernelError::DivisionByZero);
        }
        Op::Div if is_u64 => each(a, b, W::div_unsigned),
        Op::Mod | Op::Fmod if is_u64 => each(a, b, W::rem_unsigned),
        Op::Div => each(a, b, W::div),
        Op::Mod => few(a, b, used, W::modulo),
        Op::Fmod => few(a, b, used, W::fmod),
        Op::Pow => few(a, b, used, W::pow),
        Op::Max => each(a, b, max),
        Op::Min => each(a, b, min),
        Op::Equal => each(a, b, |a, b| W::truth(a == b)),
        Op::Less => each(a, b, |a, b| W::truth(a < b)),
        Op::LessOrEqual => each(a, b, |a, b| W::truth(a <= b)),
        Op::Greater => each(a, b, |a, b| W::truth(a > b)),
        Op::GreaterOrEqual => each(a, b, |a, b| W::truth(a >= b)),
        Op::PRelu => each(a, b, |a, b| if a < W::ZERO { a.mul(b) } else { a }),
        Op::And | Op::Or | Op::Xor | Op::ShiftLeft | Op::ShiftRight | Op::ShiftRightSigned if !W::INTEGER => {
            return Err(KernelError::Unsupported);
        }
        Op::And => each(a, b, |a, b| W::from_bits(a.bits() & b.bits())),
        Op::Or => each(a, b, |a, b| W::from_bits(a.bits() | b.bits())),
        Op::Xor => each(a, b, |a, b| W::from_bits(a.bits() ^ b.bits())),
        Op::ShiftLeft => each(a, b, |a, b| W::from_bits(shift(a.bits(), b.bits(), u64::checked_shl))),
        Op::ShiftRight => each(a, b, |a, b| W::from_bits(shift(a.bits(), b.bits(), u64::checked_shr))),
        Op::ShiftRightSigned => each(a, b, |a, b| W::from_bits(shift_signed(a.bits(), b.bits()))),
    }
    if is_u64 && matches!(op, Op::Max | Op::Min) {
        number::each(a, W::flip);
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

/// Copies of the sign bit move in; what is too far or negative leaves nothing else.
fn shift_signed(value: u64, by: u64) -> u64 {
    (value.cast_signed() >> if by > 63 { 63 } else { by }).cast_unsigned()
}

/// Functions that become vector code run over whole fours.
fn each<W: Copy>(a: &mut [[W; 4]], b: &[[W; 4]], function: impl Fn(W, W) -> W) {
    for (a, b) in a.iter_mut().zip(b) {
        for (a, &b) in a.iter_mut().zip(b) {
            *a = function(*a, b);
        }
    }
}

/// The long ones stop early.
fn few<W: Copy>(a: &mut [[W; 4]], b: &[[W; 4]], used: usize, function: impl Fn(W, W) -> W) {
    for (a, &b) in a.as_flattened_mut().iter_mut().zip(b.as_flattened()).take(used) {
        *a = function(*a, b);
    }
}
