//! Word, position and segment embeddings, summed and normalised.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce};

use crate::error::Reason;
use crate::graph::ValueId;
use crate::import::node::{Built, Cx};
use crate::import::norm::{apply, deviation};

/// Inputs: ids, segments?, words, positions, segment rows?, gamma, beta, mask?, position ids?. Outputs: normalised, the
/// number of tokens of each row, the sum.
pub(super) fn embed(cx: &mut Cx<'_>) -> Built {
    let ids = indices(cx, 0)?;
    let [batch, length] = cx.dims(ids)[..] else {
        return Err(Reason::Shape { what: "the ids", got: cx.dims(ids) });
    };
    cx.ignore("mask_index_type");
    let words = table(cx, 2)?;
    let mut sum = cx.gather(words, ids, 0)?;
    let positions = table(cx, 3)?;
    let positions = match cx.optional(8) {
        Some(_) => {
            let ids = indices(cx, 8)?;
            cx.gather(positions, ids, 0)?
        }
        None if cx.dims(positions)[0] >= length => cx.narrow(positions, 0, 0, length)?,
        None => return Err(Reason::Shape { what: "the positions", got: cx.dims(positions) }),
    };
    sum = apply(cx, Binary::Add, sum, positions)?;
    if cx.optional(1).is_some() {
        let (ids, rows) = (indices(cx, 1)?, table(cx, 4)?);
        let segments = cx.gather(rows, ids, 0)?;
        sum = apply(cx, Binary::Add, sum, segments)?;
    } else if cx.optional(4).is_some() {
        return Err(Reason::Input(4));
    }
    let y = normalised(cx, sum)?;
    let tokens = tokens(cx, batch)?;
    Ok(vec![y, tokens, sum])
}

fn normalised(cx: &mut Cx<'_>, x: ValueId) -> Result<ValueId, Reason> {
    let (gamma, beta) = (cx.f32_input(5)?, cx.f32_input(6)?);
    let epsilon = cx.float("epsilon", 1e-12)?;
    let [deviation, _, spread] = deviation(cx, x, &[2], epsilon)?;
    let y = cx.binary(Binary::Div, deviation, spread)?;
    let y = apply(cx, Binary::Mul, y, gamma)?;
    apply(cx, Binary::Add, y, beta)
}

/// How many elements of each row of the mask are 1; 0 without a mask.
fn tokens(cx: &mut Cx<'_>, batch: usize) -> Result<ValueId, Reason> {
    let Some(mask) = cx.optional(7) else { return cx.filled(DType::I32, vec![batch], 0.0) };
    if cx.rank(mask) != 2 || cx.dims(mask)[0] != batch {
        return Err(Reason::Shape { what: "the mask", got: cx.dims(mask) });
    }
    let one = cx.scalar_like(mask, 1.0)?;
    let hit = cx.binary(Binary::Equal, mask, one)?;
    let hit = cx.cast(hit, DType::I32)?;
    cx.reduce(Reduce::Sum, hit, &[1], false)
}

fn indices(cx: &Cx<'_>, i: usize) -> Result<ValueId, Reason> {
    let id = cx.input(i)?;
    match cx.dtype(id) {
        DType::I32 | DType::I64 => Ok(id),
        other => Err(Reason::Type(other)),
    }
}

fn table(cx: &Cx<'_>, i: usize) -> Result<ValueId, Reason> {
    let id = cx.f32_input(i)?;
    if cx.rank(id) == 2 { Ok(id) } else { Err(Reason::Shape { what: "an embedding", got: cx.dims(id) }) }
}
