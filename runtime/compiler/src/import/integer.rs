//! Products and convolutions whose operands are integers. Constant 8-bit weights stay what they are.

use mote_abi::DType;
use mote_abi::op::Binary;

use super::linear::product;
use super::node::{Built, Cx};
use super::quantized::{dynamic, quantize};
use super::table::Entry;
use super::window::{Spatial, from_image, image_dims, positive, to_image};
use crate::centered::{self, Centered};
use crate::error::Reason;
use crate::graph::{Op, QConv, Steps, ValueId, Window};

const CONV: &[&str] = &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("MatMulInteger", 10, &[], mat_mul_integer),
    Entry::onnx("QLinearMatMul", 10, &[], q_linear_mat_mul),
    Entry::onnx("ConvInteger", 10, CONV, conv_integer),
    Entry::onnx("QLinearConv", 10, CONV, q_linear_conv),
    Entry::microsoft("QGemm", &["alpha", "transA", "transB"], q_gemm),
    Entry::microsoft("MatMulIntegerToFloat", &[], mat_mul_integer_to_float),
    Entry::microsoft("DynamicQuantizeMatMul", &[], dynamic_quantize_mat_mul),
];

/// An 8-bit tensor and what stands for 0 in it.
#[derive(Clone, Copy)]
struct Factor {
    id: ValueId,
    zero: Option<ValueId>,
}

impl Factor {
    /// The operands of these indices.
    fn read(cx: &Cx<'_>, id: usize, zero: usize) -> Result<Self, Reason> {
        let (id, zero) = (cx.input(id)?, cx.optional(zero));
        let dtype = cx.dtype(id);
        if !matches!(dtype, DType::I8 | DType::U8) {
            return Err(Reason::Type(dtype));
        }
        match zero.map(|zero| cx.dtype(zero)) {
            Some(other) if other != dtype => Err(Reason::Types(dtype, other)),
            _ => Ok(Self { id, zero }),
        }
    }

    /// The differences from the zero point, as i32.
    fn differences(self, cx: &mut Cx<'_>, side: Side) -> Result<ValueId, Reason> {
        let x = cx.cast(self.id, DType::I32)?;
        let Some(zero) = self.zero else { return Ok(x) };
        let zero = cx.cast(zero, DType::I32)?;
        let zero = side.place(cx, zero)?;
        cx.binary(Binary::Sub, x, zero)
    }

    /// The zero point as a number where it is known, else as an operand of one element.
    fn single_zero(self, cx: &mut Cx<'_>) -> Result<Option<(i32, Option<ValueId>)>, Reason> {
        let Some(zero) = self.zero else { return Ok(Some((0, None))) };
        if cx.graph.value(zero).count() != 1 {
            return Ok(None);
        }
        match cx.ints(zero).as_deref() {
            Some(&[known]) => Ok(Some((known as i32, None))),
            _ => Ok(Some((0, Some(cx.reshape(zero, vec![1])?)))),
        }
    }

    /// Constant weights, output channels outermost, as i8, with the zero points of all channels where not all are 0.
    fn weights(
        self,
        cx: &mut Cx<'_>,
        outermost: ValueId,
        channels: usize,
    ) -> Result<Option<(ValueId, Option<ValueId>)>, Reason> {
        let zero = match self.zero {
            None => vec![0],
            Some(zero) => match cx.ints(zero) {
                Some(zero) => zero,
                None => return Ok(None),
            },
        };
        let value = cx.graph.value(outermost).clone();
        let centered = value.data.as_deref().and_then(|data| centered::weights(value.dtype, data, channels, &zero));
        let Some(Centered { bytes, zero }) = centered else { return Ok(None) };
        let weights = cx.constant(DType::I8, value.dims, bytes)?;
        Ok(Some((weights, zero.map(|zero| cx.i32s(vec![channels], &zero)).transpose()?)))
    }
}

/// Where an operand of a product stands, which says along which axis its vectors lie.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

impl Side {
    /// One element, one per row of the left operand or one per column of the right one, as it broadcasts to the product.
    fn place(self, cx: &mut Cx<'_>, id: ValueId) -> Result<ValueId, Reason> {
        match cx.dims(id)[..] {
            _ if cx.graph.value(id).count() == 1 => cx.reshape(id, vec![]),
            [rows] if self == Self::Left => cx.reshape(id, vec![rows, 1]),
            _ => Ok(id),
        }
    }
}

