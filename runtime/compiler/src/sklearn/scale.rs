//! Scalers and other functions of single columns.

use mote_abi::op::{Binary, Reduce, Unary};
use mote_pickle::Node;

use super::curve::{self, Curve};
use super::error::EstimatorError;
use super::fields::Fields;
use super::net::Net;
use super::table;
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;

/// `(x - mean) / scale`, each part where it was fitted.
pub(super) fn standard(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let x = by_column(net, fields, x, "with_mean", "mean_", Binary::Sub)?;
    by_column(net, fields, x, "with_std", "scale_", Binary::Div)
}

pub(super) fn robust(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let x = by_column(net, fields, x, "with_centering", "center_", Binary::Sub)?;
    by_column(net, fields, x, "with_scaling", "scale_", Binary::Div)
}

fn by_column(
    net: &mut Net,
    fields: &Fields<'_>,
    x: ValueId,
    parameter: &'static str,
    name: &'static str,
    op: Binary,
) -> Built {
    if !fields.bool(parameter)? {
        return Ok(x);
    }
    let values = fields.vector(name, net.width(x))?;
    Ok(net.with_row(op, x, &values)?)
}

/// `x * scale + min`.
pub(super) fn min_max(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let width = net.width(x);
    let (scale, min) = (fields.vector("scale_", width)?, fields.vector("min_", width)?);
    let y = net.with_row(Binary::Mul, x, &scale)?;
    let y = net.with_row(Binary::Add, y, &min)?;
    if !fields.flag("clip")? {
        return Ok(y);
    }
    let range = fields.vector("feature_range", 2)?;
    Ok(net.clip(y, range[0], range[1])?)
}

pub(super) fn max_abs(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let scale = fields.vector("scale_", net.width(x))?;
    let y = net.with_row(Binary::Div, x, &scale)?;
    if fields.flag("clip")? { Ok(net.clip(y, -1.0, 1.0)?) } else { Ok(y) }
}

/// Rows of norm 1; a row of zeros stays.
pub(super) fn normalizer(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let norm = match fields.text("norm")? {
        "l1" => net.over_columns(Reduce::L1, x)?,
        "l2" => net.over_columns(Reduce::L2, x)?,
        "max" => {
            let absolute = net.unary(Unary::Abs, x)?;
            net.over_columns(Reduce::Max, absolute)?
        }
        other => return Err(fields.parameter("norm", other)),
    };
    let nothing = net.with_scalar(Binary::Equal, norm, 0.0)?;
    let one = net.scalar(1.0)?;
    let norm = net.emit.select(nothing, one, norm)?;
    Ok(net.div(x, norm)?)
}

/// 1 where above a threshold, else 0.
pub(super) fn binarizer(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let threshold = fields.float("threshold")?;
    Ok(above(net, x, threshold)?)
}

pub(super) fn above(net: &mut Net, x: ValueId, threshold: f64) -> super::net::Made {
    let threshold = super::net::at_most(net.dtype, threshold);
    let above = net.with_scalar(Binary::Greater, x, threshold)?;
    net.number(above)
}

/// No function, or one that NumPy names and that is an operator here.
pub(super) fn function(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let Some(function) = fields.some("func") else { return Ok(x) };
    if fields.some("kw_args").and_then(Node::entries).is_some_and(|entries| entries.len() > 0) {
        return Err(fields.form("named arguments of its function are not supported"));
    }
    let name = function.global().map_or(function.kind(), |global| global.name);
    Ok(match name {
        "abs" | "absolute" => net.unary(Unary::Abs, x)?,
        "exp" => net.unary(Unary::Exp, x)?,
        "log" => net.unary(Unary::Log, x)?,
        "sqrt" => net.unary(Unary::Sqrt, x)?,
        "square" => net.mul(x, x)?,
        "log1p" => {
            let x = net.with_scalar(Binary::Add, x, 1.0)?;
            net.unary(Unary::Log, x)?
        }
        "expm1" => {
            let y = net.unary(Unary::Exp, x)?;
            net.with_scalar(Binary::Sub, y, 1.0)?
        }
        other => return Err(fields.parameter("func", other)),
    })
}

