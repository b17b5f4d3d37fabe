//! Decision trees as importers collect them, and the arrays that a Plan holds of them.

use std::collections::HashSet;

use mote_abi::DType;
use mote_abi::op::{Aggregate, Branch};
use mote_engine::Rule;

/// One tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// Nodes in any order.
    pub(crate) nodes: Vec<Node>,
    /// Index of the first.
    pub(crate) root: usize,
}

/// One node of a tree.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Goes on with one of two nodes.
    Split(Split),
    /// Ends with scores, at most one per target.
    Leaf(Vec<Score>),
}

/// A test of one element of a row.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    /// Index of the element.
    pub(crate) feature: usize,
    /// What is tested.
    pub(crate) test: Test,
    /// Whether the test holds for NaN, whatever it says.
    pub(crate) nan_holds: bool,
    /// Index of the node where the test holds.
    pub(crate) holds: usize,
    /// Index of the node where it does not.
    pub(crate) fails: usize,
}

/// What a split tests.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// Comparison with a value.
    Compare(Branch, f64),
    /// Whether the element is one of these.
    Member(Vec<f64>),
}

/// What a leaf says of one target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    /// Index of the target.
    pub(crate) target: usize,
    /// The score.
    pub(crate) value: f64,
}

/// What the trees stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// Element type of rows and scores: f32 or f64.
    pub(crate) dtype: DType,
    /// Elements of a row.
    pub(crate) features: usize,
    /// Scores of a row.
    pub(crate) targets: usize,
    /// How the scores of several trees meet.
    pub(crate) aggregate: Aggregate,
}

/// Trees as [`mote_plan::Kind::Trees`] takes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Packed {
    pub(crate) rules: Vec<u32>,
    pub(crate) next: Vec<u32>,
    pub(crate) values: Vec<f64>,
    pub(crate) roots: Vec<u32>,
    pub(crate) targets: Vec<u32>,
    pub(crate) scores: Vec<f64>,
    pub(crate) depth: usize,
}

/// Why trees are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ForestError {
    /// A node that does not exist, or that two nodes lead to.
    #[error("node {node} of tree {tree} does not exist or is reached twice")]
    Node {
        /// Index of the tree.
        tree: usize,
        /// Index of the node.
        node: usize,
    },
    /// A split looks at an element that rows do not have.
    #[error("tree {tree} looks at element {feature} of a row")]
    Feature {
        /// Index of the tree.
        tree: usize,
        /// Index of the element.
        feature: usize,
    },
    /// A leaf scores a target that there is not, or one target twice.
    #[error("a leaf of tree {tree} has a wrong or repeated score for target {target}")]
    Target {
        /// Index of the tree.
        tree: usize,
        /// Index of the target.
        target: usize,
    },
    /// A score that is infinite or not a number.
    #[error("a score of tree {tree} is not finite")]
    Score {
        /// Index of the tree.
        tree: usize,
    },
    /// More nodes or scores than a Plan can address.
    #[error("the trees have too many nodes or scores")]
    TooLarge,
}

/// Lays trees out: a split, all nodes where it holds, all nodes where it fails.
pub(crate) fn pack(trees: &[Tree], form: Form) -> Result<Packed, ForestError> {
    let mut pack = Pack { form, packed: Packed::default(), dense: true };
    for (index, tree) in trees.iter().enumerate() {
        pack.tree(index, tree)?;
    }
    if pack.dense {
        pack.packed.targets.clear();
    }
    Ok(pack.packed)
}

struct Pack {
    form: Form,
    packed: Packed,
    /// Whether every leaf with several scores has one for each of the targets 0, 1, .. in order.
    dense: bool,
}

/// A node still to be laid out.
struct Open {
    node: usize,
    depth: usize,
    /// The split whose `next` it is.
    from: Option<usize>,
}

