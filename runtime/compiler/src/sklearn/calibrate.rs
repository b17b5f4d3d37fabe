//! Probabilities made of what a classifier decides.

use mote_abi::op::{Binary, Unary};

use super::answer::{Classes, Classified};
use super::curve::{self, Curve};
use super::error::EstimatorError;
use super::fields::Fields;
use super::net::Net;
use super::{logistic, table};
use crate::graph::ValueId;

/// The mean of what each calibrated copy says.
pub(super) fn classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Classified, EstimatorError> {
    let classes = Classes::read(fields)?;
    let mut sum = net.every_row(&vec![0.0; classes.len()])?;
    let copies = fields.list("calibrated_classifiers_")?;
    for &copy in &copies {
        let copy = Fields::of(copy).ok_or_else(|| fields.wrong("calibrated_classifiers_", "classifiers"))?;
        let build = |net: &mut Net, copy: &Fields<'_>, x| calibrated(net, copy, x, &classes);
        let p = if copy.text("method")? == "isotonic" {
            // Its curve rises in steps that lie closer than single precision tells apart.
            net.in_double(x, |net, x| table::within(net, &copy, x, build))?
        } else {
            table::within(net, &copy, x, build)?
        };
        sum = net.add(sum, p)?;
    }
    let probabilities = net.with_scalar(Binary::Div, sum, copies.len() as f64)?;
    Ok(Classified::likeliest(net, classes, probabilities)?)
}

fn calibrated(net: &mut Net, fields: &Fields<'_>, x: ValueId, classes: &Classes) -> Result<ValueId, EstimatorError> {
    let method = fields.text("method")?;
    if !matches!(method, "sigmoid" | "isotonic") {
        return Err(fields.parameter("method", method));
    }
    let count = classes.len();
    let said = table::classify(net, fields.get("estimator")?, x)?;
    let scores = match (said.decision, said.probabilities) {
        (Some(decision), _) => decision,
        (None, Some(p)) if count == 2 => net.column(p, 1)?,
        (None, Some(p)) => p,
        (None, None) => return Err(fields.form("its estimator has neither a decision nor probabilities")),
    };
    let calibrators = fields.list("calibrators")?;
    if net.width(scores) != calibrators.len() || said.classes.len() != count {
        return Err(fields.shape("calibrators", &[calibrators.len()], "one for each class"));
    }
    let places = classes.places(&said.classes).filter(|places| places.windows(2).all(|p| p[0] < p[1]));
    places.ok_or_else(|| fields.wrong("estimator", "of its classes"))?;
    let mut columns = Vec::new();
    for (c, calibrator) in calibrators.into_iter().enumerate() {
        let score = net.column(scores, c)?;
        let calibrator = Fields::of(calibrator).ok_or_else(|| fields.wrong("calibrators", "calibrators"))?;
        columns.push(match calibrator.class {
            "_SigmoidCalibration" => sigmoid(net, &calibrator, score)?,
            "IsotonicRegression" => isotonic(net, &calibrator, score)?,
            class => return Err(EstimatorError::Class { class, role: "a calibrator" }),
        });
    }
    let p = net.beside(&columns)?;
    Ok(if count == 2 { net.complement(p)? } else { net.shares(p, 1.0 / count as f64)? })
}

/// `1 / (1 + e^(a x + b))`.
fn sigmoid(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    let y = net.with_scalar(Binary::Mul, x, fields.float("a_")?)?;
    let y = net.with_scalar(Binary::Add, y, fields.float("b_")?)?;
    let y = net.unary(Unary::Neg, y)?;
    Ok(logistic(net, y)?)
}

/// A curve that only rises, or only falls, level outside what was fitted.
pub(super) fn isotonic(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    if fields.text("out_of_bounds")? != "clip" {
        return Err(fields.parameter("out_of_bounds", fields.text("out_of_bounds")?));
    }
    let (knots, values) = (fields.floats("X_thresholds_")?, fields.floats("y_thresholds_")?);
    let curve = Curve::new(&knots, &values).ok_or_else(|| fields.wrong("X_thresholds_", "ascending"))?;
    Ok(curve::upper(net, x, &curve)?)
}
