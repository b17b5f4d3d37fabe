//! Scalers, imputers and other functions of single features.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};

use super::super::node::{Built, Cx};
use super::super::table::Entry;
use super::floats;
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[
    Entry::ml("Binarizer", &["threshold"], binarizer),
    Entry::ml(
        "Imputer",
        &["imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64"],
        imputer,
    ),
    Entry::ml("Normalizer", &["norm"], normalizer),
    Entry::ml("Scaler", &["offset", "scale"], scaler),
];

/// One value for all features, or one for each.
fn per_feature(cx: &Cx<'_>, x: ValueId, count: usize, name: &'static str) -> Result<(), Reason> {
    let features = cx.dims(x).last().copied().unwrap_or(1);
    if count == 1 || count == features { Ok(()) } else { Err(Reason::Form(name)) }
}

/// Constants of the type of `like`, one for all features or one for each.
fn row(cx: &mut Cx<'_>, like: ValueId, values: &[f32]) -> Result<ValueId, Reason> {
    let values: Vec<f64> = values.iter().map(|&v| v.into()).collect();
    let dtype = cx.dtype(like);
    cx.reals(dtype, vec![values.len()], &values)
}

/// `(x - offset) * scale`, in f64 for rows of f64, and f32 thereafter.
fn scaler(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let x = if cx.dtype(x) == DType::F64 { x } else { cx.cast(x, DType::F32)? };
    let (offset, scale) = (floats(cx, "offset")?, floats(cx, "scale")?);
    per_feature(cx, x, offset.len(), "there are neither one offset nor as many as features")?;
    per_feature(cx, x, scale.len(), "there are neither one scale nor as many as features")?;
    let (offset, scale) = (row(cx, x, &offset)?, row(cx, x, &scale)?);
    let moved = cx.binary(Binary::Sub, x, offset)?;
    let y = cx.binary(Binary::Mul, moved, scale)?;
    Ok(vec![cx.cast(y, DType::F32)?])
}

fn binarizer(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let bound = cx.float("threshold", 0.0)?;
    if !matches!(cx.dtype(x), DType::F32 | DType::F64) && bound.fract() != 0.0 {
        return Err(Reason::AttributeValue { name: "threshold", got: bound.to_string() });
    }
    let bound = cx.scalar_like(x, bound.into())?;
    let above = cx.binary(Binary::Greater, x, bound)?;
    Ok(vec![cx.cast_as(above, x)?])
}

/// Puts a value in the place of another one, which may be NaN.
fn imputer(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let (replaced, values) = match cx.dtype(x) {
        DType::F32 | DType::F64 => {
            let replaced = cx.float("replaced_value_float", 0.0)?;
            let values = floats(cx, "imputed_value_floats")?;
            per_feature(cx, x, values.len(), "there are neither one imputed value nor as many as features")?;
            let replaced = if replaced.is_nan() { None } else { Some(cx.scalar_like(x, replaced.into())?) };
            (replaced, row(cx, x, &values)?)
        }
        DType::I64 => {
            let replaced = cx.int("replaced_value_int64", 0)?;
            let name = "imputed_value_int64s";
            let values = cx.optional_ints_attribute(name)?.ok_or(Reason::MissingAttribute(name))?;
            per_feature(cx, x, values.len(), "there are neither one imputed value nor as many as features")?;
            (Some(cx.i64s(vec![], &[replaced])?), cx.i64s(vec![values.len()], &values)?)
        }
        other => return Err(Reason::Type(other)),
    };
    // Exporters write the defaults of the other type down, too.
    for name in ["imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64"] {
        cx.ignore(name);
    }
    let missing = match replaced {
        None => cx.unary(Unary::IsNan, x)?,
        Some(replaced) => cx.binary(Binary::Equal, x, replaced)?,
    };
    Ok(vec![cx.select(missing, values, x)?])
}

/// Divides rows by their largest element, by the sum of magnitudes or by the root of the sum of squares; rows of which that
/// is 0 stay.
fn normalizer(cx: &mut Cx<'_>) -> Built {
    let x = cx.input(0)?;
    let x = cx.cast(x, DType::F32)?;
    let rank = cx.rank(x);
    if !(1..=2).contains(&rank) {
        return Err(Reason::Shape { what: "the input", got: cx.dims(x) });
    }
    let zero = cx.scalar_like(x, 0.0)?;
    let (parts, norm) = match cx.text("norm", "MAX")? {
        "MAX" => (x, cx.reduce(Reduce::Max, x, &[rank - 1], true)?),
        "L1" => (x, cx.reduce(Reduce::L1, x, &[rank - 1], true)?),
        "L2" => {
            let squares = cx.binary(Binary::Mul, x, x)?;
            (squares, cx.reduce(Reduce::Sum, squares, &[rank - 1], true)?)
        }
        got => return Err(Reason::AttributeValue { name: "norm", got: got.to_owned() }),
    };
    let mut scaled = cx.binary(Binary::Div, parts, norm)?;
    if parts != x {
        let root = cx.unary(Unary::Sqrt, scaled)?;
        let (mirrored, negative) = (cx.unary(Unary::Neg, root)?, cx.binary(Binary::Less, x, zero)?);
        scaled = cx.select(negative, mirrored, root)?;
    }
    let none = cx.binary(Binary::Equal, norm, zero)?;
    Ok(vec![cx.select(none, x, scaled)?])
}
