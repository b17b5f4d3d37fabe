//! What `Booster.save_model` of XGBoost writes, as JSON or UBJSON (xgboost.readthedocs.io, "Introduction to Model IO").

use mote_abi::op::Branch;
use serde_json::Value;

use super::error::BoosterError as Error;
use super::{Body, Booster, Link, MAX_COLUMNS, MAX_MARGINS, Start, leaf};
use crate::forest::{Node, Split, Test, Tree};
use crate::sklearn::fields::Matrix;

/// Reads a model. Every tree counts, as in `Booster.predict`.
pub(super) fn read(file: &Value) -> Result<Booster, Error> {
    let learner = field(file, "learner")?;
    let shape = field(learner, "learner_model_param")?;
    let columns = count(shape, "num_feature")?;
    let classes = count(shape, "num_class")?;
    let outputs = shape.get("num_target").map_or(Ok(1), |_| count(shape, "num_target"))?;
    let margins = [1, classes, outputs].into_iter().fold(1, |most, n| if n > most { n } else { most });
    if columns > MAX_COLUMNS || margins > MAX_MARGINS {
        return Err(Error::Form("it has more columns or classes than the limit"));
    }
    let (start, link) = objective(text(field(learner, "objective")?, "name")?)?;
    let first = beginning(text(shape, "base_score")?, start, margins)?;
    let booster = field(learner, "gradient_booster")?;
    let (kind, body) = match text(booster, "name")? {
        "gbtree" => ("gbtree", trees(learner, field(booster, "model")?, None, margins)?),
        "dart" => {
            let weights = floats(booster, "weight_drop")?;
            ("dart", trees(learner, field(field(booster, "gbtree")?, "model")?, Some(&weights), margins)?)
        }
        "gblinear" => ("gblinear", linear(field(booster, "model")?, columns, &first)?),
        other => return Err(Error::Choice { name: "booster", value: other.to_owned() }),
    };
    Ok(Booster { version: version(file), kind, columns, treatments: Vec::new(), margins, start, first, body, link })
}

fn objective(name: &str) -> Result<(Start, Link), Error> {
    Ok(match name {
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:absoluteerror"
        | "reg:pseudohubererror"
        | "reg:quantileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map"
        | "binary:logitraw" => (Start::Margin, Link::Identity),
        "reg:logistic" => (Start::Probability, Link::Logit),
        "binary:logistic" => (Start::Probability, Link::Binary(1.0)),
        "binary:hinge" => (Start::Margin, Link::Sign),
        "multi:softprob" | "multi:softmax" => (Start::Margin, Link::Softmax),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => (Start::Mean, Link::Log),
        other => return Err(Error::Choice { name: "objective", value: other.to_owned() }),
    })
}

/// What each output begins with: one number for all of them, or since version 3.1 a list.
fn beginning(text: &str, start: Start, margins: usize) -> Result<Vec<f64>, Error> {
    let list = text.trim_start_matches('[').trim_end_matches(']');
    let numbers: Option<Vec<f64>> = list.split(',').map(|one| one.trim().parse().ok()).collect();
    let first = match numbers.as_deref() {
        Some(&[all]) => vec![all; margins],
        _ => numbers.unwrap_or_default(),
    };
    let legal = |&value: &f64| match start {
        Start::Margin => value.is_finite(),
        Start::Mean => value > 0.0 && value.is_finite(),
        Start::Probability => value > 0.0 && value < 1.0,
    };
    if first.len() == margins && first.iter().all(legal) {
        return Ok(first);
    }
    Err(Error::Field { name: "base_score", want: "a number that its objective takes, for each output" })
}

fn trees(learner: &Value, model: &Value, weights: Option<&[f64]>, margins: usize) -> Result<Body, Error> {
    let stored = list(model, "trees")?;
    let owners = whole(model, "tree_info")?;
    if owners.len() != stored.len() || weights.is_some_and(|weights| weights.len() != stored.len()) {
        return Err(Error::Field { name: "tree_info", want: "an output for each tree" });
    }
    stopped_early(learner, model, stored.len(), margins)?;
    let mut grown = Vec::with_capacity(stored.len());
    for (i, tree) in stored.iter().enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[i] as f32);
        grown.push(one(tree, index(owners[i]), weight)?);
    }
    Ok(Body::Trees(grown, 1.0))
}

