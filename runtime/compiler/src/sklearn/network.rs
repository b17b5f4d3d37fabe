//! Multi-layer perceptrons.

use mote_abi::op::{Binary, Unary};

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::Fields;
use super::logistic;
use super::net::Net;
use crate::graph::ValueId;

/// The last layer before its activation.
fn layers(net: &mut Net, fields: &Fields<'_>, mut x: ValueId) -> Result<ValueId, EstimatorError> {
    let (weights, biases) = (fields.list("coefs_")?, fields.list("intercepts_")?);
    let count = weights.len();
    if biases.len() != count {
        return Err(fields.shape("intercepts_", &[biases.len()], "one for each layer"));
    }
    for (i, (weight, bias)) in weights.into_iter().zip(biases).enumerate() {
        let array = weight.array().ok_or_else(|| fields.wrong("coefs_", "arrays"))?;
        let weight = fields.matrix_of("coefs_", array)?;
        let bias = super::fields::numbers(bias).ok_or_else(|| fields.wrong("intercepts_", "arrays"))?;
        if weight.rows != net.width(x) || bias.len() != weight.columns {
            return Err(fields.shape("coefs_", &array.shape, "layers that follow each other"));
        }
        x = net.dense(x, &weight, &bias)?;
        if i + 1 < count {
            x = activation(net, fields, x)?;
        }
    }
    Ok(x)
}

fn activation(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    Ok(match fields.text("activation")? {
        "identity" => x,
        "logistic" => logistic(net, x)?,
        "tanh" => net.unary(Unary::Tanh, x)?,
        "relu" => net.with_scalar(Binary::Max, x, 0.0)?,
        other => return Err(fields.parameter("activation", other)),
    })
}

pub(super) fn regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    let y = layers(net, fields, x)?;
    match fields.text("out_activation_")? {
        "identity" => Ok(y),
        "exp" => Ok(net.unary(Unary::Exp, y)?),
        other => Err(fields.parameter("out_activation_", other)),
    }
}

pub(super) fn classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Classified, EstimatorError> {
    let y = layers(net, fields, x)?;
    let classes = Classes::read(fields)?;
    match (fields.text("out_activation_")?, net.width(y)) {
        ("logistic", 1) if classes.len() == 2 => {
            let p = logistic(net, y)?;
            let index = net.above(p, 0.5)?;
            let probabilities = net.complement(p)?;
            Ok(Classified { classes, index, probabilities: Some(probabilities), decision: None })
        }
        ("softmax", width) if width == classes.len() => {
            let probabilities = net.softmax(y)?;
            Ok(Classified::likeliest(net, classes, probabilities)?)
        }
        _ => Err(fields.form("several labels for one row are not supported")),
    }
}
