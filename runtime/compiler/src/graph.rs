//! The typed operator graph between import and lowering. Shapes are static, every value knows its type, nodes stand in
//! an order in which each input is made before it is read.
//!
//! Images are `[N, H, W, C]` here: an importer of another layout puts [`Op::Transpose`] around convolutions and pools,
//! and the passes make most of them vanish.

mod quantized;

use std::collections::BTreeMap;
use std::sync::Arc;

use mote_abi::DType;
use mote_abi::op::{Aggregate, Binary, Coordinates, Filter, Outside, Pool, Reduce, Unary};

pub use quantized::{QBinary, QConv, QPool, Quantized, Steps};

/// Index in [`Graph::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// A model as operators over values.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Every value, by id.
    pub values: Vec<Value>,
    /// Every node, each after the makers of its inputs.
    pub nodes: Vec<Node>,
    /// Values that a caller provides, in the model's order.
    pub inputs: Vec<ValueId>,
    /// Values that a caller reads, in the model's order.
    pub outputs: Vec<ValueId>,
    /// Every string that the model names.
    pub words: Vec<String>,
    /// Names of inputs and outputs that are strings: indices in `words`, -1 for any other string.
    pub texts: Vec<String>,
    /// Names of inputs and outputs that stand for maps, and their keys.
    pub columns: Vec<(String, Vec<String>)>,
    /// f32 constants that a file stores as integers.
    pub quantized: BTreeMap<ValueId, Quantized>,
}

/// One tensor: provided, constant or computed.
#[derive(Clone, Debug)]
pub struct Value {
    /// Name in the source model; unique for inputs and outputs, else for messages only.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Shape, outermost first.
    pub dims: Vec<usize>,
    /// Little-endian row-major elements of a constant.
    pub data: Option<Arc<[u8]>>,
}

/// One operator application.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name of the source node, for messages.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// Operands; `None` where an optional one is absent.
    pub inputs: Vec<Option<ValueId>>,
    /// Results.
    pub outputs: Vec<ValueId>,
}

/// Sliding window of a convolution or pool over `[N, H, W, C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Step between outputs, in input pixels.
    pub stride: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Zero padding above, left, below, right.
    pub pad: [usize; 4],
}

/// Sliding window over `[N, C, D, H, W]`; triples are along depth, height and width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volume {
    /// Elements of the window.
    pub kernel: [usize; 3],
    /// Step between windows.
    pub stride: [usize; 3],
    /// Distance between elements of the window.
    pub dilation: [usize; 3],
    /// Padding before the input.
    pub pad: [usize; 3],
}

/// Bounds of a fused clamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    /// Lower bound, `-inf` for none.
    pub low: f32,
    /// Upper bound, `+inf` for none.
    pub high: f32,
}

impl Clamp {
    /// No bound.
    pub const NONE: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY };
}

