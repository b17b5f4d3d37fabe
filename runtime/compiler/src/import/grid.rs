//! Images at computed places: affine grids, sampling.

use mote_abi::DType;
use mote_abi::op::{Coordinates, Filter, Outside};

use super::emit::element;
use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("AffineGrid", 20, &["align_corners"], affine_grid),
    Entry::onnx("GridSample", 16, &["align_corners", "mode", "padding_mode"], grid_sample),
];

/// A homogeneous grid of the standard's coordinates times each transformation.
fn affine_grid(cx: &mut Cx<'_>) -> Built {
    let theta = cx.float_input(0)?;
    let size = cx.constant_ints(1)?;
    let corners = cx.flag("align_corners", false)?;
    let dims = cx.dims(theta);
    let usable = |&n: &i64| (1..1 << 24).contains(&n);
    let rank = size.len().saturating_sub(2);
    if !matches!(rank, 2 | 3) || !size.iter().all(usable) || dims != [size[0] as usize, rank, rank + 1] {
        return Err(Reason::Shapes(dims, size.iter().map(|&n| n.unsigned_abs() as usize).collect()));
    }
    let extents: Vec<usize> = size[2..].iter().map(|&n| n as usize).collect();
    let points = extents.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).unwrap_or(usize::MAX);
    cx.room_for(cx.dtype(theta), &[points, rank + 1])?;
    let mut grid = Vec::with_capacity(points * (rank + 1));
    for point in 0..points {
        // The last axis comes first, and a one for the translation last.
        let mut rest = point;
        for &extent in extents.iter().rev() {
            grid.push(normalised(rest % extent, extent, corners));
            rest /= extent;
        }
        grid.push(1.0);
    }
    let dtype = cx.dtype(theta);
    let bytes: Vec<u8> = grid.iter().flat_map(|&v| element(dtype, v)).collect();
    let grid = cx.constant(dtype, vec![1, points, rank + 1], bytes)?;
    let theta = cx.transpose(theta, &[0, 2, 1])?;
    let y = cx.emit(Op::MatMul, &[Some(grid), Some(theta)], dtype, vec![dims[0], points, rank])?;
    Ok(vec![cx.reshape(y, [&[dims[0]], &extents[..], &[rank]].concat())?])
}

/// From -1 to 1 over the centres of the outer pixels, or over the edges of the image.
fn normalised(i: usize, extent: usize, corners: bool) -> f64 {
    let (i, n) = (i as f64, extent as f64);
    match corners {
        true if extent > 1 => -1.0 + 2.0 * i / (n - 1.0),
        true => -1.0,
        false => -1.0 + (2.0 * i + 1.0) / n,
    }
}

fn grid_sample(cx: &mut Cx<'_>) -> Built {
    let (x, grid) = (cx.f32_input(0)?, cx.f32_input(1)?);
    let filter = match cx.text("mode", "linear")? {
        "nearest" => Filter::Nearest,
        "linear" | "bilinear" => Filter::Linear,
        "cubic" | "bicubic" => Filter::Cubic,
        got => return Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    };
    let outside = match cx.text("padding_mode", "zeros")? {
        "zeros" => Outside::Zero,
        "border" => Outside::Edge,
        "reflection" => Outside::Mirror,
        got => return Err(Reason::AttributeValue { name: "padding_mode", got: got.to_owned() }),
    };
    let coordinates = if cx.flag("align_corners", false)? { Coordinates::Centres } else { Coordinates::Edges };
    let (dims, wanted) = (cx.dims(x), cx.dims(grid));
    let rank = dims.len().saturating_sub(2);
    let fits =
        (1..=3).contains(&rank) && wanted.len() == dims.len() && wanted[0] == dims[0] && wanted[rank + 1] == rank;
    if !fits || dims.contains(&0) {
        return Err(Reason::Shapes(dims, wanted));
    }
    let points: usize = wanted[1..=rank].iter().product();
    let grid = cx.reshape(grid, vec![dims[0], points, rank])?;
    let image = cx.channels_last(x)?;
    let y = sample(cx, image, grid, Op::GridSample { filter, outside, coordinates })?;
    let y = cx.reshape(y, [&wanted[..=rank], &dims[1..2]].concat())?;
    Ok(vec![cx.channels_first(y)?])
}

/// `[N, .., C]` with one to three spatial axes at `points [N, P, axes]`: `[N, P, C]`.
pub(super) fn sample(cx: &mut Cx<'_>, image: ValueId, points: ValueId, op: Op) -> Result<ValueId, Reason> {
    let (dims, places) = (cx.dims(image), cx.dims(points));
    let missing = vec![1; 5 - dims.len()];
    let image = cx.reshape(image, [&dims[..1], &missing, &dims[1..]].concat())?;
    let channels = dims[dims.len() - 1];
    cx.emit(op, &[Some(image), Some(points)], DType::F32, vec![dims[0], places[1], channels])
}
