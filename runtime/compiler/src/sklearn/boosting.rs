//! Trees that correct each other: gradient boosting in both forms, and AdaBoost.

use mote_abi::DType;
use mote_abi::op::{Aggregate, Binary, Branch, Unary};

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::Fields;
use super::net::{Net, at_most};
use super::{logistic, table, trees};
use crate::forest::{Node, Score, Split, Test, Tree};
use crate::graph::{Op, ValueId};

type Built = Result<ValueId, EstimatorError>;
type Class = Result<Classified, EstimatorError>;

/// The sum over all stages, a column for each class, without what they begin with.
fn stages(net: &mut Net, fields: &Fields<'_>, x: ValueId, width: usize) -> Built {
    let rate = fields.float("learning_rate")?;
    let mut grown = Vec::new();
    for (i, node) in trees::stages(fields, "estimators_", width)?.into_iter().enumerate() {
        let tree = Fields::of(node).ok_or_else(|| fields.wrong("estimators_", "estimators"))?;
        let arrays = trees::Arrays::read(&tree)?;
        grown.push(
            arrays.grow(net.dtype, Some, |leaf, _| {
                vec![Score { target: i % width, value: rate * arrays.value(leaf)[0] }]
            })?,
        );
    }
    let x = trees::narrow(net, x)?;
    Ok(net.emit.trees(x, &grown, width, Aggregate::Sum)?)
}

pub(super) fn regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let sum = stages(net, fields, x, 1)?;
    let first = fields.get("init_")?;
    if first.text() == Some("zero") {
        return Ok(sum);
    }
    let first = table::regress(net, first, x)?;
    Ok(net.add(sum, first)?)
}

pub(super) fn classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let binary = classes.len() == 2;
    let exponential = match fields.text("loss")? {
        "log_loss" | "deviance" => false,
        "exponential" => true,
        other => return Err(fields.parameter("loss", other)),
    };
    let width = if binary { 1 } else { classes.len() };
    let mut raw = stages(net, fields, x, width)?;
    let first = fields.get("init_")?;
    if first.text() != Some("zero") {
        let first = beginning(net, fields, first, x, exponential)?;
        raw = net.add(raw, first)?;
    }
    let probabilities = if binary {
        let logit = if exponential { net.with_scalar(Binary::Mul, raw, 2.0)? } else { raw };
        let p = logistic(net, logit)?;
        net.complement(p)?
    } else {
        net.softmax(raw)?
    };
    // Of equals, version 1.4 and later take the second of two classes.
    if binary && fields.since(1, 4) {
        let flat = net.flat(raw)?;
        let reached = net.with_scalar(Binary::GreaterOrEqual, flat, 0.0)?;
        let index = net.emit.cast(reached, DType::I64)?;
        return Ok(Classified { classes, index, probabilities: Some(probabilities), decision: Some(raw) });
    }
    Ok(Classified::decided(net, classes, raw)?.with_probabilities(probabilities))
}

/// What the first estimator says, as the stages count: `ln(p / (1 - p))` for two classes, else `ln p`.
fn beginning(net: &mut Net, fields: &Fields<'_>, first: mote_pickle::Node<'_>, x: ValueId, halved: bool) -> Built {
    let said = table::classify(net, first, x)?;
    let p = said.probabilities.ok_or_else(|| fields.form("its first estimator has no probabilities"))?;
    let epsilon = f64::from(f32::EPSILON);
    if said.classes.len() > 2 {
        let p = net.clip(p, epsilon, 1.0 - epsilon)?;
        let logs = net.unary(Unary::Log, p)?;
        if !fields.since(1, 4) {
            return Ok(logs);
        }
        let mean = net.over_columns(mote_abi::op::Reduce::Mean, logs)?;
        return Ok(net.sub(logs, mean)?);
    }
    let p = net.column(p, 1)?;
    let p = net.clip(p, epsilon, 1.0 - epsilon)?;
    let q = net.scalar_minus(1.0, p)?;
    let odds = net.div(p, q)?;
    let logit = net.unary(Unary::Log, odds)?;
    Ok(if halved { net.with_scalar(Binary::Mul, logit, 0.5)? } else { logit })
}

