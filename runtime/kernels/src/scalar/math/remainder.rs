//! The exact remainder of a division, by shifts and subtractions of the fractions.

macro_rules! remainder {
    ($name:ident, $float:ty, $bits:ty, $fraction:literal) => {
        /// `x - y * trunc(x / y)`, exact, with the sign of x. NaN for an infinite x or a zero y. The loop is bounded by the
        /// exponent range of the type.
        pub(crate) fn $name(x: $float, y: $float) -> $float {
            if x.is_nan() || y.is_nan() || x.is_infinite() || y == 0.0 {
                return <$float>::NAN;
            }
            if x.abs() < y.abs() {
                return x;
            }
            let sign = x.to_bits() & (1 << (<$bits>::BITS - 1));
            let (mut a, mut exponent) = split(x.abs().to_bits());
            let (b, floor) = split(y.abs().to_bits());
            while exponent > floor {
                a = if a >= b { (a - b) << 1 } else { a << 1 };
                exponent -= 1;
            }
            if a >= b {
                a -= b;
            }
            return <$float>::from_bits(join(a, floor) | sign);

            /// The fraction with its leading bit in the hidden place, and the exponent that goes with it.
            fn split(bits: $bits) -> ($bits, i32) {
                let fraction = bits & ((1 << $fraction) - 1);
                let exponent = (bits >> $fraction) as i32;
                if exponent > 0 {
                    return (fraction | 1 << $fraction, exponent);
                }
                let lead = lead(fraction);
                (fraction << lead, 1 - lead as i32)
            }

            fn join(fraction: $bits, exponent: i32) -> $bits {
                if fraction == 0 {
                    return 0;
                }
                let lead = lead(fraction);
                let (fraction, exponent) = (fraction << lead, exponent - lead as i32);
                if exponent > 0 {
                    return (fraction & ((1 << $fraction) - 1)) | ((exponent as $bits) << $fraction);
                }
                // A multiple of the smallest subnormal, so nothing is lost.
                fraction >> (1 - exponent).min($fraction)
            }

            /// Shift that brings the leading bit into the hidden place.
            fn lead(fraction: $bits) -> u32 {
                (fraction.leading_zeros() + $fraction + 1).saturating_sub(<$bits>::BITS).min($fraction)
            }
        }
    };
}

remainder!(single, f32, u32, 23);
remainder!(double, f64, u64, 52);
