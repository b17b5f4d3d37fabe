//! Rounding to whole numbers by addition, exact on every target and without branches.

macro_rules! rounding {
    ($module:ident, $float:ty, $whole:literal) => {
        pub(crate) mod $module {
            /// From here on every float is a whole number: 2 to the number of fraction bits.
            const WHOLE: $float = $whole;

            /// Half to even; keeps the sign of zero.
            pub(crate) fn round(x: $float) -> $float {
                let magnitude = x.abs();
                let rounded = (magnitude + WHOLE) - WHOLE;
                if magnitude < WHOLE { rounded.copysign(x) } else { x }
            }

            /// Down.
            pub(crate) fn floor(x: $float) -> $float {
                let near = round(x);
                if near > x { near - 1.0 } else { near }
            }

            /// Up.
            pub(crate) fn ceil(x: $float) -> $float {
                let near = round(x);
                if near < x { (near + 1.0).copysign(x) } else { near }
            }
        }
    };
}

rounding!(single, f32, 8_388_608.0);
rounding!(double, f64, 4_503_599_627_370_496.0);