/// A product or convolution with weights in 8 bits, but for what becomes of its sums.
struct Integers {
    inputs: [Option<ValueId>; 6],
    settings: QConv,
    /// What the step makes.
    made: Vec<usize>,
    channels: usize,
}

impl Integers {
    /// The sums themselves.
    fn sums(self, cx: &mut Cx<'_>) -> Result<ValueId, Reason> {
        cx.emit(Op::QConv(self.settings), &self.inputs, DType::I32, self.made)
    }

    /// The sums times a scale, one or one per channel, in 8 bits or f32.
    fn scaled(mut self, cx: &mut Cx<'_>, scale: &[f64], dtype: DType, zero: i32) -> Result<ValueId, Reason> {
        let each: Vec<f32> = match *scale {
            [one] => vec![one as f32; self.channels],
            ref many if many.len() == self.channels => many.iter().map(|&scale| scale as f32).collect(),
            _ => return Err(Reason::Form("its scales are neither one nor one per channel")),
        };
        self.inputs[3] = Some(cx.f32s(vec![self.channels], &each)?);
        if dtype != DType::F32 {
            self.settings.to = Steps::all(dtype, zero).ok_or(Reason::Type(dtype))?;
        }
        cx.emit(Op::QConv(self.settings), &self.inputs, dtype, self.made)
    }
}

fn mat_mul_integer(cx: &mut Cx<'_>) -> Built {
    let (a, b) = (Factor::read(cx, 0, 2)?, Factor::read(cx, 1, 3)?);
    Ok(vec![sums(cx, a, b)?])
}

/// `(a - a_zero) * (b - b_zero)` in i32.
fn sums(cx: &mut Cx<'_>, a: Factor, b: Factor) -> Result<ValueId, Reason> {
    if let Some((integers, dims)) = rows(cx, a, b)? {
        let y = integers.sums(cx)?;
        return cx.reshape(y, dims);
    }
    let a = a.differences(cx, Side::Left)?;
    let b = b.differences(cx, Side::Right)?;
    product(cx, a, b)
}

/// A product with a constant matrix as a 1x1 convolution over rows, and the shape of the product; `None` where the right
/// operand is no constant matrix, or zero points differ from row to row.
fn rows(cx: &mut Cx<'_>, a: Factor, b: Factor) -> Result<Option<(Integers, Vec<usize>)>, Reason> {
    let (mut dims, right) = (cx.dims(a.id), cx.dims(b.id));
    let (Some(&k), &[k2, n]) = (dims.last(), right.as_slice()) else { return Ok(None) };
    if k != k2 || !cx.is_constant(b.id) || dims.contains(&0) || n == 0 {
        return Ok(None);
    }
    let Some((x_zero, zero)) = a.single_zero(cx)? else { return Ok(None) };
    let w = cx.transpose(b.id, &[1, 0])?;
    let w = cx.reshape(w, vec![n, 1, 1, k])?;
    let Some((w, w_zero)) = b.weights(cx, w, n)? else { return Ok(None) };
    let count = dims[..dims.len() - 1].iter().product();
    let x = cx.reshape(a.id, vec![1, 1, count, k])?;
    *dims.last_mut().expect("a has a last axis") = n;
    let integers = Integers {
        inputs: [Some(x), Some(w), None, None, zero, w_zero],
        settings: QConv { window: Window::UNIT, groups: 1, x_zero, to: Steps { zero: 0, low: 0, high: 0 } },
        made: vec![1, 1, count, n],
        channels: n,
    };
    Ok(Some((integers, dims)))
}

fn q_linear_mat_mul(cx: &mut Cx<'_>) -> Built {
    let (a, b) = (Factor::read(cx, 0, 2)?, Factor::read(cx, 3, 5)?);
    let (a_scale, b_scale, y_scale) = (cx.f32_input(1)?, cx.f32_input(4)?, cx.f32_input(6)?);
    let y_zero = cx.input(7)?;
    let to = cx.dtype(y_zero);
    for id in [y_scale, y_zero] {
        if cx.graph.value(id).count() != 1 {
            return Err(Reason::Shape { what: "a scale or zero point", got: cx.dims(id) });
        }
    }
    let known = known_scale(cx, a_scale, b_scale, y_scale).zip(cx.ints(y_zero));
    if let (Some((scale, zero)), Some((integers, dims))) = (known, rows(cx, a, b)?) {
        let y = integers.scaled(cx, &scale, to, zero[0] as i32)?;
        return Ok(vec![cx.reshape(y, dims)?]);
    }
    let sums = sums(cx, a, b)?;
    let sums = cx.cast(sums, DType::F32)?;
    let (a_scale, b_scale) = (Side::Left.place(cx, a_scale)?, Side::Right.place(cx, b_scale)?);
    let (y_scale, y_zero) = (cx.reshape(y_scale, vec![])?, cx.reshape(y_zero, vec![])?);
    let scale = cx.binary(Binary::Mul, a_scale, b_scale)?;
    let scale = cx.binary(Binary::Div, scale, y_scale)?;
    let steps = cx.binary(Binary::Mul, sums, scale)?;
    let one = cx.filled(DType::F32, vec![], 1.0)?;
    Ok(vec![quantize(cx, steps, one, Some(y_zero), to)?])
}

