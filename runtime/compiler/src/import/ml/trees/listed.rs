//! Trees of operator sets 1 and 3: nodes know their tree and number.

use std::collections::HashMap;

use mote_abi::op::Branch;

use super::super::super::node::Cx;
use super::{equal_lengths, feature, integers, reals};
use crate::error::Reason;
use crate::forest::{Node, Score, Split, Test, Tree};

/// Names of the attributes that list scores: tree, node, target, weight, weight as a tensor.
pub(super) type Scores = [&'static str; 5];
/// Those of a regressor.
pub(super) const TARGETS: Scores =
    ["target_treeids", "target_nodeids", "target_ids", "target_weights", "target_weights_as_tensor"];
/// Those of a classifier.
pub(super) const CLASSES: Scores =
    ["class_treeids", "class_nodeids", "class_ids", "class_weights", "class_weights_as_tensor"];

/// The trees of a node, with their scores.
pub(super) fn trees(cx: &mut Cx<'_>, scores: &Scores) -> Result<Vec<Tree>, Reason> {
    cx.ignore("nodes_hitrates");
    cx.ignore("nodes_hitrates_as_tensor");
    let (mut forest, places) = leaves(&integers(cx, "nodes_treeids")?, &integers(cx, "nodes_nodeids")?)?;
    split(cx, &mut forest, &places)?;
    score(cx, &mut forest, &places, scores)?;
    Ok(forest)
}

/// Where the nodes stand: by tree and number, the index of the tree and of the node in it.
struct Places {
    by_number: HashMap<(i64, i64), (usize, usize)>,
    /// Tree and number of each node in the order of the lists.
    listed: Vec<(i64, i64)>,
}

impl Places {
    fn find(&self, tree: i64, node: i64) -> Result<(usize, usize), Reason> {
        let place = self.by_number.get(&(tree, node)).copied();
        place.ok_or(Reason::Form("a tree names a node that it does not have"))
    }
}

/// Every node as a leaf without scores. A tree begins with its first node in the list.
fn leaves(tree_ids: &[i64], node_ids: &[i64]) -> Result<(Vec<Tree>, Places), Reason> {
    equal_lengths(&[tree_ids.len(), node_ids.len()])?;
    let listed: Vec<(i64, i64)> = tree_ids.iter().copied().zip(node_ids.iter().copied()).collect();
    let mut forest: Vec<Tree> = Vec::new();
    let mut by_number = HashMap::with_capacity(listed.len());
    for (i, &(id, number)) in listed.iter().enumerate() {
        if i == 0 || listed[i - 1].0 != id {
            forest.push(Tree::default());
        }
        let tree = forest.len() - 1;
        let nodes = &mut forest[tree].nodes;
        nodes.push(Node::Leaf(Vec::new()));
        if by_number.insert((id, number), (tree, nodes.len() - 1)).is_some() {
            return Err(Reason::Form("two nodes of a tree have one number"));
        }
    }
    Ok((forest, Places { by_number, listed }))
}

/// Puts splits in the place of the leaves that are none.
fn split(cx: &mut Cx<'_>, forest: &mut [Tree], places: &Places) -> Result<(), Reason> {
    let (holds, fails) = (integers(cx, "nodes_truenodeids")?, integers(cx, "nodes_falsenodeids")?);
    let (features, missing) = (integers(cx, "nodes_featureids")?, integers(cx, "nodes_missing_value_tracks_true")?);
    let modes = cx.texts("nodes_modes")?.unwrap_or_default();
    let values = reals(cx, "nodes_values", "nodes_values_as_tensor")?;
    let count = places.listed.len();
    equal_lengths(&[count, holds.len(), fails.len(), features.len(), modes.len(), values.len()])?;
    if !missing.is_empty() {
        equal_lengths(&[count, missing.len()])?;
    }
    for (i, &(id, number)) in places.listed.iter().enumerate() {
        let mode = branch(modes[i]);
        let mode = mode.ok_or_else(|| Reason::AttributeValue { name: "nodes_modes", got: modes[i].to_owned() })?;
        if mode == Branch::Leaf {
            continue;
        }
        let (tree, node) = places.find(id, number)?;
        let (holds, fails) = (places.find(id, holds[i])?, places.find(id, fails[i])?);
        if [holds.0, fails.0] != [tree; 2] {
            return Err(Reason::Form("the nodes of a tree do not stand together"));
        }
        forest[tree].nodes[node] = Node::Split(Split {
            feature: feature(features[i])?,
            test: Test::Compare(mode, values[i]),
            nan_holds: missing.get(i).is_some_and(|&m| m == 1),
            holds: holds.1,
            fails: fails.1,
        });
    }
    Ok(())
}

fn score(cx: &mut Cx<'_>, forest: &mut [Tree], places: &Places, names: &Scores) -> Result<(), Reason> {
    let [trees, nodes, targets, weights, as_tensor] = *names;
    let (trees, nodes, targets) = (integers(cx, trees)?, integers(cx, nodes)?, integers(cx, targets)?);
    let weights = reals(cx, weights, as_tensor)?;
    equal_lengths(&[trees.len(), nodes.len(), targets.len(), weights.len()])?;
    for (i, &value) in weights.iter().enumerate() {
        let (tree, node) = places.find(trees[i], nodes[i])?;
        let target = usize::try_from(targets[i]).map_err(|_| Reason::Value { what: "a target", got: targets[i] })?;
        match &mut forest[tree].nodes[node] {
            Node::Leaf(scores) => scores.push(Score { target, value }),
            Node::Split(_) => return Err(Reason::Form("a split has a score")),
        }
    }
    Ok(())
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
