//! Clusters: centers, and mixtures of normal distributions.

use std::f64::consts::TAU;

use mote_abi::op::{Binary, Reduce, Unary};
use mote_pickle::Array;

use super::answer::Answer;
use super::error::EstimatorError;
use super::fields::{Fields, Matrix, floats};
use super::net::Net;
use crate::graph::ValueId;

/// Distance to each center.
pub(super) fn distances(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    let centers = fields.matrix("cluster_centers_")?;
    if centers.columns != net.width(x) {
        return Err(fields.shape("cluster_centers_", &[centers.rows, centers.columns], "a number for each column"));
    }
    let squared = net.squared_distances(x, &centers)?;
    Ok(net.unary(Unary::Sqrt, squared)?)
}

pub(super) fn k_means(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Answer, EstimatorError> {
    let distances = distances(net, fields, x)?;
    let label = net.arg_min(distances)?;
    Ok(Answer::Clustered { label, distances: Some(distances), probabilities: None })
}

/// How the precision of each component is stored.
enum Precision<'a> {
    /// A matrix each, or one for all.
    Full(&'a [f64], bool),
    /// A number for each column, or one for all.
    Diagonal(&'a [f64], bool),
}

/// The logarithm of each component's weighted density, and its softmax.
pub(super) fn mixture(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Answer, EstimatorError> {
    let means = fields.matrix("means_")?;
    let (count, width) = (means.rows, means.columns);
    let array: &Array = fields.array("precisions_cholesky_")?;
    let values = floats(array).ok_or_else(|| fields.wrong("precisions_cholesky_", "numbers"))?;
    let (precision, need) = match fields.text("covariance_type")? {
        "full" => (Precision::Full(&values, true), count * width * width),
        "tied" => (Precision::Full(&values, false), width * width),
        "diag" => (Precision::Diagonal(&values, true), count * width),
        "spherical" => (Precision::Diagonal(&values, false), count),
        other => return Err(fields.parameter("covariance_type", other)),
    };
    if values.len() != need || width != net.width(x) {
        return Err(fields.shape("precisions_cholesky_", &array.shape, "a precision for each component"));
    }
    let weights = fields.vector("weights_", count)?;
    let logarithms = net.of_constants(Unary::Log, &weights)?;
    let normal = -0.5 * width as f64 * net.of_constants(Unary::Log, &[TAU])?[0];
    let mut columns = Vec::new();
    for (k, logarithm) in logarithms.into_iter().enumerate() {
        let centered = net.with_row(Binary::Sub, x, means.row(k))?;
        let (y, diagonal) = scaled(net, centered, &precision, k, width)?;
        let logs: f64 = net.of_constants(Unary::Log, &diagonal)?.iter().sum();
        let norm = net.over_columns(Reduce::SumSquare, y)?;
        let half = net.with_scalar(Binary::Mul, norm, -0.5)?;
        columns.push(net.with_scalar(Binary::Add, half, normal + logs + logarithm)?);
    }
    let likelihood = net.beside(&columns)?;
    let label = net.arg_max(likelihood)?;
    let probabilities = net.softmax(likelihood)?;
    Ok(Answer::Clustered { label, distances: None, probabilities: Some(probabilities) })
}

/// Rows in units of a component's deviation, and the diagonal of what made them so.
fn scaled(
    net: &mut Net,
    centered: ValueId,
    precision: &Precision<'_>,
    k: usize,
    width: usize,
) -> Result<(ValueId, Vec<f64>), EstimatorError> {
    match *precision {
        Precision::Full(values, each) => {
            let from = if each { k * width * width } else { 0 };
            let matrix = Matrix { rows: width, columns: width, data: values[from..from + width * width].to_vec() };
            let diagonal = (0..width).map(|i| matrix.at(i, i)).collect();
            Ok((net.times(centered, &matrix)?, diagonal))
        }
        Precision::Diagonal(values, each) => {
            let row = if each { values[k * width..(k + 1) * width].to_vec() } else { vec![values[k]; width] };
            Ok((net.with_row(Binary::Mul, centered, &row)?, row))
        }
    }
}
