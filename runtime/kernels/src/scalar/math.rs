//! Element-wise functions: fixed sequences of IEEE operations, the same bits on every machine.

mod double;
mod remainder;
mod rounding;
mod single;
mod trig;

use mote_abi::op;

use crate::arch;
use crate::error::{KernelError, Result};
use crate::memory::BLOCK;
use crate::number::{Number, each};

/// What the composite functions are made of. Bounds of error stand on the implementations in `math/`.
pub trait Float: Number + core::ops::Neg<Output = Self> {
    /// The nearest number of this type.
    fn of(value: f64) -> Self;
    /// Absolute value.
    fn magnitude(self) -> Self;
    /// This magnitude with the sign of another number.
    fn with_sign_of(self, sign: Self) -> Self;
    /// Exact remainder with the sign of the dividend.
    fn remainder(self, divisor: Self) -> Self;
    /// Power.
    fn power(self, exponent: Self) -> Self;
    /// Correctly rounded square root.
    fn sqrt(self) -> Self;
    /// Down to a whole number.
    fn floor(self) -> Self;
    /// Up to a whole number.
    fn ceil(self) -> Self;
    /// To the nearest whole number, half to even.
    fn round(self) -> Self;
    /// e^x.
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn log(self) -> Self;
    /// e^x of a block. The block forms exist once each, whatever is composed of them.
    fn exp_block(block: &mut [[Self; 4]]);
    /// Hyperbolic tangent of a block.
    fn tanh_block(block: &mut [[Self; 4]]);
    /// Error function of a block.
    fn erf_block(block: &mut [[Self; 4]]);
    /// `ln(1 + e^x)` of a block.
    fn softplus_block(block: &mut [[Self; 4]]);
    /// A function that is always computed in binary64.
    fn in_double(self, function: impl Fn(f64) -> f64) -> Self;
}

macro_rules! float {
    ($float:ty, $module:ident, $sqrt:path) => {
        impl Float for $float {
            fn of(value: f64) -> Self {
                value as Self
            }
            fn magnitude(self) -> Self {
                self.abs()
            }
            fn with_sign_of(self, sign: Self) -> Self {
                self.copysign(sign)
            }
            fn remainder(self, divisor: Self) -> Self {
                remainder::$module(self, divisor)
            }
            fn power(self, exponent: Self) -> Self {
                double::pow(self.into(), exponent.into()) as Self
            }
            fn sqrt(self) -> Self {
                $sqrt(self)
            }
            fn floor(self) -> Self {
                rounding::$module::floor(self)
            }
            fn ceil(self) -> Self {
                rounding::$module::ceil(self)
            }
            fn round(self) -> Self {
                rounding::$module::round(self)
            }
            fn exp(self) -> Self {
                $module::exp(self)
            }
            fn log(self) -> Self {
                $module::log(self)
            }
            #[inline(never)]
            fn exp_block(block: &mut [[Self; 4]]) {
                each(block, $module::exp);
            }
            #[inline(never)]
            fn tanh_block(block: &mut [[Self; 4]]) {
                each(block, $module::tanh);
            }
            #[inline(never)]
            fn erf_block(block: &mut [[Self; 4]]) {
                each(block, $module::erf);
            }
            #[inline(never)]
            fn softplus_block(block: &mut [[Self; 4]]) {
                each(block, $module::softplus);
            }
            fn in_double(self, function: impl Fn(f64) -> f64) -> Self {
                function(self.into()) as Self
            }
        }
    };
}

float!(f32, single, arch::sqrt_f32);
float!(f64, double, arch::sqrt_f64);

/// `v < low ? low : v`, then `high < v ? high : v`: NaN and -0.0 pass.
pub(crate) fn clamp<T: PartialOrd>(v: T, low: T, high: T) -> T {
    let v = if v < low { low } else { v };
    if high < v { high } else { v }
}

