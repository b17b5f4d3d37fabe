//! Estimators that ask others and sum up what they say.

use mote_abi::op::Binary;
use mote_pickle::Node;

use super::answer::{Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, numbers};
use super::net::Net;
use super::{boosting, table};
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;
type Class = Result<Classified, EstimatorError>;

/// Classes as members know them: encoded as 0, 1, ..
fn encoded(classes: &Classes) -> Classes {
    Classes::Numbers((0..classes.len() as i64).collect())
}

fn places(fields: &Fields<'_>, classes: &Classes, member: &Classified) -> Result<Vec<usize>, EstimatorError> {
    let places = encoded(classes).places(&member.classes).or_else(|| classes.places(&member.classes));
    places.ok_or_else(|| fields.wrong("estimators_", "of its classes"))
}

/// Columns of some classes among all of them; the others are 0.
fn spread(net: &mut Net, x: ValueId, places: &[usize], count: usize) -> super::net::Made {
    if places.len() == count {
        return Ok(x);
    }
    let zero = net.every_row(&[0.0])?;
    let with_zero = net.beside(&[x, zero])?;
    let from: Vec<usize> = (0..count).map(|c| places.iter().position(|&p| p == c).unwrap_or(places.len())).collect();
    net.columns(with_zero, &from)
}

/// Members with the columns that each is given.
fn bagged<'d>(fields: &Fields<'d>) -> Result<Vec<(Node<'d>, Vec<usize>)>, EstimatorError> {
    let (members, chosen) = (fields.list("estimators_")?, fields.list("estimators_features_")?);
    let wrong = || fields.wrong("estimators_features_", "columns for each member");
    let width = fields.count("n_features_in_")?;
    if members.is_empty() || members.len() != chosen.len() {
        return Err(wrong());
    }
    let mut pairs = Vec::new();
    for (member, chosen) in members.into_iter().zip(chosen) {
        let chosen: Vec<usize> = numbers(chosen).ok_or_else(wrong)?.iter().map(|&c| c as usize).collect();
        if chosen.iter().any(|&c| c >= width) {
            return Err(wrong());
        }
        pairs.push((member, chosen));
    }
    Ok(pairs)
}

fn sum(net: &mut Net, parts: &[ValueId]) -> super::net::Made {
    let [first, rest @ ..] = parts else { return Err(crate::Reason::MissingInput(0)) };
    rest.iter().try_fold(*first, |sum, &part| net.add(sum, part))
}

fn mean(net: &mut Net, parts: &[ValueId]) -> super::net::Made {
    let sum = sum(net, parts)?;
    net.with_scalar(Binary::Div, sum, parts.len() as f64)
}

pub(super) fn bagging_regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let mut parts = Vec::new();
    for (member, chosen) in bagged(fields)? {
        let given = net.columns(x, &chosen)?;
        parts.push(table::regress(net, member, given)?);
    }
    Ok(mean(net, &parts)?)
}

/// The mean of probabilities, or of votes where members have none.
pub(super) fn bagging_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let (mut parts, mut decisions) = (Vec::new(), Vec::new());
    for (member, chosen) in bagged(fields)? {
        let given = net.columns(x, &chosen)?;
        let said = table::classify(net, member, given)?;
        let places = places(fields, &classes, &said)?;
        decisions.extend(said.decision);
        parts.push(match said.probabilities {
            Some(p) => spread(net, p, &places, classes.len())?,
            None => {
                let index = said.index_among(net, &places)?;
                boosting::one_hot(net, index, classes.len())?
            }
        });
    }
    let probabilities = mean(net, &parts)?;
    let mut classified = Classified::likeliest(net, classes, probabilities)?;
    if decisions.len() == parts.len() {
        classified.decision = Some(mean(net, &decisions)?);
    }
    Ok(classified)
}

