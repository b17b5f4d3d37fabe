//! Ensembles of decision trees.

use mote_abi::op::{Aggregate, Branch};

use crate::error::{KernelError, Result};
use crate::layout::expect_len;
use crate::number::Number;

/// What a node does, in one word: which element a split looks at and how, or how many scores a leaf has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// How the element is compared with the node's value.
    pub branch: Branch,
    /// Whether a split holds for NaN.
    pub nan_holds: bool,
    /// Index of the element, or number of scores; below [`Rule::LIMIT`].
    pub index: u32,
}

impl Rule {
    /// Bound of [`Rule::index`].
    pub const LIMIT: u32 = 1 << 24;
    const NAN: u32 = 1 << 28;

    /// The word: index in the low 24 bits, code of the branch in the next four, then one for NaN.
    pub const fn word(self) -> u32 {
        let nan = if self.nan_holds { Self::NAN } else { 0 };
        self.index & (Self::LIMIT - 1) | self.branch.code() << 24 | nan
    }

    const fn of(word: u32) -> Option<Self> {
        match Branch::from_code(word >> 24 & 15) {
            Some(branch) => Some(Self { branch, nan_holds: word & Self::NAN != 0, index: word & (Self::LIMIT - 1) }),
            None => None,
        }
    }
}

/// Trees as arrays over their nodes. A split that holds goes on with the following node, else with node `next`, which
/// lies further on.
#[derive(Clone, Copy, Debug)]
pub struct Trees<'a, W> {
    /// A [`Rule`] per node.
    pub rules: &'a [u32],
    /// A split's other node; a leaf's target where it has one score, else the first of its scores.
    pub next: &'a [u32],
    /// What a split compares with; a leaf's only score.
    pub values: &'a [W],
    /// First node of each tree.
    pub roots: &'a [u32],
    /// Target of each score of leaves with several; where there are none, a leaf's scores belong to targets 0, 1, ..
    pub targets: &'a [u32],
    /// Scores of leaves with several.
    pub scores: &'a [W],
    /// Most splits between a root and a leaf.
    pub depth: usize,
}

/// Scores of rows `x [N, F]` by every tree, joined per target: `y [N, targets]`. A target without a score is 0.
///
/// # Errors
/// Slices of other lengths than the shape says, nodes or elements outside their slices, a tree that is deeper than stated.
pub fn trees<W: Number>(
    trees: &Trees<'_, W>,
    aggregate: Aggregate,
    [rows, features, targets]: [usize; 3],
    x: &[W],
    y: &mut [W],
) -> Result {
    expect_len(x.len(), rows.saturating_mul(features))?;
    expect_len(y.len(), rows.saturating_mul(targets))?;
    let none = match aggregate {
        Aggregate::Sum => W::ZERO,
        Aggregate::Min => W::HIGHEST,
        Aggregate::Max => W::LOWEST,
    };
    for row in 0..rows {
        let x = x.get(row * features..(row + 1) * features).ok_or(KernelError::Shape)?;
        let y = y.get_mut(row * targets..(row + 1) * targets).ok_or(KernelError::Shape)?;
        y.iter_mut().for_each(|y| *y = none);
        for &root in trees.roots {
            trees.score(trees.leaf(root as usize, x)?, aggregate, y)?;
        }
        // Scores are finite, so what still is the identity has had none.
        y.iter_mut().filter(|y| **y == none).for_each(|y| *y = W::ZERO);
    }
    Ok(())
}

impl<W: Number> Trees<'_, W> {
    /// The leaf that a row falls to.
    fn leaf(&self, root: usize, x: &[W]) -> Result<(Rule, usize)> {
        let mut node = root;
        for _ in 0..=self.depth {
            let rule = self.rules.get(node).copied().and_then(Rule::of).ok_or(KernelError::Shape)?;
            if rule.branch == Branch::Leaf {
                return Ok((rule, node));
            }
            let &value = x.get(rule.index as usize).ok_or(KernelError::Shape)?;
            let &bound = self.values.get(node).ok_or(KernelError::Shape)?;
            let holds = match rule.branch {
                Branch::LessOrEqual => value <= bound,
                Branch::Less => value < bound,
                Branch::GreaterOrEqual => value >= bound,
                Branch::Greater => value > bound,
                Branch::Equal => value == bound,
                Branch::NotEqual => value != bound,
                Branch::Leaf => false,
            };
            let &other = self.next.get(node).ok_or(KernelError::Shape)?;
            node = if holds || rule.nan_holds && value.is_nan() { node + 1 } else { other as usize };
        }
        Err(KernelError::Shape)
    }

    /// Joins the scores of a leaf to those of the trees before.
    fn score(&self, (rule, node): (Rule, usize), aggregate: Aggregate, y: &mut [W]) -> Result {
        let count = rule.index as usize;
        let &first = self.next.get(node).ok_or(KernelError::Shape)?;
        if count == 1 {
            let &score = self.values.get(node).ok_or(KernelError::Shape)?;
            return join(aggregate, y.get_mut(first as usize), score);
        }
        let first = first as usize;
        let scores = self.scores.get(first..first.saturating_add(count)).ok_or(KernelError::Shape)?;
        for (i, &score) in scores.iter().enumerate() {
            let target = match self.targets {
                [] => i,
                targets => targets.get(first + i).map(|&target| target as usize).ok_or(KernelError::Shape)?,
            };
            join(aggregate, y.get_mut(target), score)?;
        }
        Ok(())
    }
}

