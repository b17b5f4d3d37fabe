//! What steps compute.

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal, in $in_min:literal..=$in_max:literal, out $out_min:literal..=$out_max:literal;)*) => {
        /// What a step computes. The documentation of each kind lists its inputs `->` outputs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Kind { $($(#[$doc])* $kind = $code,)* }

        impl Kind {
            /// Every kind, in code order.
            pub const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// The kind of a code.
            pub const fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$kind),)* _ => None }
            }

            /// Snake-case name: shown by `mote inspect`, and the suffix of the guest's kernel export.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Whether a step of this kind may have so many inputs and outputs.
            pub fn accepts(self, inputs: usize, outputs: usize) -> bool {
                match self {
                    $(Self::$kind => ($in_min..=$in_max).contains(&inputs) && ($out_min..=$out_max).contains(&outputs),)*
                }
            }
        }
    };
}

kinds! {
    /// `x [N,H,W,Ci] f32, w packed [ceil(Co/8)][kh*kw*Ci][8], bias [ceil(Co/8)*8], residual? [N,Ho,Wo,Co] -> y [N,Ho,Wo,Co]`.
    /// x, residual and y may have halos. Also every fully connected layer (N=H=1, W=rows).
    Conv = 1, "conv", in 3..=4, out 1..=1;
    /// `x [N,H,W,C] f32, w packed [ceil(C/4)][kh*kw][4], bias [ceil(C/4)*4] -> y [N,Ho,Wo,C]`. Halos allowed.
    Depthwise = 2, "depthwise", in 3..=3, out 1..=1;
    /// `x [N,H,W,Ci] f32, w [Co][kh*kw*Ci/groups], bias [Co] -> y [N,Ho,Wo,Co]`: any group count. Halos allowed.
    ConvGroup = 3, "conv_group", in 3..=3, out 1..=1;
    /// `a [B|1,M,K], b [B|1,K,N] -> y [B,M,N]`, both operands computed; any number type.
    MatMul = 4, "mat_mul", in 2..=2, out 1..=1;
    /// `x [N,H,W,C] f32 -> y [N,Ho,Wo,C]`. Halos allowed.
    Pool = 5, "pool", in 1..=1, out 1..=1;
    /// `x -> y` of the same shape. Halos allowed; y may be x.
    Unary = 6, "unary", in 1..=1, out 1..=1;
    /// `a, b -> y`, numpy broadcasting. Halos allowed; y may be a or b where the shapes are equal.
    Binary = 7, "binary", in 2..=2, out 1..=1;
    /// `condition bool, a, b -> y`, numpy broadcasting.
    Select = 8, "select", in 3..=3, out 1..=1;
    /// `x -> y` with the reduced axes kept as 1. Dense.
    Reduce = 9, "reduce", in 1..=1, out 1..=1;
    /// `x -> y`, softmax or its logarithm along one axis. Dense; f32 or f64.
    Softmax = 10, "softmax", in 1..=1, out 1..=1;
    /// `x -> y`: moves elements between two strided boxes. Any element type; both may have halos.
    Copy = 11, "copy", in 1..=1, out 1..=1;
    /// `-> y`: every byte of the storage, halo included, becomes the repeated element.
    Fill = 12, "fill", in 0..=0, out 1..=1;
    /// `-> y [N,H,W,C]`: zeroes the halo and leaves the elements.
    Halo = 13, "halo", in 0..=0, out 1..=1;
    /// `x -> y` of the same shape and another element type. Dense.
    Cast = 14, "cast", in 1..=1, out 1..=1;
    /// `x, indices i32|i64 -> y`: ONNX Gather along one axis; negative indices count from the end. Dense.
    Gather = 15, "gather", in 2..=2, out 1..=1;
    /// `x, indices i32|i64 -> y`: ONNX GatherElements. Dense.
    GatherElements = 16, "gather_elements", in 2..=2, out 1..=1;
    /// `x, indices i64 -> y`: ONNX GatherND. Dense.
    GatherNd = 17, "gather_nd", in 2..=2, out 1..=1;
    /// `x, indices i64, updates -> y`: ONNX ScatterND. Dense; y may be x.
    ScatterNd = 18, "scatter_nd", in 3..=3, out 1..=1;
    /// `x, indices i32|i64, updates -> y`: ONNX ScatterElements. Dense; y may be x.
    ScatterElements = 19, "scatter_elements", in 3..=3, out 1..=1;
    /// `x f32, low i32 [L], high i32 [L], weight f32 [L] -> y`: `x[low] + (x[high] - x[low]) * weight` along one axis. Dense.
    Lerp = 20, "lerp", in 4..=4, out 1..=1;
    /// `x -> y i64` with the axis kept as 1: position of the extreme element. Dense.
    ArgReduce = 21, "arg_reduce", in 1..=1, out 1..=1;
    /// `x -> y`: running sum along one axis. Dense.
    CumSum = 22, "cum_sum", in 1..=1, out 1..=1;
    /// `x -> values, indices i64`: the k first in order along one axis, k from the output shape. Dense.
    TopK = 23, "top_k", in 1..=1, out 2..=2;
    /// `x [T,B,I], w packed [4H/8 up][I][8], r packed [4H/8 up][H][8], bias [4H up], h0? [B,H], c0? [B,H], peephole? [3H],
    /// lengths? i32 [B], alpha and beta? [3,2] -> y [T,B,H], h [B,H], c [B,H], scratch [B,4H up]`, gates in ONNX order
    /// i o f c; one direction.
    Lstm = 24, "lstm", in 4..=9, out 4..=4;
    /// `x [T,B,I], w packed [3H/8 up][I][8], r packed [3H/8 up][H][8], bias [3H up], recurrent bias [3H up], h0? [B,H],
    /// lengths? i32 [B], alpha and beta? [3,2] -> y [T,B,H], h [B,H], scratch [B,6H up]`, gates in ONNX order z r h; one
    /// direction.
    Gru = 25, "gru", in 5..=8, out 3..=3;
    /// `x [N,H,W,Ci] f32, w [Ci][kh*kw][Co/groups], bias [Co] -> y [N,Ho,Wo,Co]`: transposed convolution. Dense.
    ConvTranspose = 26, "conv_transpose", in 3..=3, out 1..=1;
    /// `x [N,C,D,H,W] -> y i64 [N,C,Do,Ho,Wo]`: row-major position in x of each window's largest element. Dense.
    ArgPool = 30, "arg_pool", in 1..=1, out 1..=1;
    /// `x [N,D,H,W,C] f32, points [N,P,1..3] f32 -> y [N,P,C]`: the image at points, whose coordinates are along W, H, D.
    /// Axes without a coordinate have one pixel. Dense.
    GridSample = 31, "grid_sample", in 2..=2, out 1..=1;
    /// `x [N,H,W,C] f32, regions [R,4] f32 (left, top, right, bottom), images [R] i64 -> y [R,Ho,Wo,C]`: ONNX RoiAlign. Dense.
    RoiAlign = 32, "roi_align", in 3..=3, out 1..=1;
    /// `x [N,H,W,C] f32, regions [R,5] f32 (image, left, top, right, bottom) -> y [R,Ho,Wo,C]`: ONNX MaxRoiPool. Dense.
    MaxRoiPool = 33, "max_roi_pool", in 2..=2, out 1..=1;
    /// `x -> y`: running product along one axis. Dense.
    CumProd = 45, "cum_prod", in 1..=1, out 1..=1;
    /// `x [B,N,N] -> y [B], scratch [N,N]`: determinants. Dense; f32 or f64.
    Det = 46, "det", in 1..=1, out 2..=2;
    /// `x [T,B,I], w packed [H/8 up][I][8], r packed [H/8 up][H][8], bias [H up], h0? [B,H], lengths? i32 [B], alpha and
    /// beta? [3,2] -> y [T,B,H], h [B,H], scratch [H up]`; one direction.
    Rnn = 60, "rnn", in 4..=7, out 3..=3;
    /// `x [B,T,1|2] f32|f64, turns [L,2] -> y [B,K,2], scratch [2,L,2]`: discrete Fourier transform of L points; turns holds
    /// the cosine and minus the sine of `2 pi i / L`. Dense.
    Dft = 70, "dft", in 2..=2, out 2..=2;
    /// `x -> positions i64 [rank,N], count i64 []`: positions of the elements that are not zero. Dense.
    NonZero = 71, "non_zero", in 1..=1, out 2..=2;
    /// `x -> first i64 [N], which i64 [L], counts i64 [N], count i64 [], scratch i64 [L]`: distinct parts along one axis. Dense.
    Unique = 72, "unique", in 1..=1, out 5..=5;
    /// `boxes f32 [B,S,4], scores f32 [B,C,S] -> chosen i64 [N,3], count i64 [], scratch i64 [S]`. Dense.
    NonMaxSuppression = 73, "non_max_suppression", in 2..=2, out 3..=3;
    /// `x i64 -> y`: the same; an element above the limit ends the run. Dense.
    Bound = 74, "bound", in 1..=1, out 1..=1;
    /// `x f32, scale f32, zero? -> y i8|u8|i16|u16`: whole steps from the zero point, which has the type of y. Scale and zero
    /// broadcast to x. Halos allowed.
    Quantize = 80, "quantize", in 2..=3, out 1..=1;
    /// `x i8|u8|i16|u16|i32, scale f32, zero? -> y f32`: the number of each step. Scale and zero (of x's type) broadcast to x.
    /// Halos allowed.
    Dequantize = 81, "dequantize", in 2..=3, out 1..=1;
    /// `x [N,H,W,Ci] i8|u8, w i8 packed [ceil(Co/8)][kh][ceil(kw*Ci/4)][8][4], bias i32 [ceil(Co/8)*8], scale? f32
    /// [ceil(Co/8)*8], x_zero? [1] of x's type, w_zero? i32 [ceil(Co/8)*8] -> y [N,Ho,Wo,Co]`: y i8|u8 and f32 are scaled, i32
    /// are the sums. Also every fully connected layer (N=H=1, W=rows). Halos allowed, never read.
    QConv = 82, "q_conv", in 3..=6, out 1..=1;
    /// Like [`Kind::QConv`], as many groups as channels: `w i8 [ceil(C/4)][kh*kw][4]`, the others padded to a multiple of 4.
    QDepthwise = 83, "q_depthwise", in 3..=6, out 1..=1;
    /// Like [`Kind::QConv`], any group count: `w i8 [Co][kh*kw*Ci/groups]`, the others `[Co]`.
    QConvGroup = 84, "q_conv_group", in 3..=6, out 1..=1;
    /// `x i8|u8, table i8|u8 [256] -> y` of the table's type: `table[x]`, x read as u8. Dense; y may be x.
    Lookup = 85, "lookup", in 2..=2, out 1..=1;
    /// `a, b i8|u8 -> y i8|u8`, numpy broadcasting: sum or product of quantized numbers. Halos allowed; y may be a or b where
    /// shapes and types are equal.
    QBinary = 86, "q_binary", in 2..=2, out 1..=1;
    /// `x [N,H,W,C] i8|u8 -> y i8|u8 [N,Ho,Wo,C]`; the largest keeps x's type and scale. Halos allowed.
    QPool = 87, "q_pool", in 1..=1, out 1..=1;
    /// `x [N,F] f32|f64, rules [M] u32, next [M] u32, values [M], roots [T] u32, targets? [S] u32, scores? [S] -> y [N,targets]`:
    /// decision trees, all floats of one type. Dense.
    Trees = 100, "trees", in 5..=7, out 1..=1;
    /// `x, keys [K] -> y i32`: position of each element among ascending keys of its type, K where it is none of them. Dense.
    Find = 101, "find", in 2..=2, out 1..=1;
    /// `a [N,F] f32|f64, b [M,F] -> y [N,M]`: square Euclidean distances between rows. Dense.
    SquareDistance = 102, "square_distance", in 2..=2, out 1..=1;
    /// `pairs [N, C (C - 1) / 2] f32 -> y [N,C], scratch [C+1,C]`: probabilities of classes from those of the first of each pair
    /// of classes i < j. Dense.
    Couple = 103, "couple", in 1..=1, out 2..=2;
}
