//! Support vector machines, as libsvm and liblinear write them.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};

use super::super::node::{Built, Cx};
use super::super::table::Entry;
use super::linear::product;
use super::scores::{Classes, Transform, above};
use super::{f32_rows, floats};
use crate::error::Reason;
use crate::graph::ValueId;

pub(super) const OPS: &[Entry] = &[
    Entry::ml(
        "SVMClassifier",
        &[
            "classlabels_ints",
            "classlabels_strings",
            "coefficients",
            "kernel_params",
            "kernel_type",
            "post_transform",
            "prob_a",
            "prob_b",
            "rho",
            "support_vectors",
            "vectors_per_class",
        ],
        classifier,
    ),
    Entry::ml(
        "SVMRegressor",
        &[
            "coefficients",
            "kernel_params",
            "kernel_type",
            "n_supports",
            "one_class",
            "post_transform",
            "rho",
            "support_vectors",
        ],
        regressor,
    ),
];

/// A kernel between rows and support vectors.
enum Kernel {
    Linear,
    Poly { gamma: f32, offset: f32, degree: f32 },
    Rbf { gamma: f32 },
    Sigmoid { gamma: f32, offset: f32 },
}

impl Kernel {
    fn read(cx: &Cx<'_>) -> Result<Self, Reason> {
        let given = cx.optional_floats_attribute("kernel_params")?.unwrap_or_default();
        let [gamma, offset, degree] = match given[..] {
            [] => [0.0; 3],
            [gamma, offset, degree] => [gamma, offset, degree],
            _ => return Err(Reason::Shape { what: "attribute `kernel_params`", got: vec![given.len()] }),
        };
        Ok(match cx.text("kernel_type", "LINEAR")? {
            "LINEAR" => Self::Linear,
            "POLY" => Self::Poly { gamma, offset, degree },
            "RBF" => Self::Rbf { gamma },
            "SIGMOID" => Self::Sigmoid { gamma, offset },
            got => return Err(Reason::AttributeValue { name: "kernel_type", got: got.to_owned() }),
        })
    }

    /// `x [N, F], vectors [S, F] -> [N, S]`.
    fn apply(&self, cx: &mut Cx<'_>, x: ValueId, vectors: &[f32], count: usize) -> Result<ValueId, Reason> {
        let scaled = |cx: &mut Cx<'_>, gamma: f32, offset: f32| {
            let product = product(cx, x, vectors, count, None)?;
            let (gamma, offset) = (cx.scalar_like(product, gamma.into())?, cx.scalar_like(product, offset.into())?);
            let scaled = cx.binary(Binary::Mul, product, gamma)?;
            cx.binary(Binary::Add, scaled, offset)
        };
        match *self {
            Self::Linear => product(cx, x, vectors, count, None),
            Self::Poly { gamma, offset, degree } => {
                let base = scaled(cx, gamma, offset)?;
                power(cx, base, degree)
            }
            Self::Rbf { gamma } => {
                let features = cx.dims(x)[1];
                if vectors.len() != count.saturating_mul(features) {
                    return Err(Reason::Shapes(vec![count, features], vec![vectors.len()]));
                }
                let vectors = cx.f32s(vec![count, features], vectors)?;
                let distance = cx.square_distance(x, vectors)?;
                let fall = cx.scalar_like(distance, (-gamma).into())?;
                let exponent = cx.binary(Binary::Mul, distance, fall)?;
                cx.unary(Unary::Exp, exponent)
            }
            Self::Sigmoid { gamma, offset } => {
                let argument = scaled(cx, gamma, offset)?;
                cx.unary(Unary::Tanh, argument)
            }
        }
    }
}

/// Small whole powers are products, as in ONNX Runtime.
fn power(cx: &mut Cx<'_>, base: ValueId, degree: f32) -> Result<ValueId, Reason> {
    let square = |cx: &mut Cx<'_>| cx.binary(Binary::Mul, base, base);
    if degree == 2.0 {
        square(cx)
    } else if degree == 3.0 {
        let square = square(cx)?;
        cx.binary(Binary::Mul, square, base)
    } else {
        let degree = cx.scalar_like(base, degree.into())?;
        cx.binary(Binary::Pow, base, degree)
    }
}

