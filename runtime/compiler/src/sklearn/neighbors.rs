//! The nearest of the rows that were fitted. Distances are compared in double precision: single would put neighbours of
//! almost equal distance in another order.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};
use mote_pickle::Node;

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, Matrix};
use super::net::Net;
use crate::graph::{Op, ValueId};

/// The nearest rows, `[rows, k]` i64, and the weight of each, `[rows, k]` f64.
struct Nearest {
    index: ValueId,
    weight: ValueId,
}

fn nearest(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<(Nearest, usize), EstimatorError> {
    let points = fields.matrix("_fit_X")?;
    let k = fields.count("n_neighbors")?;
    if points.columns != net.width(x) || k == 0 || k > points.rows {
        return Err(fields.shape("_fit_X", &[points.rows, points.columns], "at least as many rows as neighbours"));
    }
    let metric = Metric::read(fields)?;
    let x = net.emit.cast(x, DType::F64)?;
    let measured = metric.measure(net, x, &points)?;
    let dims = vec![net.rows, k];
    let outputs = vec![(DType::F64, dims.clone()), (DType::I64, dims)];
    let found = net.emit.emit_all(Op::TopK { axis: 1, largest: false }, &[Some(measured)], outputs)?;
    let weight = match fields.text("weights")? {
        "uniform" => {
            let one = net.emit.scalar_like(found[0], 1.0)?;
            net.emit.expand(one, vec![net.rows, k])?
        }
        "distance" => {
            let distance = metric.distance(net, found[0])?;
            by_distance(net, distance)?
        }
        other => return Err(fields.parameter("weights", other)),
    };
    Ok((Nearest { index: found[1], weight }, points.rows))
}

/// `1 / distance`; where a row was fitted itself, only such count.
fn by_distance(net: &mut Net, distance: ValueId) -> super::net::Made {
    let same = net.with_scalar(Binary::Equal, distance, 0.0)?;
    let ones = net.emit.cast(same, DType::F64)?;
    let any = net.over_columns(Reduce::Max, ones)?;
    let any = net.with_scalar(Binary::Greater, any, 0.0)?;
    let inverse = net.unary(Unary::Reciprocal, distance)?;
    net.emit.select(any, ones, inverse)
}

enum Metric {
    /// Sum of a power of differences, of which distances are the root.
    Power(f64),
    /// The largest difference.
    Largest,
}

impl Metric {
    fn read(fields: &Fields<'_>) -> Result<Self, EstimatorError> {
        let name = fields.text("effective_metric_")?;
        let given = fields.some("effective_metric_params_").filter(|_| name == "minkowski");
        let power = given.and_then(|node| node.get("p")).and_then(Node::float);
        if given.is_some_and(|node| node.get("w").is_some_and(|w| !w.is_none())) {
            return Err(fields.form("weights of its metric are not supported"));
        }
        match (name, power) {
            ("euclidean" | "l2", _) => Ok(Self::Power(2.0)),
            ("manhattan" | "l1" | "cityblock", _) => Ok(Self::Power(1.0)),
            ("chebyshev", _) => Ok(Self::Largest),
            ("minkowski", Some(power)) if power.is_infinite() => Ok(Self::Largest),
            ("minkowski", Some(power)) => Ok(Self::Power(power)),
            _ => Err(fields.parameter("metric", name)),
        }
    }

    /// What orders rows as their distances do.
    fn measure(&self, net: &mut Net, x: ValueId, points: &Matrix) -> super::net::Made {
        if let Self::Power(2.0) = *self {
            return net.squared_distances(x, points);
        }
        let differences = net.differences(x, points)?;
        let absolute = net.unary(Unary::Abs, differences)?;
        match *self {
            Self::Power(1.0) => net.emit.reduce(Reduce::Sum, absolute, &[2], false),
            Self::Power(power) => {
                let powers = net.with_scalar(Binary::Pow, absolute, power)?;
                net.emit.reduce(Reduce::Sum, powers, &[2], false)
            }
            Self::Largest => net.emit.reduce(Reduce::Max, absolute, &[2], false),
        }
    }

    fn distance(&self, net: &mut Net, measured: ValueId) -> super::net::Made {
        match *self {
            Self::Power(1.0) | Self::Largest => Ok(measured),
            Self::Power(2.0) => net.unary(Unary::Sqrt, measured),
            Self::Power(power) => net.with_scalar(Binary::Pow, measured, 1.0 / power),
        }
    }
}

/// The weighted mean of what the nearest rows have in each column: `[rows, columns]` f64.
fn mean(net: &mut Net, near: &Nearest, values: &Matrix) -> super::net::Made {
    let table = net.constant_of(DType::F64, vec![values.rows, values.columns], &values.data)?;
    let picked = net.emit.gather(table, near.index, 0)?;
    let dims = net.emit.dims(near.weight);
    let weight = net.emit.reshape(near.weight, vec![dims[0], dims[1], 1])?;
    let weighted = net.mul(picked, weight)?;
    let sum = net.emit.reduce(Reduce::Sum, weighted, &[1], false)?;
    let whole = net.over_columns(Reduce::Sum, near.weight)?;
    net.div(sum, whole)
}

pub(super) fn classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Classified, EstimatorError> {
    if fields.flag("outputs_2d_")? {
        return Err(fields.form("several labels for one row are not supported"));
    }
    let classes = Classes::read(fields)?;
    let (near, count) = nearest(net, fields, x)?;
    let labels = fields.indices("_y", classes.len())?;
    if labels.len() != count {
        return Err(fields.shape("_y", &[labels.len()], "a class for each row"));
    }
    let bits = Matrix::from_fn(count, classes.len(), |r, c| f64::from(u8::from(labels[r] == c)));
    let probabilities = mean(net, &near, &bits)?;
    let index = net.arg_max(probabilities)?;
    let probabilities = net.number(probabilities)?;
    Ok(Classified { classes, index, probabilities: Some(probabilities), decision: None })
}

pub(super) fn regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    let (near, count) = nearest(net, fields, x)?;
    let targets = fields.matrix("_y")?;
    let targets = if targets.rows == 1 && targets.columns == count { targets.transposed() } else { targets };
    if targets.rows != count {
        return Err(fields.shape("_y", &[targets.rows, targets.columns], "a value for each row"));
    }
    let y = mean(net, &near, &targets)?;
    Ok(net.number(y)?)
}

/// The class of the nearest mean.
pub(super) fn centroid(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Classified, EstimatorError> {
    let classes = Classes::read(fields)?;
    let centers = fields.matrix("centroids_")?;
    if centers.columns != net.width(x) || centers.rows != classes.len() {
        return Err(fields.shape("centroids_", &[centers.rows, centers.columns], "a row for each class"));
    }
    if fields.some("priors").is_some_and(|priors| priors.text() != Some("uniform")) {
        return Err(fields.form("priors other than uniform are not supported"));
    }
    let metric = match fields.text("metric")? {
        "euclidean" => Metric::Power(2.0),
        "manhattan" => Metric::Power(1.0),
        other => return Err(fields.parameter("metric", other)),
    };
    let x = net.emit.cast(x, DType::F64)?;
    let measured = metric.measure(net, x, &centers)?;
    let index = net.arg_min(measured)?;
    Ok(Classified { classes, index, probabilities: None, decision: None })
}
