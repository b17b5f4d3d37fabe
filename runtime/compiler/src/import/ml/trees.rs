//! Tree ensembles in the two forms that the standard has had: nodes and leaves in one list by number, and apart by index.

use std::collections::HashMap;

use mote_abi::DType;
use mote_abi::op::{Aggregate, Binary, Branch};

use super::super::node::{Built, Cx};
use super::super::table::Entry;
use super::rows;
use super::scores::{Classes, Transform, above};
use crate::error::Reason;
use crate::forest::{Node, Score, Split, Test, Tree};
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
    Entry::ml("TreeEnsembleClassifier", CLASSIFIER, classifier),
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
    let targets = count(cx, "n_targets", cx.int("n_targets", 0)?)?;
    let trees = listed(cx, ["target_treeids", "target_nodeids", "target_ids"], "target_weights")?;
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
    let targets = count(cx, "n_targets", cx.int("n_targets", 0)?)?;
    let trees = indexed(cx)?;
    let scores = totals(cx, x, &trees, targets, meeting)?;
    let transform = Transform::read_code(cx, targets)?;
    Ok(vec![transform.apply(cx, scores)?])
}

/// Labels and scores. ONNX Runtime reads the scores of two classes in three ways, by which of them the leaves score.
fn classifier(cx: &mut Cx<'_>) -> Built {
    let x = compared(cx)?;
    let classes = Classes::read(cx, "classlabels_int64s", "classlabels_strings")?;
    let trees = listed(cx, ["class_treeids", "class_nodeids", "class_ids"], "class_weights")?;
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
            (cx.unary(mote_abi::op::Unary::Neg, margin)?, margin)
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

fn scored(trees: &[Tree], targets: usize) -> Vec<Scored> {
    let mut all = vec![Scored::Never; targets];
    for tree in trees {
        let mut hits = vec![0; targets];
        let mut count = 0;
        for leaf in leaves(std::slice::from_ref(tree)) {
            count += 1;
            leaf.iter().filter(|score| score.target < targets).for_each(|score| hits[score.target] += 1);
        }
        for (scored, &hits) in all.iter_mut().zip(&hits) {
            *scored = match hits {
                0 => *scored,
                _ if hits == count => Scored::Always,
                _ if *scored == Scored::Always => Scored::Always,
                _ => Scored::Sometimes,
            };
        }
    }
    all
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

fn count(_: &Cx<'_>, name: &'static str, given: i64) -> Result<usize, Reason> {
    usize::try_from(given)
        .ok()
        .filter(|&count| count > 0)
        .ok_or_else(|| Reason::AttributeValue { name, got: given.to_string() })
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

fn branch(name: &str) -> Option<Branch> {
    Some(match name {
        "BRANCH_LEQ" => Branch::LessOrEqual,
        "BRANCH_LT" => Branch::Less,
        "BRANCH_GTE" => Branch::GreaterOrEqual,
        "BRANCH_GT" => Branch::Greater,
        "BRANCH_EQ" => Branch::Equal,
        "BRANCH_NEQ" => Branch::NotEqual,
        "LEAF" => Branch::Leaf,
        _ => return None,
    })
}

/// Trees of operator sets 1 and 3: nodes know their tree and number; a tree begins with its first node in the list.
fn listed(
    cx: &mut Cx<'_>,
    [trees, nodes, targets]: [&'static str; 3],
    weights: &'static str,
) -> Result<Vec<Tree>, Reason> {
    cx.ignore("nodes_hitrates");
    cx.ignore("nodes_hitrates_as_tensor");
    let (tree_ids, node_ids) = (integers(cx, "nodes_treeids")?, integers(cx, "nodes_nodeids")?);
    let (holds, fails) = (integers(cx, "nodes_truenodeids")?, integers(cx, "nodes_falsenodeids")?);
    let (features, missing) = (integers(cx, "nodes_featureids")?, integers(cx, "nodes_missing_value_tracks_true")?);
    let modes = cx.texts("nodes_modes")?.unwrap_or_default();
    let values = reals(cx, "nodes_values", "nodes_values_as_tensor")?;
    let count = tree_ids.len();
    equal_lengths(&[count, node_ids.len(), holds.len(), fails.len(), features.len(), modes.len(), values.len()])?;
    if !missing.is_empty() {
        equal_lengths(&[count, missing.len()])?;
    }
    let mut forest: Vec<Tree> = Vec::new();
    let mut places = HashMap::new();
    for i in 0..count {
        if i == 0 || tree_ids[i] != tree_ids[i - 1] {
            forest.push(Tree::default());
        }
        let tree = forest.len() - 1;
        let node = forest[tree].nodes.len();
        forest[tree].nodes.push(Node::Leaf(Vec::new()));
        if places.insert((tree_ids[i], node_ids[i]), (tree, node)).is_some() {
            return Err(Reason::Form("two nodes of a tree have one number"));
        }
    }
    let unknown = Reason::Form("a tree names a node that it does not have");
    for i in 0..count {
        let mode = branch(modes[i]);
        let mode = mode.ok_or_else(|| Reason::AttributeValue { name: "nodes_modes", got: modes[i].to_owned() })?;
        if mode == Branch::Leaf {
            continue;
        }
        let (tree, node) = places[&(tree_ids[i], node_ids[i])];
        let child = |id: i64| places.get(&(tree_ids[i], id)).filter(|place| place.0 == tree).map(|place| place.1);
        let (Some(holds), Some(fails)) = (child(holds[i]), child(fails[i])) else { return Err(unknown) };
        forest[tree].nodes[node] = Node::Split(Split {
            feature: feature(features[i])?,
            test: Test::Compare(mode, values[i]),
            nan_holds: missing.get(i).is_some_and(|&m| m == 1),
            holds,
            fails,
        });
    }
    let (in_trees, in_nodes, targets) = (integers(cx, trees)?, integers(cx, nodes)?, integers(cx, targets)?);
    let as_tensor = if weights == "class_weights" { "class_weights_as_tensor" } else { "target_weights_as_tensor" };
    let weights = reals(cx, weights, as_tensor)?;
    equal_lengths(&[in_trees.len(), in_nodes.len(), targets.len(), weights.len()])?;
    for (i, &value) in weights.iter().enumerate() {
        let Some(&(tree, node)) = places.get(&(in_trees[i], in_nodes[i])) else { return Err(unknown) };
        let target = usize::try_from(targets[i]).map_err(|_| Reason::Value { what: "a target", got: targets[i] })?;
        match &mut forest[tree].nodes[node] {
            Node::Leaf(scores) => scores.push(Score { target, value }),
            Node::Split(_) => return Err(Reason::Form("a split has a score")),
        }
    }
    Ok(forest)
}

fn feature(index: i64) -> Result<usize, Reason> {
    usize::try_from(index).map_err(|_| Reason::Value { what: "a feature", got: index })
}

/// The lists of TreeEnsemble-5: splits and leaves by index, each leaf with one score.
struct Lists {
    features: Vec<i64>,
    modes: Vec<i64>,
    bounds: Vec<f64>,
    missing: Vec<i64>,
    /// Where a split goes on, and whether that is a leaf: where it holds, where it fails.
    next: [(Vec<i64>, Vec<i64>); 2],
    targets: Vec<i64>,
    weights: Vec<f64>,
    /// Members of each split that asks for membership.
    members: HashMap<usize, Vec<f64>>,
}

fn indexed(cx: &mut Cx<'_>) -> Result<Vec<Tree>, Reason> {
    cx.ignore("nodes_hitrates");
    let mut numbers = |name: &'static str| -> Result<Vec<f64>, Reason> {
        let Some(id) = cx.tensor(name)? else { return Ok(Vec::new()) };
        cx.floats(id).ok_or(Reason::AttributeType(name))
    };
    let (bounds, weights) = (numbers("nodes_splits")?, numbers("leaf_weights")?);
    let modes: Vec<i64> = numbers("nodes_modes")?.into_iter().map(|mode| mode as i64).collect();
    let members = memberships(&modes, &numbers("membership_values")?)?;
    let lists = Lists {
        features: integers(cx, "nodes_featureids")?,
        modes,
        bounds,
        missing: integers(cx, "nodes_missing_value_tracks_true")?,
        next: [
            (integers(cx, "nodes_truenodeids")?, integers(cx, "nodes_trueleafs")?),
            (integers(cx, "nodes_falsenodeids")?, integers(cx, "nodes_falseleafs")?),
        ],
        targets: integers(cx, "leaf_targetids")?,
        weights,
        members,
    };
    let [holds, fails] = &lists.next;
    let count = lists.features.len();
    equal_lengths(&[count, lists.modes.len(), lists.bounds.len(), holds.0.len(), holds.1.len()])?;
    equal_lengths(&[count, fails.0.len(), fails.1.len()])?;
    equal_lengths(&[lists.targets.len(), lists.weights.len()])?;
    if !lists.missing.is_empty() {
        equal_lengths(&[count, lists.missing.len()])?;
    }
    integers(cx, "tree_roots")?.into_iter().map(|root| lists.tree(root)).collect()
}

/// The sets of members, each ended by NaN, in the order of the splits that ask for membership.
fn memberships(modes: &[i64], values: &[f64]) -> Result<HashMap<usize, Vec<f64>>, Reason> {
    let mut sets = values.split(|value| value.is_nan());
    let mut members = HashMap::new();
    for (i, _) in modes.iter().enumerate().filter(|&(_, &mode)| mode == MEMBER) {
        let set = sets.next().filter(|set| !set.is_empty());
        members.insert(i, set.ok_or(Reason::Form("a test of membership has no members"))?.to_vec());
    }
    // The last set is ended by NaN as well, after which an empty one is left.
    if sets.any(|set| !set.is_empty()) {
        return Err(Reason::Form("there are members for more tests than there are"));
    }
    Ok(members)
}

const MEMBER: i64 = 6;

impl Lists {
    /// The splits below a root, each with its leaves. A leaf may end several splits.
    fn tree(&self, root: i64) -> Result<Tree, Reason> {
        let mut tree = Tree { nodes: vec![Node::Leaf(Vec::new())], root: 0 };
        let mut open = vec![(root, 0)];
        while let Some((split, place)) = open.pop() {
            let i = usize::try_from(split).ok().filter(|&i| i < self.features.len());
            let i = i.ok_or(Reason::Form("a tree names a node that it does not have"))?;
            if tree.nodes.len() > 2 * self.features.len() {
                return Err(Reason::Form("two splits of a tree lead to one"));
            }
            let mut children = [0; 2];
            for (child, (next, leaf)) in children.iter_mut().zip(&self.next) {
                *child = tree.nodes.len();
                if leaf[i] == 0 {
                    open.push((next[i], *child));
                    tree.nodes.push(Node::Leaf(Vec::new()));
                } else {
                    tree.nodes.push(Node::Leaf(vec![self.score(next[i])?]));
                }
            }
            tree.nodes[place] = Node::Split(self.split(i, children)?);
        }
        Ok(tree)
    }

    fn score(&self, leaf: i64) -> Result<Score, Reason> {
        let i = usize::try_from(leaf).ok().filter(|&i| i < self.weights.len());
        let i = i.ok_or(Reason::Form("a tree names a leaf that it does not have"))?;
        let got = self.targets[i];
        let target = usize::try_from(got).map_err(|_| Reason::Value { what: "a target", got })?;
        Ok(Score { target, value: self.weights[i] })
    }

    fn split(&self, i: usize, [holds, fails]: [usize; 2]) -> Result<Split, Reason> {
        use Branch::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        let mode = self.modes[i];
        let test = match usize::try_from(mode)
            .ok()
            .and_then(|mode| [LessOrEqual, Less, GreaterOrEqual, Greater, Equal, NotEqual].get(mode).copied())
        {
            Some(branch) => Test::Compare(branch, self.bounds[i]),
            None if mode == MEMBER => Test::Member(self.members[&i].clone()),
            None => return Err(Reason::AttributeValue { name: "nodes_modes", got: mode.to_string() }),
        };
        let nan_holds = self.missing.get(i).is_some_and(|&m| m == 1);
        Ok(Split { feature: feature(self.features[i])?, test, nan_holds, holds, fails })
    }
}
