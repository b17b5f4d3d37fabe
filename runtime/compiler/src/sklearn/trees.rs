//! Decision trees, and forests of them. Rows are compared in single precision, as scikit-learn compares them; thresholds
//! are rounded down to it, which changes no comparison.

use std::f64::consts::LN_2;

use mote_abi::DType;
use mote_abi::op::{Aggregate, Binary, Branch, Unary};
use mote_pickle::{Array, Data, Node as Stored};

use super::answer::{Answer, Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, floats};
use super::linear;
use super::net::{Net, at_most};
use crate::forest::{Node, Score, Split, Test, Tree};
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;
type Class = Result<Classified, EstimatorError>;

/// The arrays of one stored tree.
pub(super) struct Arrays<'d> {
    fields: Fields<'d>,
    nodes: &'d [(String, Array)],
    count: usize,
    /// Values of each node, and how many those are.
    values: Vec<f64>,
    width: usize,
}

impl<'d> Arrays<'d> {
    /// The tree of a decision tree.
    pub(super) fn read(estimator: &Fields<'d>) -> Result<Self, EstimatorError> {
        let tree = estimator.child("tree_")?;
        let nodes = records(&tree, "nodes")?;
        let values = tree.array("values")?;
        let count = *values.shape.first().unwrap_or(&0);
        let width = values.shape.iter().skip(1).product();
        let values = floats(values).ok_or_else(|| tree.wrong("values", "numbers"))?;
        if nodes.iter().any(|(_, column)| column.shape != [count]) || count == 0 || width == 0 {
            return Err(tree.wrong("nodes", "a record for each value"));
        }
        Ok(Self { fields: tree, nodes, count, values, width })
    }

    fn column(&self, name: &'static str) -> Result<Vec<f64>, EstimatorError> {
        column(&self.fields, self.nodes, name)
    }

    pub(super) fn value(&self, node: usize) -> &[f64] {
        &self.values[node * self.width..(node + 1) * self.width]
    }

    /// The tree with what `leaf` says of each of its leaves: the node, and its splits from the root.
    pub(super) fn grow(
        &self,
        dtype: DType,
        feature: impl Fn(usize) -> Option<usize>,
        leaf: impl Fn(usize, usize) -> Vec<Score>,
    ) -> Result<Tree, EstimatorError> {
        let (left, right) = (self.column("left_child")?, self.column("right_child")?);
        let (features, thresholds) = (self.column("feature")?, self.column("threshold")?);
        let missing = if self.nodes.iter().any(|(name, _)| name == "missing_go_to_left") {
            self.column("missing_go_to_left")?
        } else {
            vec![0.0; self.count]
        };
        let depths = depths(&left, &right);
        let node = |i: usize| {
            if left[i] < 0.0 {
                return Some(Node::Leaf(leaf(i, depths[i])));
            }
            let test = Test::Compare(Branch::LessOrEqual, at_most(dtype, thresholds[i]));
            let (holds, fails) = (left[i] as usize, right[i] as usize);
            Some(Node::Split(Split {
                feature: feature(features[i] as usize)?,
                test,
                nan_holds: missing[i] != 0.0,
                holds,
                fails,
            }))
        };
        let nodes: Option<Vec<Node>> = (0..self.count).map(node).collect();
        Ok(Tree { nodes: nodes.ok_or_else(|| self.fields.wrong("nodes", "features that there are"))?, root: 0 })
    }

    /// What splits by each column gained, as shares of all.
    fn importances(&self, width: usize) -> Result<Vec<f64>, EstimatorError> {
        let (left, right) = (self.column("left_child")?, self.column("right_child")?);
        let (features, impurity) = (self.column("feature")?, self.column("impurity")?);
        let weight = self.column("weighted_n_node_samples")?;
        let mut gained = vec![0.0; width];
        for i in (0..self.count).filter(|&i| left[i] >= 0.0) {
            let part = |i: usize| weight.get(i).zip(impurity.get(i)).map_or(0.0, |(w, p)| w * p);
            let gain = part(i) - part(left[i] as usize) - part(right[i] as usize);
            let own = gained.get_mut(features[i] as usize);
            *own.ok_or_else(|| self.fields.wrong("nodes", "features that there are"))? += gain;
        }
        Ok(shares(gained))
    }
}

