//! The two 16-bit encodings of floating-point numbers. Nothing is computed in them: numbers are widened, which is exact,
//! and rounded once when they are stored.

/// A 16-bit format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// IEEE 754 binary16: 5 bits of exponent, 10 of fraction.
    Binary16,
    /// The upper half of binary32: 8 bits of exponent, 7 of fraction.
    Bfloat16,
}

impl Half {
    /// The number, exactly.
    pub fn widen(self, bits: u16) -> f32 {
        let wide = u32::from(bits);
        if self == Self::Bfloat16 {
            return f32::from_bits(wide << 16);
        }
        let sign = (wide & 0x8000) << 16;
        let fraction = wide & 0x3ff;
        match (wide >> 10) & 0x1f {
            // Subnormal: fraction * 2^-24, exact in binary32.
            0 => f32::from_bits(sign | (fraction as f32 * f32::from_bits(0x3380_0000)).to_bits()),
            0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
            exponent => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
        }
    }

    /// The nearest number of this format, ties to even; infinite beyond its range, one NaN for all.
    pub fn narrow(self, value: f64) -> u16 {
        let bits = value.to_bits();
        let sign = (bits >> 48) as u16 & 0x8000;
        let magnitude = bits & (u64::MAX >> 1);
        if value.is_nan() {
            return self.quiet_nan();
        }
        // How far binary64's exponents lie above this format's, and its fraction below.
        let (offset, dropped) = match self {
            Self::Binary16 => (1023 - 15, 42),
            Self::Bfloat16 => (1023 - 127, 45),
        };
        let exponent = magnitude >> 52;
        let rounded = if exponent > offset {
            // A carry out of the fraction lands in the exponent, where it belongs.
            round(magnitude.wrapping_sub(offset << 52), dropped)
        } else {
            round((magnitude & FRACTION) | (FRACTION + 1), dropped + 1 + (offset - exponent))
        };
        let infinity = u64::from(self.infinity());
        sign | if rounded > infinity { infinity } else { rounded } as u16
    }

    /// What every NaN is stored as.
    pub const fn quiet_nan(self) -> u16 {
        match self {
            Self::Binary16 => 0x7e00,
            Self::Bfloat16 => 0x7fc0,
        }
    }

    /// Whether the bits are a NaN of any payload.
    pub const fn is_nan(self, bits: u16) -> bool {
        bits & 0x7fff > self.infinity()
    }

    const fn infinity(self) -> u16 {
        match self {
            Self::Binary16 => 0x7c00,
            Self::Bfloat16 => 0x7f80,
        }
    }
}

/// Fraction bits of binary64.
const FRACTION: u64 = (1 << 52) - 1;

/// Drops so many low bits, to nearest, ties to even.
fn round(value: u64, dropped: u64) -> u64 {
    if dropped >= 63 {
        return 0;
    }
    let (kept, rest) = (value >> dropped, value & ((1 << dropped) - 1));
    let half = 1 << (dropped - 1);
    kept + u64::from(rest > half || (rest == half && kept & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::Half::{Bfloat16, Binary16};

    #[test]
    fn what_is_widened_narrows_to_itself() {
        for format in [Binary16, Bfloat16] {
            for bits in 0..=u16::MAX {
                let want = if format.is_nan(bits) { format.quiet_nan() } else { bits };
                let value = format.widen(bits);
                assert_eq!(format.narrow(value.into()), want, "{format:?} {bits:04x}");
                assert_eq!(value.is_nan(), format.is_nan(bits));
            }
        }
    }

    #[test]
    fn known_numbers() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(Binary16.widen(bits), value, "{bits:04x}");
        }
    }

    #[test]
    fn ties_go_to_even_and_what_is_too_large_to_infinity() {
        for (format, value, bits) in [
            (Binary16, 65519.99, 0x7bff),
            (Binary16, 65520.0, 0x7c00),
            (Binary16, 1e300, 0x7c00),
            (Binary16, 1.0 + 1.0 / 2048.0, 0x3c00),
            (Binary16, 1.0 + 3.0 / 2048.0, 0x3c02),
            (Binary16, 1.0 + 1.0 / 2048.0 + 1e-12, 0x3c01),
            (Binary16, 1.0 / f64::from(1 << 25), 0x0000),
            (Binary16, 1.001 / f64::from(1 << 25), 0x0001),
            (Binary16, -1e-300, 0x8000),
            (Binary16, 6.102e-5, 0x0400),
            (Bfloat16, 1.0 + 1.0 / 256.0, 0x3f80),
            (Bfloat16, 1.0 + 3.0 / 256.0, 0x3f82),
            (Bfloat16, 3.4e38, 0x7f80),
            (Bfloat16, f64::from_bits(1), 0x0000),
        ] {
            assert_eq!(format.narrow(value), bits, "{format:?} {value}");
        }
    }
}
