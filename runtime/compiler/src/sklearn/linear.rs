//! Weighted sums of columns, and what is made of them.

use mote_abi::op::{Binary, Unary};
use mote_pickle::Node;

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, Matrix};
use super::net::Net;
use super::{logistic, table};
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;
type Class = Result<Classified, EstimatorError>;

/// `x coef + intercept`: a column for each row of `coef_`.
pub(super) fn sums(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let coefficients = fields.matrix("coef_")?;
    let intercept = intercept(fields, "intercept_", coefficients.rows)?;
    affine(net, fields, x, &coefficients, &intercept)
}

fn affine(net: &mut Net, fields: &Fields<'_>, x: ValueId, coefficients: &Matrix, intercept: &[f64]) -> Built {
    if coefficients.columns != net.width(x) {
        return Err(fields.shape("coef_", &[coefficients.rows, coefficients.columns], "a number for each column"));
    }
    Ok(net.dense(x, &coefficients.transposed(), intercept)?)
}

/// A number for each target; one may stand for all.
fn intercept(fields: &Fields<'_>, name: &'static str, count: usize) -> Result<Vec<f64>, EstimatorError> {
    let values = fields.floats(name)?;
    match values[..] {
        [one] => Ok(vec![one; count]),
        _ if values.len() == count => Ok(values),
        _ => Err(fields.shape(name, &[values.len()], "a number for each target")),
    }
}

pub(super) fn regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    sums(net, fields, x)
}

/// The model that was fitted without the outliers.
pub(super) fn ransac(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    table::regress(net, fields.get("estimator_")?, x)
}

/// Generalized linear models with a logarithm between sum and mean.
pub(super) fn log_regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let y = sums(net, fields, x)?;
    Ok(net.unary(Unary::Exp, y)?)
}

pub(super) fn tweedie(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let logarithmic = match fields.text("link")? {
        "identity" => false,
        "log" => true,
        "auto" => fields.float("power")? > 0.0,
        other => return Err(fields.parameter("link", other)),
    };
    if logarithmic { log_regressor(net, fields, x) } else { sums(net, fields, x) }
}

/// The decision alone: LinearSVC, Perceptron, PassiveAggressive.
pub(super) fn classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let decision = sums(net, fields, x)?;
    let classes = Classes::read(fields)?;
    decided(net, fields, classes, decision)
}

fn decided(net: &mut Net, fields: &Fields<'_>, classes: Classes, decision: ValueId) -> Class {
    check_width(net, fields, &classes, decision)?;
    Ok(Classified::decided(net, classes, decision)?)
}

/// One column for two classes, else one for each.
fn check_width(net: &Net, fields: &Fields<'_>, classes: &Classes, decision: ValueId) -> Result<(), EstimatorError> {
    let (width, count) = (net.width(decision), classes.len());
    if (width == 1 && count == 2) || (width == count && count > 2) {
        return Ok(());
    }
    Err(fields.shape("coef_", &[width], "one row for two classes, else one for each class"))
}

pub(super) fn ridge_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let decision = sums(net, fields, x)?;
    let binarizer = fields.child("_label_binarizer")?;
    if binarizer.text("y_type_")?.starts_with("multilabel") {
        return Err(fields.form("several labels for one row are not supported"));
    }
    let classes = Classes::read(&binarizer)?;
    decided(net, fields, classes, decision)
}

/// One logistic function for each class, made to sum to one, or a softmax over all.
pub(super) fn logistic_regression(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classified = classifier(net, fields, x)?;
    let Some(decision) = classified.decision else { return Ok(classified) };
    let several = match fields.find("multi_class").and_then(Node::text) {
        Some("ovr") => false,
        Some("multinomial") => true,
        _ => classified.classes.len() > 2 && fields.text("solver")? != "liblinear",
    };
    let probabilities = match (several, net.width(decision)) {
        (false, _) => one_against_rest(net, decision)?,
        (true, 1) => {
            let negative = net.unary(Unary::Neg, decision)?;
            let both = net.beside(&[negative, decision])?;
            net.softmax(both)?
        }
        (true, _) => net.softmax(decision)?,
    };
    Ok(classified.with_probabilities(probabilities))
}

/// A logistic function of each decision; several are made to sum to one.
fn one_against_rest(net: &mut Net, decision: ValueId) -> super::net::Made {
    let p = logistic(net, decision)?;
    if net.width(p) == 1 { net.complement(p) } else { net.shares(p, 0.0) }
}

pub(super) fn sgd_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classified = classifier(net, fields, x)?;
    let Some(decision) = classified.decision else { return Ok(classified) };
    let probabilities = match fields.text("loss")? {
        "log_loss" | "log" => one_against_rest(net, decision)?,
        "modified_huber" => {
            let p = net.clip(decision, -1.0, 1.0)?;
            let p = net.with_scalar(Binary::Add, p, 1.0)?;
            let p = net.with_scalar(Binary::Mul, p, 0.5)?;
            let count = classified.classes.len() as f64;
            if net.width(p) == 1 { net.complement(p)? } else { net.shares(p, 1.0 / count)? }
        }
        _ => return Ok(classified),
    };
    Ok(classified.with_probabilities(probabilities))
}

/// 1 where the sum reaches the offset, else -1.
pub(super) fn one_class(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<super::Answer, EstimatorError> {
    let coefficients = fields.matrix("coef_")?;
    let offset: Vec<f64> = intercept(fields, "offset_", coefficients.rows)?.iter().map(|v| -v).collect();
    let decision = affine(net, fields, x, &coefficients, &offset)?;
    outliers(net, decision)
}

/// -1 below zero, else 1.
pub(super) fn outliers(net: &mut Net, decision: ValueId) -> Result<super::Answer, EstimatorError> {
    let flat = net.flat(decision)?;
    let inside = net.with_scalar(Binary::GreaterOrEqual, flat, 0.0)?;
    let (one, minus) = (net.i64s(&[1])?, net.i64s(&[-1])?);
    let label = net.emit.select(inside, one, minus)?;
    Ok(super::Answer::Outliers { label, decision })
}

/// The same for every row.
pub(super) fn dummy_regressor(net: &mut Net, fields: &Fields<'_>, _: ValueId) -> Built {
    let constant = fields.floats("constant_")?;
    Ok(net.every_row(&constant)?)
}

/// The same for every row, where it is not drawn.
pub(super) fn dummy_classifier(net: &mut Net, fields: &Fields<'_>, _: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let prior = fields.vector("class_prior_", classes.len())?;
    let likeliest = || (1..prior.len()).fold(0, |best, i| if prior[i] > prior[best] { i } else { best });
    let one = |index: usize| (0..prior.len()).map(|i| f64::from(u8::from(i == index))).collect::<Vec<f64>>();
    let probabilities = match fields.text("strategy")? {
        "prior" => prior.clone(),
        "most_frequent" => one(likeliest()),
        "constant" => {
            let constant = fields.some("_constant").or_else(|| fields.some("constant"));
            let given = constant.ok_or_else(|| fields.wrong("constant", "a class"))?;
            one(place(&classes, given).ok_or_else(|| fields.wrong("constant", "a class"))?)
        }
        other => return Err(fields.parameter("strategy", other)),
    };
    let probabilities = net.every_row(&probabilities)?;
    Ok(Classified::likeliest(net, classes, probabilities)?)
}

fn place(classes: &Classes, node: mote_pickle::Node<'_>) -> Option<usize> {
    match classes {
        Classes::Numbers(values) => values.iter().position(|&v| node.float() == Some(v as f64)),
        Classes::Names(names) => names.iter().position(|name| node.text() == Some(name)),
    }
}
