use crate::error::{KernelError, Result};
use crate::scalar::binary::apply;
use crate::scalar::math::{self, Float};
use mote_abi::op;

/// The three types in which element-wise arithmetic and reductions are done: f32, f64, and i64 for every integer and bool.
/// Storing an i64 truncates, which is what wrapping arithmetic in the narrow type would have given; u64 travels as its
/// bits, and the few operations that see the sign have a second form for it.
pub trait Number: Copy + Default + PartialOrd + 'static {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Below or equal to every number.
    const LOWEST: Self;
    /// Above or equal to every number.
    const HIGHEST: Self;
    /// Whether arithmetic wraps and division by zero is refused.
    const INTEGER: bool;

    /// Sum, wrapping.
    fn add(self, other: Self) -> Self;
    /// Difference, wrapping.
    fn sub(self, other: Self) -> Self;
    /// Product, wrapping.
    fn mul(self, other: Self) -> Self;
    /// Quotient; integers truncate, 0 for a zero divisor.
    fn div(self, other: Self) -> Self;
    /// Remainder with the sign of the divisor.
    fn modulo(self, other: Self) -> Self;
    /// Remainder with the sign of the dividend.
    fn fmod(self, other: Self) -> Self;
    /// Power.
    fn pow(self, exponent: Self) -> Self;
    /// Quotient of the bits as u64, 0 for a zero divisor; floats have none.
    fn div_unsigned(self, other: Self) -> Self;
    /// Remainder of the bits as u64, 0 for a zero divisor; floats have none.
    fn rem_unsigned(self, other: Self) -> Self;
    /// Inverts the sign bit of an integer: the order of u64 becomes that of i64 and back.
    fn flip(self) -> Self;
    /// Bits of an integer; 0 for floats.
    fn bits(self) -> u64;
    /// An integer of so many bits; 0 for floats.
    fn from_bits(bits: u64) -> Self;
    /// A count as a number.
    fn from_count(count: usize) -> Self;
    /// Distance from 0, wrapping.
    fn abs(self) -> Self;
    /// Applies a unary function to a block of fours, of which the first `used` numbers matter.
    ///
    /// # Errors
    /// A function that this type does not have.
    fn unary(op: op::Unary, alpha: f32, beta: f32, block: &mut [[Self; 4]], used: usize) -> Result;
    /// Replaces each `a` by a binary function of both; of the fours the first `used` numbers matter. `is_u64` says that
    /// numbers are the bits of u64.
    ///
    /// # Errors
    /// An integer division by zero, or a function that this type does not have.
    fn binary(op: op::Binary, is_u64: bool, a: &mut [[Self; 4]], b: &mut [[Self; 4]], used: usize) -> Result;
    /// The functions that only floats have: `sqrt`, `exp`, `log`.
    fn function(self, function: Function) -> Option<Self>;

    /// 1 for true, 0 for false.
    fn truth(value: bool) -> Self {
        if value { Self::ONE } else { Self::ZERO }
    }

    /// Whether it is not equal to itself.
    #[expect(clippy::eq_op, reason = "only NaN differs from itself")]
    fn is_nan(self) -> bool {
        self != self
    }
}

/// Functions that reductions apply and integers lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Square root.
    Sqrt,
    /// e^x.
    Exp,
    /// Natural logarithm.
    Log,
}

/// Replaces every number by its function. The compiler sees that numbers come in fours and needs no code for the rest. No
/// function pointers: the guest may have no table.
pub(crate) fn each<T: Copy>(block: &mut [[T; 4]], function: impl Fn(T) -> T) {
    for value in block.as_flattened_mut() {
        *value = function(*value);
    }
}

