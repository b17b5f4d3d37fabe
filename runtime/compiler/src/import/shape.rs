//! Movement of whole tensors: reshaping, permuting, cutting, joining, padding, repeating.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::emit::{broadcast, element};
use super::node::{Built, Cx, axes, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Reshape", 5, &["allowzero"], reshape),
    Entry::onnx("Flatten", 1, &["axis"], flatten),
    Entry::onnx("Squeeze", 1, &["axes"], squeeze),
    Entry::onnx("Squeeze", 13, &[], squeeze),
    Entry::onnx("Unsqueeze", 1, &["axes"], unsqueeze),
    Entry::onnx("Unsqueeze", 13, &[], unsqueeze),
    Entry::onnx("Transpose", 1, &["perm"], transpose),
    Entry::onnx("Concat", 4, &["axis"], concat),
    Entry::onnx("Split", 2, &["axis", "split"], split),
    Entry::onnx("Split", 13, &["axis"], split),
    Entry::onnx("Split", 18, &["axis", "num_outputs"], split),
    Entry::onnx("Slice", 1, &["axes", "starts", "ends"], slice_by_attribute),
    Entry::onnx("Slice", 10, &[], slice_by_input),
    Entry::onnx("Pad", 2, &["mode", "pads", "value"], pad_by_attribute),
    Entry::onnx("Pad", 11, &["mode"], pad_by_input),
    Entry::onnx("Tile", 6, &[], tile),
    Entry::onnx("Expand", 8, &[], expand),
    Entry::onnx("DepthToSpace", 1, &["blocksize"], depth_to_space),
    Entry::onnx("DepthToSpace", 11, &["blocksize", "mode"], depth_to_space),
    Entry::onnx("SpaceToDepth", 1, &["blocksize"], space_to_depth),
    Entry::onnx("SpaceToDepth", 27, &["blocksize", "mode"], space_to_depth),
    Entry::microsoft("ExpandDims", &[], expand_dims),
    Entry::microsoft("Pad", &["mode"], pad_by_input),
    Entry::microsoft("Trilu", &["upper"], trilu),
    Entry::onnx("Trilu", 14, &["upper"], trilu),
    Entry::onnx("CenterCropPad", 18, &["axes"], center_crop_pad),
    Entry::onnx("ReverseSequence", 10, &["batch_axis", "time_axis"], reverse_sequence),
];

fn reshape(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let wanted = cx.constant_ints(1)?;
    let allow_zero = cx.flag("allowzero", false)?;
    let dims = cx.dims(x);
    let mut made = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (i, &want) in wanted.iter().enumerate() {
        made.push(match want {
            0 if !allow_zero => *dims.get(i).ok_or(Reason::Value { what: "a dimension to copy", got: i as i64 })?,
            -1 if open.is_none() => {
                open = Some(i);
                1
            }
            _ => usize::try_from(want).map_err(|_| Reason::Value { what: "a dimension", got: want })?,
        });
    }
    if let Some(open) = open {
        let count: usize = dims.iter().product();
        let rest = made.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).unwrap_or(0);
        if rest == 0 || !count.is_multiple_of(rest) {
            return Err(Reason::Shapes(dims, made));
        }
        made[open] = count / rest;
    }
    Ok(vec![cx.reshape(x, made)?])
}

fn flatten(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let given = cx.int("axis", 1)?;
    // Unlike elsewhere, the axis may be the rank itself.
    let axis = if given == dims.len() as i64 { dims.len() } else { axis(given, dims.len())? };
    Ok(vec![cx.reshape(x, vec![dims[..axis].iter().product(), dims[axis..].iter().product()])?])
}

/// Axes from the attribute or, from operator set 13 on, from the second input.
fn axes_of(cx: &Cx<'_>) -> Result<Option<Vec<i64>>, Reason> {
    if cx.opset >= 13 { cx.optional_ints(1) } else { cx.optional_ints_attribute("axes") }
}

fn squeeze(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let axes = match axes_of(cx)? {
        Some(given) => axes(&given, dims.len())?,
        None => (0..dims.len()).filter(|&i| dims[i] == 1).collect(),
    };
    if axes.iter().any(|&a| dims[a] != 1) {
        return Err(Reason::Shape { what: "the input", got: dims });
    }
    Ok(vec![cx.drop_axes(x, &axes)?])
}

