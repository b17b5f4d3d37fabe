//! What a step costs: multiply-accumulates, and an upper bound on scalar operations by which a host refuses a model that
//! cannot meet its deadline.

use mote_abi::op;
use mote_plan::{Kind, Plan, Tensor};

use super::draft::{Draft, Params, Step};

/// Scalar operations of one transcendental function: exponential and quotient polynomials stay below it.
const TRANSCENDENTAL: u64 = 40;
/// Operations per gate and state element of a recurrent cell: activations, products, sums.
const CELL: u64 = 4 * TRANSCENDENTAL;

/// Rounds after which the coupling of probabilities ends.
const COUPLING_ROUNDS: u64 = 100;

/// Multiply-accumulates of one step of a Plan; its entry states their sum.
pub fn macs(plan: &Plan<'_>, step: &mote_plan::Step<'_>) -> u64 {
    let input = |i: usize| step.input(i).and_then(|id| plan.tensor(id));
    let output = step.output(0).and_then(|id| plan.tensor(id));
    products(step.kind, input(0).as_ref(), input(1).as_ref(), output.as_ref())
}

/// Multiply-accumulates by the shapes of input, weights and output. The packed weights' second dimension is the
/// reduction.
fn products(kind: Kind, x: Option<&Tensor>, w: Option<&Tensor>, y: Option<&Tensor>) -> u64 {
    match kind {
        Kind::Conv | Kind::Depthwise | Kind::ConvGroup | Kind::QConv | Kind::QDepthwise | Kind::QConvGroup => {
            count(y) * dim(w, 1)
        }
        Kind::ConvTranspose => count(x) * dim(w, 1) * dim(w, 2),
        Kind::MatMul => count(y) * dim(x, 2),
        Kind::Lstm | Kind::Gru | Kind::Rnn => {
            let hidden = dim(y, 2);
            rows(x) * gates(kind) * hidden * (dim(x, 2) + hidden)
        }
        _ => 0,
    }
}

/// Multiply-accumulates and scalar operations of one step; a multiply-accumulate counts as two operations.
pub(super) fn cost(draft: &Draft, step: &Step) -> (u64, u64) {
    let spec = |id: Option<super::draft::TensorRef>| id.map(|id| &draft.tensor(id).spec);
    let input = |i: usize| spec(step.inputs.get(i).copied().flatten());
    let (x, w) = (input(0), input(1));
    let y = spec(step.outputs.first().copied());
    let (read, written) = (count(x), count(y));
    let stored = y.map_or(0, |y| u64::from(y.bytes / y.dtype.size()));
    let macs = products(step.kind, x, w, y);
    let ops = match step.kind {
        // Bias, residual and both bounds of the clamp.
        Kind::Conv | Kind::Depthwise | Kind::ConvGroup | Kind::MatMul => 2 * macs + 4 * written,
        // Zero points are taken off both factors; then scale, both bounds, rounding and the zero point.
        Kind::QConv | Kind::QDepthwise | Kind::QConvGroup => 4 * macs + 8 * written,
        Kind::ConvTranspose => 2 * macs + written,
        Kind::Lstm | Kind::Gru | Kind::Rnn => 2 * macs + rows(x) * dim(y, 2) * gates(step.kind) * CELL,
        Kind::Pool => match step.params {
            Params::Pool(p) => written * (2 * u64::from(p.kernel[0]) * u64::from(p.kernel[1]) + 1),
            _ => written,
        },
        Kind::QPool => match step.params {
            Params::QPool(p) => written * (3 * u64::from(p.kernel[0]) * u64::from(p.kernel[1]) + 9),
            _ => written,
        },
        Kind::Quantize => 8 * written,
        Kind::Dequantize => 3 * written,
        Kind::Lookup => written,
        Kind::QBinary => 12 * written,
        Kind::ArgPool => match step.params {
            Params::ArgPool(p) => written * (3 * p.kernel.iter().fold(1, |n: u64, &k| n.saturating_mul(k.into())) + 4),
            _ => written,
        },
        Kind::GridSample => grid_cost(w, &step.params) * count(w) + written * 3 * grid_taps(w, &step.params),
        Kind::RoiAlign => written * 12 * samples(x, y, &step.params) + count(w),
        // Neighbouring cells share a row and a column at most.
        Kind::MaxRoiPool => dim(y, 0) * dim(y, 3) * 3 * (dim(x, 1) + 2 * dim(y, 1)) * (dim(x, 2) + 2 * dim(y, 2)),
        Kind::Unary => written * unary_cost(&step.params),
        Kind::Binary => written * binary_cost(&step.params),
        Kind::Reduce => 2 * (read + written) + read * reduction_cost(&step.params),
        Kind::Softmax => written * (TRANSCENDENTAL + 6),
        Kind::Select | Kind::Cast | Kind::Copy | Kind::Gather | Kind::GatherElements | Kind::GatherNd | Kind::Bound => {
            2 * written
        }
        Kind::Fill | Kind::Halo => stored,
        Kind::ScatterNd | Kind::ScatterElements => written + 3 * count(input(2)),
        Kind::Lerp => 4 * written,
        Kind::Dft => {
            let len = dim(w, 0);
            let products = len * factor_sum(len);
            dim(x, 0) * (8 * products + 6 * len)
        }
        Kind::NonZero => read * (2 + 2 * x.map_or(1, |x| x.dims().len()) as u64),
        Kind::Unique => {
            let parts = count(spec(step.outputs.get(1).copied())).max(1);
            // Every comparison may look at a whole part.
            2 * (read + parts) * (u64::from(parts.ilog2()) + 2) * 2
        }
        Kind::NonMaxSuppression => {
            let (lists, spatial) = (dim(w, 0) * dim(w, 1), dim(w, 2).max(2));
            let kept = if let Params::Suppression(p) = step.params { u64::from(p.per_class) } else { spatial };
            lists * spatial * (8 * (u64::from(spatial.ilog2()) + 1) + 30 * kept)
        }
        Kind::Trees => trees_cost(&step.params, dim(x, 0), count(input(4)), dim(y, 1)),
        Kind::SquareDistance => 3 * written * dim(x, 1) + written,
        Kind::Couple => written * (COUPLING_ROUNDS + 1) * (6 * dim(y, 1) + 12),
        Kind::Find => read * (u64::from(count(w).max(1).ilog2()) + 2) * 6,
        Kind::ArgReduce | Kind::CumSum | Kind::CumProd => 2 * read,
        // Each element is reduced by at most every row above it.
        Kind::Det => 3 * read * (dim(x, 2) + 1),
        Kind::TopK => read * (u64::from(read.max(2).ilog2()) + 1) * 4 + read * selected(x, y),
    };
    (macs, ops)
}