/// The sum over the trees of the histogram form, which compare in double precision.
fn histograms(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let categorical = fields.some("is_categorical_").and_then(super::fields::numbers);
    if fields.some("_preprocessor").is_some() || categorical.is_some_and(|bits| bits.iter().any(|&bit| bit != 0.0)) {
        return Err(fields.form("categorical columns are not supported"));
    }
    let baseline = fields.floats("_baseline_prediction")?;
    let width = baseline.len();
    let mut grown = Vec::new();
    for (i, node) in trees::stages(fields, "_predictors", width)?.into_iter().enumerate() {
        let tree = Fields::of(node).ok_or_else(|| fields.wrong("_predictors", "trees"))?;
        grown.push(histogram_tree(net.dtype, &tree, i % width)?);
    }
    let sum = net.emit.trees(x, &grown, width, Aggregate::Sum)?;
    Ok(net.with_row(Binary::Add, sum, &baseline)?)
}

fn histogram_tree(dtype: DType, fields: &Fields<'_>, target: usize) -> Result<Tree, EstimatorError> {
    let records = trees::records(fields, "nodes")?;
    let column = |name| trees::column(fields, records, name);
    let (values, leaves) = (column("value")?, column("is_leaf")?);
    let (features, thresholds) = (column("feature_idx")?, column("num_threshold")?);
    let (left, right, missing) = (column("left")?, column("right")?, column("missing_go_to_left")?);
    let node = |i: usize| {
        if leaves[i] != 0.0 {
            return Node::Leaf(vec![Score { target, value: values[i] }]);
        }
        let test = Test::Compare(Branch::LessOrEqual, at_most(dtype, thresholds[i]));
        let (holds, fails) = (left[i] as usize, right[i] as usize);
        Node::Split(Split { feature: features[i] as usize, test, nan_holds: missing[i] != 0.0, holds, fails })
    };
    Ok(Tree { nodes: (0..values.len()).map(node).collect(), root: 0 })
}

pub(super) fn hist_regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let raw = histograms(net, fields, x)?;
    match fields.child("_loss")?.class {
        "HalfPoissonLoss" | "HalfGammaLoss" => Ok(net.unary(Unary::Exp, raw)?),
        "HalfSquaredError" | "AbsoluteError" | "PinballLoss" => Ok(raw),
        other => Err(fields.parameter("loss", other)),
    }
}

pub(super) fn hist_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let raw = histograms(net, fields, x)?;
    let probabilities = match (fields.child("_loss")?.class, net.width(raw)) {
        ("HalfBinomialLoss", 1) if classes.len() == 2 => {
            let p = logistic(net, raw)?;
            net.complement(p)?
        }
        ("HalfMultinomialLoss", width) if width == classes.len() => net.softmax(raw)?,
        (other, _) => return Err(fields.parameter("loss", other)),
    };
    Ok(Classified::decided(net, classes, raw)?.with_probabilities(probabilities))
}