/// Weights of the members that were not dropped.
fn weights(fields: &Fields<'_>, count: usize) -> Result<Vec<f64>, EstimatorError> {
    let Some(given) = fields.some("weights") else { return Ok(vec![1.0; count]) };
    let given = numbers(given).ok_or_else(|| fields.wrong("weights", "numbers"))?;
    let dropped = |node: Node<'_>| node.items().and_then(|mut pair| pair.nth(1)).and_then(Node::text) == Some("drop");
    let kept = fields.list("estimators")?.into_iter().map(|node| !dropped(node));
    let weights: Vec<f64> = given.into_iter().zip(kept).filter(|&(_, kept)| kept).map(|(weight, _)| weight).collect();
    if weights.len() == count { Ok(weights) } else { Err(fields.wrong("weights", "a weight for each member")) }
}

fn weighted(net: &mut Net, parts: &[ValueId], weights: &[f64]) -> super::net::Made {
    let mut scaled = Vec::new();
    for (&part, &weight) in parts.iter().zip(weights) {
        scaled.push(net.with_scalar(Binary::Mul, part, weight)?);
    }
    sum(net, &scaled)
}

pub(super) fn voting_regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let mut parts = Vec::new();
    for member in fields.list("estimators_")? {
        parts.push(table::regress(net, member, x)?);
    }
    let weights = weights(fields, parts.len())?;
    let sum = weighted(net, &parts, &weights)?;
    Ok(net.with_scalar(Binary::Div, sum, weights.iter().sum())?)
}

/// The weighted mean of probabilities, or the weighted count of votes.
pub(super) fn voting_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let soft = match fields.text("voting")? {
        "soft" => true,
        "hard" => false,
        other => return Err(fields.parameter("voting", other)),
    };
    let mut parts = Vec::new();
    for member in fields.list("estimators_")? {
        let said = table::classify(net, member, x)?;
        let places = places(fields, &classes, &said)?;
        parts.push(if soft {
            let p = said.probabilities.ok_or_else(|| fields.form("a member has no probabilities"))?;
            spread(net, p, &places, classes.len())?
        } else {
            let index = said.index_among(net, &places)?;
            boosting::one_hot(net, index, classes.len())?
        });
    }
    let weights = weights(fields, parts.len())?;
    let sum = weighted(net, &parts, &weights)?;
    if soft {
        let probabilities = net.with_scalar(Binary::Div, sum, weights.iter().sum())?;
        return Ok(Classified::likeliest(net, classes, probabilities)?);
    }
    let index = net.arg_max(sum)?;
    Ok(Classified { classes, index, probabilities: None, decision: None })
}

/// What the members say as columns, the row itself behind them where it is passed on.
fn stacked(net: &mut Net, fields: &Fields<'_>, x: ValueId, mut parts: Vec<ValueId>) -> Built {
    if fields.bool("passthrough")? {
        parts.push(x);
    }
    Ok(net.beside(&parts)?)
}

pub(super) fn stacking_regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let mut parts = Vec::new();
    for member in fields.list("estimators_")? {
        parts.push(table::regress(net, member, x)?);
    }
    let said = stacked(net, fields, x, parts)?;
    table::regress(net, fields.get("final_estimator_")?, said)
}

pub(super) fn stacking_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let (members, methods) = (fields.list("estimators_")?, fields.list("stack_method_")?);
    if members.len() != methods.len() {
        return Err(fields.shape("stack_method_", &[methods.len()], "a method for each member"));
    }
    let mut parts = Vec::new();
    for (member, method) in members.into_iter().zip(methods) {
        let said = table::classify(net, member, x)?;
        let missing = || fields.form("a member does not have what its stack_method asks for");
        parts.push(match method.text() {
            Some("predict_proba") => {
                let p = said.probabilities.ok_or_else(missing)?;
                if net.width(p) == 2 { net.column(p, 1)? } else { p }
            }
            Some("decision_function") => said.decision.ok_or_else(missing)?,
            Some("predict") => {
                let label = said.label(net)?;
                let rows = net.rows;
                let label = net.emit.reshape(label, vec![rows, 1])?;
                net.number(label)?
            }
            _ => return Err(missing()),
        });
    }
    let stacked = stacked(net, fields, x, parts)?;
    let said = table::classify(net, fields.get("final_estimator_")?, stacked)?;
    let places = places(fields, &classes, &said)?;
    if places.len() != classes.len() {
        return Err(fields.form("its last estimator knows only some of the classes"));
    }
    Ok(Classified { classes, ..said })
}