/// `alpha * (a * b + c)` over integers, c in units of the sums; without a scale the result is in f32.
fn q_gemm(cx: &mut Cx<'_>) -> Built {
    let (a, mut b) = (Factor::read(cx, 0, 2)?, Factor::read(cx, 3, 5)?);
    let (a_scale, b_scale, bias) = (cx.f32_input(1)?, cx.f32_input(4)?, cx.optional(6));
    cx.only("transA", 0)?;
    constant(cx, &[1, 3, 4, 5, 6, 7, 8])?;
    let several = || Reason::Form("its scales and zero points differ within a tensor");
    let alpha = f64::from(cx.float("alpha", 1.0)?);
    let y_scale = match cx.optional(7) {
        Some(_) => cx.f32_input(7)?,
        None => cx.filled(DType::F32, vec![], 1.0)?,
    };
    let scale = known_scale(cx, a_scale, b_scale, y_scale).ok_or_else(several)?;
    let scale: Vec<f64> = scale.into_iter().map(|scale| scale * alpha).collect();
    if cx.rank(b.id) != 2 {
        return Err(Reason::Shape { what: "an operand", got: cx.dims(b.id) });
    }
    if cx.flag("transB", false)? {
        b.id = cx.transpose(b.id, &[1, 0])?;
    }
    let Some((mut integers, dims)) = rows(cx, a, b)? else { return Err(several()) };
    if let Some(bias) = bias {
        let channels = integers.channels;
        if cx.dtype(bias) != DType::I32 || cx.graph.value(bias).count() != channels {
            return Err(Reason::Shape { what: "the bias", got: cx.dims(bias) });
        }
        integers.inputs[2] = Some(cx.reshape(bias, vec![channels])?);
    }
    let (to, zero) = match cx.optional(8) {
        Some(zero) => (cx.dtype(zero), cx.ints(zero).and_then(|zero| zero.first().copied()).ok_or_else(several)?),
        None => (DType::F32, 0),
    };
    let y = integers.scaled(cx, &scale, to, zero as i32)?;
    Ok(vec![cx.reshape(y, dims)?])
}

/// `a * b / y` where all are known, a and y single and b a vector at most.
fn known_scale(cx: &Cx<'_>, a: ValueId, b: ValueId, y: ValueId) -> Option<Vec<f64>> {
    let (a, y) = (cx.floats(a)?, cx.floats(y)?);
    let (&[a], &[y]) = (a.as_slice(), y.as_slice()) else { return None };
    let vector = cx.rank(b) <= 1;
    Some(cx.floats(b).filter(|_| vector)?.into_iter().map(|b| a * b / y).collect())
}

fn mat_mul_integer_to_float(cx: &mut Cx<'_>) -> Built {
    let (a, b) = (Factor::read(cx, 0, 4)?, Factor::read(cx, 1, 5)?);
    let (a_scale, b_scale) = (cx.f32_input(2)?, cx.f32_input(3)?);
    Ok(vec![to_float(cx, [a, b], [a_scale, b_scale], cx.optional(6))?])
}

fn dynamic_quantize_mat_mul(cx: &mut Cx<'_>) -> Built {
    let (x, b) = (cx.f32_input(0)?, Factor::read(cx, 1, 3)?);
    let b_scale = cx.f32_input(2)?;
    let (a, a_scale, zero) = dynamic(cx, x)?;
    let a = Factor { id: a, zero: Some(zero) };
    Ok(vec![to_float(cx, [a, b], [a_scale, b_scale], cx.optional(4))?])
}

