//! Element by element: arithmetic, comparison, logic, bits, casts and choices.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Abs", 1, &[], numeric),
    Entry::onnx("Neg", 1, &[], numeric),
    Entry::onnx("Sign", 9, &[], numeric),
    Entry::onnx("Not", 1, &[], not),
    Entry::onnx("BitwiseNot", 18, &[], not),
    Entry::onnx("Ceil", 1, &[], float),
    Entry::onnx("Floor", 1, &[], float),
    Entry::onnx("Round", 11, &[], float),
    Entry::onnx("Sqrt", 1, &[], float),
    Entry::onnx("Reciprocal", 1, &[], float),
    Entry::onnx("Exp", 1, &[], float),
    Entry::onnx("Log", 1, &[], float),
    Entry::onnx("Sin", 7, &[], float),
    Entry::onnx("Cos", 7, &[], float),
    Entry::onnx("Tan", 7, &[], float),
    Entry::onnx("Asin", 7, &[], float),
    Entry::onnx("Acos", 7, &[], float),
    Entry::onnx("Atan", 7, &[], float),
    Entry::onnx("Sinh", 9, &[], float),
    Entry::onnx("Cosh", 9, &[], float),
    Entry::onnx("Tanh", 1, &[], float),
    Entry::onnx("Asinh", 9, &[], float),
    Entry::onnx("Acosh", 9, &[], float),
    Entry::onnx("Atanh", 9, &[], float),
    Entry::onnx("Erf", 9, &[], float),
    Entry::onnx("IsNaN", 9, &[], is_nan),
    Entry::onnx("IsInf", 10, &["detect_negative", "detect_positive"], is_inf),
    Entry::onnx("Add", 7, &[], arithmetic),
    Entry::onnx("Sub", 7, &[], arithmetic),
    Entry::onnx("Mul", 7, &[], arithmetic),
    Entry::onnx("Div", 7, &[], arithmetic),
    Entry::onnx("Mod", 10, &["fmod"], modulo),
    Entry::onnx("Pow", 7, &[], pow),
    Entry::onnx("Equal", 7, &[], compare),
    Entry::onnx("Less", 7, &[], compare),
    Entry::onnx("LessOrEqual", 12, &[], compare),
    Entry::onnx("Greater", 7, &[], compare),
    Entry::onnx("GreaterOrEqual", 12, &[], compare),
    Entry::onnx("And", 7, &[], logic),
    Entry::onnx("Or", 7, &[], logic),
    Entry::onnx("Xor", 7, &[], logic),
    Entry::onnx("BitwiseAnd", 18, &[], bits),
    Entry::onnx("BitwiseOr", 18, &[], bits),
    Entry::onnx("BitwiseXor", 18, &[], bits),
    Entry::onnx("BitShift", 11, &["direction"], bit_shift),
    Entry::onnx("Max", 6, &[], variadic),
    Entry::onnx("Min", 6, &[], variadic),
    Entry::onnx("Sum", 6, &[], variadic),
    Entry::onnx("Mean", 6, &[], variadic),
    Entry::onnx("Where", 9, &[], select),
    Entry::onnx("Clip", 6, &["min", "max"], clip_attributes),
    Entry::onnx("Clip", 11, &[], clip),
    Entry::onnx("Cast", 6, &["to", "saturate", "round_mode"], cast),
    Entry::onnx("BitCast", 26, &["to"], bit_cast),
    Entry::onnx("CastLike", 15, &["saturate", "round_mode"], cast_like),
];

pub(super) fn is_float(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::F64)
}