fn unsqueeze(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let given = axes_of(cx)?.ok_or(Reason::MissingInput(1))?;
    let mut dims = cx.dims(x);
    for axis in axes(&given, dims.len() + given.len())? {
        dims.insert(axis, 1);
    }
    Ok(vec![cx.reshape(x, dims)?])
}

/// One axis of one element; the axis is an input.
fn expand_dims(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let mut dims = cx.dims(x);
    let given = cx.optional_scalar(1)?.ok_or(Reason::MissingInput(1))?;
    dims.insert(axis(given, dims.len() + 1)?, 1);
    Ok(vec![cx.reshape(x, dims)?])
}

fn transpose(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let rank = cx.rank(x);
    let perm = match cx.optional_ints_attribute("perm")? {
        None => (0..rank).rev().collect(),
        Some(given) => {
            let perm: Vec<usize> = given.iter().map(|&p| axis(p, rank)).collect::<Result<_, _>>()?;
            if axes(&given, rank)?.len() != rank {
                return Err(Reason::AttributeValue { name: "perm", got: format!("{given:?}") });
            }
            perm
        }
    };
    Ok(vec![cx.transpose(x, &perm)?])
}

fn concat(cx: &mut Cx<'_>) -> Built {
    let parts = cx.variadic()?;
    let given = cx.optional_int("axis")?.ok_or(Reason::MissingAttribute("axis"))?;
    let axis = axis(given, cx.rank(parts[0]))?;
    Ok(vec![cx.concat(&parts, axis)?])
}

fn split(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let axis = cx.axis_attribute(0, dims.len())?;
    let given = if cx.opset >= 13 { cx.optional_ints(1)? } else { cx.optional_ints_attribute("split")? };
    let stated = cx.optional_int("num_outputs")?;
    let lengths: Vec<usize> = match given {
        Some(given) => given
            .iter()
            .map(|&n| usize::try_from(n).map_err(|_| Reason::Value { what: "a length", got: n }))
            .collect::<Result<_, _>>()?,
        None => {
            let parts = stated.map_or(Some(cx.output_count()), |n| usize::try_from(n).ok());
            let parts = parts.filter(|&n| n > 0).ok_or(Reason::MissingAttribute("num_outputs"))?;
            // From operator set 18 on the last part may be smaller.
            let step = dims[axis].div_ceil(parts);
            if cx.opset < 18 && !dims[axis].is_multiple_of(parts) {
                return Err(Reason::Shape { what: "the input", got: dims });
            }
            (0..parts).map(|i| (dims[axis].saturating_sub(i * step)).clamp(0, step)).collect()
        }
    };
    if lengths.iter().try_fold(0_usize, |n, &len| n.checked_add(len)) != Some(dims[axis])
        || lengths.len() != cx.output_count()
    {
        return Err(Reason::Shapes(dims, lengths));
    }
    let mut from = 0;
    let mut parts = Vec::with_capacity(lengths.len());
    for len in lengths {
        parts.push(cx.narrow(x, axis, from, len)?);
        from += len;
    }
    Ok(parts)
}

fn slice_by_attribute(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let starts = cx.optional_ints_attribute("starts")?.ok_or(Reason::MissingAttribute("starts"))?;
    let ends = cx.optional_ints_attribute("ends")?.ok_or(Reason::MissingAttribute("ends"))?;
    let axes = cx.optional_ints_attribute("axes")?;
    slice(cx, x, &starts, &ends, axes, None)
}

fn slice_by_input(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let (starts, ends) = (cx.constant_ints(1)?, cx.constant_ints(2)?);
    let (axes, steps) = (cx.optional_ints(3)?, cx.optional_ints(4)?);
    slice(cx, x, &starts, &ends, axes, steps)
}

