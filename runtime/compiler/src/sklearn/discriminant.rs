//! Linear and quadratic discriminant analysis.

use mote_abi::op::{Binary, Reduce, Unary};
use mote_pickle::Node;

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, Matrix};
use super::logistic;
use super::net::Net;
use crate::graph::ValueId;

type Class = Result<Classified, EstimatorError>;

/// A decision for each class, around the mean of all: large sums cancel while compiling, not in single precision.
pub(super) fn linear(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let (coefficients, means) = (fields.matrix("coef_")?, fields.matrix("means_")?);
    let (priors, intercept) = (fields.vector("priors_", means.rows)?, fields.vector("intercept_", coefficients.rows)?);
    let width = net.width(x);
    if coefficients.columns != width || means.columns != width {
        return Err(fields.shape("coef_", &[coefficients.rows, coefficients.columns], "a number for each column"));
    }
    let center: Vec<f64> = (0..width).map(|c| (0..means.rows).map(|r| priors[r] * means.at(r, c)).sum()).collect();
    let at_center = |r: usize| -> f64 { (0..width).map(|c| coefficients.at(r, c) * center[c]).sum() };
    let intercept: Vec<f64> = (0..coefficients.rows).map(|r| intercept[r] + at_center(r)).collect();
    let centered = net.with_row(Binary::Sub, x, &center)?;
    let decision = net.dense(centered, &coefficients.transposed(), &intercept)?;
    let probabilities = if net.width(decision) == 1 {
        let p = logistic(net, decision)?;
        net.complement(p)?
    } else {
        net.softmax(decision)?
    };
    Ok(Classified::decided(net, classes, decision)?.with_probabilities(probabilities))
}

/// Coordinates that tell the classes apart best.
pub(super) fn transform(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    let scalings = fields.matrix("scalings_")?;
    let kept = fields.count("_max_components")?.min(scalings.columns);
    let scalings = Matrix::from_fn(scalings.rows, kept, |r, c| scalings.at(r, c));
    if scalings.rows != net.width(x) {
        return Err(fields.shape("scalings_", &[scalings.rows, scalings.columns], "a number for each column"));
    }
    let x = match fields.text("solver")? {
        "svd" => {
            let mean = fields.vector("xbar_", scalings.rows)?;
            net.with_row(Binary::Sub, x, &mean)?
        }
        _ => x,
    };
    Ok(net.times(x, &scalings)?)
}

/// `-(|(x - mean) rotation / sqrt scaling|^2 + sum of ln scaling) / 2 + ln prior` for each class.
pub(super) fn quadratic(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let means = fields.matrix("means_")?;
    let priors = fields.vector("priors_", classes.len())?;
    let priors = net.of_constants(Unary::Log, &priors)?;
    let (scalings, rotations) = (fields.list("scalings_")?, fields.list("rotations_")?);
    if means.rows != classes.len()
        || means.columns != net.width(x)
        || scalings.len() != means.rows
        || rotations.len() != means.rows
    {
        return Err(fields.shape("means_", &[means.rows, means.columns], "a mean for each class"));
    }
    let mut columns = Vec::new();
    for (k, (scaling, rotation)) in scalings.into_iter().zip(rotations).enumerate() {
        let scaling = super::fields::numbers(scaling).ok_or_else(|| fields.wrong("scalings_", "numbers"))?;
        let rotation = rotation_of(fields, rotation, net.width(x), scaling.len())?;
        let logs: f64 = net.of_constants(Unary::Log, &scaling)?.iter().sum();
        let turned = Matrix::from_fn(rotation.rows, rotation.columns, |r, c| rotation.at(r, c) / scaling[c].sqrt());
        let centered = net.with_row(Binary::Sub, x, means.row(k))?;
        let y = net.times(centered, &turned)?;
        let norm = net.over_columns(Reduce::SumSquare, y)?;
        let half = net.with_scalar(Binary::Mul, norm, -0.5)?;
        columns.push(net.with_scalar(Binary::Add, half, -0.5 * logs + priors[k])?);
    }
    let all = net.beside(&columns)?;
    let probabilities = net.softmax(all)?;
    let decision = match columns[..] {
        [first, second] => net.sub(second, first)?,
        _ => all,
    };
    // Both columns are compared, not their difference: of equals the first is taken.
    let index = net.arg_max(all)?;
    Ok(Classified { classes, index, probabilities: Some(probabilities), decision: Some(decision) })
}

fn rotation_of(fields: &Fields<'_>, node: Node<'_>, rows: usize, columns: usize) -> Result<Matrix, EstimatorError> {
    let array = node.array().ok_or_else(|| fields.wrong("rotations_", "arrays"))?;
    let matrix = fields.matrix_of("rotations_", array)?;
    if (matrix.rows, matrix.columns) != (rows, columns) {
        return Err(fields.shape("rotations_", &[matrix.rows, matrix.columns], "an axis for each scaling"));
    }
    Ok(matrix)
}
