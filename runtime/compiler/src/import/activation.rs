//! Activations.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::emit::broadcast;
use super::node::{Built, Cx, axis};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Relu", 6, &[], relu),
    Entry::onnx("LeakyRelu", 6, &["alpha"], leaky_relu),
    Entry::onnx("PRelu", 7, &[], prelu),
    Entry::onnx("Elu", 6, &["alpha"], elu),
    Entry::onnx("Selu", 6, &["alpha", "gamma"], selu),
    Entry::onnx("Celu", 12, &["alpha"], celu),
    Entry::onnx("Sigmoid", 6, &[], sigmoid),
    Entry::onnx("HardSigmoid", 6, &["alpha", "beta"], hard_sigmoid),
    Entry::onnx("HardSwish", 14, &[], hard_swish),
    Entry::onnx("Swish", 24, &["alpha"], swish),
    Entry::onnx("SwiGLU", 28, &["alpha"], swi_glu),
    Entry::onnx("Softplus", 1, &[], softplus),
    Entry::onnx("Softsign", 1, &[], softsign),
    Entry::onnx("Gelu", 20, &["approximate"], gelu),
    Entry::onnx("Mish", 18, &[], mish),
    Entry::onnx("ThresholdedRelu", 10, &["alpha"], thresholded_relu),
    Entry::onnx("Shrink", 9, &["lambd", "bias"], shrink),
    Entry::onnx("Softmax", 1, &["axis"], softmax_flat),
    Entry::onnx("Softmax", 13, &["axis"], softmax),
    Entry::onnx("LogSoftmax", 1, &["axis"], softmax_flat),
    Entry::onnx("LogSoftmax", 13, &["axis"], softmax),
    Entry::onnx("Hardmax", 1, &["axis"], hardmax_flat),
    Entry::onnx("Hardmax", 13, &["axis"], hardmax),
    Entry::microsoft("Gelu", &[], gelu),
    Entry::microsoft("QuickGelu", &["alpha"], quick_gelu),
];

fn one(cx: &mut Cx<'_>, op: Unary, alpha: f32, beta: f32) -> Built {
    let x = cx.float_input(0)?;
    Ok(vec![cx.unary_with(op, x, alpha, beta)?])
}

fn relu(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    match cx.dtype(x) {
        DType::F32 => one(cx, Unary::Clamp, 0.0, f32::INFINITY),
        DType::Bool => Err(Reason::Type(DType::Bool)),
        _ => {
            let zero = cx.scalar_like(x, 0.0)?;
            Ok(vec![cx.binary(Binary::Max, x, zero)?])
        }
    }
}

fn leaky_relu(cx: &mut Cx<'_>) -> Built {
    let alpha = cx.float("alpha", 0.01)?;
    one(cx, Unary::LeakyRelu, alpha, 0.0)
}

pub(super) fn prelu(cx: &mut Cx<'_>) -> Built {
    let (x, slope) = (cx.input(0)?, cx.input(1)?);
    // The slope broadcasts to x, never x to the slope.
    if broadcast(&cx.dims(x), &cx.dims(slope))? != cx.dims(x) {
        return Err(Reason::Shapes(cx.dims(x), cx.dims(slope)));
    }
    match cx.dtype(x) {
        DType::Bool => Err(Reason::Type(DType::Bool)),
        // Nothing is below 0; the kernel would see the bits of i64.
        DType::U64 => Ok(vec![x]),
        _ => Ok(vec![cx.binary(Binary::PRelu, x, slope)?]),
    }
}

fn elu(cx: &mut Cx<'_>) -> Built {
    let alpha = cx.float("alpha", 1.0)?;
    one(cx, Unary::Elu, alpha, 0.0)
}

fn selu(cx: &mut Cx<'_>) -> Built {
    let (alpha, gamma) = (cx.float("alpha", 1.673_263_2)?, cx.float("gamma", 1.050_701)?);
    one(cx, Unary::Selu, alpha, gamma)
}

fn celu(cx: &mut Cx<'_>) -> Built {
    let alpha = cx.float("alpha", 1.0)?;
    one(cx, Unary::Celu, alpha, 0.0)
}

fn sigmoid(cx: &mut Cx<'_>) -> Built {
    one(cx, Unary::Sigmoid, 0.0, 0.0)
}