fn slice(
    cx: &mut Cx<'_>,
    x: ValueId,
    starts: &[i64],
    ends: &[i64],
    given: Option<Vec<i64>>,
    steps: Option<Vec<i64>>,
) -> Built {
    let mut dims = cx.dims(x);
    let given = given.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    axes(&given, dims.len())?;
    if [ends.len(), given.len(), steps.len()] != [starts.len(); 3] {
        return Err(Reason::Form("its starts, ends, axes and steps have different lengths"));
    }
    let (mut start, mut step) = (vec![0; dims.len()], vec![1; dims.len()]);
    for i in 0..starts.len() {
        let at = axis(given[i], dims.len())?;
        let extent = dims[at] as i64;
        let by = steps[i];
        let place = |v: i64, low: i64, high: i64| (if v < 0 { v.saturating_add(extent) } else { v }).clamp(low, high);
        let (from, span) = match by {
            0 => return Err(Reason::Value { what: "a step", got: 0 }),
            1.. => {
                let from = place(starts[i], 0, extent);
                (from, place(ends[i], 0, extent) - from)
            }
            _ if extent == 0 => (0, 0),
            _ => {
                let from = place(starts[i], 0, extent - 1);
                (from, from - place(ends[i], -1, extent - 1))
            }
        };
        let length = if span > 0 { (span as u64).div_ceil(by.unsigned_abs()) } else { 0 };
        dims[at] = length as usize;
        start[at] = if length == 0 { 0 } else { from as usize };
        // With one element or none the step is not taken; a step beyond the axis says nothing more.
        step[at] = if length <= 1 { 1 } else { by as isize };
    }
    Ok(vec![cx.slice(x, start, step, dims)?])
}

fn pad_by_attribute(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let pads = cx.optional_ints_attribute("pads")?.ok_or(Reason::MissingAttribute("pads"))?;
    let value = element(cx.dtype(x), f64::from(cx.float("value", 0.0)?));
    pad(cx, x, &pads, None, value)
}

fn pad_by_input(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let pads = cx.constant_ints(1)?;
    let value = match cx.optional(2) {
        None => element(cx.dtype(x), 0.0),
        Some(id) => {
            let value = cx.graph.value(id);
            let data = value.data.as_ref().ok_or(Reason::NotConstant(2))?;
            if value.dtype != cx.dtype(x) {
                return Err(Reason::Types(cx.dtype(x), value.dtype));
            }
            if value.count() != 1 {
                return Err(Reason::Shape { what: "the padding value", got: value.dims.clone() });
            }
            data.to_vec()
        }
    };
    let axes = cx.optional_ints(3)?;
    pad(cx, x, &pads, axes, value)
}

fn pad(cx: &mut Cx<'_>, x: ValueId, pads: &[i64], given: Option<Vec<i64>>, value: Vec<u8>) -> Built {
    let rank = cx.rank(x);
    let given = given.unwrap_or_else(|| (0..rank as i64).collect());
    axes(&given, rank)?;
    if pads.len() != 2 * given.len() {
        return Err(Reason::Shape { what: "the list of pads", got: vec![pads.len()] });
    }
    if pads.iter().any(|p| p.unsigned_abs() > u64::from(mote_plan::format::MAX_BYTES)) {
        return Err(Reason::Form("its pads are too large"));
    }
    let mut amounts = vec![(0_i64, 0_i64); rank];
    for (i, &a) in given.iter().enumerate() {
        amounts[axis(a, rank)?] = (pads[i], pads[i + given.len()]);
    }
    let mode = cx.text("mode", "constant")?;
    match mode {
        "constant" => Ok(vec![pad_constant(cx, x, &amounts, value)?]),
        "edge" | "reflect" | "wrap" => Ok(vec![pad_by_index(cx, x, &amounts, mode)?]),
        got => Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    }
}

/// Negative amounts cut off first.
fn pad_constant(cx: &mut Cx<'_>, x: ValueId, amounts: &[(i64, i64)], value: Vec<u8>) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let mut kept = Vec::with_capacity(dims.len());
    for (&extent, &(before, after)) in dims.iter().zip(amounts) {
        let cut = before.clamp(i64::MIN, 0) + after.clamp(i64::MIN, 0);
        kept.push(
            extent
                .checked_sub(cut.unsigned_abs() as usize)
                .ok_or_else(|| Reason::Shape { what: "the input", got: dims.clone() })?,
        );
    }
    let start = amounts.iter().map(|&(before, _)| before.clamp(i64::MIN, 0).unsigned_abs() as usize).collect();
    let cut = cx.slice(x, start, vec![1; dims.len()], kept.clone())?;
    let grown = |v: i64| v.clamp(0, i64::MAX) as usize;
    if amounts.iter().all(|&(before, after)| before <= 0 && after <= 0) {
        return Ok(cut);
    }
    let before = amounts.iter().map(|&(before, _)| grown(before)).collect();
    let dims = kept.iter().zip(amounts).map(|(&n, &(before, after))| n + grown(before) + grown(after)).collect();
    cx.emit_as(Op::Pad { before, value }, &[Some(cut)], x, dims)
}

