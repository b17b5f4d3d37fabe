//! Models made of parts that each keep their own kind.

use mote_abi::op::Binary;
use mote_pickle::Node;

use super::answer::Answer;
use super::columns;
use super::error::EstimatorError;
use super::fields::{Fields, numbers};
use super::net::Net;
use super::table;
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;

/// All steps but the last transform; the pipeline is what its last step is.
pub(super) fn pipeline(net: &mut Net, fields: &Fields<'_>, mut x: ValueId) -> Result<Answer, EstimatorError> {
    let steps = named(fields, "steps")?;
    let (last, before) = steps.split_last().ok_or_else(|| fields.form("it has no steps"))?;
    for &(_, step) in before {
        x = part(net, step, x)?.ok_or_else(|| fields.form("a step is dropped"))?;
    }
    if is_word(last.1, "passthrough") || last.1.is_none() {
        return Ok(Answer::Transformed(x));
    }
    table::estimate(net, last.1, x)
}

/// A pipeline whose last step transforms too.
pub(super) fn transforming(net: &mut Net, fields: &Fields<'_>, mut x: ValueId) -> Built {
    for (_, step) in named(fields, "steps")? {
        x = part(net, step, x)?.ok_or_else(|| fields.form("a step is dropped"))?;
    }
    Ok(x)
}

/// Transformers side by side over the same columns.
pub(super) fn union(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let mut parts = Vec::new();
    for (name, transformer) in named(fields, "transformer_list")? {
        if let Some(y) = part(net, transformer, x)? {
            parts.push(weighted(net, fields, name, y)?);
        }
    }
    Ok(net.beside(&parts)?)
}

/// Transformers side by side, each over columns of its own.
pub(super) fn columns(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let width = net.width(x);
    let mut parts = Vec::new();
    for entry in fields.list("transformers_")? {
        let entry: Vec<Node<'_>> = entry.items().map(Iterator::collect).unwrap_or_default();
        let &[name, transformer, chosen] = &entry[..] else {
            return Err(fields.wrong("transformers_", "a transformer with its columns"));
        };
        let name = name.text().unwrap_or_default();
        if is_word(transformer, "drop") {
            continue;
        }
        let chosen = match fields.find("_transformer_to_input_indices").and_then(|all| all.get(name)) {
            Some(indices) => numbers(indices).map(|values| values.iter().map(|&v| v as usize).collect()),
            None => Some(columns::chosen(fields, chosen, width)?),
        };
        let chosen: Vec<usize> = chosen
            .filter(|chosen: &Vec<usize>| chosen.iter().all(|&c| c < width))
            .ok_or_else(|| fields.wrong("transformers_", "columns that there are"))?;
        if chosen.is_empty() {
            continue;
        }
        let given = net.columns(x, &chosen)?;
        if let Some(y) = part(net, transformer, given)? {
            parts.push(weighted(net, fields, name, y)?);
        }
    }
    if parts.is_empty() {
        return Err(fields.form("it leaves no column"));
    }
    Ok(net.beside(&parts)?)
}

/// Pairs of a name and an estimator.
fn named<'d>(fields: &Fields<'d>, name: &'static str) -> Result<Vec<(&'d str, Node<'d>)>, EstimatorError> {
    let pair = |node: Node<'d>| {
        let mut items = node.items()?;
        Some((items.next()?.text()?, items.next()?))
    };
    let pairs: Option<Vec<_>> = fields.list(name)?.into_iter().map(pair).collect();
    pairs.ok_or_else(|| fields.wrong(name, "a list of names and estimators"))
}

/// A transformer, or one of the words that stand for one; `None` where it drops its columns.
fn part(net: &mut Net, node: Node<'_>, x: ValueId) -> Result<Option<ValueId>, EstimatorError> {
    if is_word(node, "drop") {
        return Ok(None);
    }
    if node.is_none() || is_word(node, "passthrough") {
        return Ok(Some(x));
    }
    table::transform(net, node, x).map(Some)
}

fn is_word(node: Node<'_>, word: &str) -> bool {
    node.text() == Some(word)
}

fn weighted(net: &mut Net, fields: &Fields<'_>, name: &str, y: ValueId) -> Built {
    let weight = fields.some("transformer_weights").and_then(|weights| weights.get(name)).and_then(Node::float);
    match weight {
        Some(weight) => Ok(net.with_scalar(Binary::Mul, y, weight)?),
        None => Ok(y),
    }
}
