//! Tree ensembles in the two forms that the standard has had: nodes and leaves in one list by number, and apart by index.

mod classifier;
mod indexed;
mod listed;

use mote_abi::DType;
use mote_abi::op::{Aggregate, Binary};

use super::super::node::{Built, Cx};
use super::super::table::Entry;
use super::rows;
use super::scores::Transform;
use crate::error::Reason;
use crate::forest::Tree;
use crate::graph::ValueId;

const CLASSIFIER: &[&str] = &[
    "base_values",
    "base_values_as_tensor",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "class_weights_as_tensor",
    "classlabels_int64s",
    "classlabels_strings",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
];

const REGRESSOR: &[&str] = &[
    "aggregate_function",
    "base_values",
    "base_values_as_tensor",
    "n_targets",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
    "target_ids",
    "target_nodeids",
    "target_treeids",
    "target_weights",
    "target_weights_as_tensor",
];

const ENSEMBLE: &[&str] = &[
    "aggregate_function",
    "leaf_targetids",
    "leaf_weights",
    "membership_values",
    "n_targets",
    "nodes_falseleafs",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_splits",
    "nodes_trueleafs",
    "nodes_truenodeids",
    "post_transform",
    "tree_roots",
];

pub(super) const OPS: &[Entry] = &[
    Entry::ml("TreeEnsembleClassifier", CLASSIFIER, classifier::classifier),
    Entry::ml("TreeEnsembleRegressor", REGRESSOR, regressor),
    Entry::ml_since("TreeEnsemble", 5, ENSEMBLE, ensemble),
];

/// Rows as trees compare them: f64 stays, everything else is f32.
fn compared(cx: &mut Cx<'_>) -> Result<ValueId, Reason> {
    let x = cx.input(0)?;
    let x = rows(cx, x)?;
    if cx.dtype(x) == DType::F64 { Ok(x) } else { cx.cast(x, DType::F32) }
}

/// How trees meet: an aggregate, and whether it is divided by their number.
fn meeting(name: &str) -> Option<(Aggregate, bool)> {
    Some(match name {
        "SUM" => (Aggregate::Sum, false),
        "AVERAGE" => (Aggregate::Sum, true),
        "MIN" => (Aggregate::Min, false),
        "MAX" => (Aggregate::Max, false),
        _ => return None,
    })
}

fn regressor(cx: &mut Cx<'_>) -> Built {
    let x = compared(cx)?;
    let name = "aggregate_function";
    let given = cx.text(name, "SUM")?;
    let meeting = meeting(given).ok_or_else(|| Reason::AttributeValue { name, got: given.to_owned() })?;
    let targets = targets(cx)?;
    let trees = listed::trees(cx, &listed::TARGETS)?;
    let base = reals(cx, "base_values", "base_values_as_tensor")?;
    let scores = totals(cx, x, &trees, targets, meeting)?;
    let scores = based(cx, scores, &base)?;
    let scores = cx.cast(scores, DType::F32)?;
    let transform = Transform::read(cx)?;
    Ok(vec![transform.apply(cx, scores)?])
}

fn ensemble(cx: &mut Cx<'_>) -> Built {
    let x = compared(cx)?;
    let name = "aggregate_function";
    let code = cx.int(name, 1)?;
    let meeting = usize::try_from(code).ok().and_then(|i| meeting(["AVERAGE", "SUM", "MIN", "MAX"].get(i)?));
    let meeting = meeting.ok_or_else(|| Reason::AttributeValue { name, got: code.to_string() })?;
    let targets = targets(cx)?;
    let trees = indexed::trees(cx)?;
    let scores = totals(cx, x, &trees, targets, meeting)?;
    let transform = Transform::read_code(cx, targets)?;
    Ok(vec![transform.apply(cx, scores)?])
}

/// Scores per row of a regression.
fn targets(cx: &Cx<'_>) -> Result<usize, Reason> {
    let given = cx.int("n_targets", 0)?;
    let targets = usize::try_from(given).ok().filter(|&count| count > 0);
    targets.ok_or_else(|| Reason::AttributeValue { name: "n_targets", got: given.to_string() })
}

fn totals(
    cx: &mut Cx<'_>,
    x: ValueId,
    trees: &[Tree],
    targets: usize,
    (aggregate, average): (Aggregate, bool),
) -> Result<ValueId, Reason> {
    let scores = cx.trees(x, trees, targets, aggregate)?;
    if !average {
        return Ok(scores);
    }
    let count = cx.scalar_like(scores, trees.len() as f64)?;
    cx.binary(Binary::Div, scores, count)
}

/// Scores `[N, C]` with base values: none, or one per column.
fn based(cx: &mut Cx<'_>, scores: ValueId, base: &[f64]) -> Result<ValueId, Reason> {
    if base.is_empty() {
        return Ok(scores);
    }
    if base.len() != cx.dims(scores)[1] {
        return Err(Reason::Shape { what: "attribute `base_values`", got: vec![base.len()] });
    }
    let dtype = cx.dtype(scores);
    let base = cx.reals(dtype, vec![1, base.len()], base)?;
    cx.binary(Binary::Add, scores, base)
}

/// Numbers of an attribute, or of the tensor that takes its place where they are f64.
fn reals(cx: &mut Cx<'_>, list: &'static str, tensor: &'static str) -> Result<Vec<f64>, Reason> {
    let given = cx.optional_floats_attribute(list)?.unwrap_or_default();
    let Some(id) = cx.tensor(tensor)? else { return Ok(given.into_iter().map(f64::from).collect()) };
    let stored = cx.floats(id).ok_or(Reason::AttributeType(tensor))?;
    if given.is_empty() || stored.is_empty() {
        Ok([given.into_iter().map(f64::from).collect(), stored].concat())
    } else {
        Err(Reason::Attribute(list.to_owned()))
    }
}

fn integers(cx: &Cx<'_>, name: &'static str) -> Result<Vec<i64>, Reason> {
    Ok(cx.optional_ints_attribute(name)?.unwrap_or_default())
}

fn equal_lengths(lengths: &[usize]) -> Result<(), Reason> {
    if lengths.windows(2).all(|pair| pair[0] == pair[1]) {
        Ok(())
    } else {
        Err(Reason::Form("the lists that describe the trees have different lengths"))
    }
}

fn feature(index: i64) -> Result<usize, Reason> {
    usize::try_from(index).map_err(|_| Reason::Value { what: "a feature", got: index })
}
