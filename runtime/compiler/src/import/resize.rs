//! Resampling, axis by axis. Where each result lies in the input is known while compiling: nearest is a gather, linear an
//! interpolation between two indices, cubic and antialiased forms a product with a constant matrix.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::node::{Built, Cx, axes, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Upsample", 7, &["mode", "scales"], upsample),
    Entry::onnx("Upsample", 9, &["mode"], upsample),
    Entry::onnx("Resize", 10, &["mode"], upsample),
    Entry::onnx(
        "Resize",
        11,
        &[
            "coordinate_transformation_mode",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "mode",
            "nearest_mode",
        ],
        resize,
    ),
    Entry::onnx(
        "Resize",
        18,
        &[
            "antialias",
            "axes",
            "coordinate_transformation_mode",
            "cubic_coeff_a",
            "exclude_outside",
            "extrapolation_value",
            "keep_aspect_ratio_policy",
            "mode",
            "nearest_mode",
        ],
        resize,
    ),
];

/// Where the result's pixel lies in the input.
#[derive(Clone, Copy, PartialEq)]
enum Coordinates {
    HalfPixel,
    HalfPixelSymmetric,
    PytorchHalfPixel,
    AlignCorners,
    Asymmetric,
    /// Start and end of the region, as fractions of the axis.
    Crop(f32, f32),
}

#[derive(Clone, Copy)]
enum Filter {
    Nearest(fn(f64) -> f64),
    Linear,
    /// Weights by distance, for which every input pixel within reach counts.
    Kernel(Kernel),
}

#[derive(Clone, Copy)]
struct Kernel {
    /// Cubic with this coefficient, else linear.
    cubic: Option<f64>,
    antialias: bool,
    exclude_outside: bool,
}

/// One axis to resample.
#[derive(Clone, Copy)]
struct Axis {
    input: usize,
    output: usize,
    scale: f32,
    coordinates: Coordinates,
}

impl Axis {
    /// Position in the input of a pixel of the result, in the single precision that runtimes use.
    fn position(&self, i: usize) -> f32 {
        let (x, input, output) = (i as f32, self.input as f32, self.output as f32);
        let half_pixel = (x + 0.5) / self.scale - 0.5;
        match self.coordinates {
            Coordinates::HalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = output / (self.scale * input);
                input / 2.0 * (1.0 - adjustment) + half_pixel
            }
            Coordinates::PytorchHalfPixel if self.output > 1 => half_pixel,
            Coordinates::AlignCorners if self.output > 1 => x * (input - 1.0) / (output - 1.0),
            Coordinates::PytorchHalfPixel | Coordinates::AlignCorners => 0.0,
            Coordinates::Asymmetric => x / self.scale,
            Coordinates::Crop(start, end) if self.output > 1 => {
                start * (input - 1.0) + x * (end - start) * (input - 1.0) / (output - 1.0)
            }
            Coordinates::Crop(start, end) => 0.5 * (start + end) * (input - 1.0),
        }
    }

    fn inside(&self, position: f32) -> bool {
        position >= 0.0 && position <= (self.input - 1) as f32
    }

    /// The nearest index inside.
    fn index(&self, position: f64) -> usize {
        if position < 0.0 { 0 } else { (position as usize).min(self.input - 1) }
    }
}

/// Before operator set 11: nearest rounds down, coordinates are asymmetric.
fn upsample(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let scales = match cx.optional_floats_attribute("scales")? {
        Some(scales) => scales,
        None => single(cx.optional_floats(1)?.ok_or(Reason::MissingInput(1))?),
    };
    let filter = match cx.text("mode", "nearest")? {
        "nearest" => Filter::Nearest(f64::floor),
        "linear" | "bilinear" => Filter::Linear,
        got => return Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    };
    let dims = cx.dims(x);
    let plan = by_scales(&dims, &(0..dims.len()).collect::<Vec<_>>(), &scales, |_| Coordinates::Asymmetric)?;
    resample(cx, x, &plan, filter, 0.0)
}

fn single(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|v| v as f32).collect()
}