/// Yeo-Johnson or Box-Cox, then a scaler where it standardizes. Powers come close to each other, and the scaler pulls them
/// apart: both in double precision.
pub(super) fn power(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let lambdas = fields.vector("lambdas_", net.width(x))?;
    let method = fields.text("method")?;
    net.in_double(x, |net, x| {
        let y = match method {
            "box-cox" => box_cox(net, x, &lambdas)?,
            "yeo-johnson" => yeo_johnson(net, x, &lambdas)?,
            other => return Err(fields.parameter("method", other)),
        };
        match fields.some("_scaler") {
            Some(scaler) if fields.bool("standardize")? => table::transform(net, scaler, y),
            _ => Ok(y),
        }
    })
}

/// `(x^l - 1) / l`, and `ln x` for an l of 0.
fn box_cox(net: &mut Net, x: ValueId, lambdas: &[f64]) -> super::net::Made {
    let is_zero: Vec<bool> = lambdas.iter().map(|l| l.abs() < f64::EPSILON).collect();
    let safe: Vec<f64> = lambdas.iter().zip(&is_zero).map(|(&l, &zero)| if zero { 1.0 } else { l }).collect();
    let exponent = net.row(&safe)?;
    let power = net.binary(Binary::Pow, x, exponent)?;
    let power = net.with_scalar(Binary::Sub, power, 1.0)?;
    let power = net.with_row(Binary::Div, power, &safe)?;
    if !is_zero.contains(&true) {
        return Ok(power);
    }
    let log = net.unary(Unary::Log, x)?;
    let is_zero = net.emit.bools(vec![1, is_zero.len()], &is_zero)?;
    net.emit.select(is_zero, log, power)
}

/// Box-Cox of `x + 1` above zero, and of `1 - x` with `2 - l`, negated, below.
fn yeo_johnson(net: &mut Net, x: ValueId, lambdas: &[f64]) -> super::net::Made {
    let positive = net.with_scalar(Binary::Max, x, 0.0)?;
    let positive = net.with_scalar(Binary::Add, positive, 1.0)?;
    let positive = box_cox(net, positive, lambdas)?;
    let negative = net.with_scalar(Binary::Min, x, 0.0)?;
    let negative = net.scalar_minus(1.0, negative)?;
    let mirrored: Vec<f64> = lambdas.iter().map(|l| 2.0 - l).collect();
    let negative = box_cox(net, negative, &mirrored)?;
    let negative = net.unary(Unary::Neg, negative)?;
    let is_positive = net.with_scalar(Binary::GreaterOrEqual, x, 0.0)?;
    net.emit.select(is_positive, positive, negative)
}

/// Place among quantiles, from both ends: equal quantiles share the middle of their places.
pub(super) fn quantile(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    if fields.text("output_distribution")? != "uniform" {
        return Err(fields.parameter("output_distribution", fields.text("output_distribution")?));
    }
    let (quantiles, places) = (fields.matrix("quantiles_")?, fields.floats("references_")?);
    if quantiles.columns != net.width(x) || quantiles.rows != places.len() || places.is_empty() {
        return Err(fields.shape("quantiles_", &[quantiles.rows, quantiles.columns], "quantiles of each column"));
    }
    let mut columns = Vec::new();
    for c in 0..quantiles.columns {
        let column = net.column(x, c)?;
        let knots: Vec<f64> = (0..quantiles.rows).map(|r| quantiles.at(r, c)).collect();
        let curve = Curve::new(&knots, &places).ok_or_else(|| fields.wrong("quantiles_", "ascending"))?;
        columns.push(curve::middle(net, column, &curve)?);
    }
    Ok(net.beside(&columns)?)
}