fn unary_of(op: &str) -> Option<Unary> {
    Some(match op {
        "Abs" => Unary::Abs,
        "Neg" => Unary::Neg,
        "Sign" => Unary::Sign,
        "Ceil" => Unary::Ceil,
        "Floor" => Unary::Floor,
        "Round" => Unary::Round,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Tan" => Unary::Tan,
        "Asin" => Unary::Asin,
        "Acos" => Unary::Acos,
        "Atan" => Unary::Atan,
        "Sinh" => Unary::Sinh,
        "Cosh" => Unary::Cosh,
        "Tanh" => Unary::Tanh,
        "Asinh" => Unary::Asinh,
        "Acosh" => Unary::Acosh,
        "Atanh" => Unary::Atanh,
        "Erf" => Unary::Erf,
        _ => return None,
    })
}

fn numeric(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    if cx.dtype(x) == DType::Bool {
        return Err(Reason::Type(DType::Bool));
    }
    let op = unary_of(cx.op()).ok_or(Reason::Operator)?;
    Ok(vec![cx.unary(op, x)?])
}

fn float(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let op = unary_of(cx.op()).ok_or(Reason::Operator)?;
    match cx.dtype(x) {
        DType::F32 | DType::F64 => Ok(vec![cx.unary(op, x)?]),
        other => Err(Reason::Type(other)),
    }
}

fn not(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let dtype = cx.dtype(x);
    let op = match (cx.op(), dtype) {
        ("Not", DType::Bool) => Unary::Not,
        ("BitwiseNot", dtype) if dtype != DType::Bool && !is_float(dtype) => Unary::BitwiseNot,
        _ => return Err(Reason::Type(dtype)),
    };
    Ok(vec![cx.unary(op, x)?])
}

fn is_nan(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    if !is_float(cx.dtype(x)) {
        return Err(Reason::Type(cx.dtype(x)));
    }
    Ok(vec![cx.unary(Unary::IsNan, x)?])
}

fn is_inf(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    if !is_float(cx.dtype(x)) {
        return Err(Reason::Type(cx.dtype(x)));
    }
    let flag = |on: bool| if on { 1.0 } else { 0.0 };
    let (negative, positive) = (cx.flag("detect_negative", true)?, cx.flag("detect_positive", true)?);
    Ok(vec![cx.unary_with(Unary::IsInf, x, flag(negative), flag(positive))?])
}

fn operands(cx: &Cx<'_>) -> Result<(ValueId, ValueId), Reason> {
    Ok((cx.input(0)?, cx.input(1)?))
}

pub(super) fn arithmetic(cx: &mut Cx<'_>) -> Built {
    let (a, b) = operands(cx)?;
    if cx.dtype(a) == DType::Bool {
        return Err(Reason::Type(DType::Bool));
    }
    let op = match cx.op() {
        "Add" => Binary::Add,
        "Sub" => Binary::Sub,
        "Mul" => Binary::Mul,
        _ => Binary::Div,
    };
    Ok(vec![cx.binary(op, a, b)?])
}

fn modulo(cx: &mut Cx<'_>) -> Built {
    let (a, b) = operands(cx)?;
    let fmod = cx.flag("fmod", false)?;
    // Before operator set 28, a remainder of floats is only defined for fmod = 1.
    if !fmod && is_float(cx.dtype(a)) && cx.opset < 28 {
        return Err(Reason::AttributeValue { name: "fmod", got: "0 for floats".to_owned() });
    }
    Ok(vec![cx.binary(if fmod { Binary::Fmod } else { Binary::Mod }, a, b)?])
}