fn resize(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let dims = cx.dims(x);
    let axes: Vec<usize> = match cx.optional_ints_attribute("axes")? {
        None => (0..dims.len()).collect(),
        Some(given) => {
            axes(&given, dims.len())?;
            given.iter().map(|&a| axis(a, dims.len())).collect::<Result<_, _>>()?
        }
    };
    let roi = single(cx.optional_floats(1)?.unwrap_or_default());
    let mode = cx.text("coordinate_transformation_mode", "half_pixel")?;
    if mode == "tf_crop_and_resize" && roi.len() != 2 * axes.len() {
        return Err(Reason::Shape { what: "the region", got: vec![roi.len()] });
    }
    let coordinates = |i: usize| match mode {
        "half_pixel_symmetric" => Coordinates::HalfPixelSymmetric,
        "pytorch_half_pixel" => Coordinates::PytorchHalfPixel,
        "align_corners" => Coordinates::AlignCorners,
        "asymmetric" => Coordinates::Asymmetric,
        "tf_crop_and_resize" => Coordinates::Crop(roi[i], roi[i + axes.len()]),
        _ => Coordinates::HalfPixel,
    };
    let known = [
        "half_pixel",
        "half_pixel_symmetric",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
        "tf_crop_and_resize",
    ];
    if !known.contains(&mode) {
        return Err(Reason::AttributeValue { name: "coordinate_transformation_mode", got: mode.to_owned() });
    }
    let filter = filter(cx)?;
    let extrapolation = cx.float("extrapolation_value", 0.0)?;
    let scales = single(cx.optional_floats(2)?.unwrap_or_default());
    let sizes = cx.optional_ints(3)?.unwrap_or_default();
    let policy = cx.text("keep_aspect_ratio_policy", "stretch")?;
    let plan = match (scales.is_empty(), sizes.is_empty()) {
        (false, true) if policy == "stretch" => by_scales(&dims, &axes, &scales, coordinates)?,
        (true, false) => by_sizes(&dims, &axes, &sizes, policy, coordinates)?,
        _ => return Err(Reason::Form("it needs either scales or sizes")),
    };
    resample(cx, x, &plan, filter, extrapolation)
}

fn filter(cx: &Cx<'_>) -> Result<Filter, Reason> {
    let antialias = cx.flag("antialias", false)?;
    let exclude_outside = cx.flag("exclude_outside", false)?;
    let coefficient = f64::from(cx.float("cubic_coeff_a", -0.75)?);
    let rounding: fn(f64) -> f64 = match cx.text("nearest_mode", "round_prefer_floor")? {
        "round_prefer_floor" => |x| (x - 0.5).ceil(),
        "round_prefer_ceil" => |x| (x + 0.5).floor(),
        "floor" => f64::floor,
        "ceil" => f64::ceil,
        got => return Err(Reason::AttributeValue { name: "nearest_mode", got: got.to_owned() }),
    };
    Ok(match cx.text("mode", "nearest")? {
        "nearest" => Filter::Nearest(rounding),
        "linear" if !antialias && !exclude_outside => Filter::Linear,
        "linear" => Filter::Kernel(Kernel { cubic: None, antialias, exclude_outside }),
        "cubic" => Filter::Kernel(Kernel { cubic: Some(coefficient), antialias, exclude_outside }),
        got => return Err(Reason::AttributeValue { name: "mode", got: got.to_owned() }),
    })
}

type Plan = Vec<(usize, Axis)>;

/// Largest extent of a resampled axis.
const MAX_EXTENT: f64 = 1_048_576.0;

fn by_scales(
    dims: &[usize],
    axes: &[usize],
    scales: &[f32],
    coordinates: impl Fn(usize) -> Coordinates,
) -> Result<Plan, Reason> {
    let usable = |s: &f32| s.is_finite() && *s > 0.0;
    if scales.len() != axes.len() || !scales.iter().all(usable) {
        return Err(Reason::Shape { what: "the scales", got: vec![scales.len()] });
    }
    let mut plan = Vec::new();
    for (i, (&axis, &scale)) in axes.iter().zip(scales).enumerate() {
        let output = f64::from(dims[axis] as f32 * scale).floor();
        if output > MAX_EXTENT {
            return Err(Reason::TooLarge(dims.to_vec()));
        }
        plan.push((axis, Axis { input: dims[axis], output: output as usize, scale, coordinates: coordinates(i) }));
    }
    Ok(plan)
}