fn count(tensor: Option<&Tensor>) -> u64 {
    tensor.map_or(0, |tensor| u64::from(tensor.count()))
}

fn dim(tensor: Option<&Tensor>, axis: usize) -> u64 {
    tensor.and_then(|tensor| tensor.dims().get(axis)).map_or(1, |&dim| u64::from(dim))
}

/// Time steps of every sequence of the batch.
fn rows(x: Option<&Tensor>) -> u64 {
    dim(x, 0) * dim(x, 1)
}

fn gates(kind: Kind) -> u64 {
    match kind {
        Kind::Lstm => 4,
        Kind::Gru => 3,
        _ => 1,
    }
}

/// Elements that TopK keeps per line: an insertion sort compares each element with at most so many.
fn selected(x: Option<&Tensor>, y: Option<&Tensor>) -> u64 {
    let (Some(x), Some(y)) = (x, y) else { return 1 };
    let differs = x.dims().iter().zip(y.dims()).find(|(x, y)| x != y);
    differs.map_or_else(|| x.dims().iter().copied().max().unwrap_or(1), |(_, &kept)| kept).into()
}

/// Sum of the prime factors of a transform's length: its products per element.
pub(crate) fn factor_sum(len: u64) -> u64 {
    let (mut left, mut factor, mut sum) = (len, 2, 0);
    while left > 1 {
        if factor * factor > left {
            factor = left;
        }
        if left.is_multiple_of(factor) {
            left /= factor;
            sum += factor;
        } else {
            factor += 1;
        }
    }
    sum
}

/// Pixels that a point mixes at most.
fn grid_taps(points: Option<&Tensor>, params: &Params) -> u64 {
    let Params::GridSample(params) = params else { return 1 };
    let along: u64 = match params.filter {
        op::Filter::Nearest => 1,
        op::Filter::Linear => 2,
        op::Filter::Cubic => 4,
    };
    along.pow(dim(points, 2) as u32)
}

/// Operations of one coordinate: its pixels and their weights.
fn grid_cost(points: Option<&Tensor>, params: &Params) -> u64 {
    2 * TRANSCENDENTAL + grid_taps(points, params)
}

/// Samples of a cell at most: where their number follows from a region, that is twice as large as the image at most.
fn samples(x: Option<&Tensor>, y: Option<&Tensor>, params: &Params) -> u64 {
    let Params::RoiAlign(params) = params else { return 1 };
    let along = |axis: usize| match params.samples {
        0 => 2 * (dim(x, axis) + 1) / dim(y, axis) + 1,
        samples => samples.into(),
    };
    along(1) * along(2)
}

fn unary_cost(params: &Params) -> u64 {
    use op::Unary::{
        Abs, Affine, BitwiseNot, Ceil, Clamp, Floor, HardSigmoid, HardSwish, IsInf, IsNan, LeakyRelu, Neg, Not,
        Reciprocal, Round, Shrink, Sign, Softsign, Sqrt, ThresholdedRelu,
    };
    let Params::Unary(params) = params else { return 1 };
    match params.op {
        Abs | Neg | Not | BitwiseNot | Ceil | Floor | Round | Sqrt | Reciprocal | IsNan => 1,
        Sign | Affine | Clamp | LeakyRelu | HardSigmoid | HardSwish | Softsign | ThresholdedRelu | Shrink | IsInf => 5,
        _ => 2 * TRANSCENDENTAL,
    }
}

fn binary_cost(params: &Params) -> u64 {
    let Params::Binary(params) = params else { return 1 };
    match params.op {
        op::Binary::Pow => 3 * TRANSCENDENTAL,
        op::Binary::Mod | op::Binary::Fmod => TRANSCENDENTAL,
        op::Binary::Div | op::Binary::PRelu | op::Binary::Max | op::Binary::Min => 3,
        _ => 1,
    }
}

/// Every tree goes down to its deepest leaf, which scores every target.
fn trees_cost(params: &Params, rows: u64, trees: u64, targets: u64) -> u64 {
    let Params::Trees(params) = params else { return 1 };
    rows * (trees * (8 * (u64::from(params.depth) + 1) + 4 * targets) + 3 * targets)
}

fn reduction_cost(params: &Params) -> u64 {
    match params {
        Params::Reduce(params) if params.op == op::Reduce::LogSumExp => TRANSCENDENTAL,
        _ => 0,
    }
}