/// Members vote with their weight; what version 1.2 only adds for, later ones also subtract against.
pub(super) fn ada_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let count = classes.len();
    if count < 2 {
        return Err(fields.form("it knows one class alone"));
    }
    let real = fields.find("algorithm").and_then(mote_pickle::Node::text) == Some("SAMME.R");
    let members = fields.list("estimators_")?;
    let weights = fields.floats("estimator_weights_")?;
    let others = if fields.since(1, 3) { 1.0 / (count as f64 - 1.0) } else { 0.0 };
    let mut sum = net.every_row(&vec![0.0; count])?;
    for (&member, &weight) in members.iter().zip(&weights) {
        let said = table::classify(net, member, x)?;
        let part = if real {
            let p = said.probabilities.ok_or_else(|| fields.form("a member has no probabilities"))?;
            surplus(net, p, count)?
        } else {
            let places = classes.places(&said.classes).ok_or_else(|| fields.wrong("estimators_", "of its classes"))?;
            let index = said.index_among(net, &places)?;
            let bits = one_hot(net, index, count)?;
            let own = net.with_scalar(Binary::Mul, bits, weight * (1.0 + others))?;
            net.with_scalar(Binary::Sub, own, weight * others)?
        };
        if net.width(part) != count {
            return Err(fields.form("a member knows only some of the classes"));
        }
        sum = net.add(sum, part)?;
    }
    let sum = net.with_scalar(Binary::Div, sum, weights.iter().sum())?;
    let (decision, scores) = if count == 2 {
        let (first, second) = (net.column(sum, 0)?, net.column(sum, 1)?);
        let decision = net.sub(second, first)?;
        let half = net.with_scalar(Binary::Mul, decision, 0.5)?;
        let negative = net.unary(Unary::Neg, half)?;
        (decision, net.beside(&[negative, half])?)
    } else {
        (sum, net.with_scalar(Binary::Div, sum, count as f64 - 1.0)?)
    };
    let probabilities = net.softmax(scores)?;
    Ok(Classified::decided(net, classes, decision)?.with_probabilities(probabilities))
}

/// `(K - 1) (ln p - mean of ln p)`.
fn surplus(net: &mut Net, p: ValueId, count: usize) -> super::net::Made {
    let p = net.with_scalar(Binary::Max, p, f64::EPSILON)?;
    let logs = net.unary(Unary::Log, p)?;
    let mean = net.over_columns(mote_abi::op::Reduce::Mean, logs)?;
    let above = net.sub(logs, mean)?;
    net.with_scalar(Binary::Mul, above, count as f64 - 1.0)
}

/// A column for each index: 1 in its own, 0 elsewhere.
pub(super) fn one_hot(net: &mut Net, index: ValueId, count: usize) -> super::net::Made {
    let rows = net.rows;
    let index = net.emit.reshape(index, vec![rows, 1])?;
    let all: Vec<i64> = (0..count as i64).collect();
    let all = net.emit.i64s(vec![1, count], &all)?;
    let bits = net.binary(Binary::Equal, index, all)?;
    net.number(bits)
}

/// The weighted median of what the members predict.
pub(super) fn ada_regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let members = fields.list("estimators_")?;
    let weights = fields.floats("estimator_weights_")?;
    if members.is_empty() || weights.len() < members.len() {
        return Err(fields.shape("estimator_weights_", &[weights.len()], "a weight for each member"));
    }
    let mut columns = Vec::new();
    for &member in &members {
        columns.push(table::regress(net, member, x)?);
    }
    let all = net.beside(&columns)?;
    let dims = net.emit.dims(all);
    let outputs = vec![(net.dtype, dims.clone()), (DType::I64, dims.clone())];
    let sorted = net.emit.emit_all(Op::TopK { axis: 1, largest: false }, &[Some(all)], outputs)?;
    // Weights meet in double precision: where they reach the half is a matter of their last bits.
    let weights = net.constant_of(DType::F64, vec![members.len()], &weights[..members.len()])?;
    let weights = net.emit.gather(weights, sorted[1], 0)?;
    let up_to =
        net.emit.emit_as(Op::CumSum { axis: 1, exclusive: false, reverse: false }, &[Some(weights)], weights, dims)?;
    let whole = net.column(up_to, members.len() - 1)?;
    let half = net.with_scalar(Binary::Mul, whole, 0.5)?;
    let reached = net.binary(Binary::GreaterOrEqual, up_to, half)?;
    let reached = net.number(reached)?;
    let place = net.arg_max(reached)?;
    let rows = net.rows;
    let place = net.emit.reshape(place, vec![rows, 1])?;
    Ok(net.emit.emit_as(Op::GatherElements { axis: 1 }, &[Some(sorted[0]), Some(place)], sorted[0], vec![rows, 1])?)
}
