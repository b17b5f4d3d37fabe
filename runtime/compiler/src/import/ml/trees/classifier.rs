//! Classifiers: what the scores of leaves say of the classes.

use std::collections::HashMap;

use mote_abi::DType;
use mote_abi::op::{Aggregate, Unary};

use super::super::super::node::{Built, Cx};
use super::super::scores::{Classes, Transform, above};
use super::{based, compared, listed, reals, totals};
use crate::error::Reason;
use crate::forest::{Node, Score, Tree};
use crate::graph::ValueId;

/// Labels and scores. ONNX Runtime reads the scores of two classes in three ways, by which of them the leaves score.
pub(super) fn classifier(cx: &mut Cx<'_>) -> Built {
    let x = compared(cx)?;
    let classes = Classes::read(cx, "classlabels_int64s", "classlabels_strings")?;
    let trees = listed::trees(cx, &listed::CLASSES)?;
    let base = reals(cx, "base_values", "base_values_as_tensor")?;
    let transform = Transform::read(cx)?;
    let targets = classes.len();
    if targets < 2 {
        return Err(Reason::Form("a classifier of one class has nothing to tell"));
    }
    let totals = totals(cx, x, &trees, targets, (Aggregate::Sum, false))?;
    let (labels, scores) = match (targets, scored(&trees, targets).as_slice()) {
        (2, [_, Scored::Never]) => of_first(cx, &classes, totals, &trees, &base, transform)?,
        (2, [Scored::Never, Scored::Always]) => of_second(cx, &classes, totals, &trees, &base, transform)?,
        (2, [_, Scored::Always]) => of_both(cx, &classes, totals, &base, transform)?,
        (2, _) => return Err(Reason::Form("some rows have a score of the second class and some have none")),
        (_, scored) => {
            let sums = based(cx, totals, &base)?;
            let always = !base.is_empty() || scored.iter().all(|&s| s == Scored::Always);
            let judged = if always { sums } else { among_scored(cx, x, &trees, sums)? };
            (classes.of_largest(cx, judged)?, transformed(cx, sums, transform)?)
        }
    };
    Ok(vec![labels, scores])
}

/// Scores are f32 whatever the rows are.
fn transformed(cx: &mut Cx<'_>, scores: ValueId, transform: Transform) -> Result<ValueId, Reason> {
    let scores = cx.cast(scores, DType::F32)?;
    transform.apply(cx, scores)
}

/// Every leaf scores the first class: the one score is that of the second. Where none is negative it lies around 1/2.
fn of_first(
    cx: &mut Cx<'_>,
    classes: &Classes<'_>,
    totals: ValueId,
    trees: &[Tree],
    base: &[f64],
    transform: Transform,
) -> Result<(ValueId, ValueId), Reason> {
    if base.len() > 1 {
        return Err(Reason::Form("two base values for scores of one class"));
    }
    let only = cx.narrow(totals, 1, 0, 1)?;
    let sum = based(cx, only, base)?;
    let even = all_positive(trees);
    let second = above(cx, sum, if even { 0.5 } else { 0.0 })?;
    let labels = classes.of_two(cx, second)?;
    let sum = cx.cast(sum, DType::F32)?;
    Ok((labels, transform.two_columns(cx, sum, even)?))
}

/// Every leaf scores the second class: the first has the score 0.
fn of_second(
    cx: &mut Cx<'_>,
    classes: &Classes<'_>,
    totals: ValueId,
    trees: &[Tree],
    base: &[f64],
    transform: Transform,
) -> Result<(ValueId, ValueId), Reason> {
    if !base.is_empty() {
        return Err(Reason::Form("base values for scores of the second class alone"));
    }
    let only = cx.narrow(totals, 1, 1, 1)?;
    let second = above(cx, only, if all_positive(trees) { 0.5 } else { 0.0 })?;
    Ok((classes.of_two(cx, second)?, transformed(cx, totals, transform)?))
}

/// The leaves score both classes: the second one wins where its score is positive.
fn of_both(
    cx: &mut Cx<'_>,
    classes: &Classes<'_>,
    totals: ValueId,
    base: &[f64],
    transform: Transform,
) -> Result<(ValueId, ValueId), Reason> {
    if !classes.are_as_answered() {
        return Err(Reason::Form("both of two classes are scored, and their labels are not 0 and 1"));
    }
    let (first, second) = (cx.narrow(totals, 1, 0, 1)?, cx.narrow(totals, 1, 1, 1)?);
    let (first, second) = match *base {
        [] => (first, second),
        [only] => (based(cx, first, &[only])?, second),
        // One margin: that of the first class moves both.
        [_, moved] => {
            let margin = based(cx, first, &[moved])?;
            (cx.unary(Unary::Neg, margin)?, margin)
        }
        _ => return Err(Reason::Form("more base values than classes")),
    };
    let wins = above(cx, second, 0.0)?;
    let labels = classes.of_two(cx, wins)?;
    let scores = cx.concat(&[first, second], 1)?;
    Ok((labels, transformed(cx, scores, transform)?))
}

/// Scores with the lowest number in the place of those that no leaf gave.
fn among_scored(cx: &mut Cx<'_>, x: ValueId, trees: &[Tree], sums: ValueId) -> Result<ValueId, Reason> {
    let hits: Vec<Tree> = trees
        .iter()
        .map(|tree| {
            let mut tree = tree.clone();
            for node in &mut tree.nodes {
                if let Node::Leaf(scores) = node {
                    scores.iter_mut().for_each(|score| score.value = 1.0);
                }
            }
            tree
        })
        .collect();
    let targets = cx.dims(sums)[1];
    let hits = cx.trees(x, &hits, targets, Aggregate::Max)?;
    let hits = cx.cast(hits, DType::Bool)?;
    let least = cx.scalar_like(sums, f64::NEG_INFINITY)?;
    cx.select(hits, sums, least)
}

fn all_positive(trees: &[Tree]) -> bool {
    leaves(trees).flatten().all(|score| score.value >= 0.0)
}

fn leaves(trees: &[Tree]) -> impl Iterator<Item = &Vec<Score>> {
    trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
        Node::Leaf(scores) => Some(scores),
        Node::Split(_) => None,
    })
}

/// Which rows have a score of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scored {
    Never,
    Sometimes,
    Always,
}

/// Per target; always where some tree scores it in every leaf.
fn scored(trees: &[Tree], targets: usize) -> Vec<Scored> {
    let mut all = vec![Scored::Never; targets];
    for tree in trees {
        let mut hits: HashMap<usize, usize> = HashMap::new();
        let mut count = 0;
        for leaf in leaves(std::slice::from_ref(tree)) {
            count += 1;
            leaf.iter().for_each(|score| *hits.entry(score.target).or_default() += 1);
        }
        for (target, hits) in hits {
            match all.get_mut(target) {
                Some(scored) if hits == count => *scored = Scored::Always,
                Some(scored @ Scored::Never) => *scored = Scored::Sometimes,
                _ => {}
            }
        }
    }
    all
}
