//! Normalisations, as sums and products of simpler operators.

use mote_abi::DType;
use mote_abi::op::{Binary, Pool, Reduce, Unary};

use super::emit::element;
use super::node::{Built, Cx, axes};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId, Window};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("BatchNormalization", 7, &["epsilon", "momentum", "spatial"], batch),
    Entry::onnx("BatchNormalization", 9, &["epsilon", "momentum"], batch),
    Entry::onnx("BatchNormalization", 14, &["epsilon", "momentum", "training_mode"], batch),
    Entry::onnx("InstanceNormalization", 6, &["epsilon"], instance),
    Entry::onnx("GroupNormalization", 18, &["epsilon", "num_groups"], group),
    Entry::onnx("GroupNormalization", 21, &["epsilon", "num_groups", "stash_type"], group),
    // ONNX Runtime knew this operator and the simplified one before the standard did, in the standard's domain.
    Entry::onnx("LayerNormalization", 1, &["axis", "epsilon", "stash_type"], layer),
    Entry::onnx("LayerNormalization", 17, &["axis", "epsilon", "stash_type"], layer),
    Entry::onnx("RMSNormalization", 23, &["axis", "epsilon", "stash_type"], rms),
    Entry::onnx("SimplifiedLayerNormalization", 1, &["axis", "epsilon", "stash_type"], rms),
    Entry::onnx("MeanVarianceNormalization", 9, &["axes"], mean_variance),
    Entry::onnx("LpNormalization", 1, &["axis", "p"], lp),
    Entry::onnx("LRN", 1, &["alpha", "beta", "bias", "size"], local_response),
];

/// `x * scale' + bias'` per channel where the statistics are known, with the channels last so that it can join a
/// convolution; else as it is written.
pub(super) fn batch(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let dims = cx.dims(x);
    let epsilon = cx.float("epsilon", 1e-5)?;
    let momentum = cx.float("momentum", 0.9)?;
    let training = cx.flag("training_mode", false)?;
    cx.only("spatial", 1)?;
    let channels = *dims.get(1).ok_or_else(|| Reason::Shape { what: "the input", got: dims.clone() })?;
    let mut statistics = Vec::with_capacity(4);
    for i in 1..5 {
        let id = cx.float_input(i)?;
        if cx.dims(id) != [channels] {
            return Err(Reason::Shape { what: "a statistic", got: cx.dims(id) });
        }
        // Operator set 15 lets the statistics be of another type than the input.
        statistics.push(cx.cast_as(id, x)?);
    }
    if training {
        return batch_statistics(cx, x, &statistics, epsilon, momentum);
    }
    let known: Option<Vec<Vec<f64>>> = statistics.iter().map(|&id| cx.floats(id)).collect();
    let Some(known) = known else {
        let y = standardised(cx, x, &statistics, epsilon)?;
        return Ok(vec![y]);
    };
    let scales = (0..channels).map(|c| known[0][c] / (known[3][c] + f64::from(epsilon)).sqrt());
    let scales: Vec<f64> = scales.collect();
    let biases = (0..channels).map(|c| known[1][c] - known[2][c] * scales[c]);
    let biases: Vec<f64> = biases.collect();
    let (scale, bias) = (floats_like(cx, x, &scales)?, floats_like(cx, x, &biases)?);
    let y = cx.channels_last(x)?;
    let y = cx.binary(Binary::Mul, y, scale)?;
    let y = cx.binary(Binary::Add, y, bias)?;
    Ok(vec![cx.channels_first(y)?])
}

/// A constant vector of the type of x.
fn floats_like(cx: &mut Cx<'_>, x: ValueId, values: &[f64]) -> Result<ValueId, Reason> {
    let dtype = cx.dtype(x);
    let data: Vec<u8> = values.iter().flat_map(|&v| element(dtype, v)).collect();
    cx.constant(dtype, vec![values.len()], data)
}

/// `(x - mean) / sqrt(variance + epsilon) * scale + bias` for scale, bias, mean and variance per channel.
fn standardised(cx: &mut Cx<'_>, x: ValueId, statistics: &[ValueId], epsilon: f32) -> Result<ValueId, Reason> {
    let rank = cx.rank(x);
    let mut wide = Vec::with_capacity(4);
    for &id in statistics {
        let mut dims = vec![1; rank - 1];
        if let Some(channels) = dims.first_mut() {
            *channels = cx.graph.value(id).count();
        }
        wide.push(cx.reshape(id, dims)?);
    }
    let epsilon = cx.scalar_like(x, f64::from(epsilon))?;
    let variance = cx.binary(Binary::Add, wide[3], epsilon)?;
    let spread = cx.unary(Unary::Sqrt, variance)?;
    let deviation = cx.binary(Binary::Sub, x, wide[2])?;
    let y = cx.binary(Binary::Div, deviation, spread)?;
    let y = cx.binary(Binary::Mul, y, wide[0])?;
    cx.binary(Binary::Add, y, wide[1])
}