/// The result has the type of the base; whole exponents of a constant scalar up to 3 become products.
pub(super) fn pow(cx: &mut Cx<'_>) -> Built {
    let (base, exponent) = operands(cx)?;
    let dtype = cx.dtype(base);
    if let Some([power]) =
        cx.floats(exponent).as_deref().filter(|_| is_float(dtype) && cx.rank(exponent) <= cx.rank(base))
    {
        match *power {
            1.0 => return Ok(vec![base]),
            2.0 => return Ok(vec![cx.binary(Binary::Mul, base, base)?]),
            3.0 => {
                let square = cx.binary(Binary::Mul, base, base)?;
                return Ok(vec![cx.binary(Binary::Mul, square, base)?]);
            }
            0.5 => return Ok(vec![cx.unary(Unary::Sqrt, base)?]),
            _ => {}
        }
    }
    Ok(vec![match (is_float(dtype), is_float(cx.dtype(exponent))) {
        (false, true) => integer_pow(cx, base, exponent)?,
        // An f32 does not hold every exponent; the power is computed in f64 anyway.
        (true, false) if !fits_f32(cx, exponent) => {
            let (base, exponent) = (cx.cast(base, DType::F64)?, cx.cast(exponent, DType::F64)?);
            let y = cx.binary(Binary::Pow, base, exponent)?;
            cx.cast(y, dtype)?
        }
        (true, _) => {
            let exponent = cx.cast(exponent, dtype)?;
            cx.binary(Binary::Pow, base, exponent)?
        }
        (false, false) if cx.dtype(exponent) == dtype => cx.binary(Binary::Pow, base, exponent)?,
        (false, false) => {
            let wide = cx.cast(exponent, DType::I64)?;
            let base = cx.cast(base, DType::I64)?;
            let y = cx.binary(Binary::Pow, base, wide)?;
            cx.cast(y, dtype)?
        }
    }])
}

/// Whether f32 holds every element, as far as they are known.
fn fits_f32(cx: &Cx<'_>, x: ValueId) -> bool {
    cx.floats(x).is_some_and(|values| values.iter().all(|&v| f64::from(v as f32) == v))
}

/// An integer to the power of a float: exact where the exponent is whole, else computed in f64 and truncated.
fn integer_pow(cx: &mut Cx<'_>, base: ValueId, exponent: ValueId) -> Result<ValueId, Reason> {
    let dtype = cx.dtype(base);
    let floor = cx.unary(Unary::Floor, exponent)?;
    let whole = cx.binary(Binary::Equal, floor, exponent)?;
    let (base_i64, exponent_i64) = (cx.cast(base, DType::I64)?, cx.cast(exponent, DType::I64)?);
    let exact = cx.binary(Binary::Pow, base_i64, exponent_i64)?;
    let exact = cx.cast(exact, dtype)?;
    let (base, exponent) = (cx.cast(base, DType::F64)?, cx.cast(exponent, DType::F64)?);
    let other = cx.binary(Binary::Pow, base, exponent)?;
    let other = cx.cast(other, dtype)?;
    cx.select(whole, exact, other)
}

pub(super) fn compare(cx: &mut Cx<'_>) -> Built {
    let (a, b) = operands(cx)?;
    let op = match cx.op() {
        "Equal" => Binary::Equal,
        "Less" => Binary::Less,
        "LessOrEqual" => Binary::LessOrEqual,
        "Greater" => Binary::Greater,
        _ => Binary::GreaterOrEqual,
    };
    Ok(vec![cx.binary(op, a, b)?])
}

pub(super) fn logic(cx: &mut Cx<'_>) -> Built {
    let (a, b) = operands(cx)?;
    if cx.dtype(a) != DType::Bool {
        return Err(Reason::Type(cx.dtype(a)));
    }
    let op = match cx.op() {
        "And" => Binary::And,
        "Or" => Binary::Or,
        _ => Binary::Xor,
    };
    Ok(vec![cx.binary(op, a, b)?])
}

fn bits(cx: &mut Cx<'_>) -> Built {
    let (a, b) = operands(cx)?;
    if cx.dtype(a) == DType::Bool || is_float(cx.dtype(a)) {
        return Err(Reason::Type(cx.dtype(a)));
    }
    let op = match cx.op() {
        "BitwiseAnd" => Binary::And,
        "BitwiseOr" => Binary::Or,
        _ => Binary::Xor,
    };
    Ok(vec![cx.binary(op, a, b)?])
}

