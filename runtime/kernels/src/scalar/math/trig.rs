//! Sine, cosine and tangent in binary64, for every finite argument.

use super::rounding::double::round;

/// Sine, error below 1 ULP.
pub(crate) fn sin(x: f64) -> f64 {
    let (quadrant, r, low) = reduce(x);
    let y = if quadrant & 1 == 0 { sin_series(r, low) } else { cos_series(r, low) };
    if quadrant & 2 == 0 { y } else { -y }
}

/// Cosine, error below 1 ULP.
pub(crate) fn cos(x: f64) -> f64 {
    let (quadrant, r, low) = reduce(x);
    let y = if quadrant & 1 == 0 { cos_series(r, low) } else { sin_series(r, low) };
    if quadrant.wrapping_add(1) & 2 == 0 { y } else { -y }
}

/// Tangent, error below 3 ULP.
pub(crate) fn tan(x: f64) -> f64 {
    let (quadrant, r, low) = reduce(x);
    let (sin, cos) = (sin_series(r, low), cos_series(r, low));
    if quadrant & 1 == 0 { sin / cos } else { -cos / sin }
}

/// Taylor series for |r| <= pi / 4; the first term left out is below 2^-63.
fn sin_series(r: f64, low: f64) -> f64 {
    let z = r * r;
    let mut p = 1.0 / 355_687_428_096_000.0;
    p = p * z - 1.0 / 1_307_674_368_000.0;
    p = p * z + 1.0 / 6_227_020_800.0;
    p = p * z - 1.0 / 39_916_800.0;
    p = p * z + 1.0 / 362_880.0;
    p = p * z - 1.0 / 5_040.0;
    p = p * z + 1.0 / 120.0;
    p = p * z - 1.0 / 6.0;
    r + (r * (z * p) + low * (1.0 - 0.5 * z))
}

/// Taylor series for |r| <= pi / 4; the first term left out is below 2^-67.
fn cos_series(r: f64, low: f64) -> f64 {
    let z = r * r;
    let mut p = -1.0 / 6_402_373_705_728_000.0;
    p = p * z + 1.0 / 20_922_789_888_000.0;
    p = p * z - 1.0 / 87_178_291_200.0;
    p = p * z + 1.0 / 479_001_600.0;
    p = p * z - 1.0 / 3_628_800.0;
    p = p * z + 1.0 / 40_320.0;
    p = p * z - 1.0 / 720.0;
    p = p * z + 1.0 / 24.0;
    let half = 0.5 * z;
    let head = 1.0 - half;
    head + (((1.0 - head) - half) + (z * z * p - r * low))
}

/// `x = quadrant * pi / 2 + r + low`, |r| <= pi / 4, quadrant modulo 4. Infinities give NaN.
fn reduce(x: f64) -> (u32, f64, f64) {
    if x.abs() < 1_048_576.0 {
        let n = round(x * core::f64::consts::FRAC_2_PI);
        // pi / 2 in pieces of 33 bits: the products with n are exact.
        let a = x - n * 1.570_796_326_734_125_6;
        let product = n * 6.077_100_506_303_966e-11;
        let b = a - product;
        let lost = (a - b) - product;
        let rest = n * 2.022_266_248_795_950_6e-21 - lost;
        let r = b - rest;
        return (n as i32 as u32, r, (b - r) - rest);
    }
    if x.is_finite() { reduce_large(x) } else { (0, f64::NAN, 0.0) }
}

/// Payne and Hanek: of `x * 2 / pi` only the bits that matter modulo 4 are computed, exactly, as an integer.
fn reduce_large(x: f64) -> (u32, f64, f64) {
    let bits = x.abs().to_bits();
    let fraction = (bits & 0x000F_FFFF_FFFF_FFFF) | 1 << 52;
    // x = fraction * 2^exponent; bits of 2 / pi above weight 2^(2 - exponent) only add multiples of 4.
    let exponent = (bits >> 52) as i32 - 1075;
    let skip = (exponent - 2 + 64) as u32;
    // 192 bits of the product's window, modulo 2^192: quadrant in the top two bits, then the fraction of it.
    let mut window = [0_u64; 3];
    let mut carry = 0_u128;
    for (i, word) in window.iter_mut().enumerate().rev() {
        let product = u128::from(fraction) * u128::from(window_of_two_over_pi(skip + 64 * i as u32)) + carry;
        *word = product as u64;
        carry = product >> 64;
    }
    let [high, middle, _] = window;
    let mut quadrant = (high >> 62) as u32;
    // The rest as a signed fraction of a quadrant, in units of 2^-126.
    let mut rest = ((u128::from(high) << 64 | u128::from(middle)) & (u128::MAX >> 2)).cast_signed();
    if rest >> 125 != 0 {
        quadrant = quadrant.wrapping_add(1) & 3;
        rest -= 1 << 126;
    }
    let top = (rest >> 64) as i64 as f64 * UNIT * 18_446_744_073_709_551_616.0;
    let bottom = (rest as u64) as f64 * UNIT;
    let whole = top + bottom;
    let lost = (top - whole) + bottom;
    let r = whole * core::f64::consts::FRAC_PI_2;
    let low = lost * core::f64::consts::FRAC_PI_2 + whole * 6.123_233_995_736_766e-17;
    if x < 0.0 { (4 - quadrant, -r, -low) } else { (quadrant, r, low) }
}

/// 2^-126.
const UNIT: f64 = f64::from_bits(0x3810_0000_0000_0000);

/// 64 bits of 2 / pi from a bit position; position 64 is the first bit after the binary point.
fn window_of_two_over_pi(position: u32) -> u64 {
    let (word, shift) = ((position / 32) as usize, position % 32);
    let at = |i: usize| i.checked_sub(2).and_then(|i| TWO_OVER_PI.get(i)).map_or(0, |&word| u128::from(word));
    let three = at(word) << 64 | at(word + 1) << 32 | at(word + 2);
    (three >> (32 - shift)) as u64
}

/// 2 / pi after the binary point, 1216 bits.
const TWO_OVER_PI: [u32; 38] = [
    0xA2F9_836E,
    0x4E44_1529,
    0xFC27_57D1,
    0xF534_DDC0,
    0xDB62_9599,
    0x3C43_9041,
    0xFE51_63AB,
    0xDEBB_C561,
    0xB724_6E3A,
    0x424D_D2E0,
    0x0649_2EEA,
    0x09D1_921C,
    0xFE1D_EB1C,
    0xB129_A73E,
    0xE882_35F5,
    0x2EBB_4484,
    0xE99C_7026,
    0xB45F_7E41,
    0x3991_D639,
    0x8353_39F4,
    0x9C84_5F8B,
    0xBDF9_283B,
    0x1FF8_97FF,
    0xDE05_980F,
    0xEF2F_118B,
    0x5A0A_6D1F,
    0x6D36_7ECF,
    0x27CB_09B7,
    0x4F46_3F66,
    0x9E5F_EA2D,
    0x7527_BAC7,
    0xEBE5_F17B,
    0x3D07_39F7,
    0x8A52_92EA,
    0x6BFB_5FB1,
    0x1F8D_5D08,
    0x5603_3046,
    0xFC7B_6BAB,
];