fn hard_sigmoid(cx: &mut Cx<'_>) -> Built {
    let (alpha, beta) = (cx.float("alpha", 0.2)?, cx.float("beta", 0.5)?);
    one(cx, Unary::HardSigmoid, alpha, beta)
}

fn hard_swish(cx: &mut Cx<'_>) -> Built {
    one(cx, Unary::HardSwish, 0.0, 0.0)
}

fn swish(cx: &mut Cx<'_>) -> Built {
    let alpha = cx.float("alpha", 1.0)?;
    one(cx, Unary::Swish, alpha, 0.0)
}

fn swi_glu(cx: &mut Cx<'_>) -> Built {
    let (gate, linear) = (cx.float_input(0)?, cx.float_input(1)?);
    let alpha = cx.float("alpha", 1.0)?;
    if cx.dims(gate) != cx.dims(linear) {
        return Err(Reason::Shapes(cx.dims(gate), cx.dims(linear)));
    }
    let gate = cx.unary_with(Unary::Swish, gate, alpha, 0.0)?;
    Ok(vec![cx.binary(Binary::Mul, gate, linear)?])
}

fn quick_gelu(cx: &mut Cx<'_>) -> Built {
    let alpha = cx.float("alpha", 1.702)?;
    one(cx, Unary::Swish, alpha, 0.0)
}

fn softplus(cx: &mut Cx<'_>) -> Built {
    one(cx, Unary::Softplus, 0.0, 0.0)
}

fn softsign(cx: &mut Cx<'_>) -> Built {
    one(cx, Unary::Softsign, 0.0, 0.0)
}

fn gelu(cx: &mut Cx<'_>) -> Built {
    match cx.text("approximate", "none")? {
        "none" => one(cx, Unary::Gelu, 0.0, 0.0),
        "tanh" => one(cx, Unary::GeluTanh, 0.0, 0.0),
        got => Err(Reason::AttributeValue { name: "approximate", got: got.to_owned() }),
    }
}

fn mish(cx: &mut Cx<'_>) -> Built {
    one(cx, Unary::Mish, 0.0, 0.0)
}

fn thresholded_relu(cx: &mut Cx<'_>) -> Built {
    let alpha = cx.float("alpha", 1.0)?;
    one(cx, Unary::ThresholdedRelu, alpha, 0.0)
}

fn shrink(cx: &mut Cx<'_>) -> Built {
    let (lambda, bias) = (cx.float("lambd", 0.5)?, cx.float("bias", 0.0)?);
    one(cx, Unary::Shrink, lambda, bias)
}

fn softmax(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let axis = cx.axis_attribute(-1, cx.rank(x))?;
    let log = cx.op() == "LogSoftmax";
    Ok(vec![cx.softmax(x, axis, log)?])
}

/// Before operator set 13 everything from the axis on is one row.
fn softmax_flat(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let rows = flat(cx, x)?;
    let log = cx.op() == "LogSoftmax";
    let y = cx.softmax(rows, 1, log)?;
    Ok(vec![cx.reshape_as(y, x)?])
}

fn flat(cx: &mut Cx<'_>, x: ValueId) -> Result<ValueId, Reason> {
    let dims = cx.dims(x);
    let axis = axis(cx.int("axis", 1)?, dims.len())?;
    cx.reshape(x, vec![dims[..axis].iter().product(), dims[axis..].iter().product()])
}

fn hardmax(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let axis = cx.axis_attribute(-1, cx.rank(x))?;
    Ok(vec![one_at_largest(cx, x, axis)?])
}

fn hardmax_flat(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let rows = flat(cx, x)?;
    let y = one_at_largest(cx, rows, 1)?;
    Ok(vec![cx.reshape_as(y, x)?])
}

fn one_at_largest(cx: &mut Cx<'_>, x: ValueId, axis: usize) -> Result<ValueId, Reason> {
    let mut dims = cx.dims(x);
    let extent = dims[axis];
    let mut ruler = vec![1; dims.len()];
    ruler[axis] = extent;
    dims[axis] = 1;
    let op = Op::ArgReduce { axis, max: true, last: false };
    let largest = cx.emit(op, &[Some(x)], DType::I64, dims)?;
    let positions: Vec<i64> = (0..extent as i64).collect();
    let positions = cx.i64s(ruler, &positions)?;
    let hit = cx.binary(Binary::Equal, positions, largest)?;
    cx.cast_as(hit, x)
}