fn bit_shift(cx: &mut Cx<'_>) -> Built {
    let (a, b) = operands(cx)?;
    let signed = match cx.dtype(a) {
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => false,
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => true,
        other => return Err(Reason::Type(other)),
    };
    let op = match cx.text("direction", "")? {
        "LEFT" => Binary::ShiftLeft,
        "RIGHT" if signed => Binary::ShiftRightSigned,
        "RIGHT" => Binary::ShiftRight,
        got => return Err(Reason::AttributeValue { name: "direction", got: got.to_owned() }),
    };
    Ok(vec![cx.binary(op, a, b)?])
}

fn variadic(cx: &mut Cx<'_>) -> Built {
    let inputs = cx.variadic()?;
    let op = match cx.op() {
        "Max" => Binary::Max,
        "Min" => Binary::Min,
        _ => Binary::Add,
    };
    if cx.dtype(inputs[0]) == DType::Bool {
        return Err(Reason::Type(DType::Bool));
    }
    let mut y = inputs[0];
    for &x in &inputs[1..] {
        y = cx.binary(op, y, x)?;
    }
    if cx.op() == "Mean" {
        let count = cx.scalar_like(y, inputs.len() as f64)?;
        y = cx.binary(Binary::Div, y, count)?;
    }
    Ok(vec![y])
}

fn select(cx: &mut Cx<'_>) -> Built {
    let (condition, a, b) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
    Ok(vec![cx.select(condition, a, b)?])
}

fn clip_attributes(cx: &mut Cx<'_>) -> Built {
    let x = cx.float_input(0)?;
    let (low, high) = (cx.float("min", f32::NEG_INFINITY)?, cx.float("max", f32::INFINITY)?);
    Ok(vec![cx.unary_with(Unary::Clamp, x, low, high)?])
}

fn clip(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let (low, high) = (cx.optional(1), cx.optional(2));
    for bound in [low, high].into_iter().flatten() {
        if cx.graph.value(bound).count() != 1 {
            return Err(Reason::Shape { what: "a bound", got: cx.dims(bound) });
        }
    }
    let known = |cx: &Cx<'_>, bound: Option<ValueId>, open: f32| match bound {
        None => Some(open),
        Some(id) => cx.floats(id).map(|v| v[0] as f32),
    };
    let bounds = known(cx, low, f32::NEG_INFINITY).zip(known(cx, high, f32::INFINITY));
    if let (DType::F32, Some((low, high))) = (cx.dtype(x), bounds) {
        return Ok(vec![cx.unary_with(Unary::Clamp, x, low, high)?]);
    }
    let mut y = x;
    for (op, bound) in [(Binary::Max, low), (Binary::Min, high)] {
        if let Some(bound) = bound {
            let bound = cx.reshape(bound, vec![])?;
            y = cx.binary(op, y, bound)?;
        }
    }
    Ok(vec![y])
}

/// The same bits as another type of equal size.
fn bit_cast(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let to = cx.element_type("to")?.ok_or(Reason::MissingAttribute("to"))?;
    let from = cx.dtype(x);
    // Not every byte is a bool.
    if from.size() != to.size() || (to == DType::Bool && from != to) {
        return Err(Reason::Types(from, to));
    }
    let dims = cx.dims(x);
    Ok(vec![if from == to { x } else { cx.emit(Op::BitCast, &[Some(x)], to, dims)? }])
}

/// `saturate` and `round_mode` concern 8-bit floats alone, which are refused.
fn cast(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    cx.ignore("saturate");
    cx.ignore("round_mode");
    let to = cx.element_type("to")?.ok_or(Reason::MissingAttribute("to"))?;
    Ok(vec![cx.cast(x, to)?])
}

fn cast_like(cx: &mut Cx<'_>) -> Built {
    let (x, like) = operands(cx)?;
    cx.ignore("saturate");
    cx.ignore("round_mode");
    Ok(vec![cx.cast_as(x, like)?])
}
