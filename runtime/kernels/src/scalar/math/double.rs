//! binary64 functions. They serve f64 tensors, and f32 tensors where speed does not matter: computed here and rounded
//! once, such a result is within 0.51 ULP of binary32.
//! The coefficients of `log`, `asin` and `atan` are fdlibm's (Sun Microsystems, 1993); the others are Taylor series.

use core::f64::consts::{FRAC_PI_2, FRAC_PI_4, LN_2, LOG2_E, PI};

use super::rounding::double::round;
use crate::arch::sqrt_f64 as sqrt;

/// e^x, error below 1 ULP; subnormal results included.
pub(crate) fn exp(x: f64) -> f64 {
    exp_sum(x, 0.0)
}

/// e^(x + low) for a `low` far smaller than x.
fn exp_sum(x: f64, low: f64) -> f64 {
    if x > 710.0 {
        return f64::INFINITY;
    }
    if x < -746.0 {
        return 0.0;
    }
    let n = round(x * LOG2_E);
    let r = (x - n * LN2_HIGH) - (n * LN2_LOW - low);
    // Taylor: |r| <= ln(2) / 2, and the first term left out is below 2^-57.
    let mut p = 1.0 / 6_227_020_800.0;
    p = p * r + 1.0 / 479_001_600.0;
    p = p * r + 1.0 / 39_916_800.0;
    p = p * r + 1.0 / 3_628_800.0;
    p = p * r + 1.0 / 362_880.0;
    p = p * r + 1.0 / 40_320.0;
    p = p * r + 1.0 / 5_040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    let y = 1.0 + (r + r * r * p);
    let n = n as i32;
    let half = n >> 1;
    y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// Natural logarithm, error below 1 ULP; NaN below 0, -inf at 0.
pub(crate) fn log(x: f64) -> f64 {
    if !(x > 0.0 && x < f64::INFINITY) {
        return if x == 0.0 {
            f64::NEG_INFINITY
        } else if x > 0.0 {
            x
        } else {
            f64::NAN
        };
    }
    let (e, f) = split(x);
    let half = 0.5 * f * f;
    let s = f / (2.0 + f);
    s * (half + log_tail(s * s)) + e * LN2_LOW - half + f + e * LN2_HIGH
}

/// `x = (1 + f) * 2^e` with `1 + f` in [sqrt 1/2, sqrt 2).
fn split(x: f64) -> (f64, f64) {
    let tiny = x < f64::MIN_POSITIVE;
    let x = if tiny { x * 18_014_398_509_481_984.0 } else { x };
    let bits = x.to_bits().wrapping_add(0x3FF0_0000_0000_0000 - SQRT_HALF);
    let e = (bits >> 52) as i32 - if tiny { 1023 + 54 } else { 1023 };
    (f64::from(e), f64::from_bits((bits & 0x000F_FFFF_FFFF_FFFF) + SQRT_HALF) - 1.0)
}

/// `ln((1 + s) / (1 - s)) = 2 s + s * log_tail(s^2)`.
fn log_tail(z: f64) -> f64 {
    let w = z * z;
    let odd = z
        * (0.666_666_666_666_673_5
            + w * (0.285_714_287_436_623_9 + w * (0.181_835_721_616_180_5 + w * 0.147_981_986_051_165_86)));
    let even = w * (0.399_999_999_994_094_2 + w * (0.222_221_984_321_497_84 + w * 0.153_138_376_992_093_73));
    odd + even
}

/// ln(1 + x), error below 2 ULP: the logarithm of the rounded sum, corrected by what rounding lost.
fn log_one_plus(x: f64) -> f64 {
    let sum = 1.0 + x;
    if sum == 1.0 || x == f64::INFINITY { x } else { log(sum) * (x / (sum - 1.0)) }
}

/// x to the power y, error below 2 ULP for results near 1 and 16 ULP at the ends of the range. IEEE 754's special cases.
pub(crate) fn pow(x: f64, y: f64) -> f64 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if y == 2.0 {
        return x * x;
    }
    let magnitude = x.abs();
    if y.is_infinite() {
        let grows = (magnitude > 1.0) == (y > 0.0);
        return if magnitude == 1.0 {
            1.0
        } else if grows {
            f64::INFINITY
        } else {
            0.0
        };
    }
    let whole = round(y) == y;
    let odd = whole && round(y * 0.5) != y * 0.5;
    let negative = odd && x.is_sign_negative();
    let signed = |v: f64| if negative { -v } else { v };
    if magnitude == 0.0 || magnitude == f64::INFINITY {
        let grows = (magnitude > 1.0) == (y > 0.0);
        return signed(if grows { f64::INFINITY } else { 0.0 });
    }
    if x < 0.0 && !whole {
        return f64::NAN;
    }
    let (high, low) = log_pair(magnitude);
    let (product, error) = exact_product(high, y);
    if !product.is_finite() {
        return signed(if product > 0.0 { f64::INFINITY } else { 0.0 });
    }
    signed(exp_sum(product, error + low * y))
}

