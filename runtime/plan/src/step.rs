//! The steps of a Plan: their kinds, and one parameter struct for each kind.
//!
//! A step reads its input tensors, then writes its output tensors. Optional inputs may be absent. Shapes come from the
//! tensor table; parameters hold only what shapes do not say. What each kind computes, and in which order, is fixed in
//! `kernels/ORDER.md`.

use mote_abi::op;

use crate::bytes::{u16_at, u32_at};
use crate::format::{NONE, STEP_HEAD_BYTES};
use crate::tensor::TensorId;

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

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty,)* }

        impl Params for $name {
            fn read(words: &mut Words<'_>) -> Option<Self> {
                Some(Self { $($field: <$ty as Word>::take(words)?,)* })
            }

            fn write(&self, sink: &mut impl FnMut(u32)) {
                $(self.$field.put(sink);)*
            }
        }
    )*};
}

params! {
    /// Parameters of [`Kind::Conv`], [`Kind::Depthwise`].
    Conv {
        /// Filter height and width.
        kernel: [u32; 2],
        /// Step between output rows and columns, in input pixels.
        stride: [u32; 2],
        /// Distance between filter taps, in input pixels.
        dilation: [u32; 2],
        /// Zero padding above and left of the input; what lies below and right follows from the output shape.
        pad: [u32; 2],
        /// Lower bound of the fused clamp, `-inf` for none.
        low: f32,
        /// Upper bound of the fused clamp, `+inf` for none.
        high: f32,
    }
    /// Parameters of [`Kind::ConvGroup`], [`Kind::ConvTranspose`].
    ConvGroup {
        /// Filter height and width.
        kernel: [u32; 2],
        /// Step between output rows and columns, in input pixels (transposed: between inputs, in output pixels).
        stride: [u32; 2],
        /// Distance between filter taps.
        dilation: [u32; 2],
        /// Zero padding above and left (transposed: output pixels cut off above and left).
        pad: [u32; 2],
        /// Lower bound of the fused clamp, `-inf` for none.
        low: f32,
        /// Upper bound of the fused clamp, `+inf` for none.
        high: f32,
        /// Number of groups; divides both channel counts.
        groups: u32,
    }
    /// Parameters of [`Kind::Pool`].
    Pool {
        /// Window height and width.
        kernel: [u32; 2],
        /// Step between windows.
        stride: [u32; 2],
        /// Distance between window elements.
        dilation: [u32; 2],
        /// Padding above and left.
        pad: [u32; 2],
        /// Padding below and right, which [`op::Pool::AverageWithPadding`] counts.
        pad_end: [u32; 2],
        /// How a window is summarised.
        op: op::Pool,
    }
    /// Parameters of [`Kind::ArgPool`], each along depth, height and width.
    ArgPool {
        /// Elements of the window.
        kernel: [u32; 3],
        /// Step between windows.
        stride: [u32; 3],
        /// Distance between window elements.
        dilation: [u32; 3],
        /// Padding before the input; its elements are never the largest.
        pad: [u32; 3],
    }
    /// Parameters of [`Kind::GridSample`].
    GridSample {
        /// How a value between pixels is found.
        filter: op::Filter,
        /// What lies outside the image.
        outside: op::Outside,
        /// What the coordinates count.
        coordinates: op::Coordinates,
    }
    /// Parameters of [`Kind::RoiAlign`].
    RoiAlign {
        /// 1 takes the largest weighted sample of a cell, 0 their mean.
        max: u32,
        /// 1 where the first pixel's centre lies at 1/2, 0 where it lies at 0 and regions are at least one pixel large.
        half_pixel: u32,
        /// Samples of a cell along each axis, at most 64; 0 takes as many as it has pixels.
        samples: u32,
        /// Pixels per unit of the regions' coordinates.
        scale: f32,
    }
    /// Parameters of [`Kind::MaxRoiPool`].
    MaxRoiPool {
        /// Pixels per unit of the regions' coordinates.
        scale: f32,
    }
    /// Parameters of [`Kind::Unary`].
    Unary {
        /// The function.
        op: op::Unary,
        /// First parameter of the function.
        alpha: f32,
        /// Second parameter of the function.
        beta: f32,
    }
    /// Parameters of [`Kind::Binary`].
    Binary {
        /// The function.
        op: op::Binary,
    }
    /// Parameters of [`Kind::Reduce`].
    Reduce {
        /// The reduction.
        op: op::Reduce,
        /// Bit i is set where axis i is reduced.
        axes: u32,
    }
    /// Parameters of [`Kind::Softmax`].
    Softmax {
        /// The axis along which the elements sum to 1.
        axis: u32,
        /// 1 for log-softmax, else 0.
        log: u32,
    }
    /// Parameters of [`Kind::Copy`]: two boxes of equal extents. Offsets and strides in elements, counted from the first
    /// stored element of either tensor.
    Copy {
        /// Number of axes in use.
        rank: u32,
        /// Elements along each axis; unused axes are 1.
        extent: [u32; 8],
        /// Where reading begins.
        from: u32,
        /// Step along each axis of the source; 0 repeats, negative reverses.
        from_stride: [i32; 8],
        /// Where writing begins.
        to: u32,
        /// Step along each axis of the destination.
        to_stride: [i32; 8],
    }
    /// Parameters of [`Kind::Fill`].
    Fill {
        /// The element in its own type, little-endian, in the low bytes of two words.
        element: [u32; 2],
    }
    /// Parameters of every kind that works along one axis and has nothing else to say: [`Kind::Gather`],
    /// [`Kind::GatherElements`], [`Kind::Lerp`].
    Axis {
        /// The axis.
        axis: u32,
    }
    /// Parameters of [`Kind::GatherNd`].
    GatherNd {
        /// Leading dimensions shared by data and indices.
        batch_dims: u32,
    }
    /// Parameters of [`Kind::ScatterNd`] and [`Kind::ScatterElements`] (which alone has an axis).
    Scatter {
        /// The axis; 0 for ScatterND.
        axis: u32,
        /// 0 replaces; else the code of [`op::Binary`] Add, Mul, Max or Min.
        reduction: u32,
    }
    /// Parameters of [`Kind::ArgReduce`].
    ArgReduce {
        /// The axis.
        axis: u32,
        /// 1 looks for the largest, 0 for the smallest.
        max: u32,
        /// 1 answers the last of equal extremes, 0 the first.
        last: u32,
    }
    /// Parameters of [`Kind::CumSum`] and [`Kind::CumProd`].
    CumSum {
        /// The axis.
        axis: u32,
        /// 1 leaves the element itself out.
        exclusive: u32,
        /// 1 runs from the end.
        reverse: u32,
    }
    /// Parameters of [`Kind::TopK`].
    TopK {
        /// The axis.
        axis: u32,
        /// 1 takes the largest, 0 the smallest.
        largest: u32,
    }
    /// Parameters of [`Kind::Dft`].
    Dft {
        /// 1 goes from frequencies to time and divides by the length.
        inverse: u32,
    }
    /// Parameters of [`Kind::Unique`].
    Unique {
        /// The axis.
        axis: u32,
        /// 1 numbers distinct parts in ascending order, 0 as they are met.
        sorted: u32,
    }
    /// Parameters of [`Kind::NonMaxSuppression`].
    Suppression {
        /// Most boxes kept per batch and class.
        per_class: u32,
        /// Largest intersection over union that is kept.
        iou: f32,
        /// Boxes with a score above this are looked at; all are where it is NaN.
        score: f32,
        /// 1 for boxes of center and size, 0 for two corners.
        center: u32,
    }
    /// Parameters of [`Kind::Bound`].
    Bound {
        /// The limit.
        limit: u32,
    }
    /// Parameters of [`Kind::Trees`].
    Trees {
        /// How the scores of a target meet.
        aggregate: op::Aggregate,
        /// Most splits between a root and a leaf.
        depth: u32,
    }
    /// Parameters of [`Kind::Lstm`] and [`Kind::Gru`].
    /// Parameters of [`Kind::Lstm`], [`Kind::Gru`] and [`Kind::Rnn`].
    Recurrent {
        /// 1 runs from the last time step to the first.
        reverse: u32,
        /// Bound on the absolute value of gate inputs, `+inf` for none.
        clip: f32,
        /// GRU: 1 multiplies the reset gate after the recurrent product. LSTM: 1 forgets one minus the input gate. Else 0.
        variant: u32,
        /// Codes of [`op::Unary`] of the gate functions: LSTM f g h, GRU f g, RNN f (others unused).
        activations: [u32; 3],
    }
    /// Parameters of [`Kind::QConv`], [`Kind::QDepthwise`], [`Kind::QConvGroup`].
    QConv {
        /// Filter height and width.
        kernel: [u32; 2],
        /// Step between output rows and columns, in input pixels.
        stride: [u32; 2],
        /// Distance between filter taps, in input pixels.
        dilation: [u32; 2],
        /// Padding above and left of the input, of its zero point.
        pad: [u32; 2],
        /// Number of groups; divides both channel counts.
        groups: u32,
        /// Zero point of x, where it is no operand.
        x_zero: i32,
        /// Zero point of an 8-bit y.
        y_zero: i32,
        /// Smallest integer of an 8-bit y.
        low: i32,
        /// Largest integer of an 8-bit y.
        high: i32,
    }
    /// Parameters of [`Kind::QBinary`].
    QBinary {
        /// [`op::Binary::Add`] or [`op::Binary::Mul`].
        op: op::Binary,
        /// Steps of y in one of a; of a product, in one of a times one of b.
        a_scale: f32,
        /// Steps of y in one of b; unused by a product.
        b_scale: f32,
        /// Zero point of a.
        a_zero: i32,
        /// Zero point of b.
        b_zero: i32,
        /// Zero point of y.
        y_zero: i32,
        /// Smallest integer of y.
        low: i32,
        /// Largest integer of y.
        high: i32,
    }
    /// Parameters of [`Kind::QPool`].
    QPool {
        /// Window height and width.
        kernel: [u32; 2],
        /// Step between windows.
        stride: [u32; 2],
        /// Distance between window elements.
        dilation: [u32; 2],
        /// Padding above and left.
        pad: [u32; 2],
        /// Padding below and right, which [`op::Pool::AverageWithPadding`] counts.
        pad_end: [u32; 2],
        /// How a window is summarised.
        op: op::Pool,
        /// Steps of y in one of x.
        scale: f32,
        /// Zero point of x.
        x_zero: i32,
        /// Zero point of y.
        y_zero: i32,
        /// Smallest integer of y.
        low: i32,
        /// Largest integer of y.
        high: i32,
    }
}