/// Trees past the best round are left out by some of XGBoost's interfaces and counted by others.
fn stopped_early(learner: &Value, model: &Value, trees: usize, margins: usize) -> Result<(), Error> {
    let best = learner.get("attributes").and_then(|all| all.get("best_iteration")).and_then(Value::as_str);
    let Some(best) = best.and_then(|best| best.parse::<usize>().ok()) else { return Ok(()) };
    let parallel = count(field(model, "gbtree_model_param")?, "num_parallel_tree")?;
    let each = margins.saturating_mul(if parallel > 1 { parallel } else { 1 });
    if best.saturating_add(1).saturating_mul(each) < trees {
        return Err(Error::Form("training stopped early: store booster[: booster.best_iteration + 1]"));
    }
    Ok(())
}

fn one(tree: &Value, target: usize, weight: f32) -> Result<Tree, Error> {
    let (left, right) = (whole(tree, "left_children")?, whole(tree, "right_children")?);
    let (features, bounds) = (whole(tree, "split_indices")?, floats(tree, "split_conditions")?);
    let defaults = whole(tree, "default_left")?;
    let kinds = tree.get("split_type").map_or(Ok(Vec::new()), |_| whole(tree, "split_type"))?;
    if kinds.iter().any(|&kind| kind != 0) {
        return Err(Error::Form("categorical splits are not supported"));
    }
    if count(field(tree, "tree_param")?, "size_leaf_vector")? > 1 {
        return Err(Error::Form("trees of several outputs (multi_output_tree) are not supported"));
    }
    let nodes = left.len();
    if [right.len(), features.len(), bounds.len(), defaults.len()].iter().any(|&length| length != nodes) {
        return Err(Error::Field { name: "trees", want: "lists of one length" });
    }
    let node = |i: usize| {
        if left[i] == -1 {
            return leaf(target, f64::from(weight * bounds[i] as f32));
        }
        Node::Split(Split {
            feature: index(features[i]),
            test: Test::Compare(Branch::Less, f64::from(bounds[i] as f32)),
            nan_holds: defaults[i] != 0,
            holds: index(left[i]),
            fails: index(right[i]),
        })
    };
    Ok(Tree { nodes: (0..nodes).map(node).collect(), root: 0 })
}

/// A negative index is none: the layout refuses it where it is reached.
fn index(value: i64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Weights of each column for each output, then what each output adds.
fn linear(model: &Value, columns: usize, first: &[f64]) -> Result<Body, Error> {
    let margins = first.len();
    if first.windows(2).any(|pair| pair[0] != pair[1]) {
        return Err(Error::Form("linear models whose classes begin differently: versions of XGBoost disagree on them"));
    }
    let mut data = floats(model, "weights")?;
    if data.len() != (columns + 1) * margins {
        return Err(Error::Field { name: "weights", want: "a number for each column and output" });
    }
    let bias = data.split_off(columns * margins);
    Ok(Body::Linear(Matrix { rows: columns, columns: margins, data }, bias))
}

fn version(file: &Value) -> String {
    let parts = file.get("version").and_then(Value::as_array);
    let parts: Vec<String> = parts.into_iter().flatten().map(Value::to_string).collect();
    parts.join(".")
}

fn field<'v>(of: &'v Value, name: &'static str) -> Result<&'v Value, Error> {
    of.get(name).ok_or(Error::Missing(name))
}

fn text<'v>(of: &'v Value, name: &'static str) -> Result<&'v str, Error> {
    field(of, name)?.as_str().ok_or(Error::Field { name, want: "text" })
}

/// A parameter, which is text.
fn count(of: &Value, name: &'static str) -> Result<usize, Error> {
    text(of, name)?.parse().map_err(|_| Error::Field { name, want: "a number" })
}

fn list<'v>(of: &'v Value, name: &'static str) -> Result<&'v [Value], Error> {
    Ok(field(of, name)?.as_array().ok_or(Error::Field { name, want: "a list" })?.as_slice())
}

fn floats(of: &Value, name: &'static str) -> Result<Vec<f64>, Error> {
    let numbers = list(of, name)?.iter().map(Value::as_f64).collect::<Option<_>>();
    numbers.ok_or(Error::Field { name, want: "a list of finite numbers" })
}

/// Whole numbers; versions differ in whether yes and no are numbers.
fn whole(of: &Value, name: &'static str) -> Result<Vec<i64>, Error> {
    let number = |value: &Value| value.as_i64().or_else(|| value.as_bool().map(i64::from));
    let numbers = list(of, name)?.iter().map(number).collect::<Option<_>>();
    numbers.ok_or(Error::Field { name, want: "a list of whole numbers" })
}
