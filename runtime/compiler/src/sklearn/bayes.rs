//! Naive Bayes: the logarithm of a joint likelihood for each class, and its softmax. Sums over counts grow large, and it is
//! their differences that matter: they are made in double precision.

use std::f64::consts::TAU;

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};
use mote_pickle::Array;

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, Matrix};
use super::net::Net;
use super::scale;
use crate::graph::ValueId;

type Class = Result<Classified, EstimatorError>;

fn likeliest(net: &mut Net, fields: &Fields<'_>, likelihood: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    if classes.len() != net.width(likelihood) {
        return Err(fields.shape("classes_", &[classes.len()], "a class for each likelihood"));
    }
    let index = net.arg_max(likelihood)?;
    let probabilities = net.softmax(likelihood)?;
    Ok(Classified { classes, index, probabilities: Some(probabilities), decision: None })
}

/// `ln prior - sum of ln(2 pi variance) / 2 - sum of (x - mean)^2 / variance / 2`.
pub(super) fn gaussian(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let (means, variances) = (fields.matrix("theta_")?, fields.matrix("var_")?);
    let priors = fields.vector("class_prior_", means.rows)?;
    if means.columns != net.width(x) || (variances.rows, variances.columns) != (means.rows, means.columns) {
        return Err(fields.shape("theta_", &[means.rows, means.columns], "a mean for each column"));
    }
    let mut columns = Vec::new();
    for (k, &prior) in priors.iter().enumerate() {
        let spread: Vec<f64> = variances.row(k).iter().map(|v| v * TAU).collect();
        let logs: f64 = net.of_constants(Unary::Log, &spread)?.iter().sum();
        let prior = net.of_constants(Unary::Log, &[prior])?[0];
        let deviations: Vec<f64> = variances.row(k).iter().map(|v| v.sqrt()).collect();
        let centered = net.with_row(Binary::Sub, x, means.row(k))?;
        let scaled = net.with_row(Binary::Div, centered, &deviations)?;
        let norm = net.over_columns(Reduce::SumSquare, scaled)?;
        let half = net.with_scalar(Binary::Mul, norm, -0.5)?;
        columns.push(net.with_scalar(Binary::Add, half, prior - 0.5 * logs)?);
    }
    let likelihood = net.beside(&columns)?;
    likeliest(net, fields, likelihood)
}

/// `x w + b` in double precision, less the largest of each row: what is rounded then is small.
fn joint(net: &mut Net, x: ValueId, weights: &Matrix, bias: &[f64]) -> Result<ValueId, EstimatorError> {
    net.in_double(x, |net, x| {
        let sums = net.dense(x, weights, bias)?;
        let largest = net.over_columns(Reduce::Max, sums)?;
        Ok(net.sub(sums, largest)?)
    })
}

fn weights(net: &Net, fields: &Fields<'_>, x: ValueId) -> Result<(Matrix, Vec<f64>), EstimatorError> {
    let weights = fields.matrix("feature_log_prob_")?;
    if weights.columns != net.width(x) {
        return Err(fields.shape("feature_log_prob_", &[weights.rows, weights.columns], "a number for each column"));
    }
    let priors = fields.vector("class_log_prior_", weights.rows)?;
    Ok((weights, priors))
}

pub(super) fn multinomial(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let (weights, priors) = weights(net, fields, x)?;
    let likelihood = joint(net, x, &weights.transposed(), &priors)?;
    likeliest(net, fields, likelihood)
}

/// The prior counts only where there is one class.
pub(super) fn complement(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let (weights, priors) = weights(net, fields, x)?;
    let bias = if weights.rows == 1 { priors } else { vec![0.0; weights.rows] };
    let likelihood = joint(net, x, &weights.transposed(), &bias)?;
    likeliest(net, fields, likelihood)
}

pub(super) fn bernoulli(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let (weights, priors) = weights(net, fields, x)?;
    let x = match fields.some("binarize") {
        Some(_) => scale::above(net, x, fields.float("binarize")?)?,
        None => x,
    };
    let absent = net.of_constants(Unary::Exp, &weights.data)?;
    let absent: Vec<f64> = absent.iter().map(|p| 1.0 - p).collect();
    let absent = Matrix { rows: weights.rows, columns: weights.columns, data: net.of_constants(Unary::Log, &absent)? };
    let difference = Matrix::from_fn(weights.columns, weights.rows, |c, k| weights.at(k, c) - absent.at(k, c));
    let bias: Vec<f64> = (0..weights.rows).map(|k| priors[k] + absent.row(k).iter().sum::<f64>()).collect();
    let likelihood = joint(net, x, &difference, &bias)?;
    likeliest(net, fields, likelihood)
}

/// Each column is the index of a category.
pub(super) fn categorical(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let tables = fields.list("feature_log_prob_")?;
    let priors = fields.floats("class_log_prior_")?;
    if tables.len() != net.width(x) {
        return Err(fields.shape("feature_log_prob_", &[tables.len()], "a table for each column"));
    }
    let mut sum = net.every_row(&vec![0.0; priors.len()])?;
    for (c, table) in tables.into_iter().enumerate() {
        let array: &Array = table.array().ok_or_else(|| fields.wrong("feature_log_prob_", "arrays"))?;
        let table = fields.matrix_of("feature_log_prob_", array)?;
        if table.rows != priors.len() {
            return Err(fields.shape("feature_log_prob_", &array.shape, "a row for each class"));
        }
        let by_category = net.constant(vec![table.columns, table.rows], &table.transposed().data)?;
        let column = net.column(x, c)?;
        let column = net.flat(column)?;
        let index = net.emit.cast(column, DType::I64)?;
        let logs = net.emit.gather(by_category, index, 0)?;
        sum = net.add(sum, logs)?;
    }
    let likelihood = net.with_row(Binary::Add, sum, &priors)?;
    likeliest(net, fields, likelihood)
}