fn by_sizes(
    dims: &[usize],
    axes: &[usize],
    sizes: &[i64],
    policy: &str,
    coordinates: impl Fn(usize) -> Coordinates,
) -> Result<Plan, Reason> {
    if sizes.len() != axes.len() || sizes.iter().any(|&s| s < 0 || s as f64 > MAX_EXTENT) {
        return Err(Reason::Shape { what: "the sizes", got: vec![sizes.len()] });
    }
    if axes.iter().any(|&a| dims[a] == 0) {
        return Err(Reason::Shape { what: "the input", got: dims.to_vec() });
    }
    let ratios: Vec<f32> = axes.iter().zip(sizes).map(|(&a, &s)| s as f32 / dims[a] as f32).collect();
    let pick = |better: fn(f32, f32) -> bool| ratios.iter().copied().reduce(|a, b| if better(b, a) { b } else { a });
    let shared = match policy {
        "stretch" => None,
        "not_larger" => pick(|b, a| b < a),
        "not_smaller" => pick(|b, a| b > a),
        got => return Err(Reason::AttributeValue { name: "keep_aspect_ratio_policy", got: got.to_owned() }),
    };
    let mut plan = Vec::new();
    for (i, &axis) in axes.iter().enumerate() {
        let output = match shared {
            Some(scale) => f64::from(scale * dims[axis] as f32 + 0.5).floor() as usize,
            None => sizes[i] as usize,
        };
        let scale = shared.unwrap_or(ratios[i]);
        plan.push((axis, Axis { input: dims[axis], output, scale, coordinates: coordinates(i) }));
    }
    Ok(plan)
}

fn resample(cx: &mut Cx<'_>, x: ValueId, plan: &Plan, filter: Filter, extrapolation: f32) -> Built {
    let dims = cx.dims(x);
    if plan.iter().any(|(_, a)| a.input == 0 || a.output == 0) {
        return Err(Reason::Shape { what: "the input", got: dims });
    }
    let moves = |a: &Axis| a.input != a.output || (0..a.output).any(|i| a.position(i) != i as f32);
    let plan: Vec<(usize, Axis)> = plan.iter().filter(|(_, a)| moves(a)).copied().collect();
    let dtype = cx.dtype(x);
    // Small integers are exact in f32; what is interpolated is truncated, as in the standard's reference.
    let wide = match (filter, dtype) {
        (Filter::Nearest(_), _) | (_, DType::F32 | DType::F64) => x,
        (_, DType::I8 | DType::U8 | DType::I16 | DType::U16) => cx.cast(x, DType::F32)?,
        _ => return Err(Reason::Type(dtype)),
    };
    // Images keep their channels last between convolutions.
    let turn = dims.len() >= 3 && plan.iter().all(|(axis, _)| *axis >= 2);
    let mut y = if turn { cx.channels_last(wide)? } else { wide };
    for (axis, a) in plan {
        let axis = if turn { axis - 1 } else { axis };
        y = match filter {
            Filter::Nearest(rounding) => nearest(cx, y, axis, &a, rounding)?,
            Filter::Linear => linear(cx, y, axis, &a)?,
            Filter::Kernel(kernel) => by_matrix(cx, y, axis, &a, kernel)?,
        };
        y = extrapolate(cx, y, axis, &a, extrapolation)?;
    }
    let y = if turn { cx.channels_first(y)? } else { y };
    Ok(vec![cx.cast(y, dtype)?])
}

fn nearest(cx: &mut Cx<'_>, x: ValueId, axis: usize, a: &Axis, rounding: fn(f64) -> f64) -> Result<ValueId, Reason> {
    let indices: Vec<i32> = (0..a.output).map(|i| a.index(rounding(f64::from(a.position(i)))) as i32).collect();
    let indices = cx.i32s(vec![a.output], &indices)?;
    cx.gather(x, indices, axis)
}

fn linear(cx: &mut Cx<'_>, x: ValueId, axis: usize, a: &Axis) -> Result<ValueId, Reason> {
    let (mut low, mut high, mut weight) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..a.output {
        let position = a.position(i);
        let below = a.index(f64::from(position));
        low.push(below as i32);
        high.push((below + 1).min(a.input - 1) as i32);
        weight.push(if a.inside(position) { position - below as f32 } else { 0.0 });
    }
    if cx.dtype(x) == DType::F64 {
        return lerp_f64(cx, x, axis, [&low, &high], &weight);
    }
    let shape = || vec![a.output];
    let (low, high, weight) = (cx.i32s(shape(), &low)?, cx.i32s(shape(), &high)?, cx.f32s(shape(), &weight)?);
    let mut dims = cx.dims(x);
    dims[axis] = a.output;
    cx.emit_as(Op::Lerp { axis }, &[Some(x), Some(low), Some(high), Some(weight)], x, dims)
}

