//! What `Booster.save_model` of LightGBM writes: lines of text, some for the model and some for each tree
//! (`GBDT::SaveModelToString` and `Tree::ToString` in its source).

use std::collections::HashMap;
use std::str::FromStr;

use mote_abi::op::Branch;

use super::error::BoosterError as Error;
use super::{Body, Booster, Link, MAX_COLUMNS, MAX_MARGINS, Start, Treatment, leaf};
use crate::forest::{Node, Split, Test, Tree};

/// Bits of a node's `decision_type`: it tests membership, it holds for what is missing, and what is missing.
const CATEGORICAL: i64 = 1;
const DEFAULT_LEFT: i64 = 2;
const MISSING_SHIFT: i64 = 2;

/// Values that all sets of categories may have together.
const MAX_MEMBERS: usize = 1 << 24;

/// Reads a model. Every tree counts, as in `Booster.predict` of what is stored: by default the best iteration ends it.
pub(super) fn read(text: &str) -> Result<Booster, Error> {
    let mut sections = sections(text)?.into_iter();
    let head = sections.next().ok_or(Error::Missing("version"))?;
    let version = head.text("version")?;
    if !matches!(version, "v3" | "v4") {
        return Err(Error::Choice { name: "version", value: version.to_owned() });
    }
    let columns = head.one::<usize>("max_feature_idx")?.saturating_add(1);
    let margins: usize = head.one("num_tree_per_iteration")?;
    if columns > MAX_COLUMNS || margins > MAX_MARGINS || margins == 0 {
        return Err(Error::Form("it has more columns or classes than the limit"));
    }
    let mut reader = Reader { treatments: vec![None; columns], members: 0 };
    let trees: Vec<Tree> =
        sections.enumerate().map(|(i, section)| reader.tree(&section, i % margins)).collect::<Result<_, _>>()?;
    if !trees.len().is_multiple_of(margins) {
        return Err(Error::Form("its last iteration lacks a tree"));
    }
    let averages = head.fields.contains_key("average_output");
    let parts = if averages && !trees.is_empty() { (trees.len() / margins) as f64 } else { 1.0 };
    Ok(Booster {
        version: version.to_owned(),
        kind: if averages { "rf" } else { "gbdt" },
        columns,
        treatments: reader.treatments.into_iter().map(|treatment| treatment.unwrap_or(Treatment::None)).collect(),
        margins,
        start: Start::Margin,
        first: Vec::new(),
        body: Body::Trees(trees, parts),
        link: link(head.fields.get("objective").copied().unwrap_or_default())?,
    })
}

fn link(objective: &str) -> Result<Link, Error> {
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or("custom");
    let slope = || {
        let stated = words.clone().find_map(|word| word.strip_prefix("sigmoid:"));
        let slope = stated.map_or(Some(1.0), |stated| stated.parse().ok()).filter(|slope: &f64| slope.is_finite());
        slope.ok_or(Error::Field { name: "sigmoid", want: "a number" })
    };
    Ok(match name {
        "regression" if words.clone().any(|word| word == "sqrt") => Link::Root,
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg"
        | "custom" => Link::Identity,
        "poisson" | "gamma" | "tweedie" => Link::Log,
        "binary" => Link::Binary(slope()?),
        "multiclass" => Link::Softmax,
        "multiclassova" => Link::Each(slope()?),
        "cross_entropy" => Link::Logit,
        "cross_entropy_lambda" => Link::Softplus,
        other => return Err(Error::Choice { name: "objective", value: other.to_owned() }),
    })
}

/// Lines up to the next tree.
struct Section<'t> {
    fields: HashMap<&'t str, &'t str>,
}

/// The model, then every tree, up to their end.
fn sections(text: &str) -> Result<Vec<Section<'_>>, Error> {
    let mut sections = vec![Section { fields: HashMap::new() }];
    for line in text.lines().map(str::trim_end) {
        if line == "end of trees" {
            return Ok(sections);
        }
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        if name == "Tree" {
            sections.push(Section { fields: HashMap::new() });
        } else if let Some(last) = sections.last_mut() {
            last.fields.insert(name, value);
        }
    }
    Err(Error::Missing("end of trees"))
}