/// Training mode: the statistics of the batch itself, and the running ones moved towards them.
fn batch_statistics(cx: &mut Cx<'_>, x: ValueId, given: &[ValueId], epsilon: f32, momentum: f32) -> Built {
    let axes: Vec<usize> = (0..cx.rank(x)).filter(|&axis| axis != 1).collect();
    let mean = cx.reduce(Reduce::Mean, x, &axes, true)?;
    let deviation = cx.binary(Binary::Sub, x, mean)?;
    let square = cx.binary(Binary::Mul, deviation, deviation)?;
    let variance = cx.reduce(Reduce::Mean, square, &axes, false)?;
    let mean = cx.drop_axes(mean, &axes)?;
    let y = standardised(cx, x, &[given[0], given[1], mean, variance], epsilon)?;
    let mut made = vec![y];
    for (old, new) in [(given[2], mean), (given[3], variance)] {
        let (keep, take) = (cx.scalar_like(x, momentum.into())?, cx.scalar_like(x, f64::from(1.0 - momentum))?);
        let (old, new) = (cx.binary(Binary::Mul, old, keep)?, cx.binary(Binary::Mul, new, take)?);
        made.push(cx.binary(Binary::Add, old, new)?);
    }
    Ok(made)
}

/// Deviations from the mean over some axes, the mean and the standard deviation.
pub(super) fn deviation(cx: &mut Cx<'_>, x: ValueId, axes: &[usize], epsilon: f32) -> Result<[ValueId; 3], Reason> {
    let mean = cx.reduce(Reduce::Mean, x, axes, true)?;
    let deviation = cx.binary(Binary::Sub, x, mean)?;
    let square = cx.binary(Binary::Mul, deviation, deviation)?;
    let variance = cx.reduce(Reduce::Mean, square, axes, true)?;
    let epsilon = cx.scalar_like(x, f64::from(epsilon))?;
    let variance = cx.binary(Binary::Add, variance, epsilon)?;
    Ok([deviation, mean, cx.unary(Unary::Sqrt, variance)?])
}

fn normalised(cx: &mut Cx<'_>, x: ValueId, axes: &[usize], epsilon: f32) -> Result<ValueId, Reason> {
    let [deviation, _, spread] = deviation(cx, x, axes, epsilon)?;
    cx.binary(Binary::Div, deviation, spread)
}

/// A vector of one number per channel as `[C, 1, ..]` for an input of such rank.
fn per_channel(cx: &mut Cx<'_>, i: usize, channels: usize, rank: usize) -> Result<ValueId, Reason> {
    let id = cx.float_input(i)?;
    if cx.dims(id) != [channels] {
        return Err(Reason::Shape { what: "a factor per channel", got: cx.dims(id) });
    }
    let mut dims = vec![1; rank - 1];
    dims[0] = channels;
    cx.reshape(id, dims)
}

fn channel_count(cx: &Cx<'_>, x: ValueId) -> Result<usize, Reason> {
    match cx.dims(x)[..] {
        [_, c, _, ..] => Ok(c),
        _ => Err(Reason::Shape { what: "the input", got: cx.dims(x) }),
    }
}

fn instance(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let (channels, rank) = (channel_count(cx, x)?, cx.rank(x));
    let epsilon = cx.float("epsilon", 1e-5)?;
    let (scale, bias) = (per_channel(cx, 1, channels, rank)?, per_channel(cx, 2, channels, rank)?);
    let axes: Vec<usize> = (2..rank).collect();
    let y = normalised(cx, x, &axes, epsilon)?;
    let y = cx.binary(Binary::Mul, y, scale)?;
    Ok(vec![cx.binary(Binary::Add, y, bias)?])
}

