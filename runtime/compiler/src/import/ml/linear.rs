//! Linear models.

use super::super::node::{Built, Cx};
use super::super::table::Entry;
use super::scores::{Classes, Transform, above};
use super::{f32_rows, floats};
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[
    Entry::ml(
        "LinearClassifier",
        &["classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class", "post_transform"],
        classifier,
    ),
    Entry::ml("LinearRegressor", &["coefficients", "intercepts", "post_transform", "targets"], regressor),
];

/// `x [N, F] * coefficients [C, F] + intercepts [C]`.
pub(super) fn product(
    cx: &mut Cx<'_>,
    x: ValueId,
    coefficients: &[f32],
    count: usize,
    intercepts: Option<&[f32]>,
) -> Result<ValueId, Reason> {
    let features = cx.dims(x)[1];
    if coefficients.len() != count.saturating_mul(features) || intercepts.is_some_and(|all| all.len() != count) {
        return Err(Reason::Shapes(vec![count, features], vec![coefficients.len()]));
    }
    let weights = cx.f32s(vec![count, features], coefficients)?;
    let weights = cx.transpose(weights, &[1, 0])?;
    let bias = intercepts.map(|all| cx.f32s(vec![count], all)).transpose()?;
    cx.rows_times(x, weights, bias)
}

fn regressor(cx: &mut Cx<'_>) -> Built {
    let x = f32_rows(cx)?;
    let coefficients = floats(cx, "coefficients")?;
    let given = cx.int("targets", 1)?;
    let targets = usize::try_from(given).ok().filter(|&count| count > 0);
    let targets = targets.ok_or_else(|| Reason::AttributeValue { name: "targets", got: given.to_string() })?;
    let intercepts = cx.optional_floats_attribute("intercepts")?.filter(|all| !all.is_empty());
    let scores = product(cx, x, &coefficients, targets, intercepts.as_deref())?;
    let transform = Transform::read(cx)?;
    Ok(vec![transform.apply(cx, scores)?])
}

/// One score of two classes is that of the second and positive where it wins; its complement to 1 stands before it.
fn classifier(cx: &mut Cx<'_>) -> Built {
    let x = f32_rows(cx)?;
    let classes = Classes::read(cx, "classlabels_ints", "classlabels_strings")?;
    let coefficients = floats(cx, "coefficients")?;
    let intercepts = floats(cx, "intercepts")?;
    let transform = Transform::read(cx)?;
    // Says how the coefficients were found.
    cx.ignore("multi_class");
    let scores = product(cx, x, &coefficients, intercepts.len(), Some(&intercepts))?;
    match (intercepts.len(), classes.len()) {
        (1, 2) => {
            let wins = above(cx, scores, 0.0)?;
            Ok(vec![classes.of_two(cx, wins)?, transform.two_columns(cx, scores, true)?])
        }
        (count, labels) if count == labels && count > 1 => {
            Ok(vec![classes.of_largest(cx, scores)?, transform.apply(cx, scores)?])
        }
        (count, labels) => Err(Reason::Shapes(vec![count], vec![labels])),
    }
}