impl<'t> Section<'t> {
    fn text(&self, name: &'static str) -> Result<&'t str, Error> {
        self.fields.get(name).copied().ok_or(Error::Missing(name))
    }

    fn one<T: FromStr>(&self, name: &'static str) -> Result<T, Error> {
        self.text(name)?.parse().map_err(|_| Error::Field { name, want: "a number" })
    }

    fn list<T: FromStr>(&self, name: &'static str, count: usize) -> Result<Vec<T>, Error> {
        let words = self.text(name)?.split_ascii_whitespace();
        let list: Option<Vec<T>> = words.map(|word| word.parse().ok()).collect();
        list.filter(|list| list.len() == count).ok_or(Error::Field { name, want: "a number for each node" })
    }
}

/// What the trees say of the columns.
struct Reader {
    treatments: Vec<Option<Treatment>>,
    members: usize,
}

/// The sets of categories of a tree: bits, and where those of each set begin.
struct Sets {
    begin: Vec<usize>,
    words: Vec<u32>,
}

impl Reader {
    fn tree(&mut self, section: &Section<'_>, target: usize) -> Result<Tree, Error> {
        if section.fields.get("is_linear").is_some_and(|&linear| linear != "0") {
            return Err(Error::Form("linear trees are not supported"));
        }
        let leaves: usize = section.one("num_leaves")?;
        let values: Vec<f64> = section.list("leaf_value", leaves)?;
        let splits = leaves.checked_sub(1).ok_or(Error::Field { name: "num_leaves", want: "at least 1" })?;
        let mut nodes = Vec::with_capacity(splits + leaves);
        if splits > 0 {
            let features: Vec<usize> = section.list("split_feature", splits)?;
            let bounds: Vec<f64> = section.list("threshold", splits)?;
            let kinds: Vec<i64> = section.list("decision_type", splits)?;
            let left: Vec<i64> = section.list("left_child", splits)?;
            let right: Vec<i64> = section.list("right_child", splits)?;
            let sets = Sets::read(section)?;
            // Leaves are counted by negative numbers from -1; what does not exist is refused where it is reached.
            let place = |child: i64| usize::try_from(child).unwrap_or_else(|_| splits.saturating_add(!child as usize));
            for i in 0..splits {
                let (test, nan_holds) = self.test(features[i], kinds[i], bounds[i], &sets)?;
                let (holds, fails) = (place(left[i]), place(right[i]));
                nodes.push(Node::Split(Split { feature: features[i], test, nan_holds, holds, fails }));
            }
        }
        nodes.extend(values.into_iter().map(|value| leaf(target, value)));
        Ok(Tree { nodes, root: 0 })
    }

    /// What a node tests, and whether that holds for NaN.
    fn test(&mut self, feature: usize, kind: i64, bound: f64, sets: &Sets) -> Result<(Test, bool), Error> {
        let missing = kind >> MISSING_SHIFT;
        if kind & CATEGORICAL != 0 {
            self.treat(feature, Treatment::Whole)?;
            let members = sets.members(bound).ok_or(Error::Field { name: "cat_boundaries", want: "sets" })?;
            self.members = self.members.saturating_add(members.len());
            if self.members > MAX_MEMBERS {
                return Err(Error::Form("its sets of categories are larger than the limit"));
            }
            return Ok((Test::Member(members), false));
        }
        if bound.is_nan() {
            return Err(Error::Field { name: "threshold", want: "numbers" });
        }
        let (treatment, nan_holds) = match missing {
            // Where nothing is missing, NaN counts as zero.
            0 => (Treatment::None, 0.0 <= bound),
            1 => (Treatment::ZeroMissing, kind & DEFAULT_LEFT != 0),
            2 => (Treatment::None, kind & DEFAULT_LEFT != 0),
            _ => return Err(Error::Field { name: "decision_type", want: "known" }),
        };
        self.treat(feature, treatment)?;
        Ok((Test::Compare(Branch::LessOrEqual, bound), nan_holds))
    }

    /// Notes how a column is treated, by all nodes alike.
    fn treat(&mut self, feature: usize, treatment: Treatment) -> Result<(), Error> {
        let held = self.treatments.get_mut(feature).ok_or(Error::Field { name: "split_feature", want: "columns" })?;
        if *held.get_or_insert(treatment) != treatment {
            return Err(Error::Form("two of its nodes take one column differently"));
        }
        Ok(())
    }
}

impl Sets {
    fn read(section: &Section<'_>) -> Result<Self, Error> {
        let count: usize = section.one("num_cat")?;
        if count == 0 {
            return Ok(Self { begin: Vec::new(), words: Vec::new() });
        }
        let begin: Vec<usize> = section.list("cat_boundaries", count.saturating_add(1))?;
        let words = section.list("cat_threshold", begin.last().copied().unwrap_or(0))?;
        Ok(Self { begin, words })
    }

    /// The categories of the set of this index.
    fn members(&self, index: f64) -> Option<Vec<f64>> {
        let at = index as usize;
        let (&begin, &end) = (self.begin.get(at)?, self.begin.get(at.checked_add(1)?)?);
        let words = self.words.get(begin..end)?;
        let bits =
            words.iter().enumerate().flat_map(|(i, &word)| (0..32).map(move |bit| (i * 32 + bit, word >> bit & 1)));
        Some(bits.filter(|&(_, bit)| bit == 1).map(|(category, _)| category as f64).collect())
    }
}
