//! The parameters of each kind.

use mote_abi::op;

#[cfg(doc)]
use super::Kind;
use super::words::{Params, Word, Words};

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
