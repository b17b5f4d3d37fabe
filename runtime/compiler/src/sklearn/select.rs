//! Transformers that keep some columns.

use mote_pickle::Node;

use super::error::EstimatorError;
use super::fields::Fields;
use super::net::Net;
use super::trees;
use crate::graph::ValueId;

type Built = Result<ValueId, EstimatorError>;

fn keep(net: &mut Net, fields: &Fields<'_>, x: ValueId, keeps: impl Fn(usize) -> bool) -> Built {
    let kept: Vec<usize> = (0..net.width(x)).filter(|&c| keeps(c)).collect();
    if kept.is_empty() {
        return Err(fields.form("it leaves no column"));
    }
    Ok(net.columns(x, &kept)?)
}

/// Columns that were marked.
pub(super) fn support(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let support = fields.vector("support_", net.width(x))?;
    keep(net, fields, x, |c| support[c] != 0.0)
}

/// Columns that vary more than a threshold.
pub(super) fn variance(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let (variances, threshold) = (fields.vector("variances_", net.width(x))?, fields.float("threshold")?);
    keep(net, fields, x, |c| variances[c] > threshold)
}

/// Columns by the scores of a statistical test.
pub(super) fn univariate(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    let width = net.width(x);
    let values = |name| fields.vector(name, width);
    let (mode, parameter) = match fields.class {
        "SelectKBest" => ("k_best", "k"),
        "SelectPercentile" => ("percentile", "percentile"),
        "SelectFpr" => ("fpr", "alpha"),
        "SelectFdr" => ("fdr", "alpha"),
        "SelectFwe" => ("fwe", "alpha"),
        _ => (fields.text("mode")?, "param"),
    };
    if fields.get(parameter)?.text() == Some("all") {
        return Ok(x);
    }
    let bound = fields.float(parameter)?;
    match mode {
        "k_best" => {
            let scores: Vec<f64> = values("scores_")?.into_iter().map(clean).collect();
            let best = best(&scores, bound as usize);
            keep(net, fields, x, |c| best.contains(&c))
        }
        "fpr" => {
            let p = values("pvalues_")?;
            keep(net, fields, x, |c| p[c] < bound)
        }
        "fwe" => {
            let p = values("pvalues_")?;
            keep(net, fields, x, |c| p[c] < bound / width as f64)
        }
        "fdr" => {
            let p = values("pvalues_")?;
            let mut sorted = p.clone();
            sorted.sort_by(f64::total_cmp);
            let passes = |(i, p): (usize, &f64)| *p <= bound / width as f64 * (i + 1) as f64;
            let last = sorted.iter().enumerate().rev().find(|&(i, p)| passes((i, p))).map(|(_, &p)| p);
            keep(net, fields, x, |c| last.is_some_and(|last| p[c] <= last))
        }
        _ if bound >= 100.0 => Ok(x),
        "percentile" => {
            let scores: Vec<f64> = values("scores_")?.into_iter().map(clean).collect();
            let threshold = percentile(&scores, 100.0 - bound);
            // Of columns with the very threshold, the first, up to the share that is asked for.
            let most = (width as f64 * bound / 100.0) as usize;
            let above = scores.iter().filter(|&&s| s > threshold).count();
            let mut left = most.saturating_sub(above);
            let kept: Vec<bool> =
                scores.iter().map(|&s| s > threshold || (s == threshold && take(&mut left))).collect();
            keep(net, fields, x, |c| kept[c])
        }
        other => Err(fields.parameter("mode", other)),
    }
}

fn take(left: &mut usize) -> bool {
    let some = *left > 0;
    *left = left.saturating_sub(1);
    some
}

/// What is no score is worse than all.
fn clean(score: f64) -> f64 {
    if score.is_nan() { f64::MIN } else { score }
}

/// Indices of the k largest, the last of equals.
fn best(scores: &[f64], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    order.split_off(order.len() - k.min(order.len()))
}

/// Linear between the two nearest, as NumPy does it.
fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = percent / 100.0 * (sorted.len() - 1) as f64;
    let (low, part) = (place as usize, place - (place as usize) as f64);
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * part
}

/// Columns that an estimator finds important.
pub(super) fn from_model(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Built {
    if fields.some("max_features").is_some() {
        return Err(fields.form("parameter max_features is not supported"));
    }
    let prefit = fields.flag("prefit")?;
    let estimator = if prefit { fields.child("estimator")? } else { fields.child("estimator_")? };
    let importances = importances(fields, &estimator, net.width(x))?;
    let threshold = threshold(fields, &estimator, &importances)?;
    keep(net, fields, x, |c| importances[c] >= threshold)
}

fn importances(fields: &Fields<'_>, estimator: &Fields<'_>, width: usize) -> Result<Vec<f64>, EstimatorError> {
    if fields.get("importance_getter")?.text() != Some("auto") {
        return Err(fields.form("parameter importance_getter is not supported"));
    }
    if estimator.find("coef_").is_none() {
        return trees::importances(estimator, width);
    }
    let coefficients = estimator.matrix("coef_")?;
    if coefficients.columns != width {
        return Err(fields.shape("coef_", &[coefficients.columns], "a number for each column"));
    }
    if fields.float("norm_order")? != 1.0 {
        return Err(fields.form("parameter norm_order is not supported"));
    }
    Ok((0..width).map(|c| (0..coefficients.rows).map(|r| coefficients.at(r, c).abs()).sum()).collect())
}

/// A number, or a multiple of the mean or median.
fn threshold(fields: &Fields<'_>, estimator: &Fields<'_>, importances: &[f64]) -> Result<f64, EstimatorError> {
    let node = fields.get("threshold")?;
    if let Some(value) = node.float() {
        return Ok(value);
    }
    let mean = || importances.iter().sum::<f64>() / importances.len() as f64;
    let text = match node.text() {
        Some(text) => text,
        None if estimator.find("penalty").and_then(Node::text) == Some("l1") || estimator.class.contains("Lasso") => {
            return Ok(1e-5);
        }
        None => return Ok(mean()),
    };
    let (factor, what) = text.split_once('*').map_or(("1", text), |(factor, what)| (factor.trim(), what.trim()));
    let factor: f64 = factor.parse().map_err(|_| fields.parameter("threshold", text))?;
    match what {
        "mean" => Ok(factor * mean()),
        "median" => Ok(factor * percentile(importances, 50.0)),
        _ => Err(fields.parameter("threshold", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_the_last_of_equals() {
        assert_eq!(best(&[1.0, 3.0, 3.0, 2.0], 2), [1, 2]);
        assert_eq!(best(&[5.0, 5.0, 5.0], 2), [1, 2]);
        assert_eq!(best(&[1.0], 9), [0]);
    }

    #[test]
    fn percentiles_lie_between() {
        assert_eq!(percentile(&[4.0, 1.0, 2.0, 3.0], 50.0), 2.5);
        assert_eq!(percentile(&[7.0], 10.0), 7.0);
    }
}