/// Interpolation of doubles, written out.
fn lerp_f64(
    cx: &mut Cx<'_>,
    x: ValueId,
    axis: usize,
    [low, high]: [&[i32]; 2],
    weight: &[f32],
) -> Result<ValueId, Reason> {
    let count = weight.len();
    let (low, high) = (cx.i32s(vec![count], low)?, cx.i32s(vec![count], high)?);
    let (low, high) = (cx.gather(x, low, axis)?, cx.gather(x, high, axis)?);
    let mut ruler = vec![1; cx.rank(x) - axis];
    ruler[0] = count;
    let weight = cx.f32s(ruler, weight)?;
    let weight = cx.cast(weight, DType::F64)?;
    let distance = cx.binary(Binary::Sub, high, low)?;
    let part = cx.binary(Binary::Mul, distance, weight)?;
    cx.binary(Binary::Add, low, part)
}

/// Rows of weights times the axis.
fn by_matrix(cx: &mut Cx<'_>, x: ValueId, axis: usize, a: &Axis, kernel: Kernel) -> Result<ValueId, Reason> {
    cx.room_for(DType::F32, &[a.input, a.output])?;
    let mut matrix = vec![0_f32; a.input * a.output];
    for i in 0..a.output {
        for (index, weight) in kernel.weights(a, f64::from(a.position(i))) {
            matrix[index * a.output + i] += weight as f32;
        }
    }
    let matrix = cx.f32s(vec![a.input, a.output], &matrix)?;
    let rank = cx.rank(x);
    let to_last: Vec<usize> = (0..rank).filter(|&i| i != axis).chain([axis]).collect();
    let back: Vec<usize> = (0..axis).chain([rank - 1]).chain(axis..rank - 1).collect();
    let y = cx.transpose(x, &to_last)?;
    let y = if cx.dtype(x) == DType::F32 {
        cx.rows_times(y, matrix, None)?
    } else {
        let matrix = cx.cast(matrix, DType::F64)?;
        let mut dims = cx.dims(y);
        let lines = dims[..rank - 1].iter().product();
        let flat = cx.reshape(y, vec![lines, a.input])?;
        let made = cx.emit_as(Op::MatMul, &[Some(flat), Some(matrix)], x, vec![lines, a.output])?;
        dims[rank - 1] = a.output;
        cx.reshape(made, dims)?
    };
    cx.transpose(y, &back)
}

impl Kernel {
    /// Weights of the input pixels around a position; what lies outside counts for the edge, or not at all.
    fn weights(self, a: &Axis, position: f64) -> Vec<(usize, f64)> {
        let shrink = if self.antialias && a.scale < 1.0 { f64::from(a.scale) } else { 1.0 };
        let reach = if self.cubic.is_some() { 2.0 } else { 1.0 } / shrink;
        let (first, last) = ((position - reach).ceil() as i64, (position + reach).floor() as i64);
        let mut weights = Vec::new();
        let mut sum = 0.0;
        for i in first..=last {
            let outside = i < 0 || i >= a.input as i64;
            if outside && self.exclude_outside {
                continue;
            }
            let weight = self.at(((i as f64 - position) * shrink).abs());
            sum += weight;
            weights.push((i.clamp(0, a.input as i64 - 1) as usize, weight));
        }
        weights.iter_mut().for_each(|(_, weight)| *weight /= sum);
        weights
    }

    fn at(self, distance: f64) -> f64 {
        let d = distance;
        match self.cubic {
            None if d < 1.0 => 1.0 - d,
            Some(a) if d <= 1.0 => ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0,
            Some(a) if d < 2.0 => ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a,
            _ => 0.0,
        }
    }
}

/// Outside a cropped region there is one fixed value.
fn extrapolate(cx: &mut Cx<'_>, y: ValueId, axis: usize, a: &Axis, value: f32) -> Result<ValueId, Reason> {
    let inside: Vec<bool> = (0..a.output).map(|i| a.inside(a.position(i))).collect();
    if !matches!(a.coordinates, Coordinates::Crop(..)) || inside.iter().all(|&i| i) {
        return Ok(y);
    }
    let mut ruler = vec![1; cx.rank(y)];
    ruler[axis] = a.output;
    let mask = cx.bools(ruler, &inside)?;
    let value = cx.scalar_like(y, f64::from(value))?;
    cx.select(mask, y, value)
}