/// `sums * (a_scale * b_scale) + bias`.
fn to_float(
    cx: &mut Cx<'_>,
    [a, b]: [Factor; 2],
    [a_scale, b_scale]: [ValueId; 2],
    bias: Option<ValueId>,
) -> Result<ValueId, Reason> {
    let sums = sums(cx, a, b)?;
    let sums = cx.cast(sums, DType::F32)?;
    let (a_scale, b_scale) = (Side::Left.place(cx, a_scale)?, Side::Right.place(cx, b_scale)?);
    let scale = cx.binary(Binary::Mul, a_scale, b_scale)?;
    let y = cx.binary(Binary::Mul, sums, scale)?;
    bias.map_or(Ok(y), |bias| cx.binary(Binary::Add, y, bias))
}

fn conv_integer(cx: &mut Cx<'_>) -> Built {
    let (x, w) = (Factor::read(cx, 0, 2)?, Factor::read(cx, 1, 3)?);
    let rank = cx.rank(x.id);
    constant(cx, &[1, 3])?;
    let integers = convolution(cx, x, w, None)?;
    let y = integers.sums(cx)?;
    Ok(vec![from_image(cx, y, rank)?])
}

/// Refuses operands of these indices that are there and not known.
fn constant(cx: &Cx<'_>, operands: &[usize]) -> Result<(), Reason> {
    let known = |&&i: &&usize| cx.optional(i).is_some_and(|id| !cx.is_constant(id));
    operands.iter().find(known).map_or(Ok(()), |&i| Err(Reason::NotConstant(i)))
}

fn q_linear_conv(cx: &mut Cx<'_>) -> Built {
    let (x, w) = (Factor::read(cx, 0, 2)?, Factor::read(cx, 3, 5)?);
    let (x_scale, w_scale, y_scale) = (cx.f32_input(1)?, cx.f32_input(4)?, cx.f32_input(6)?);
    let (y_zero, bias) = (cx.input(7)?, cx.optional(8));
    let to = cx.dtype(y_zero);
    constant(cx, &[1, 3, 4, 5, 6, 7, 8])?;
    let several = || Reason::Form("its scales and zero points differ within a tensor");
    let scale = known_scale(cx, x_scale, w_scale, y_scale).ok_or_else(several)?;
    let zero = cx.ints(y_zero).filter(|zero| zero.len() == 1).ok_or_else(several)?;
    let rank = cx.rank(x.id);
    let integers = convolution(cx, x, w, bias)?;
    let y = integers.scaled(cx, &scale, to, zero[0] as i32)?;
    Ok(vec![from_image(cx, y, rank)?])
}

fn convolution(cx: &mut Cx<'_>, x: Factor, w: Factor, bias: Option<ValueId>) -> Result<Integers, Reason> {
    let (dims, weights) = (cx.dims(x.id), cx.dims(w.id));
    if !matches!(dims.len(), 3 | 4) {
        return Err(Reason::Form("only sequences [N, C, L] and images [N, C, H, W] are supported"));
    }
    if weights.len() != dims.len() || dims.contains(&0) || weights.contains(&0) {
        return Err(Reason::Shapes(dims, weights));
    }
    if let Some(kernel) = positive(cx, "kernel_shape", dims.len() - 2)?
        && kernel != weights[2..]
    {
        return Err(Reason::Shapes(kernel, weights));
    }
    let groups = cx.int("group", 1)?;
    let groups = usize::try_from(groups).ok().filter(|&g| g > 0).ok_or(Reason::Value { what: "group", got: groups })?;
    let channels = weights[0];
    if dims[1] != weights[1].saturating_mul(groups) || !channels.is_multiple_of(groups) {
        return Err(Reason::Shapes(dims, weights));
    }
    if let Some(bias) = bias
        && (cx.dtype(bias) != DType::I32 || cx.dims(bias) != [channels])
    {
        return Err(Reason::Shape { what: "the bias", got: cx.dims(bias) });
    }
    let spatial = Spatial::read(cx, &dims[2..], weights[2..].to_vec())?;
    let out = spatial.out(&dims[2..])?;
    let several = Reason::Form("its zero points differ within a tensor");
    let Some((x_zero, zero)) = x.single_zero(cx)? else { return Err(several) };
    let (image, outermost) = (to_image(cx, x.id)?, to_image(cx, w.id)?);
    let Some((weights, w_zero)) = w.weights(cx, outermost, channels)? else { return Err(several) };
    let to = Steps { zero: 0, low: 0, high: 0 };
    Ok(Integers {
        inputs: [Some(image), Some(weights), bias, None, zero, w_zero],
        settings: QConv { window: spatial.window(), groups, x_zero, to },
        made: image_dims(dims[0], &out, channels),
        channels,
    })
}