/// Natural logarithm of a positive finite number as an unevaluated sum, relative error about 2^-60.
fn log_pair(x: f64) -> (f64, f64) {
    let (e, f) = split(x);
    // s = f / (2 + f) in two parts.
    let (sum, sum_low) = exact_sum(2.0, f);
    let s = f / sum;
    let (back, back_low) = exact_product(s, sum);
    let s_low = (((f - back) - back_low) - s * sum_low) / sum;
    // 2 s + s * tail, with 2 s + e * ln 2 kept exact.
    let tail = s * log_tail(s * s);
    let (a, a_low) = exact_sum(e * LN2_HIGH, 2.0 * s);
    let (b, b_low) = exact_sum(a, tail);
    let low = b_low + (a_low + (2.0 * s_low + e * LN2_LOW));
    exact_sum(b, low)
}

/// `a + b` and its rounding error.
fn exact_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// `a * b` and its rounding error (Dekker), for products and factors below 2^970.
fn exact_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    let (ah, bh) = (upper(a), upper(b));
    let (al, bl) = (a - ah, b - bh);
    (product, ((ah * bh - product) + ah * bl + al * bh) + al * bl)
}

fn upper(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & 0xFFFF_FFFF_F800_0000)
}

/// Hyperbolic sine, error below 2 ULP.
pub(crate) fn sinh(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude < 1.0 {
        return sinh_series(x);
    }
    // Half the exponent first: e^|x| overflows a little before sinh does.
    let root = exp(0.5 * magnitude);
    let half = 0.5 * root * root;
    (half - 0.25 / half).copysign(x)
}

fn sinh_series(x: f64) -> f64 {
    let z = x * x;
    let mut p = 1.0 / (16.0 * 17.0);
    for (a, b) in [(14.0, 15.0), (12.0, 13.0), (10.0, 11.0), (8.0, 9.0), (6.0, 7.0), (4.0, 5.0), (2.0, 3.0)] {
        p = (p * z + 1.0) * (1.0 / (a * b));
    }
    x + x * (z * p)
}

/// Hyperbolic cosine, error below 2 ULP.
pub(crate) fn cosh(x: f64) -> f64 {
    let root = exp(0.5 * x.abs());
    let half = 0.5 * root * root;
    half + 0.25 / half
}

/// Hyperbolic tangent, error below 2 ULP; never outside [-1, 1].
pub(crate) fn tanh(x: f64) -> f64 {
    let magnitude = x.abs();
    if magnitude < 0.5 {
        return sinh_series(x) / cosh(x);
    }
    let y = 1.0 - 2.0 / (exp(magnitude + magnitude) + 1.0);
    if x.is_nan() { x } else { y.copysign(x) }
}

/// Inverse hyperbolic sine, error below 3 ULP.
pub(crate) fn asinh(x: f64) -> f64 {
    let a = x.abs();
    let y = if a > LARGE { log(a) + LN_2 } else { log_one_plus(a + a * a / (1.0 + sqrt(a * a + 1.0))) };
    if x.is_nan() { x } else { y.copysign(x) }
}

/// Inverse hyperbolic cosine, error below 3 ULP; NaN below 1.
pub(crate) fn acosh(x: f64) -> f64 {
    if x > LARGE {
        return log(x) + LN_2;
    }
    let t = x - 1.0;
    if t >= 0.0 { log_one_plus(t + sqrt(2.0 * t + t * t)) } else { f64::NAN }
}

/// Inverse hyperbolic tangent, error below 3 ULP; NaN outside [-1, 1].
pub(crate) fn atanh(x: f64) -> f64 {
    let a = x.abs();
    if a <= 1.0 { (0.5 * log_one_plus(2.0 * a / (1.0 - a))).copysign(x) } else { f64::NAN }
}