fn shares(values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    if sum > 0.0 { values.iter().map(|v| v / sum).collect() } else { values }
}

/// Splits above each node. Children stand behind their parents; what does not is refused when trees are laid out.
fn depths(left: &[f64], right: &[f64]) -> Vec<usize> {
    let mut depths = vec![0; left.len()];
    for i in 0..left.len() {
        for child in [left[i], right[i]] {
            if child > i as f64 && (child as usize) < depths.len() {
                depths[child as usize] = depths[i] + 1;
            }
        }
    }
    depths
}

/// Columns of an array of records.
pub(super) fn records<'d>(fields: &Fields<'d>, name: &'static str) -> Result<&'d [(String, Array)], EstimatorError> {
    match &fields.array(name)?.data {
        Data::Record(columns) => Ok(columns),
        _ => Err(fields.wrong(name, "records")),
    }
}

pub(super) fn column(
    fields: &Fields<'_>,
    columns: &[(String, Array)],
    name: &'static str,
) -> Result<Vec<f64>, EstimatorError> {
    let found = columns.iter().find(|(column, _)| column == name).and_then(|(_, array)| floats(array));
    found.ok_or_else(|| fields.wrong(name, "a field of its nodes"))
}

/// Rows as trees see them.
pub(super) fn narrow(net: &mut Net, x: ValueId) -> super::net::Made {
    let narrow = net.emit.cast(x, DType::F32)?;
    net.emit.cast(narrow, net.dtype)
}

fn scores(values: &[f64], factor: f64) -> Vec<Score> {
    values.iter().enumerate().map(|(target, value)| Score { target, value: value * factor }).collect()
}

/// Probabilities of the classes summed over trees.
fn votes(net: &mut Net, fields: &Fields<'_>, trees: &[Fields<'_>], classes: usize, x: ValueId) -> Built {
    let mut grown = Vec::new();
    for tree in trees {
        let arrays = Arrays::read(tree)?;
        if arrays.width != classes {
            return Err(fields.form("several labels for one row are not supported"));
        }
        // Counts in versions before 1.3, shares after.
        let leaf = |node: usize, _| scores(arrays.value(node), 1.0 / arrays.value(node).iter().sum::<f64>());
        grown.push(arrays.grow(net.dtype, Some, leaf)?);
    }
    let x = narrow(net, x)?;
    Ok(net.emit.trees(x, &grown, classes, Aggregate::Sum)?)
}

pub(super) fn classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let classes = Classes::read(fields)?;
    let probabilities = votes(net, fields, &[*fields], classes.len(), x)?;
    Ok(Classified::likeliest(net, classes, probabilities)?)
}

/// The members of an ensemble.
pub(super) fn members<'d>(fields: &Fields<'d>) -> Result<Vec<Fields<'d>>, EstimatorError> {
    let members: Option<Vec<_>> = fields.list("estimators_")?.into_iter().map(Fields::of).collect();
    let members = members.filter(|members| !members.is_empty());
    members.ok_or_else(|| fields.wrong("estimators_", "estimators"))
}

pub(super) fn forest_classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Class {
    let (classes, trees) = (Classes::read(fields)?, members(fields)?);
    let votes = votes(net, fields, &trees, classes.len(), x)?;
    let probabilities = net.with_scalar(Binary::Div, votes, trees.len() as f64)?;
    Ok(Classified::likeliest(net, classes, probabilities)?)
}

/// Values summed over trees, each times a factor, with a target for each column of `targets`.
fn sums(net: &mut Net, trees: &[Fields<'_>], x: ValueId) -> Built {
    let (mut grown, mut targets) = (Vec::new(), 0);
    for tree in trees {
        let arrays = Arrays::read(tree)?;
        targets = arrays.width;
        grown.push(arrays.grow(net.dtype, Some, |node, _| scores(arrays.value(node), 1.0))?);
    }
    let x = narrow(net, x)?;
    Ok(net.emit.trees(x, &grown, targets, Aggregate::Sum)?)
}

pub(super) fn regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    sums(net, &[*fields], x)
}