impl Pack {
    fn tree(&mut self, index: usize, tree: &Tree) -> Result<(), ForestError> {
        let root = self.here()?;
        self.packed.roots.push(root);
        let mut reached = vec![false; tree.nodes.len()];
        let mut open = vec![Open { node: tree.root, depth: 0, from: None }];
        while let Some(Open { node, depth, from }) = open.pop() {
            let missing = ForestError::Node { tree: index, node };
            let first = reached.get_mut(node).is_some_and(|reached| !std::mem::replace(reached, true));
            if !first {
                return Err(missing);
            }
            let here = self.here()?;
            if let Some(from) = from {
                self.packed.next[from] = here;
            }
            match &tree.nodes[node] {
                Node::Leaf(scores) => {
                    self.packed.depth = if depth > self.packed.depth { depth } else { self.packed.depth };
                    self.leaf(index, scores)?;
                }
                Node::Split(split) => {
                    let rows = self.split(index, split)?;
                    let depth = depth + rows;
                    open.push(Open { node: split.fails, depth, from: Some(self.packed.rules.len() - 1) });
                    open.push(Open { node: split.holds, depth, from: None });
                }
            }
        }
        Ok(())
    }

    /// Writes a split and answers how many nodes it takes. Membership is a chain: all but the last of its nodes ask for
    /// inequality, and an equal element leaves the chain to where the test holds.
    fn split(&mut self, tree: usize, split: &Split) -> Result<usize, ForestError> {
        let feature = split.feature;
        if feature >= self.form.features || feature >= Rule::LIMIT as usize {
            return Err(ForestError::Feature { tree, feature });
        }
        let rule = |branch, nan_holds| Rule { branch, nan_holds, index: feature as u32 };
        match &split.test {
            Test::Compare(branch, value) => {
                self.push(rule(*branch, split.nan_holds), 0, self.bound(*branch, *value));
                Ok(1)
            }
            Test::Member(values) => {
                let (last, others) = values.split_last().map_or((f64::NAN, &[][..]), |(last, others)| (*last, others));
                let holds = self.packed.rules.len() + others.len() + 1;
                let holds = u32::try_from(holds).map_err(|_| ForestError::TooLarge)?;
                for &value in others {
                    self.push(rule(Branch::NotEqual, true), holds, self.bound(Branch::NotEqual, value));
                }
                self.push(rule(Branch::Equal, split.nan_holds), 0, self.bound(Branch::Equal, last));
                Ok(others.len() + 1)
            }
        }
    }

    /// Writes a leaf. In a sum that starts from 0.0, adding either zero changes no bit.
    fn leaf(&mut self, tree: usize, scores: &[Score]) -> Result<(), ForestError> {
        let mut seen = HashSet::new();
        for &Score { target, value } in scores {
            if target >= self.form.targets || !seen.insert(target) {
                return Err(ForestError::Target { tree, target });
            }
            let held = if self.form.dtype == DType::F32 { f64::from(value as f32) } else { value };
            if !held.is_finite() {
                return Err(ForestError::Score { tree });
            }
        }
        let counts = |score: &&Score| self.form.aggregate != Aggregate::Sum || score.value != 0.0;
        let kept: Vec<&Score> = scores.iter().filter(counts).collect();
        let leaf = Rule { branch: Branch::Leaf, nan_holds: false, index: kept.len() as u32 };
        if let [only] = kept[..] {
            self.push(leaf, only.target as u32, only.value);
            return Ok(());
        }
        let first = u32::try_from(self.packed.scores.len()).map_err(|_| ForestError::TooLarge)?;
        if kept.len() >= Rule::LIMIT as usize {
            return Err(ForestError::TooLarge);
        }
        self.push(leaf, first, 0.0);
        self.dense &= kept.iter().enumerate().all(|(i, score)| score.target == i);
        self.packed.targets.extend(kept.iter().map(|score| score.target as u32));
        self.packed.scores.extend(kept.iter().map(|score| score.value));
        Ok(())
    }

    /// A value that gives every element of the rows' type the same answer: rounded to the side where none lies between.
    fn bound(&self, branch: Branch, value: f64) -> f64 {
        let near = value as f32;
        if self.form.dtype == DType::F64 || value.is_nan() || f64::from(near) == value {
            return value;
        }
        let above = f64::from(near) > value;
        f64::from(match branch {
            Branch::LessOrEqual | Branch::Greater => {
                if above {
                    near.next_down()
                } else {
                    near
                }
            }
            Branch::Less | Branch::GreaterOrEqual => {
                if above {
                    near
                } else {
                    near.next_up()
                }
            }
            Branch::Equal | Branch::NotEqual | Branch::Leaf => f32::NAN,
        })
    }

    fn push(&mut self, rule: Rule, next: u32, value: f64) {
        self.packed.rules.push(rule.word());
        self.packed.next.push(next);
        self.packed.values.push(value);
    }