/// What a node computes. Operands are listed as `inputs -> outputs`; a trailing `?` marks an optional one.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// `x [N,H,W,Ci] f32, w [Co,kh,kw,Ci/groups] constant, bias? [Co] constant, residual? [N,Ho,Wo,Co] -> y [N,Ho,Wo,Co]`.
    /// A product with a constant matrix is a 1x1 convolution of `[1, 1, rows, K]`.
    Conv {
        /// The window.
        window: Window,
        /// Number of groups.
        groups: usize,
        /// Applied last.
        clamp: Clamp,
    },
    /// `x [N,H,W,Ci] f32, w [Ci,kh,kw,Co/groups] constant, bias? [Co] constant -> y [N,Ho,Wo,Co]`; `pad` is cut off the output.
    ConvTranspose {
        /// The window.
        window: Window,
        /// Number of groups.
        groups: usize,
    },
    /// `a [..,M,K], b [..,K,N] -> y [..,M,N]`, leading dimensions broadcast, ranks of at least 2.
    MatMul,
    /// `x [N,H,W,C] f32|f64 -> y`. The output shape says whether the last window reaches into the padding.
    Pool {
        /// The window.
        window: Window,
        /// How it is summarised.
        op: Pool,
    },
    /// `x [N,C,D,H,W] -> y i64 [N,C,Do,Ho,Wo]`: position in x, row-major, of the largest element of each window.
    ArgPool(Volume),
    /// `x [N,D,H,W,C] f32, points [N,P,1..3] f32 -> y [N,P,C]`: the image at points, coordinates along W, H, D.
    GridSample {
        /// How a value between pixels is found.
        filter: Filter,
        /// What lies outside the image.
        outside: Outside,
        /// What the coordinates count.
        coordinates: Coordinates,
    },
    /// `x [N,H,W,C] f32, regions [R,4] f32, images [R] i64 -> y [R,Ho,Wo,C]`.
    RoiAlign {
        /// The largest sample of a cell instead of their mean.
        max: bool,
        /// Whether the first pixel's centre lies at 1/2.
        half_pixel: bool,
        /// Samples of a cell along each axis; 0 takes as many as it has pixels.
        samples: u32,
        /// Pixels per unit of the regions' coordinates.
        scale: f32,
    },
    /// `x [N,H,W,C] f32, regions [R,5] f32 -> y [R,Ho,Wo,C]`.
    MaxRoiPool {
        /// Pixels per unit of the regions' coordinates.
        scale: f32,
    },
    /// `x -> y`.
    Unary {
        /// The function.
        op: Unary,
        /// First parameter.
        alpha: f32,
        /// Second parameter.
        beta: f32,
    },
    /// `a, b -> y`, numpy broadcasting, equal types.
    Binary(Binary),
    /// `condition bool, a, b -> y`, numpy broadcasting.
    Select,
    /// `x -> y`, reduced axes kept as 1.
    Reduce {
        /// The reduction.
        op: Reduce,
        /// Ascending axes.
        axes: Vec<usize>,
    },
    /// `x f32|f64 -> y`.
    Softmax {
        /// The axis.
        axis: usize,
        /// Logarithm of the softmax.
        log: bool,
    },
    /// `x -> y`: axis i of y is axis `perm[i]` of x.
    Transpose {
        /// The permutation.
        perm: Vec<usize>,
    },
    /// `x -> y` with the same elements in the same order.
    Reshape,
    /// `x -> y`: index `start + i * step` along each axis.
    Slice {
        /// First index per axis.
        start: Vec<usize>,
        /// Step per axis; negative runs backwards.
        step: Vec<isize>,
    },
    /// `x0, x1, .. -> y`.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// `x -> y`: surrounded by one value.
    Pad {
        /// Elements before, per axis; what comes after follows from the output shape.
        before: Vec<usize>,
        /// The element, little-endian, as many bytes as the type has.
        value: Vec<u8>,
    },
    /// `x -> y`, numpy broadcast to the output shape.
    Expand,
    /// `x, indices i32|i64 -> y`.
    Gather {
        /// The axis.
        axis: usize,
    },
    /// `x, indices i32|i64 -> y`.
    GatherElements {
        /// The axis.
        axis: usize,
    },
    /// `x, indices i64 -> y`.
    GatherNd {
        /// Leading dimensions shared by data and indices.
        batch_dims: usize,
    },
    /// `x, indices i64, updates -> y`.
    ScatterNd {
        /// How an update meets the element; `None` replaces it.
        reduction: Option<Binary>,
    },
    /// `x, indices i32|i64, updates -> y`.
    ScatterElements {
        /// The axis.
        axis: usize,
        /// How an update meets the element; `None` replaces it.
        reduction: Option<Binary>,
    },
    /// `x f32, low i32 [L] constant, high i32 [L] constant, weight f32 [L] constant -> y`.
    Lerp {
        /// The axis.
        axis: usize,
    },
    /// `x -> y` of the output's type.
    Cast,
    /// `x -> y`: the same bits as another type of equal size.
    BitCast,
    /// `x -> y i64`, axis kept as 1.
    ArgReduce {
        /// The axis.
        axis: usize,
        /// Largest rather than smallest.
        max: bool,
        /// Last of equals rather than first.
        last: bool,
    },
    /// `x -> y`.
    CumSum {
        /// The axis.
        axis: usize,
        /// Leaves the element itself out.
        exclusive: bool,
        /// Runs from the end.
        reverse: bool,
    },
    /// `x -> y`.
    CumProd {
        /// The axis.
        axis: usize,
        /// Leaves the element itself out.
        exclusive: bool,
        /// Runs from the end.
        reverse: bool,
    },
    /// `x [B,N,N] f32|f64 -> y [B]`: determinants.
    Det,
    /// `x -> values, indices i64`; k is in the output shape.
    TopK {
        /// The axis.
        axis: usize,
        /// Largest rather than smallest.
        largest: bool,
    },
    /// `x [B,T,1|2], turns [L,2] constant -> y [B,K,2], scratch [2,L,2]`: discrete Fourier transform of L points of real
    /// numbers, or of real and imaginary parts. Lines are cut or filled with zeros; the first K results stay. Turns are the
    /// cosine and minus the sine of `2 pi i / L`.
    Dft {
        /// From frequencies to time, divided by the length.
        inverse: bool,
    },
    /// `x -> y` with one axis of `x` cut into overlapping parts: `[.., (L), ..] -> [.., frames, len, ..]`.
    Frames {
        /// The axis.
        axis: usize,
        /// From the beginning of one part to that of the next.
        step: usize,
    },
    /// `x -> positions i64 [rank, N], count i64`: positions of the elements that are not zero, in order. The count may
    /// exceed N.
    NonZero,
    /// `x -> first i64 [N], which i64 [L], counts i64 [N], count i64, scratch i64 [L]`: distinct parts along an axis of L:
    /// where each was first, which one each part is, how often each occurs. The count may exceed N.
    Unique {
        /// The axis.
        axis: usize,
        /// In ascending rather than first-seen order.
        sorted: bool,
    },
    /// `boxes f32 [B,S,4], scores f32 [B,C,S] -> chosen i64 [N,3], count i64, scratch i64 [S]`. The count may exceed N.
    NonMaxSuppression(Suppression),
    /// `x i64 -> y`: the same, and the end of the run where an element exceeds the limit.
    Bound {
        /// The limit.
        limit: usize,
    },
    /// `x [T,B,I], w [4H,I], r [4H,H], bias [4H] (sum of both), h0? [B,H], c0? [B,H], peephole? [3H], lengths? i32 [B],
    /// alpha and beta? [3,2] constant -> y [T,B,H], h [B,H], c [B,H]`: one direction, gates i o f c. Weights and biases
    /// are constant, or computed and then packed as the kernel wants them: `[4H/8 up,K,8]` and `[4H up]`.
    Lstm(Recurrent),
    /// `x [T,B,I], w [3H,I], r [3H,H], bias [3H], recurrent bias [3H], h0? [B,H], lengths? i32 [B], alpha and beta? [3,2]
    /// constant -> y [T,B,H], h [B,H]`: one direction, gates z r h. Weights as for [`Op::Lstm`].
    Gru(Recurrent),
    /// `x [T,B,I], w [H,I], r [H,H], bias [H] (sum of both), h0? [B,H], lengths? i32 [B], alpha and beta? [3,2] constant
    /// -> y [T,B,H], h [B,H]`: one direction. Weights as for [`Op::Lstm`].
    Rnn(Recurrent),
    /// `x f32, scale f32, zero? of y's type -> y i8|u8|i16|u16`; scale and zero broadcast to x.
    Quantize,
    /// `x i8|u8|i16|u16|i32, scale f32, zero? of x's type -> y f32`; scale and zero broadcast to x.
    Dequantize,
    /// `x [N,H,W,Ci] i8|u8, w [Co,kh,kw,Ci/groups] i8 constant, bias? [Co] i32 constant, scale? [Co] f32 constant, x_zero? [1]
    /// of x's type, w_zero? [Co] i32 constant -> y [N,Ho,Wo,Co]`: i8 or u8 and f32 are scaled, i32 are the sums.
    QConv(QConv),
    /// `x i8|u8, table [256] constant -> y` of the table's type: `table[x]`, x read as u8.
    Lookup,
    /// `a i8|u8, b i8|u8 -> y i8|u8`, numpy broadcasting.
    QBinary(QBinary),
    /// `x [N,H,W,C] i8|u8 -> y i8|u8`: an average; the largest of 8-bit numbers is a [`Op::Pool`].
    QPool(QPool),
    /// `x [N,F] f32|f64, rules u32, next u32, values, roots u32, targets? u32, scores? -> y [N,targets]`: decision trees, all
    /// but x constant, as [`mote_plan::Kind::Trees`] takes them.
    Trees {
        /// How the scores of a target meet.
        aggregate: Aggregate,
        /// Most splits between a root and a leaf.
        depth: usize,
    },
    /// `x, keys [K] ascending -> y i32`: position of each element among the keys, K where it is none of them.
    Find,
    /// `a [N,F], b [M,F] -> y [N,M]`: square Euclidean distances between rows, f32 or f64.
    SquareDistance,
    /// `pairs [N, C (C - 1) / 2] f32 -> y [N,C]`: probabilities of classes from those of the first of each pair of them.
    Couple,
}

