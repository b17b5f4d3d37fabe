//! Square roots by integer arithmetic, for targets without the instruction.
//!
//! With `x = f * 2^e` and an even `e - s`, the root of `f << s` has one bit more than the format holds. That bit decides
//! the rounding alone: the low bits of `f << s` are zero, so an odd root is never exact and lies above the middle.

/// Square root, correctly rounded.
pub(super) fn sqrt_f32(x: f32) -> f32 {
    if x.is_nan() || x < 0.0 {
        return f32::NAN;
    }
    if x == 0.0 || x == f32::INFINITY {
        return x;
    }
    let bits = x.to_bits();
    let stored = bits & 0x007F_FFFF;
    let (f, e) = if bits >> 23 == 0 { (stored, -149) } else { (stored | 0x0080_0000, (bits >> 23) as i32 - 150) };
    let lead = f.leading_zeros() as i32 - 8;
    let (f, e) = (f << lead, e - lead);
    let s = 26 - (e & 1);
    let root = (u64::from(f) << s).isqrt();
    let rounded = (root as u32 + 1) >> 1;
    let exponent = (e - s) / 2 + 1 + 23 + 127;
    f32::from_bits(((exponent as u32) << 23) + (rounded - 0x0080_0000))
}

/// Square root, correctly rounded.
pub(super) fn sqrt_f64(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 || x == f64::INFINITY {
        return x;
    }
    let bits = x.to_bits();
    let stored = bits & 0x000F_FFFF_FFFF_FFFF;
    let (f, e) = if bits >> 52 == 0 { (stored, -1074) } else { (stored | 1 << 52, (bits >> 52) as i32 - 1075) };
    let lead = f.leading_zeros() as i32 - 11;
    let (f, e) = (f << lead, e - lead);
    let s = 54 + (e & 1);
    let root = (u128::from(f) << s).isqrt();
    let rounded = (root as u64 + 1) >> 1;
    let exponent = (e - s) / 2 + 1 + 52 + 1023;
    f64::from_bits(((exponent as u64) << 52) + (rounded - (1 << 52)))
}
