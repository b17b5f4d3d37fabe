//! A residual sum and the normalisation behind it.

use mote_abi::op::{Binary, Unary};

use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::emit::broadcast;
use crate::import::node::{Built, Cx};
use crate::import::norm::{apply, deviation, root_mean_square as spread};

/// `x + skip + bias`, where the skip connection and the bias may lack leading axes.
fn sum(cx: &mut Cx<'_>, bias: usize) -> Result<ValueId, Reason> {
    let (x, skip) = (cx.f32_input(0)?, cx.f32_input(1)?);
    let dims = cx.dims(x);
    if broadcast(&cx.dims(skip), &dims)? != dims {
        return Err(Reason::Shapes(dims, cx.dims(skip)));
    }
    let mut y = cx.binary(Binary::Add, x, skip)?;
    if cx.optional(bias).is_some() {
        let bias = cx.f32_input(bias)?;
        y = apply(cx, Binary::Add, y, bias)?;
    }
    Ok(y)
}

/// Outputs: normalised, mean, one over the deviation, the sum.
pub(super) fn layer(cx: &mut Cx<'_>) -> Built {
    let x = sum(cx, 4)?;
    let gamma = cx.f32_input(2)?;
    let epsilon = cx.float("epsilon", 1e-12)?;
    let axis = cx.rank(x) - 1;
    let [deviation, mean, spread] = deviation(cx, x, &[axis], epsilon)?;
    let y = cx.binary(Binary::Div, deviation, spread)?;
    let mut y = apply(cx, Binary::Mul, y, gamma)?;
    if cx.optional(3).is_some() {
        let beta = cx.f32_input(3)?;
        y = apply(cx, Binary::Add, y, beta)?;
    }
    Ok(vec![y, mean, cx.unary(Unary::Reciprocal, spread)?, x])
}

/// Outputs: normalised, nothing, one over the root mean square, the sum.
pub(super) fn root_mean_square(cx: &mut Cx<'_>) -> Built {
    let x = sum(cx, 3)?;
    let gamma = cx.f32_input(2)?;
    let epsilon = cx.float("epsilon", 1e-12)?;
    let axis = cx.rank(x) - 1;
    let spread = spread(cx, x, &[axis], epsilon)?;
    let y = cx.binary(Binary::Div, x, spread)?;
    let y = apply(cx, Binary::Mul, y, gamma)?;
    if cx.wants(1) {
        return Err(Reason::Output(1));
    }
    let inverse = cx.unary(Unary::Reciprocal, spread)?;
    Ok(vec![y, inverse, inverse, x])
}
