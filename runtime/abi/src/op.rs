//! Operator codes: the one list that the Plan stores, the kernels execute and the emitter writes as code.
//! Their arithmetic is fixed in `kernels/ORDER.md`; the names are ONNX's where ONNX has one.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum $name { $($(#[$vdoc])* $variant = $code,)* }

        impl $name {
            /// Every operator, in code order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The operator of a code as stored in a Plan.
            pub const fn from_code(code: u32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The code as stored in a Plan.
            pub const fn code(self) -> u32 {
                self as u32
            }
        }
    };
}

codes! {
    /// Element-wise function of one tensor. `alpha` and `beta` are the step's two float parameters.
    Unary {
        /// `|x|`, any numeric type.
        Abs = 1,
        /// `-x`, wrapping for integers.
        Neg = 2,
        /// Sign of x: -1, 0, 1; NaN stays NaN.
        Sign = 3,
        /// Logical not of a bool.
        Not = 4,
        /// Bitwise not of an integer.
        BitwiseNot = 5,
        /// Round up.
        Ceil = 6,
        /// Round down.
        Floor = 7,
        /// Round half to even.
        Round = 8,
        /// Square root, correctly rounded.
        Sqrt = 9,
        /// `1 / x`.
        Reciprocal = 10,
        /// e^x.
        Exp = 11,
        /// Natural logarithm.
        Log = 12,
        /// Sine.
        Sin = 13,
        /// Cosine.
        Cos = 14,
        /// Tangent.
        Tan = 15,
        /// Arc sine.
        Asin = 16,
        /// Arc cosine.
        Acos = 17,
        /// Arc tangent.
        Atan = 18,
        /// Hyperbolic sine.
        Sinh = 19,
        /// Hyperbolic cosine.
        Cosh = 20,
        /// Hyperbolic tangent.
        Tanh = 21,
        /// Inverse hyperbolic sine.
        Asinh = 22,
        /// Inverse hyperbolic cosine.
        Acosh = 23,
        /// Inverse hyperbolic tangent.
        Atanh = 24,
        /// Error function.
        Erf = 25,
        /// `1 / (1 + e^-x)`.
        Sigmoid = 26,
        /// Clamp to `[alpha, beta]`; NaN and -0.0 pass. Relu is `[0, +inf]`, Relu6 `[0, 6]`. Floats only.
        Clamp = 27,
        /// `x < 0 ? alpha * x : x`.
        LeakyRelu = 28,
        /// `x < 0 ? alpha * (e^x - 1) : x`.
        Elu = 29,
        /// `beta * (x > 0 ? x : alpha * (e^x - 1))`.
        Selu = 30,
        /// `max(0, x) + min(0, alpha * (e^(x / alpha) - 1))`.
        Celu = 31,
        /// `ln(1 + e^x)`.
        Softplus = 32,
        /// `x / (1 + |x|)`.
        Softsign = 33,
        /// `clamp(alpha * x + beta, 0, 1)`.
        HardSigmoid = 34,
        /// `x * clamp(x / 6 + 1 / 2, 0, 1)`.
        HardSwish = 35,
        /// `x * sigmoid(alpha * x)`.
        Swish = 36,
        /// `x / 2 * (1 + erf(x / sqrt 2))`.
        Gelu = 37,
        /// Gelu by tanh.
        GeluTanh = 38,
        /// `x * tanh(ln(1 + e^x))`.
        Mish = 39,
        /// `x > alpha ? x : 0`.
        ThresholdedRelu = 40,
        /// `x < -alpha ? x + beta : x > alpha ? x - beta : 0`.
        Shrink = 41,
        /// True where NaN; output bool.
        IsNan = 42,
        /// True where infinite; `alpha` != 0 detects negative, `beta` != 0 positive; output bool.
        IsInf = 43,
        /// `alpha * x + beta`, two roundings.
        Affine = 110,
        /// `alpha * tanh(beta * x)`.
        ScaledTanh = 111,
    }
}