/// Before operator set 21 there is one factor per group, from then on one per channel.
fn group(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let (channels, dims) = (channel_count(cx, x)?, cx.dims(x));
    let epsilon = cx.float("epsilon", 1e-5)?;
    let (wide, _) = stashed(cx, x)?;
    let groups = cx.optional_int("num_groups")?.ok_or(Reason::MissingAttribute("num_groups"))?;
    let fits = |g: &usize| *g > 0 && channels.is_multiple_of(*g);
    let groups = usize::try_from(groups).ok().filter(fits).ok_or(Reason::Value { what: "num_groups", got: groups })?;
    let y = cx.reshape(wide, vec![dims[0], groups, dims[1..].iter().product::<usize>() / groups])?;
    let y = normalised(cx, y, &[2], epsilon)?;
    let y = cx.cast_as(y, x)?;
    let mut y = cx.reshape(y, dims.clone())?;
    for (i, op) in [(1, Binary::Mul), (2, Binary::Add)] {
        let factor = if cx.opset < 21 {
            let factor = per_channel(cx, i, groups, 3)?;
            let factor = cx.expand(factor, vec![groups, channels / groups])?;
            let mut wide = vec![1; dims.len() - 1];
            wide[0] = channels;
            cx.reshape(factor, wide)?
        } else {
            per_channel(cx, i, channels, dims.len())?
        };
        y = cx.binary(op, y, factor)?;
    }
    Ok(vec![y])
}

/// The axes from the attribute `axis` to the last.
fn trailing(cx: &Cx<'_>, x: ValueId) -> Result<Vec<usize>, Reason> {
    let rank = cx.rank(x);
    Ok((cx.axis_attribute(-1, rank)?..rank).collect())
}

/// Multiplies or adds a factor that must not enlarge the shape.
pub(super) fn apply(cx: &mut Cx<'_>, op: Binary, x: ValueId, factor: ValueId) -> Result<ValueId, Reason> {
    let y = cx.binary(op, x, factor)?;
    if cx.dims(y) == cx.dims(x) { Ok(y) } else { Err(Reason::Shapes(cx.dims(x), cx.dims(factor))) }
}

/// The input in the type that the statistics are computed in, and the type that they are answered in: f64 where asked, else
/// never less than the input's own.
fn stashed(cx: &mut Cx<'_>, x: ValueId) -> Result<(ValueId, DType), Reason> {
    match cx.int("stash_type", 1)? {
        1 => Ok((x, DType::F32)),
        // Half precision is computed in f32.
        10 | 16 => Ok((x, cx.dtype(x))),
        11 => Ok((cx.cast(x, DType::F64)?, DType::F64)),
        got => Err(Reason::AttributeValue { name: "stash_type", got: got.to_string() }),
    }
}

fn layer(cx: &mut Cx<'_>) -> Built {
    let (x, scale) = (cx.float_input(0)?, cx.float_input(1)?);
    let epsilon = cx.float("epsilon", 1e-5)?;
    let (wide, stash) = stashed(cx, x)?;
    let axes = trailing(cx, x)?;
    let [deviation, mean, spread] = deviation(cx, wide, &axes, epsilon)?;
    let y = cx.binary(Binary::Div, deviation, spread)?;
    let y = cx.cast_as(y, x)?;
    let mut y = apply(cx, Binary::Mul, y, scale)?;
    if let Some(bias) = cx.optional(2) {
        y = apply(cx, Binary::Add, y, bias)?;
    }
    if cx.wants(1) || cx.wants(2) {
        let inverse = cx.unary(Unary::Reciprocal, spread)?;
        return Ok(vec![y, cx.cast(mean, stash)?, cx.cast(inverse, stash)?]);
    }
    Ok(vec![y])
}

fn rms(cx: &mut Cx<'_>) -> Built {
    let (x, scale) = (cx.float_input(0)?, cx.float_input(1)?);
    let epsilon = cx.float("epsilon", 1e-5)?;
    let (wide, stash) = stashed(cx, x)?;
    let axes = trailing(cx, x)?;
    let spread = root_mean_square(cx, wide, &axes, epsilon)?;
    let y = cx.binary(Binary::Div, wide, spread)?;
    let y = cx.cast_as(y, x)?;
    let y = apply(cx, Binary::Mul, y, scale)?;
    if cx.wants(1) {
        let inverse = cx.unary(Unary::Reciprocal, spread)?;
        return Ok(vec![y, cx.cast(inverse, stash)?]);
    }
    Ok(vec![y])
}