/// Settings of non-maximum suppression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppression {
    /// Most boxes kept per batch and class.
    pub per_class: usize,
    /// A box that overlaps a better one by more than this is dropped.
    pub iou: f32,
    /// A box is looked at where its score is above this, if there is such a limit.
    pub score: Option<f32>,
    /// Boxes are center and size rather than two corners.
    pub center: bool,
}

/// Settings of a recurrent operator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrent {
    /// From the last time step to the first.
    pub reverse: bool,
    /// Bound on the absolute value of gate inputs, `+inf` for none.
    pub clip: f32,
    /// GRU: the reset gate multiplies after the recurrent product. LSTM: the forget gate is one minus the input gate.
    pub variant: bool,
    /// Gate functions: LSTM f g h, GRU f g, RNN f (others unused).
    pub activations: [Unary; 3],
}

impl Graph {
    /// The value of an id.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// Adds a value and answers its id.
    pub fn add_value(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(u32::try_from(self.values.len() - 1).expect("fewer than 2^32 values"))
    }

    /// Adds a computed value.
    pub fn computed(&mut self, name: impl Into<String>, dtype: DType, dims: Vec<usize>) -> ValueId {
        self.add_value(Value { name: name.into(), dtype, dims, data: None })
    }

    /// Adds a constant.
    pub fn constant(
        &mut self,
        name: impl Into<String>,
        dtype: DType,
        dims: Vec<usize>,
        data: impl Into<Arc<[u8]>>,
    ) -> ValueId {
        self.add_value(Value { name: name.into(), dtype, dims, data: Some(data.into()) })
    }

    /// Appends a node with one output and answers that output.
    pub fn node(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[Option<ValueId>],
        dtype: DType,
        dims: Vec<usize>,
    ) -> ValueId {
        let name = name.into();
        let output = self.computed(name.clone(), dtype, dims);
        self.nodes.push(Node { name, op, inputs: inputs.to_vec(), outputs: vec![output] });
        output
    }
}

impl Value {
    /// Number of elements.
    pub fn count(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether the value is known while compiling.
    pub fn is_constant(&self) -> bool {
        self.data.is_some()
    }
}