macro_rules! float_number {
    ($float:ty) => {
        impl Number for $float {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = Self::NEG_INFINITY;
            const HIGHEST: Self = Self::INFINITY;
            const INTEGER: bool = false;

            fn add(self, other: Self) -> Self {
                self + other
            }
            fn sub(self, other: Self) -> Self {
                self - other
            }
            fn mul(self, other: Self) -> Self {
                self * other
            }
            fn div(self, other: Self) -> Self {
                self / other
            }
            fn modulo(self, other: Self) -> Self {
                let rest = Float::remainder(self, other);
                if rest == 0.0 {
                    rest.copysign(other)
                } else if (rest < 0.0) != (other < 0.0) {
                    rest + other
                } else {
                    rest
                }
            }
            fn fmod(self, other: Self) -> Self {
                Float::remainder(self, other)
            }
            fn pow(self, exponent: Self) -> Self {
                Float::power(self, exponent)
            }
            fn div_unsigned(self, _: Self) -> Self {
                self
            }
            fn rem_unsigned(self, _: Self) -> Self {
                self
            }
            fn flip(self) -> Self {
                self
            }
            fn bits(self) -> u64 {
                0
            }
            fn from_bits(_: u64) -> Self {
                0.0
            }
            fn from_count(count: usize) -> Self {
                count as Self
            }
            fn abs(self) -> Self {
                Float::magnitude(self)
            }
            fn unary(op: op::Unary, alpha: f32, beta: f32, block: &mut [[Self; 4]], used: usize) -> Result {
                math::unary(op, alpha.into(), beta.into(), block, used)
            }
            fn binary(op: op::Binary, is_u64: bool, a: &mut [[Self; 4]], b: &mut [[Self; 4]], used: usize) -> Result {
                apply(op, is_u64, a, b, used)
            }
            fn function(self, function: Function) -> Option<Self> {
                Some(match function {
                    Function::Sqrt => Float::sqrt(self),
                    Function::Exp => Float::exp(self),
                    Function::Log => Float::log(self),
                })
            }
        }
    };
}

float_number!(f32);
float_number!(f64);

impl Number for i64 {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;
    const INTEGER: bool = true;

    fn add(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    fn sub(self, other: Self) -> Self {
        self.wrapping_sub(other)
    }
    fn mul(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }
    fn div(self, other: Self) -> Self {
        // Only MIN / -1 overflows; wrapping answers MIN.
        if other == 0 { 0 } else { self.checked_div(other).unwrap_or(Self::MIN) }
    }
    fn modulo(self, other: Self) -> Self {
        let rest = Number::fmod(self, other);
        if rest != 0 && (rest < 0) != (other < 0) { rest.wrapping_add(other) } else { rest }
    }
    fn fmod(self, other: Self) -> Self {
        self.checked_rem(other).unwrap_or(0)
    }
    fn pow(self, exponent: Self) -> Self {
        if exponent < 0 {
            // 1 / x^n is 0 for all but the two units.
            return match self {
                1 => 1,
                -1 if exponent & 1 == 0 => 1,
                -1 => -1,
                _ => 0,
            };
        }
        let (mut base, mut left, mut power) = (self, exponent, 1_i64);
        while left != 0 {
            if left & 1 == 1 {
                power = power.wrapping_mul(base);
            }
            base = base.wrapping_mul(base);
            left >>= 1;
        }
        power
    }
    fn div_unsigned(self, other: Self) -> Self {
        self.cast_unsigned().checked_div(other.cast_unsigned()).unwrap_or(0).cast_signed()
    }
    fn rem_unsigned(self, other: Self) -> Self {
        self.cast_unsigned().checked_rem(other.cast_unsigned()).unwrap_or(0).cast_signed()
    }
    fn flip(self) -> Self {
        self ^ Self::MIN
    }
    fn bits(self) -> u64 {
        self.cast_unsigned()
    }
    fn from_bits(bits: u64) -> Self {
        bits.cast_signed()
    }
    fn from_count(count: usize) -> Self {
        count as Self
    }
    fn abs(self) -> Self {
        self.wrapping_abs()
    }
    fn unary(op: op::Unary, _: f32, _: f32, block: &mut [[Self; 4]], _: usize) -> Result {
        match op {
            op::Unary::Abs => each(block, Self::wrapping_abs),
            op::Unary::Neg => each(block, Self::wrapping_neg),
            op::Unary::Sign => each(block, Self::signum),
            op::Unary::Not => each(block, |v| Self::truth(v == 0)),
            op::Unary::BitwiseNot => each(block, |v| !v),
            _ => return Err(KernelError::Unsupported),
        }
        Ok(())
    }
    fn binary(op: op::Binary, is_u64: bool, a: &mut [[Self; 4]], b: &mut [[Self; 4]], used: usize) -> Result {
        apply(op, is_u64, a, b, used)
    }
    fn function(self, _: Function) -> Option<Self> {
        None
    }
}