/// The root of the mean square over some axes.
pub(super) fn root_mean_square(cx: &mut Cx<'_>, x: ValueId, axes: &[usize], epsilon: f32) -> Result<ValueId, Reason> {
    let square = cx.binary(Binary::Mul, x, x)?;
    let mean = cx.reduce(Reduce::Mean, square, axes, true)?;
    let epsilon = cx.scalar_like(x, f64::from(epsilon))?;
    let mean = cx.binary(Binary::Add, mean, epsilon)?;
    cx.unary(Unary::Sqrt, mean)
}

/// ONNX adds 1e-9 to the standard deviation here, not to the variance.
fn mean_variance(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let given = cx.optional_ints_attribute("axes")?.unwrap_or_else(|| vec![0, 2, 3]);
    let axes = axes(&given, cx.rank(x))?;
    let [deviation, _, spread] = deviation(cx, x, &axes, 0.0)?;
    let epsilon = cx.scalar_like(x, 1e-9)?;
    let spread = cx.binary(Binary::Add, spread, epsilon)?;
    Ok(vec![cx.binary(Binary::Div, deviation, spread)?])
}

/// A row of zeros stays zero.
fn lp(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let axis = cx.axis_attribute(-1, cx.rank(x))?;
    let op = match cx.int("p", 2)? {
        1 => Reduce::L1,
        2 => Reduce::L2,
        got => return Err(Reason::AttributeValue { name: "p", got: got.to_string() }),
    };
    let norm = cx.reduce(op, x, &[axis], true)?;
    let zero = cx.scalar_like(x, 0.0)?;
    let none = cx.binary(Binary::Equal, norm, zero)?;
    let one = cx.cast_as(none, x)?;
    let norm = cx.binary(Binary::Add, norm, one)?;
    Ok(vec![cx.binary(Binary::Div, x, norm)?])
}

/// `x / (bias + alpha / size * sum of squares of neighbouring channels) ^ beta`; the sum over size is a padded mean.
fn local_response(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let channels = channel_count(cx, x)?;
    let (alpha, beta, bias) = (cx.float("alpha", 1e-4)?, cx.float("beta", 0.75)?, cx.float("bias", 1.0)?);
    let size = cx.optional_int("size")?.ok_or(Reason::MissingAttribute("size"))?;
    let size = usize::try_from(size)
        .ok()
        .filter(|&s| s > 0 && s <= 2 * channels)
        .ok_or(Reason::Value { what: "size", got: size })?;
    let square = cx.binary(Binary::Mul, x, x)?;
    let mean = match cx.dtype(x) {
        DType::F32 => pooled_channels(cx, square, size)?,
        _ => summed_channels(cx, square, size)?,
    };
    let (alpha, bias, beta) =
        (cx.scalar_like(x, alpha.into())?, cx.scalar_like(x, bias.into())?, cx.scalar_like(x, beta.into())?);
    let scaled = cx.binary(Binary::Mul, mean, alpha)?;
    let base = cx.binary(Binary::Add, scaled, bias)?;
    let divisor = cx.binary(Binary::Pow, base, beta)?;
    Ok(vec![cx.binary(Binary::Div, x, divisor)?])
}

/// The mean over so many neighbouring channels, zeros beyond the ends, by a pool over an image whose rows are the channels.
fn pooled_channels(cx: &mut Cx<'_>, x: ValueId, size: usize) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let (channels, plane) = (dims[1], dims[2..].iter().product());
    let image = cx.reshape(x, vec![dims[0], channels, plane, 1])?;
    let window = Window { kernel: [size, 1], pad: [(size - 1) / 2, 0, size / 2, 0], ..Window::UNIT };
    let op = Op::Pool { window, op: Pool::AverageWithPadding };
    let mean = cx.emit(op, &[Some(image)], DType::F32, vec![dims[0], channels, plane, 1])?;
    cx.reshape(mean, dims)
}

/// The same for types that have no pool: shifted tensors, added one by one.
fn summed_channels(cx: &mut Cx<'_>, x: ValueId, size: usize) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let mut wide = dims.clone();
    wide[1] += size - 1;
    let mut before = vec![0; dims.len()];
    before[1] = (size - 1) / 2;
    let value = element(cx.dtype(x), 0.0);
    let padded = cx.emit_as(Op::Pad { before, value }, &[Some(x)], x, wide)?;
    let mut sum = cx.narrow(padded, 1, 0, dims[1])?;
    for shift in 1..size {
        let next = cx.narrow(padded, 1, shift, dims[1])?;
        sum = cx.binary(Binary::Add, sum, next)?;
    }
    let size = cx.scalar_like(x, size as f64)?;
    cx.binary(Binary::Div, sum, size)
}