/// Arc tangent, error below 1 ULP.
pub(crate) fn atan(x: f64) -> f64 {
    let a = x.abs();
    // atan(a) = offset + atan(t), each offset in two parts.
    let (t, high, low) = if a < 0.4375 {
        (a, 0.0, 0.0)
    } else if a < 0.6875 {
        ((2.0 * a - 1.0) / (2.0 + a), 0.463_647_609_000_806_1, 2.269_877_745_296_168_7e-17)
    } else if a < 1.1875 {
        ((a - 1.0) / (a + 1.0), FRAC_PI_4, 3.061_616_997_868_383e-17)
    } else if a < 2.4375 {
        ((a - 1.5) / (1.0 + 1.5 * a), 0.982_793_723_247_329, 1.390_331_103_123_099_8e-17)
    } else {
        (-1.0 / a, FRAC_PI_2, 6.123_233_995_736_766e-17)
    };
    let z = t * t;
    let mut p = 0.016_285_820_115_365_782;
    p = p * z - 0.036_531_572_744_216_916;
    p = p * z + 0.049_768_779_946_159_324;
    p = p * z - 0.058_335_701_337_905_735;
    p = p * z + 0.066_610_731_373_875_31;
    p = p * z - 0.076_918_762_050_448_3;
    p = p * z + 0.090_908_871_334_365_07;
    p = p * z - 0.111_111_104_054_623_56;
    p = p * z + 0.142_857_142_725_034_66;
    p = p * z - 0.199_999_999_998_764_83;
    p = p * z + 0.333_333_333_333_329_3;
    let y = high - ((t * (z * p) - low) - t);
    if x.is_nan() { x } else { y.copysign(x) }
}

/// Arc sine, error below 2 ULP; NaN outside [-1, 1].
pub(crate) fn asin(x: f64) -> f64 {
    let a = x.abs();
    if a < 0.5 {
        return asin_series(x);
    }
    if a <= 1.0 { (FRAC_PI_2 - 2.0 * asin_series(sqrt((1.0 - a) * 0.5))).copysign(x) } else { f64::NAN }
}

/// Arc cosine, error below 2 ULP; NaN outside [-1, 1].
pub(crate) fn acos(x: f64) -> f64 {
    if x.abs() < 0.5 {
        FRAC_PI_2 - asin_series(x)
    } else if x > 0.0 && x <= 1.0 {
        2.0 * asin_series(sqrt((1.0 - x) * 0.5))
    } else if (-1.0..0.0).contains(&x) {
        PI - 2.0 * asin_series(sqrt((1.0 + x) * 0.5))
    } else {
        f64::NAN
    }
}

/// Arc sine of |x| <= 1/2.
fn asin_series(x: f64) -> f64 {
    let z = x * x;
    let p = 0.166_666_666_666_666_66
        + z * (-0.325_565_818_622_400_9
            + z * (0.201_212_532_134_862_93
                + z * (-0.040_055_534_500_679_41 + z * (7.915_349_942_898_145e-4 + z * 3.479_331_075_960_212e-5))));
    let q = 1.0
        + z * (-2.403_394_911_734_414
            + z * (2.020_945_760_233_505_7 + z * (-0.688_283_971_605_453_3 + z * 0.077_038_150_555_901_94)));
    x + x * (z * p / q)
}

/// Error function, error below 4 ULP; never outside [-1, 1].
pub(crate) fn erf(x: f64) -> f64 {
    let a = x.abs();
    if a < 2.5 {
        // 2 / sqrt(pi) * e^-x^2 * sum of 2^n x^(2n+1) / (2n+1)!!, whose terms are all positive; 64 suffice below 2.5.
        let (mut term, mut sum) = (x, x);
        for n in 1..64 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        return TWO_OVER_SQRT_PI * exp(-x * x) * sum;
    }
    // Continued fraction of the complement; 40 levels give it to 12 digits, which is beyond the last bit of the result.
    let bounded = if a > 6.0 { 6.0 } else { a };
    let mut fraction = bounded;
    for level in (1..=40).rev() {
        fraction = bounded + 0.5 * f64::from(level) / fraction;
    }
    let y = 1.0 - 0.5 * TWO_OVER_SQRT_PI * exp(-bounded * bounded) / fraction;
    if x.is_nan() { x } else { y.copysign(x) }
}

/// `ln(1 + e^x)` as `max(x, 0) + ln(1 + e^-|x|)`.
pub(crate) fn softplus(x: f64) -> f64 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + log_one_plus(exp(-x.abs()))
}

const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
const TWO_OVER_SQRT_PI: f64 = core::f64::consts::FRAC_2_SQRT_PI;
/// Above 2^28 the square root's 1 no longer shows.
const LARGE: f64 = 268_435_456.0;

fn power_of_two(n: i32) -> f64 {
    f64::from_bits((i64::from(n).wrapping_add(1023) as u64) << 52)
}