/// One function over a block of fours, of which the first `used` numbers matter. Functions that become vector code run over
/// all of them, the long ones stop early.
///
/// # Errors
/// A function of integers or bools.
#[inline(never)]
pub(crate) fn unary<F: Float>(op: op::Unary, alpha: F, beta: F, block: &mut [[F; 4]], used: usize) -> Result {
    use op::Unary as Op;
    let (zero, one, half) = (F::ZERO, F::ONE, F::of(0.5));
    let mut copy = [[zero; 4]; BLOCK / 4];
    copy.iter_mut().zip(&*block).for_each(|(copy, &x)| *copy = x);
    let x = &copy;
    match op {
        Op::Abs => each(block, F::magnitude),
        Op::Neg => each(block, |x| -x),
        Op::Sign => each(block, |x| {
            if x > zero {
                one
            } else if x < zero {
                -one
            } else {
                x
            }
        }),
        Op::Ceil => each(block, F::ceil),
        Op::Floor => each(block, F::floor),
        Op::Round => each(block, F::round),
        Op::Sqrt => each(block, F::sqrt),
        Op::Reciprocal => each(block, |x| one.div(x)),
        Op::Exp => F::exp_block(block),
        Op::Log => each(block, F::log),
        Op::Sin => few(block, used, |x| x.in_double(trig::sin)),
        Op::Cos => few(block, used, |x| x.in_double(trig::cos)),
        Op::Tan => few(block, used, |x| x.in_double(trig::tan)),
        Op::Asin => few(block, used, |x| x.in_double(double::asin)),
        Op::Acos => few(block, used, |x| x.in_double(double::acos)),
        Op::Atan => few(block, used, |x| x.in_double(double::atan)),
        Op::Sinh => few(block, used, |x| x.in_double(double::sinh)),
        Op::Cosh => few(block, used, |x| x.in_double(double::cosh)),
        Op::Tanh => F::tanh_block(block),
        Op::Asinh => few(block, used, |x| x.in_double(double::asinh)),
        Op::Acosh => few(block, used, |x| x.in_double(double::acosh)),
        Op::Atanh => few(block, used, |x| x.in_double(double::atanh)),
        Op::Erf => F::erf_block(block),
        Op::Sigmoid => sigmoid_block(block),
        Op::Clamp => each(block, |x| clamp(x, alpha, beta)),
        Op::LeakyRelu => each(block, |x| if x < zero { alpha.mul(x) } else { x }),
        Op::Elu => {
            F::exp_block(block);
            join(block, x, |e, x| if x < zero { alpha.mul(e.sub(one)) } else { x });
        }
        Op::Selu => {
            F::exp_block(block);
            join(block, x, |e, x| beta.mul(if x > zero { x } else { alpha.mul(e.sub(one)) }));
        }
        Op::Celu => {
            each(block, |x| x.div(alpha));
            F::exp_block(block);
            join(block, x, |e, x| if x > zero { x } else { alpha.mul(e.sub(one)) });
        }
        Op::Softplus => F::softplus_block(block),
        Op::Softsign => each(block, |x| x.div(one.add(x.magnitude()))),
        Op::HardSigmoid => each(block, |x| clamp(alpha.mul(x).add(beta), zero, one)),
        Op::HardSwish => {
            let sixth = one.div(F::of(6.0));
            each(block, |x| x.mul(clamp(x.mul(sixth).add(half), zero, one)));
        }
        Op::Swish => {
            each(block, |x| alpha.mul(x));
            sigmoid_block(block);
            join(block, x, |s, x| x.mul(s));
        }
        Op::Gelu => {
            let scale = F::of(core::f64::consts::FRAC_1_SQRT_2);
            each(block, |x| x.mul(scale));
            F::erf_block(block);
            join(block, x, |e, x| half.mul(x).mul(one.add(e)));
        }
        Op::GeluTanh => {
            let (scale, cubic) = (F::of(SQRT_TWO_OVER_PI), F::of(0.044_715));
            each(block, |x| scale.mul(x.add(cubic.mul(x.mul(x).mul(x)))));
            F::tanh_block(block);
            join(block, x, |t, x| half.mul(x).mul(one.add(t)));
        }
        Op::Mish => {
            F::softplus_block(block);
            F::tanh_block(block);
            join(block, x, |t, x| x.mul(t));
        }
        Op::ThresholdedRelu => each(block, |x| if x > alpha { x } else { zero }),
        Op::Shrink => each(block, |x| {
            if x < -alpha {
                x.add(beta)
            } else if x > alpha {
                x.sub(beta)
            } else {
                zero
            }
        }),
        Op::IsNan => each(block, |x| F::truth(x.is_nan())),
        Op::IsInf => each(block, |x| {
            let hit = (x == F::LOWEST && alpha != zero) || (x == F::HIGHEST && beta != zero);
            F::truth(hit)
        }),
        Op::Affine => each(block, |x| alpha.mul(x).add(beta)),
        Op::ScaledTanh => {
            each(block, |x| beta.mul(x));
            F::tanh_block(block);
            each(block, |t| alpha.mul(t));
        }
        Op::Not | Op::BitwiseNot => return Err(KernelError::Unsupported),
    }
    Ok(())
}

fn sigmoid_block<F: Float>(block: &mut [[F; 4]]) {
    each(block, |x| -x);
    F::exp_block(block);
    each(block, |e| F::ONE.div(F::ONE.add(e)));
}

/// Replaces every number by a function of it and its twin.
fn join<F: Float>(block: &mut [[F; 4]], twin: &[[F; 4]], function: impl Fn(F, F) -> F) {
    for (four, twins) in block.iter_mut().zip(twin) {
        for (value, &twin) in four.iter_mut().zip(twins) {
            *value = function(*value, twin);
        }
    }
}

fn few<F: Float>(block: &mut [[F; 4]], used: usize, function: impl Fn(F) -> F) {
    for value in block.as_flattened_mut().iter_mut().take(used) {
        *value = function(*value);
    }
}

const SQRT_TWO_OVER_PI: f64 = 0.797_884_560_802_865_4;

#[cfg(test)]
mod tests;