/// Parameters of one kind, stored as little-endian 32-bit words in field order.
pub trait Params: Sized {
    /// Takes the fields from the words.
    fn read(words: &mut Words<'_>) -> Option<Self>;
    /// Hands the fields on as words.
    fn write(&self, sink: &mut impl FnMut(u32));
}

/// The words of a step's parameters, front to back.
pub struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Option<u32> {
        let word = u32_at(self.0, 0)?;
        self.0 = &self.0[4..];
        Some(word)
    }
}

trait Word: Sized {
    fn take(words: &mut Words<'_>) -> Option<Self>;
    fn put(&self, sink: &mut impl FnMut(u32));
}

impl Word for u32 {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        words.next()
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        sink(*self);
    }
}

impl Word for i32 {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        words.next().map(u32::cast_signed)
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        sink(self.cast_unsigned());
    }
}

impl Word for f32 {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        words.next().map(Self::from_bits)
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        sink(self.to_bits());
    }
}

impl<T: Word + Clone + Default, const N: usize> Word for [T; N] {
    fn take(words: &mut Words<'_>) -> Option<Self> {
        let mut all = core::array::from_fn(|_| T::default());
        for item in &mut all {
            *item = T::take(words)?;
        }
        Some(all)
    }
    fn put(&self, sink: &mut impl FnMut(u32)) {
        for item in self {
            item.put(sink);
        }
    }
}