/// Gathers along each padded axis what the mode puts there.
fn pad_by_index(cx: &mut Cx<'_>, x: ValueId, amounts: &[(i64, i64)], mode: &str) -> Result<ValueId, Reason> {
    let mut y = x;
    for (axis, &(before, after)) in amounts.iter().enumerate().filter(|(_, amount)| **amount != (0, 0)) {
        let extent = cx.dims(x)[axis] as i64;
        if extent == 0 || extent + before + after < 0 {
            return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
        }
        let place = |i: i64| match mode {
            "edge" => i.clamp(0, extent - 1),
            "wrap" => i.rem_euclid(extent),
            _ if extent == 1 => 0,
            _ => {
                let period = 2 * (extent - 1);
                let i = i.rem_euclid(period);
                if i < extent { i } else { period - i }
            }
        };
        cx.room_for(DType::I64, &[(extent + before + after) as usize])?;
        let indices: Vec<i64> = (-before..extent + after).map(place).collect();
        let indices = cx.i64s(vec![indices.len()], &indices)?;
        y = cx.gather(y, indices, axis)?;
    }
    Ok(y)
}

/// A tile is a broadcast of `[.., 1, n, ..]` to `[.., repeats, n, ..]`; axes that repeat nothing stay as they are.
fn tile(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let repeats = cx.constant_ints(1)?;
    let dims = cx.dims(x);
    if repeats.len() != dims.len() || repeats.iter().any(|&r| r < 0) {
        return Err(Reason::Shape { what: "the list of repeats", got: vec![repeats.len()] });
    }
    let mut y = x;
    for (axis, &repeat) in repeats.iter().enumerate().filter(|(_, r)| **r != 1) {
        let mut dims = cx.dims(y);
        let (outer, inner) = (dims[..axis].iter().product(), dims[axis..].iter().product());
        let repeat = repeat as usize;
        dims[axis] = dims[axis].checked_mul(repeat).ok_or_else(|| Reason::TooLarge(dims.clone()))?;
        let boxed = cx.reshape(y, vec![outer, 1, inner])?;
        let boxed = cx.expand(boxed, vec![outer, repeat, inner])?;
        y = cx.reshape(boxed, dims)?;
    }
    Ok(vec![y])
}

fn expand(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let wanted = cx.constant_ints(1)?;
    let wanted: Vec<usize> = wanted
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| Reason::Value { what: "a dimension", got: d }))
        .collect::<Result<_, _>>()?;
    let dims = broadcast(&cx.dims(x), &wanted)?;
    Ok(vec![cx.expand(x, dims)?])
}

fn block(cx: &Cx<'_>, x: ValueId) -> Result<(usize, [usize; 4]), Reason> {
    let size = cx.optional_int("blocksize")?.ok_or(Reason::MissingAttribute("blocksize"))?;
    let size = usize::try_from(size).ok().filter(|&b| b > 0).ok_or(Reason::Value { what: "blocksize", got: size })?;
    let dims = cx.dims(x);
    <[usize; 4]>::try_from(dims.as_slice())
        .map(|dims| (size, dims))
        .map_err(|_| Reason::Shape { what: "the input", got: dims })
}