fn regressor(cx: &mut Cx<'_>) -> Built {
    let x = f32_rows(cx)?;
    let (coefficients, rho) = (floats(cx, "coefficients")?, floats(cx, "rho")?);
    let vectors = cx.optional_floats_attribute("support_vectors")?.unwrap_or_default();
    let kernel = Kernel::read(cx)?;
    // ONNX Runtime transforms no result of a regression.
    Transform::read(cx)?;
    let &[rho] = rho.as_slice() else { return Err(Reason::Shape { what: "attribute `rho`", got: vec![rho.len()] }) };
    let supports = cx.int("n_supports", 0)?;
    let scores = match usize::try_from(supports) {
        Ok(0) => product(cx, x, &coefficients, 1, Some(&[rho]))?,
        Ok(count) => {
            let kernels = kernel.apply(cx, x, &vectors, count)?;
            product(cx, kernels, &coefficients, 1, Some(&[rho]))?
        }
        Err(_) => return Err(Reason::AttributeValue { name: "n_supports", got: supports.to_string() }),
    };
    if !cx.flag("one_class", false)? {
        return Ok(vec![scores]);
    }
    let (zero, inside, outside) =
        (cx.scalar_like(scores, 0.0)?, cx.scalar_like(scores, 1.0)?, cx.scalar_like(scores, -1.0)?);
    let positive = cx.binary(Binary::Greater, scores, zero)?;
    Ok(vec![cx.select(positive, inside, outside)?])
}

fn classifier(cx: &mut Cx<'_>) -> Built {
    let x = f32_rows(cx)?;
    let classes = Classes::read(cx, "classlabels_ints", "classlabels_strings")?;
    if classes.len() < 2 {
        return Err(Reason::Form("a classifier of one class has nothing to tell"));
    }
    let (coefficients, rho) = (floats(cx, "coefficients")?, floats(cx, "rho")?);
    let slopes = cx.optional_floats_attribute("prob_a")?.unwrap_or_default();
    let shifts = cx.optional_floats_attribute("prob_b")?.unwrap_or_default();
    let vectors = cx.optional_floats_attribute("support_vectors")?.unwrap_or_default();
    let kernel = Kernel::read(cx)?;
    let transform = Transform::read(cx)?;
    let counts = cx.optional_ints_attribute("vectors_per_class")?.unwrap_or_default();
    let counts: Vec<usize> = counts
        .iter()
        .map(|&count| usize::try_from(count).map_err(|_| Reason::Value { what: "vectors_per_class", got: count }))
        .collect::<Result<_, _>>()?;
    if counts.iter().all(|&count| count == 0) {
        return linear(cx, x, &classes, &coefficients, &rho, !slopes.is_empty(), transform);
    }
    let pairs = classes.len() * (classes.len() - 1) / 2;
    if counts.len() != classes.len() || rho.len() != pairs {
        return Err(Reason::Shapes(vec![classes.len(), pairs], vec![counts.len(), rho.len()]));
    }
    let total = counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count));
    let total = total.ok_or(Reason::Form("there are more support vectors than can be counted"))?;
    let kernels = kernel.apply(cx, x, &vectors, total)?;
    let decisions = decisions(cx, kernels, &counts, &coefficients, &rho)?;
    let votes = votes(cx, decisions, classes.len())?;
    let labels = classes.of_largest(cx, votes)?;
    let scores = if !slopes.is_empty() || !shifts.is_empty() {
        if [slopes.len(), shifts.len()] != [pairs; 2] {
            return Err(Reason::Shapes(vec![pairs], vec![slopes.len(), shifts.len()]));
        }
        let probabilities = probabilities(cx, decisions, classes.len(), &slopes, &shifts)?;
        transform.apply(cx, probabilities)?
    } else if classes.len() == 2 {
        transform.two_columns(cx, decisions, transform != Transform::None)?
    } else {
        transform.apply(cx, decisions)?
    };
    Ok(vec![labels, scores])
}

/// One score per class, of which the largest wins; of two classes the second wins where the larger score is positive.
fn linear(
    cx: &mut Cx<'_>,
    x: ValueId,
    classes: &Classes<'_>,
    coefficients: &[f32],
    rho: &[f32],
    probable: bool,
    transform: Transform,
) -> Built {
    let Some(&first) = rho.first() else { return Err(Reason::MissingAttribute("rho")) };
    let scores = product(cx, x, coefficients, classes.len(), Some(&vec![first; classes.len()]))?;
    let labels = if classes.len() == 2 && !probable {
        let largest = cx.reduce(mote_abi::op::Reduce::Max, scores, &[1], true)?;
        let positive = coefficients.iter().all(|&c| c >= 0.0);
        let wins = if positive {
            let (rows, half) = (cx.dims(scores)[0], cx.scalar_like(scores, 0.5)?);
            let reached = cx.binary(Binary::GreaterOrEqual, largest, half)?;
            cx.reshape(reached, vec![rows])?
        } else {
            above(cx, largest, 0.0)?
        };
        let second = second_is_larger(cx, scores)?;
        let wins = cx.binary(Binary::Or, wins, second)?;
        classes.of_two(cx, wins)?
    } else {
        classes.of_largest(cx, scores)?
    };
    Ok(vec![labels, transform.apply(cx, scores)?])
}