codes! {
    /// Element-wise function of two tensors with numpy broadcasting. Comparisons answer bool.
    Binary {
        /// Sum, wrapping for integers.
        Add = 1,
        /// Difference, wrapping for integers.
        Sub = 2,
        /// Product, wrapping for integers.
        Mul = 3,
        /// Quotient; integers truncate towards zero and refuse a zero divisor.
        Div = 4,
        /// Remainder with the sign of the divisor (Python); integers refuse a zero divisor.
        Mod = 5,
        /// Remainder with the sign of the dividend (C `fmod`).
        Fmod = 6,
        /// `a` to the power `b`, both of one type.
        Pow = 7,
        /// Larger of both; NaN if either is.
        Max = 8,
        /// Smaller of both; NaN if either is.
        Min = 9,
        /// Logical or bitwise and.
        And = 10,
        /// Logical or bitwise or.
        Or = 11,
        /// Logical or bitwise exclusive or.
        Xor = 12,
        /// Shift left; a shift of the width or more gives 0.
        ShiftLeft = 13,
        /// Logical shift right; a shift of the width or more gives 0.
        ShiftRight = 14,
        /// `a == b`.
        Equal = 15,
        /// `a < b`.
        Less = 16,
        /// `a <= b`.
        LessOrEqual = 17,
        /// `a > b`.
        Greater = 18,
        /// `a >= b`.
        GreaterOrEqual = 19,
        /// `a < 0 ? a * b : a`.
        PRelu = 20,
        /// Arithmetic shift right of a signed integer; a negative shift, or one of the width or more, gives 0 or -1.
        ShiftRightSigned = 21,
    }
}

codes! {
    /// Reduction over a set of axes, enumerated row-major.
    Reduce {
        /// Sum.
        Sum = 1,
        /// Sum divided by the count.
        Mean = 2,
        /// Largest; NaN if any is.
        Max = 3,
        /// Smallest; NaN if any is.
        Min = 4,
        /// Product.
        Prod = 5,
        /// Sum of absolute values.
        L1 = 6,
        /// Square root of the sum of squares.
        L2 = 7,
        /// Logarithm of the sum.
        LogSum = 8,
        /// Logarithm of the sum of exponentials, shifted by the maximum.
        LogSumExp = 9,
        /// Sum of squares.
        SumSquare = 10,
    }
}

codes! {
    /// How a value between pixels is found.
    Filter {
        /// The nearest pixel, half to even.
        Nearest = 1,
        /// Between the two neighbours along each axis.
        Linear = 2,
        /// Cubic convolution of four neighbours along each axis, a = -3/4.
        Cubic = 3,
    }
}

codes! {
    /// What lies outside an image.
    Outside {
        /// Zeros.
        Zero = 1,
        /// The pixels of the edge.
        Edge = 2,
        /// The image, mirrored.
        Mirror = 3,
    }
}

codes! {
    /// What the coordinates of a point count.
    Coordinates {
        /// Pixels from the centre of the first one; mirrors stand on the outer pixels' centres.
        Pixels = 1,
        /// From -1 to 1 between the centres of the outer pixels, on which mirrors stand.
        Centres = 2,
        /// From -1 to 1 between the edges of the image, on which mirrors stand.
        Edges = 3,
    }
}

codes! {
    /// How a pooling window is summarised.
    Pool {
        /// Largest element; padding never wins.
        Max = 1,
        /// Mean over the elements inside the input.
        Average = 2,
        /// Mean over the whole window, padding counted as zeros.
        AverageWithPadding = 3,
    }
}

codes! {
    /// How a node of a decision tree compares an element with its value.
    Branch {
        /// Not at all: the node is a leaf.
        Leaf = 0,
        /// `x <= value`.
        LessOrEqual = 1,
        /// `x < value`.
        Less = 2,
        /// `x >= value`.
        GreaterOrEqual = 3,
        /// `x > value`.
        Greater = 4,
        /// `x == value`.
        Equal = 5,
        /// `x != value`.
        NotEqual = 6,
    }
}

codes! {
    /// How the scores of several trees meet.
    Aggregate {
        /// Sum.
        Sum = 1,
        /// Smallest.
        Min = 2,
        /// Largest.
        Max = 3,
    }
}