pub(super) fn forest_regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let trees = members(fields)?;
    let sum = sums(net, &trees, x)?;
    Ok(net.with_scalar(Binary::Div, sum, trees.len() as f64)?)
}

/// How soon a row is alone: the depth of its leaf, and what further splits of its rows would take.
pub(super) fn isolation(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Answer, EstimatorError> {
    let (trees, chosen) = (members(fields)?, fields.list("estimators_features_")?);
    if chosen.len() != trees.len() {
        return Err(fields.shape("estimators_features_", &[chosen.len()], "columns for each tree"));
    }
    let mut grown = Vec::new();
    for (tree, chosen) in trees.iter().zip(chosen) {
        let chosen = super::fields::numbers(chosen).ok_or_else(|| fields.wrong("estimators_features_", "indices"))?;
        let arrays = Arrays::read(tree)?;
        let sizes = arrays.column("n_node_samples")?;
        let further = further_splits(net, &sizes)?;
        let leaf = |node: usize, depth: usize| scores(&[depth as f64 + further[node]], 1.0);
        let feature = |feature: usize| chosen.get(feature).map(|&column| column as usize);
        grown.push(arrays.grow(net.dtype, feature, leaf)?);
    }
    let narrow = narrow(net, x)?;
    let depths = net.emit.trees(narrow, &grown, 1, Aggregate::Sum)?;
    let usual = further_splits(net, &[fields.float("max_samples_")?])?[0] * trees.len() as f64;
    if usual == 0.0 {
        return Err(fields.form("trees of one row tell nothing apart"));
    }
    let exponent = net.with_scalar(Binary::Mul, depths, -LN_2 / usual)?;
    let score = net.unary(Unary::Exp, exponent)?;
    let decision = net.scalar_minus(-fields.float("offset_")?, score)?;
    linear::outliers(net, decision)
}

/// Mean splits that it takes to part so many rows: `2 (ln(n - 1) + gamma) - 2 (n - 1) / n`.
fn further_splits(net: &mut Net, sizes: &[f64]) -> Result<Vec<f64>, crate::Reason> {
    const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;
    let less: Vec<f64> = sizes.iter().map(|&n| if n > 2.0 { n - 1.0 } else { 1.0 }).collect();
    let logs = net.of_constants(Unary::Log, &less)?;
    let mean = |(&n, log): (&f64, f64)| match n {
        n if n <= 1.0 => 0.0,
        n if n <= 2.0 => 1.0,
        n => 2.0 * (log + EULER_GAMMA) - 2.0 * (n - 1.0) / n,
    };
    Ok(sizes.iter().zip(logs).map(mean).collect())
}

/// What each column gained in a tree, or in the trees of a forest.
pub(super) fn importances(fields: &Fields<'_>, width: usize) -> Result<Vec<f64>, EstimatorError> {
    if fields.find("tree_").is_some() {
        return Arrays::read(fields)?.importances(width);
    }
    if !matches!(
        fields.class,
        "RandomForestClassifier" | "RandomForestRegressor" | "ExtraTreesClassifier" | "ExtraTreesRegressor"
    ) {
        return Err(fields.form("what it finds important is not known here"));
    }
    let mut sum = vec![0.0; width];
    for tree in members(fields)? {
        for (total, own) in sum.iter_mut().zip(Arrays::read(&tree)?.importances(width)?) {
            *total += own;
        }
    }
    Ok(shares(sum))
}

/// The trees of stages: a list, or an array with a row for each stage and a column for each class.
pub(super) fn stages<'d>(
    fields: &Fields<'d>,
    name: &'static str,
    width: usize,
) -> Result<Vec<Stored<'d>>, EstimatorError> {
    let list = fields.list(name)?;
    let flat: Vec<Stored<'d>> = list.iter().flat_map(|&node| node.items().into_iter().flatten()).collect();
    let flat = if flat.is_empty() { list } else { flat };
    if flat.is_empty() || flat.len() % width != 0 {
        return Err(fields.shape(name, &[flat.len()], "trees for each class and stage"));
    }
    Ok(flat)
}