fn depth_to_space(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let (b, [n, c, h, w]) = block(cx, x)?;
    if !c.is_multiple_of(b * b) {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let depth = c / (b * b);
    let (split, perm) = match cx.text("mode", "DCR")? {
        "DCR" => (vec![n, b, b, depth, h, w], [0, 3, 4, 1, 5, 2]),
        "CRD" => (vec![n, depth, b, b, h, w], [0, 1, 4, 2, 5, 3]),
        got => return Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    };
    let y = cx.reshape(x, split)?;
    let y = cx.transpose(y, &perm)?;
    Ok(vec![cx.reshape(y, vec![n, depth, h * b, w * b])?])
}

fn space_to_depth(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let (b, [n, c, h, w]) = block(cx, x)?;
    if !h.is_multiple_of(b) || !w.is_multiple_of(b) {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let perm = match cx.text("mode", "DCR")? {
        "DCR" => [0, 3, 5, 1, 2, 4],
        "CRD" => [0, 1, 3, 5, 2, 4],
        got => return Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    };
    let y = cx.reshape(x, vec![n, c, h / b, b, w / b, b])?;
    let y = cx.transpose(y, &perm)?;
    Ok(vec![cx.reshape(y, vec![n, c * b * b, h / b, w / b])?])
}

/// Keeps one triangle of the last two axes.
fn trilu(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let upper = cx.flag("upper", true)?;
    let k = cx.optional_scalar(1)?.unwrap_or(0);
    let dims = cx.dims(x);
    let [.., rows, columns] = dims[..] else { return Err(Reason::Shape { what: "the input", got: dims }) };
    cx.room_for(DType::Bool, &[rows, columns])?;
    let keep = |i: usize| {
        let distance = (i % columns) as i64 - (i / columns) as i64;
        if upper { distance >= k } else { distance <= k }
    };
    let mask: Vec<bool> = (0..rows * columns).map(keep).collect();
    let mask = cx.bools(vec![rows, columns], &mask)?;
    let zero = cx.scalar_like(x, 0.0)?;
    Ok(vec![cx.select(mask, x, zero)?])
}

fn center_crop_pad(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let wanted = cx.constant_ints(1)?;
    let dims = cx.dims(x);
    let given = cx.optional_ints_attribute("axes")?.unwrap_or_else(|| (0..dims.len() as i64).collect());
    axes(&given, dims.len())?;
    if given.len() != wanted.len() {
        return Err(Reason::Shape { what: "the shape", got: vec![wanted.len()] });
    }
    let mut amounts = vec![(0, 0); dims.len()];
    for (&a, &want) in given.iter().zip(&wanted) {
        let at = axis(a, dims.len())?;
        let extra = want - dims[at] as i64;
        if want < 0 || want > i64::from(u32::MAX) {
            return Err(Reason::Value { what: "a dimension", got: want });
        }
        // Half before, rounded down; a crop starts at the rounded-down half as well.
        let before = if extra < 0 { -(-extra / 2) } else { extra / 2 };
        amounts[at] = (before, extra - before);
    }
    let zero = element(cx.dtype(x), 0.0);
    Ok(vec![pad_constant(cx, x, &amounts, zero)?])
}

/// Reverses the first steps of each sequence, as many as its length says.
fn reverse_sequence(cx: &mut Cx<'_>) -> Built {
    let (x, given) = (cx.input(0)?, cx.input(1)?);
    let dims = cx.dims(x);
    let (batch, time) = (axis(cx.int("batch_axis", 1)?, dims.len())?, axis(cx.int("time_axis", 0)?, dims.len())?);
    if batch == time || cx.dims(given) != [dims[batch]] {
        return Err(Reason::Shape { what: "the list of lengths", got: cx.dims(given) });
    }
    let Some(lengths) = cx.ints(given) else { return Ok(vec![reverse_computed(cx, x, given, batch, time)?]) };
    let mut parts = Vec::with_capacity(lengths.len());
    for (i, &length) in lengths.iter().enumerate() {
        let one = cx.narrow(x, batch, i, 1)?;
        let extent = dims[time] as i64;
        if !(1..=extent).contains(&length) {
            return Err(Reason::Value { what: "a length", got: length });
        }
        let indices: Vec<i64> = (0..extent).map(|t| if t < length { length - 1 - t } else { t }).collect();
        let indices = cx.i64s(vec![dims[time]], &indices)?;
        parts.push(cx.gather(one, indices, time)?);
    }
    Ok(vec![cx.concat(&parts, batch)?])
}

/// Each step reads step `length - 1 - t` where t is below the length, else itself. A length beyond the axis is an index
/// out of range when it runs.
fn reverse_computed(
    cx: &mut Cx<'_>,
    x: ValueId,
    lengths: ValueId,
    batch: usize,
    time: usize,
) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let along = |axis: usize| -> Vec<usize> { (0..dims.len()).map(|i| if i == axis { dims[i] } else { 1 }).collect() };
    let lengths = cx.cast(lengths, DType::I64)?;
    let lengths = cx.reshape(lengths, along(batch))?;
    let steps: Vec<i64> = (0..dims[time] as i64).collect();
    let steps = cx.i64s(along(time), &steps)?;
    let one = cx.i64s(vec![], &[1])?;
    let last = cx.binary(Binary::Sub, lengths, one)?;
    let turned = cx.binary(Binary::Sub, last, steps)?;
    let inside = cx.binary(Binary::Less, steps, lengths)?;
    let at = cx.select(inside, turned, steps)?;
    let at = cx.expand(at, dims.clone())?;
    cx.emit_as(Op::GatherElements { axis: time }, &[Some(x), Some(at)], x, dims)
}
