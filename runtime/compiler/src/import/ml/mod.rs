//! Classical models: the operators of ai.onnx.ml. Where the standard leaves a result open, ONNX Runtime's is taken.

mod encode;
mod features;
mod linear;
mod scale;
mod scores;
mod svm;
mod trees;

use mote_abi::DType;

use super::node::Cx;
use super::table::Entry;
use crate::error::Reason;
use crate::graph::ValueId;

/// The families of the domain.
pub(super) const FAMILIES: [&[Entry]; 6] = [encode::OPS, features::OPS, linear::OPS, scale::OPS, svm::OPS, trees::OPS];

/// Rows `[N, F]` of an input `[N, F]` or `[F]`.
fn rows(cx: &mut Cx<'_>, x: ValueId) -> Result<ValueId, Reason> {
    match *cx.dims(x).as_slice() {
        [_, _] => Ok(x),
        [features] => cx.reshape(x, vec![1, features]),
        ref dims => Err(Reason::Shape { what: "the input", got: dims.to_vec() }),
    }
}

/// Rows of the first input in f32.
fn f32_rows(cx: &mut Cx<'_>) -> Result<ValueId, Reason> {
    let x = cx.input(0)?;
    let x = rows(cx, x)?;
    cx.cast(x, DType::F32)
}

/// The floats of an attribute that has to be there.
fn floats(cx: &Cx<'_>, name: &'static str) -> Result<Vec<f32>, Reason> {
    cx.optional_floats_attribute(name)?.ok_or(Reason::MissingAttribute(name))
}