fn join<W: Number>(aggregate: Aggregate, y: Option<&mut W>, score: W) -> Result {
    let y = y.ok_or(KernelError::Shape)?;
    let replaced = match aggregate {
        Aggregate::Sum => {
            *y = y.add(score);
            false
        }
        Aggregate::Min => score < *y,
        Aggregate::Max => score > *y,
    };
    if replaced {
        *y = score;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(branch: Branch, nan_holds: bool, index: u32) -> u32 {
        Rule { branch, nan_holds, index }.word()
    }

    /// x0 <= 1 ? (x1 > 2 ? {0: 1} : {1: 2}) : {0: 3, 1: 4}, and the stump x0 == 5 ? {} : {0: 10}.
    fn two<'a>(rules: &'a [u32; 8]) -> Trees<'a, f32> {
        Trees {
            rules,
            next: &[4, 3, 0, 1, 0, 7, 0, 0],
            values: &[1.0, 2.0, 1.0, 2.0, 0.0, 5.0, 0.0, 10.0],
            roots: &[0, 5],
            targets: &[],
            scores: &[3.0, 4.0],
            depth: 2,
        }
    }

    fn rules() -> [u32; 8] {
        use Branch::{Equal, Greater, Leaf, LessOrEqual};
        [
            rule(LessOrEqual, true, 0),
            rule(Greater, false, 1),
            rule(Leaf, false, 1),
            rule(Leaf, false, 1),
            rule(Leaf, false, 2),
            rule(Equal, false, 0),
            rule(Leaf, false, 0),
            rule(Leaf, false, 1),
        ]
    }

    #[test]
    fn rows_fall_to_their_leaves() {
        let x = [1.0, 3.0, 1.0, f32::NAN, f32::NAN, 3.0, 5.0, 0.0];
        let run = |aggregate| {
            let mut y = [-1.0; 8];
            trees(&two(&rules()), aggregate, [4, 2, 2], &x, &mut y).unwrap();
            y
        };
        assert_eq!(run(Aggregate::Sum), [11.0, 0.0, 10.0, 2.0, 11.0, 0.0, 3.0, 4.0]);
        assert_eq!(run(Aggregate::Min), [1.0, 0.0, 10.0, 2.0, 1.0, 0.0, 3.0, 4.0]);
        assert_eq!(run(Aggregate::Max), [10.0, 0.0, 10.0, 2.0, 10.0, 0.0, 3.0, 4.0]);
    }

    #[test]
    fn contradictions_are_refused() {
        let rules = rules();
        let good = two(&rules);
        let run = |trees_: &Trees<'_, f32>, x: &[f32]| trees(trees_, Aggregate::Sum, [1, x.len(), 2], x, &mut [0.0; 2]);
        assert_eq!(run(&good, &[1.0, 3.0]), Ok(()));
        assert_eq!(run(&good, &[1.0]), Err(KernelError::Shape));
        assert_eq!(run(&Trees { depth: 1, ..good }, &[1.0, 3.0]), Err(KernelError::Shape));
        assert_eq!(run(&Trees { roots: &[8], ..good }, &[1.0, 3.0]), Err(KernelError::Shape));
        assert_eq!(run(&Trees { scores: &[3.0], ..good }, &[2.0, 3.0]), Err(KernelError::Shape));
        assert_eq!(run(&Trees { targets: &[0, 2], ..good }, &[2.0, 3.0]), Err(KernelError::Shape));
        let loops = Trees { rules: &[rule(Branch::Less, false, 0)], next: &[0], values: &[0.0], roots: &[0], ..good };
        assert_eq!(run(&loops, &[1.0, 3.0]), Err(KernelError::Shape));
    }
}
