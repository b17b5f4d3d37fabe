//! binary32 functions of the hot activations: branch-free, so that loops over them become vector code.
//! The polynomials of `exp`, `log` and `tanh` are those of Moshier's Cephes; that of `erf` is a minimax fit.

/// e^x, error below 1.5 ULP; subnormal results included.
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these bounds the scaling below gives inf and 0 by itself.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -105.0 { -105.0 } else { x };
    // The sum's low bits are round(x / ln 2), half to even.
    let shifted = x * core::f32::consts::LOG2_E + WHOLE;
    let n = shifted - WHOLE;
    let r = x - n * LN2_HIGH;
    let r = r - n * LN2_LOW;
    let p = 1.987_569_1e-4_f32;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let y = (p * (r * r) + r) + 1.0;
    // Two factors, because 2^n alone leaves the normal range at both ends.
    let n = (shifted.to_bits() as i32).wrapping_sub(WHOLE.to_bits() as i32);
    let half = n >> 1;
    y * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// Natural logarithm, error below 1.5 ULP; NaN below 0, -inf at 0.
pub(crate) fn log(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let scaled = if tiny { x * 33_554_432.0 } else { x };
    // x = m * 2^e with m in [sqrt 1/2, sqrt 2).
    let bits = scaled.to_bits().wrapping_add(0x3F80_0000 - 0x3F35_04F3);
    let e = (bits >> 23) as i32 - if tiny { 127 + 25 } else { 127 };
    let m = f32::from_bits((bits & 0x007F_FFFF) + 0x3F35_04F3);
    let (e, f) = (e as f32, m - 1.0);
    let z = f * f;
    let p = 7.037_683_6e-2_f32;
    let p = p * f - 1.151_461e-1;
    let p = p * f + 1.167_699_9e-1;
    let p = p * f - 1.242_014_1e-1;
    let p = p * f + 1.424_932_3e-1;
    let p = p * f - 1.666_805_8e-1;
    let p = p * f + 2.000_071_5e-1;
    let p = p * f - 2.499_999_4e-1;
    let p = p * f + 3.333_333e-1;
    let low = p * f * z - e * LN2_LOW_NEGATED - 0.5 * z;
    let y = f + low + e * LN2_HIGH;
    let y = if x == f32::INFINITY { x } else { y };
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    if x >= 0.0 { y } else { f32::NAN }
}

/// ln(1 + x) for x in [0, 1], error below 3 ULP: the logarithm of the rounded sum, corrected by what rounding lost.
fn log_one_plus(x: f32) -> f32 {
    let sum = 1.0 + x;
    let lost = sum - 1.0;
    let y = log(sum) * (x / lost);
    if lost == 0.0 { x } else { y }
}

/// Hyperbolic tangent, error below 2 ULP; never outside [-1, 1].
pub(crate) fn tanh(x: f32) -> f32 {
    let z = x * x;
    let p = -5.704_988_7e-3_f32;
    let p = p * z + 2.063_909e-2;
    let p = p * z - 5.373_971_6e-2;
    let p = p * z + 1.333_144_2e-1;
    let p = p * z - 3.333_328e-1;
    let small = p * z * x + x;
    let magnitude = x.abs();
    let large = 1.0 - 2.0 / (exp(magnitude + magnitude) + 1.0);
    if magnitude < 0.625 { small } else { large.copysign(x) }
}

/// Error function, error below 3 ULP; never outside [-1, 1].
pub(crate) fn erf(x: f32) -> f32 {
    // erf(4) rounds to 1.
    let magnitude = x.abs();
    let t = if magnitude > 4.0 { 4.0 } else { magnitude };
    let z = t * t;
    let p = -5.967_617e-4_f32;
    let p = p * z + 4.991_194e-3;
    let p = p * z - 2.676_813_5e-2;
    let p = p * z + 1.128_199_25e-1;
    let p = p * z - 3.761_253_6e-1;
    let p = p * z + 1.283_791_7e-1;
    let small = p * t + t;
    let q = -1.728_534_7e-5_f32 * t + 3.831_971_3e-4;
    let u = -3.883_964_4e-3_f32 * t + 2.425_462_2e-2;
    let q = q * z + u;
    let q = q * t - 1.067_778_8e-1;
    let q = q * t - 6.348_467e-1;
    let q = q * t - 1.287_175_1e-1;
    let large = 1.0 - exp(q * t - t);
    let y = if t > 0.927_734_4 { large } else { small };
    if x.is_nan() { x } else { y.copysign(x) }
}

/// `ln(1 + e^x)` as `max(x, 0) + ln(1 + e^-|x|)`, which neither overflows nor cancels.
pub(crate) fn softplus(x: f32) -> f32 {
    let positive = if x < 0.0 { 0.0 } else { x };
    positive + log_one_plus(exp(-x.abs()))
}

/// 1.5 * 2^23: added to a number below 2^22, it leaves the rounded integer in the low bits.
const WHOLE: f32 = 12_582_912.0;
/// ln 2 in two parts; n * LN2_HIGH is exact for |n| < 2^15.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -2.121_944_4e-4;
const LN2_LOW_NEGATED: f32 = 2.121_944_4e-4;

fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}
