//! Trees of TreeEnsemble-5: splits and leaves by index, each leaf with one score.

use std::collections::HashMap;

use mote_abi::op::Branch;

use super::super::super::node::Cx;
use super::{equal_lengths, feature, integers};
use crate::error::Reason;
use crate::forest::{Node, Score, Split, Test, Tree};

/// The mode that asks for membership.
const MEMBER: i64 = 6;

/// The trees of a node.
pub(super) fn trees(cx: &mut Cx<'_>) -> Result<Vec<Tree>, Reason> {
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
    let mut reached = vec![false; count];
    integers(cx, "tree_roots")?.into_iter().map(|root| lists.tree(root, &mut reached)).collect()
}

/// The attributes of a node.
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

impl Lists {
    /// The splits below a root, each with its leaves. A leaf may end several splits.
    fn tree(&self, root: i64, reached: &mut [bool]) -> Result<Tree, Reason> {
        let mut tree = Tree { nodes: vec![Node::Leaf(Vec::new())], root: 0 };
        let mut open = vec![(root, 0)];
        while let Some((split, place)) = open.pop() {
            let i = usize::try_from(split).ok().filter(|&i| i < self.features.len());
            let i = i.ok_or(Reason::Form("a tree names a node that it does not have"))?;
            if std::mem::replace(&mut reached[i], true) {
                return Err(Reason::Form("two splits or trees lead to one split"));
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