    fn here(&self) -> Result<u32, ForestError> {
        u32::try_from(self.packed.rules.len()).map_err(|_| ForestError::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form = Form { dtype: DType::F32, features: 2, targets: 2, aggregate: Aggregate::Sum };

    fn split(test: Test, holds: usize, fails: usize) -> Node {
        Node::Split(Split { feature: 1, test, nan_holds: false, holds, fails })
    }

    fn leaf(scores: &[f64]) -> Node {
        Node::Leaf(scores.iter().enumerate().map(|(target, &value)| Score { target, value }).collect())
    }

    fn rule(branch: Branch, nan_holds: bool, index: u32) -> u32 {
        Rule { branch, nan_holds, index }.word()
    }

    #[test]
    fn a_split_is_followed_by_where_it_holds() {
        let nodes = vec![
            leaf(&[0.0, 5.0]),
            split(Test::Compare(Branch::Less, 1.0), 2, 0),
            split(Test::Compare(Branch::Greater, 2.0), 4, 3),
            leaf(&[0.0, 0.0]),
            leaf(&[1.0, 2.0]),
        ];
        let packed = pack(&[Tree { nodes, root: 1 }], FORM).unwrap();
        let leaves = [2, 0, 1].map(|count| rule(Branch::Leaf, false, count));
        let splits = [rule(Branch::Less, false, 1), rule(Branch::Greater, false, 1)];
        assert_eq!(packed.rules, [&splits[..], &leaves[..]].concat());
        assert_eq!(packed.next, [4, 3, 0, 2, 1]);
        assert_eq!(packed.values, [1.0, 2.0, 0.0, 0.0, 5.0]);
        assert_eq!((packed.roots, packed.targets, packed.scores), (vec![0], vec![], vec![1.0, 2.0]));
        assert_eq!(packed.depth, 2);
    }

    #[test]
    fn membership_is_a_chain() {
        let nodes = vec![split(Test::Member(vec![3.0, 4.0, 5.0]), 1, 2), leaf(&[1.0]), leaf(&[2.0])];
        let packed = pack(&[Tree { nodes, root: 0 }], FORM).unwrap();
        let (other, last) = (rule(Branch::NotEqual, true, 1), rule(Branch::Equal, false, 1));
        assert_eq!(packed.rules[..3], [other, other, last]);
        assert_eq!((&packed.next[..], packed.depth), (&[3, 3, 4, 0, 0][..], 3));
    }

    #[test]
    fn bounds_keep_every_answer_when_narrowed() {
        let pack = Pack { form: FORM, packed: Packed::default(), dense: true };
        let bound = |branch| pack.bound(branch, 0.1);
        let (below, above) = (f64::from(0.1_f32.next_down()), f64::from(0.1_f32));
        assert!(below < 0.1 && 0.1 < above);
        assert_eq!([Branch::LessOrEqual, Branch::Greater].map(bound), [below; 2]);
        assert_eq!([Branch::Less, Branch::GreaterOrEqual].map(bound), [above; 2]);
        assert!(bound(Branch::Equal).is_nan());
        assert_eq!(pack.bound(Branch::Equal, 0.5), 0.5);
    }

    #[test]
    fn contradictions_are_refused() {
        let refuse = |nodes: Vec<Node>| pack(&[Tree { nodes, root: 0 }], FORM).unwrap_err();
        let test = || Test::Compare(Branch::Less, 0.0);
        assert_eq!(refuse(vec![]), ForestError::Node { tree: 0, node: 0 });
        assert_eq!(refuse(vec![split(test(), 0, 1), leaf(&[])]), ForestError::Node { tree: 0, node: 0 });
        assert_eq!(refuse(vec![split(test(), 1, 1), leaf(&[])]), ForestError::Node { tree: 0, node: 1 });
        assert_eq!(refuse(vec![leaf(&[0.0, 0.0, 1.0])]), ForestError::Target { tree: 0, target: 2 });
        assert_eq!(refuse(vec![leaf(&[1e39])]), ForestError::Score { tree: 0 });
        let wide = Split { feature: 2, test: test(), nan_holds: false, holds: 1, fails: 2 };
        assert_eq!(refuse(vec![Node::Split(wide)]), ForestError::Feature { tree: 0, feature: 2 });
    }
}
