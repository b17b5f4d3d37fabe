//! Nodes to steps, one function per family of operators. Operands and parameters of each step are documented on
//! [`mote_plan::Kind`].

mod conv;
mod indexing;
mod matmul;
mod movement;
mod pointwise;
mod quantized;
mod recurrent;
mod region;
mod search;

use mote_plan::Kind;

use super::build::Build;
use super::draft::TensorRef;
use super::error::LowerError;
use crate::graph::{Node, Op, ValueId};

/// Appends the steps of one node.
pub(super) fn lower(build: &mut Build<'_>, node: &Node) -> Result<(), LowerError> {
    build.enter(node);
    if node.outputs.iter().all(|&id| build.graph.value(id).count() == 0) {
        for &id in &node.outputs {
            build.result(id)?;
        }
        return Ok(());
    }
    match &node.op {
        Op::Conv { window, groups, clamp } => conv::forward(build, node, window, *groups, *clamp),
        Op::ConvTranspose { window, groups } => conv::transposed(build, node, window, *groups),
        Op::Pool { window, op } => conv::pool(build, node, window, *op),
        Op::ArgPool(_) | Op::GridSample { .. } | Op::RoiAlign { .. } | Op::MaxRoiPool { .. } => {
            region::lower(build, node)
        }
        Op::MatMul => matmul::product(build, node),
        Op::Det => matmul::determinants(build, node),
        Op::Unary { op, alpha, beta } => pointwise::unary(build, node, *op, *alpha, *beta),
        Op::Binary(op) => pointwise::binary(build, node, *op),
        Op::Select => pointwise::select(build, node),
        Op::Cast => pointwise::cast(build, node),
        Op::BitCast => pointwise::bit_cast(build, node),
        Op::Reduce { op, axes } => pointwise::reduce(build, node, *op, axes),
        Op::Softmax { axis, log } => pointwise::softmax(build, node, *axis, *log),
        Op::Transpose { perm } => movement::transpose(build, node, perm),
        Op::Reshape => movement::reshape(build, node),
        Op::Slice { start, step } => movement::slice(build, node, start, step),
        Op::Concat { axis } => movement::concat(build, node, *axis),
        Op::Pad { before, value } => movement::pad(build, node, before, value),
        Op::Expand => movement::expand(build, node),
        Op::Gather { .. }
        | Op::GatherElements { .. }
        | Op::GatherNd { .. }
        | Op::ScatterNd { .. }
        | Op::ScatterElements { .. }
        | Op::Lerp { .. }
        | Op::ArgReduce { .. }
        | Op::CumSum { .. }
        | Op::CumProd { .. }
        | Op::TopK { .. }
        | Op::Dft { .. }
        | Op::NonZero
        | Op::Unique { .. }
        | Op::NonMaxSuppression(_)
        | Op::Bound { .. } => indexing::lower(build, node),
        Op::Frames { axis, step } => movement::frames(build, node, *axis, *step),
        Op::Lstm(settings) => recurrent::lstm(build, node, settings),
        Op::Gru(settings) => recurrent::gru(build, node, settings),
        Op::Rnn(settings) => recurrent::rnn(build, node, settings),
        Op::Quantize => quantized::linear(build, node, Kind::Quantize),
        Op::Dequantize => quantized::linear(build, node, Kind::Dequantize),
        Op::QConv(settings) => quantized::conv(build, node, settings),
        Op::Lookup => quantized::lookup(build, node),
        Op::QBinary(settings) => quantized::binary(build, node, settings),
        Op::QPool(settings) => quantized::pool(build, node, settings),
        Op::Trees { aggregate, depth } => search::trees(build, node, *aggregate, *depth),
        Op::Find => search::find(build, node),
        Op::SquareDistance => search::square_distance(build, node),
        Op::Couple => search::couple(build, node),
    }
}

/// The i-th operand of a node, where it is present.
fn optional(node: &Node, i: usize) -> Option<ValueId> {
    node.inputs.get(i).copied().flatten()
}

/// The i-th operand of a node, which must be present.
fn required(build: &Build<'_>, node: &Node, i: usize) -> Result<ValueId, LowerError> {
    optional(node, i).ok_or_else(|| build.malformed())
}

/// The i-th operand in dense form.
fn dense(build: &mut Build<'_>, node: &Node, i: usize) -> Result<TensorRef, LowerError> {
    let id = required(build, node, i)?;
    build.dense(id)
}

/// The i-th operand in dense form, where it is present.
fn dense_if_present(build: &mut Build<'_>, node: &Node, i: usize) -> Result<Option<TensorRef>, LowerError> {
    optional(node, i).map(|id| build.dense(id)).transpose()
}