macro_rules! code_words {
    ($($ty:ty),*) => {$(
        impl Word for $ty {
            fn take(words: &mut Words<'_>) -> Option<Self> {
                Self::from_code(words.next()?)
            }
            fn put(&self, sink: &mut impl FnMut(u32)) {
                sink(self.code());
            }
        }
    )*};
}

code_words!(op::Unary, op::Binary, op::Reduce, op::Pool, op::Aggregate, op::Filter, op::Outside, op::Coordinates);

/// One step record, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What it computes.
    pub kind: Kind,
    inputs: &'a [u8],
    outputs: &'a [u8],
    params: &'a [u8],
}

impl<'a> Step<'a> {
    /// Reads the record that starts at the first byte. Later bytes are ignored.
    pub fn read(record: &'a [u8]) -> Option<Self> {
        let kind = Kind::from_code(u16_at(record, 0)?)?;
        let (inputs, outputs) = (usize::from(*record.get(2)?), usize::from(*record.get(3)?));
        if !kind.accepts(inputs, outputs) {
            return None;
        }
        let body = record.get(STEP_HEAD_BYTES as usize..)?;
        let (inputs, body) = body.split_at_checked(4 * inputs)?;
        let (outputs, body) = body.split_at_checked(4 * outputs)?;
        let params = body.get(..u32_at(record, 4)? as usize)?;
        Some(Self { kind, inputs, outputs, params })
    }

    /// Bytes of the record.
    pub fn len_bytes(&self) -> u32 {
        STEP_HEAD_BYTES + (self.inputs.len() + self.outputs.len() + self.params.len()) as u32
    }

    /// The i-th input, or `None` where it is absent.
    pub fn input(&self, i: usize) -> Option<TensorId> {
        id_at(self.inputs, i)
    }

    /// The i-th output, or `None` where it is absent.
    pub fn output(&self, i: usize) -> Option<TensorId> {
        id_at(self.outputs, i)
    }

    /// Every present input, in order.
    pub fn inputs(&self) -> impl Iterator<Item = TensorId> + use<'a> {
        ids(self.inputs)
    }

    /// Every present output, in order.
    pub fn outputs(&self) -> impl Iterator<Item = TensorId> + use<'a> {
        ids(self.outputs)
    }

    /// The parameters as the struct of this kind. `None` where words are missing, left over or out of range.
    pub fn params<P: Params>(&self) -> Option<P> {
        let mut words = Words(self.params);
        let params = P::read(&mut words)?;
        words.0.is_empty().then_some(params)
    }
}

fn id_at(ids: &[u8], i: usize) -> Option<TensorId> {
    u32_at(ids, 4 * i).filter(|&id| id != NONE).map(TensorId)
}

fn ids(raw: &[u8]) -> impl Iterator<Item = TensorId> + '_ {
    (0..raw.len() / 4).filter_map(|i| id_at(raw, i))
}
