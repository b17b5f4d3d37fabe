//! Rows in other coordinates.

use mote_abi::op::Binary;

use super::error::EstimatorError;
use super::fields::{Fields, Matrix};
use super::net::Net;
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;

fn components(net: &Net, fields: &Fields<'_>, x: ValueId) -> Result<Matrix, EstimatorError> {
    let components = fields.matrix("components_")?;
    if components.columns != net.width(x) {
        return Err(fields.shape("components_", &[components.rows, components.columns], "a number for each column"));
    }
    Ok(components)
}

/// `(x - mean) components`, each of variance 1 where whitened.
pub(super) fn pca(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let components = components(net, fields, x)?;
    let mean = fields.vector("mean_", components.columns)?;
    let centered = net.with_row(Binary::Sub, x, &mean)?;
    let y = net.times(centered, &components.transposed())?;
    if !fields.bool("whiten")? {
        return Ok(y);
    }
    let variance = fields.vector("explained_variance_", components.rows)?;
    let deviations: Vec<f64> = variance.iter().map(|v| if *v > 0.0 { v.sqrt() } else { f64::EPSILON }).collect();
    let least = f64::EPSILON.sqrt();
    let deviations: Vec<f64> = deviations.iter().map(|&d| if d > f64::EPSILON { d } else { least }).collect();
    Ok(net.with_row(Binary::Div, y, &deviations)?)
}

/// `x components`.
pub(super) fn svd(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let components = components(net, fields, x)?;
    Ok(net.times(x, &components.transposed())?)
}
