//! The exact remainder of a division, by shifts and subtractions of the fractions.

macro_rules! remainder {
    ($name:ident, $float:ty, $bits:ty, $fraction:literal) => {
        /// `x - y * trunc(x / y)`, exact, with the sign of x. NaN for an infinite x or a zero y. The loop is bounded by the
        /// exponent range of the type.
        pub(crate) fn $name(x: $float, y: $float) -> $float {
            if x.is_nan() || y.is_nan() || x.is_infinite() || y == 0.0 {
                return <$float>::NAN;
            }
            let sign = x.to_bits() & (1 << (<$bits>::BITS - 1));
            let (mut a, mut exponent) = split(x.abs().to_bits());
            let (b, floor) = split(y.abs().to_bits());
            if exponent < floor || y.is_infinite() {
                return x;
            }
            while exponent > floor {
                a = if a >= b { (a - b) << 1 } else { a << 1 };
                exponent -= 1;
            }
            if a >= b {
                a -= b;
            }
            return <$float>::from_bits(join(a, floor) | sign);

            fn split(bits: $bits) -> ($bits, u32) {
                let fraction = bits & ((1 << $fraction) - 1);
                let exponent = (bits >> $fraction) as u32;
                // Subnormals share the smallest exponent and have no hidden bit.
                if exponent == 0 { (fraction, 1) } else { (fraction | 1 << $fraction, exponent) }
            }

            fn join(fraction: $bits, exponent: u32) -> $bits {
                if fraction == 0 {
                    return 0;
                }
                let lead = (fraction.leading_zeros() + $fraction + 1).saturating_sub(<$bits>::BITS);
                let shift = lead.min(exponent.saturating_sub(1));
                let fraction = fraction << shift;
                if fraction >> $fraction == 0 {
                    return fraction;
                }
                (fraction & ((1 << $fraction) - 1)) | (<$bits>::from(exponent - shift) << $fraction)
            }
        }
    };
}

remainder!(single, f32, u32, 23);
remainder!(double, f64, u64, 52);