fn second_is_larger(cx: &mut Cx<'_>, scores: ValueId) -> Result<ValueId, Reason> {
    let rows = cx.dims(scores)[0];
    let (first, second) = (cx.narrow(scores, 1, 0, 1)?, cx.narrow(scores, 1, 1, 1)?);
    let larger = cx.binary(Binary::Greater, second, first)?;
    cx.reshape(larger, vec![rows])
}

/// The pairs of classes i < j in libsvm's order.
fn pairs(classes: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..classes).flat_map(move |i| (i + 1..classes).map(move |j| (i, j)))
}

/// The decision of each pair `[N, P]`. Row r of the coefficients holds, for the vectors of class c, those of the pair with
/// class r, or with r + 1 from class c on.
fn decisions(
    cx: &mut Cx<'_>,
    kernels: ValueId,
    counts: &[usize],
    coefficients: &[f32],
    rho: &[f32],
) -> Result<ValueId, Reason> {
    let (classes, vectors) = (counts.len(), counts.iter().sum::<usize>());
    if coefficients.len() != (classes - 1).saturating_mul(vectors) {
        return Err(Reason::Shapes(vec![classes - 1, vectors], vec![coefficients.len()]));
    }
    let rows = cx.dims(kernels)[0];
    let mut sums = Vec::with_capacity(classes);
    let mut first = 0;
    for &count in counts {
        let part = cx.narrow(kernels, 1, first, count)?;
        let weights: Vec<f32> = (0..classes - 1)
            .flat_map(|row| &coefficients[row * vectors + first..row * vectors + first + count])
            .copied()
            .collect();
        sums.push(if count == 0 {
            cx.filled(DType::F32, vec![rows, classes - 1], 0.0)?
        } else {
            product(cx, part, &weights, classes - 1, None)?
        });
        first += count;
    }
    let sums = cx.concat(&sums, 1)?;
    // The sum over the vectors of class c by row r is column c * (classes - 1) + r.
    let column = |class: usize, row: usize| (class * (classes - 1) + row) as i64;
    let lower: Vec<i64> = pairs(classes).map(|(i, j)| column(i, j - 1)).collect();
    let upper: Vec<i64> = pairs(classes).map(|(i, j)| column(j, i)).collect();
    let (lower, upper) = (cx.i64s(vec![lower.len()], &lower)?, cx.i64s(vec![upper.len()], &upper)?);
    let (lower, upper) = (cx.gather(sums, lower, 1)?, cx.gather(sums, upper, 1)?);
    let sum = cx.binary(Binary::Add, lower, upper)?;
    let rho = cx.f32s(vec![1, rho.len()], rho)?;
    cx.binary(Binary::Add, sum, rho)
}

/// How many pairs each class wins, `[N, C]`: the first of a pair wins with a positive decision.
fn votes(cx: &mut Cx<'_>, decisions: ValueId, classes: usize) -> Result<ValueId, Reason> {
    let zero = cx.scalar_like(decisions, 0.0)?;
    let first = cx.binary(Binary::Greater, decisions, zero)?;
    let first = cx.cast(first, DType::F32)?;
    // A pair counts for its second class until the first one wins it.
    let count = pairs(classes).count();
    cx.room_for(DType::F32, &[classes, count])?;
    let mut weights = vec![0.0; classes * count];
    for (pair, (i, j)) in pairs(classes).enumerate() {
        (weights[i * count + pair], weights[j * count + pair]) = (1.0, -1.0);
    }
    let start: Vec<f32> = (0..classes).map(|class| class as f32).collect();
    product(cx, first, &weights, classes, Some(&start))
}

/// Probabilities of the classes, coupled from those of the pairs.
fn probabilities(
    cx: &mut Cx<'_>,
    decisions: ValueId,
    classes: usize,
    slopes: &[f32],
    shifts: &[f32],
) -> Result<ValueId, Reason> {
    let (slopes, shifts) = (cx.f32s(vec![1, slopes.len()], slopes)?, cx.f32s(vec![1, shifts.len()], shifts)?);
    let scaled = cx.binary(Binary::Mul, decisions, slopes)?;
    let argument = cx.binary(Binary::Add, scaled, shifts)?;
    let second = cx.unary(Unary::Sigmoid, argument)?;
    let one = cx.scalar_like(second, 1.0)?;
    let first = cx.binary(Binary::Sub, one, second)?;
    let first = cx.unary_with(Unary::Clamp, first, 1e-7, 1.0 - 1e-7)?;
    cx.couple(first, classes)
}
