//! Support vector machines: sums of a kernel between a row and the vectors that were kept.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};
use mote_pickle::Node;

use super::answer::{Answer, Classes, Classified};
use super::error::EstimatorError;
use super::fields::{Fields, Matrix};
use super::net::Net;
use super::{logistic, multiclass};
use crate::graph::ValueId;

/// The kernel between rows and support vectors, `[rows, vectors]`.
fn kernel(net: &mut Net, fields: &Fields<'_>, x: ValueId, vectors: &Matrix) -> Result<ValueId, EstimatorError> {
    if vectors.columns != net.width(x) {
        return Err(fields.shape("support_vectors_", &[vectors.rows, vectors.columns], "a number for each column"));
    }
    let gamma = fields.float("_gamma")?;
    let kernel = fields.get("kernel")?.text().ok_or_else(|| fields.form("a kernel of its own is not supported"))?;
    let product = |net: &mut Net| -> super::net::Made {
        let product = net.times(x, &vectors.transposed())?;
        let product = net.with_scalar(Binary::Mul, product, gamma)?;
        net.with_scalar(Binary::Add, product, fields.find("coef0").and_then(Node::float).unwrap_or(0.0))
    };
    Ok(match kernel {
        "linear" => net.times(x, &vectors.transposed())?,
        "poly" => {
            let base = product(net)?;
            power(net, base, fields.count("degree")?)?
        }
        "sigmoid" => {
            let base = product(net)?;
            net.unary(Unary::Tanh, base)?
        }
        "rbf" => {
            let distance = net.squared_distances(x, vectors)?;
            let exponent = net.with_scalar(Binary::Mul, distance, -gamma)?;
            net.unary(Unary::Exp, exponent)?
        }
        other => return Err(fields.parameter("kernel", other)),
    })
}

/// A whole power by multiplication.
fn power(net: &mut Net, base: ValueId, degree: usize) -> super::net::Made {
    match degree {
        0 => {
            let zero = net.sub(base, base)?;
            net.with_scalar(Binary::Add, zero, 1.0)
        }
        1..=8 => (1..degree).try_fold(base, |y, _| net.mul(y, base)),
        _ => net.with_scalar(Binary::Pow, base, degree as f64),
    }
}

/// `kernel coef + intercept` for a machine with one set of coefficients.
fn single(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    let vectors = dense_vectors(fields)?;
    let coefficients = fields.matrix("dual_coef_")?;
    if coefficients.rows != 1 || coefficients.columns != vectors.rows {
        return Err(fields.shape("dual_coef_", &[coefficients.rows, coefficients.columns], "a number for each vector"));
    }
    let kernel = kernel(net, fields, x, &vectors)?;
    let intercept = fields.vector("intercept_", 1)?;
    Ok(net.dense(kernel, &coefficients.transposed(), &intercept)?)
}

fn dense_vectors(fields: &Fields<'_>) -> Result<Matrix, EstimatorError> {
    if fields.flag("_sparse")? {
        return Err(fields.form("it was fitted on sparse rows"));
    }
    fields.matrix("support_vectors_")
}

pub(super) fn regressor(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<ValueId, EstimatorError> {
    single(net, fields, x)
}

/// 1 above zero, else -1.
pub(super) fn one_class(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Answer, EstimatorError> {
    let decision = single(net, fields, x)?;
    let flat = net.flat(decision)?;
    let inside = net.with_scalar(Binary::Greater, flat, 0.0)?;
    let (one, minus) = (net.i64s(&[1])?, net.i64s(&[-1])?);
    let label = net.emit.select(inside, one, minus)?;
    Ok(Answer::Outliers { label, decision })
}

/// A decision for each pair of classes, above zero for the first: libsvm's way.
fn pairwise(net: &mut Net, fields: &Fields<'_>, x: ValueId, classes: usize) -> Result<ValueId, EstimatorError> {
    let vectors = dense_vectors(fields)?;
    let coefficients = fields.matrix("_dual_coef_")?;
    let sizes = fields.vector("_n_support", classes)?;
    // Vectors stand by class; where each class's begin.
    let mut owner = Vec::new();
    for (class, &size) in sizes.iter().enumerate() {
        owner.extend(std::iter::repeat_n(class, (size as usize).min(vectors.rows)));
    }
    let fits = owner.len() == vectors.rows && coefficients.rows + 1 == classes && coefficients.columns == vectors.rows;
    if !fits {
        let got = [coefficients.rows, coefficients.columns];
        return Err(fields.shape("_dual_coef_", &got, "a number for each vector and other class"));
    }
    let pairs: Vec<(usize, usize)> = multiclass::pairs(classes).collect();
    let sums = Matrix::from_fn(vectors.rows, pairs.len(), |v, pair| match pairs[pair] {
        (i, j) if owner[v] == i => coefficients.at(j - 1, v),
        (i, j) if owner[v] == j => coefficients.at(i, v),
        _ => 0.0,
    });
    let intercept = fields.vector("_intercept_", pairs.len())?;
    let kernel = kernel(net, fields, x, &vectors)?;
    Ok(net.dense(kernel, &sums, &intercept)?)
}

pub(super) fn classifier(net: &mut Net, fields: &Fields<'_>, x: ValueId) -> Result<Classified, EstimatorError> {
    let classes = Classes::read(fields)?;
    let count = classes.len();
    let pairs = pairwise(net, fields, x, count)?;
    let probabilities = if fields.get("probability")?.bool() == Some(true) {
        Some(probabilities(net, fields, pairs, count)?)
    } else {
        None
    };
    if count == 2 {
        let decision = net.unary(Unary::Neg, pairs)?;
        let index = net.above(decision, 0.0)?;
        return Ok(Classified { classes, index, probabilities, decision: Some(decision) });
    }
    let second_wins = net.with_scalar(Binary::LessOrEqual, pairs, 0.0)?;
    let second_wins = net.number(second_wins)?;
    let confidence = net.unary(Unary::Neg, pairs)?;
    let ovr = multiclass::votes(net, second_wins, confidence, count)?;
    let decision = match fields.text("decision_function_shape")? {
        "ovr" => ovr,
        "ovo" => pairs,
        other => return Err(fields.parameter("decision_function_shape", other)),
    };
    let index = if fields.flag("break_ties")? {
        net.arg_max(ovr)?
    } else {
        let zeros = net.with_scalar(Binary::Mul, confidence, 0.0)?;
        let counts = multiclass::votes(net, second_wins, zeros, count)?;
        net.arg_max(counts)?
    };
    Ok(Classified { classes, index, probabilities, decision: Some(decision) })
}

/// `1 / (1 + e^(a d + b))` for the first of each pair, and what these make of the classes.
fn probabilities(
    net: &mut Net,
    fields: &Fields<'_>,
    decisions: ValueId,
    classes: usize,
) -> Result<ValueId, EstimatorError> {
    if net.dtype != DType::F32 {
        return Err(fields.form("its probabilities are made in single precision: compile without --precision f64"));
    }
    let pairs = net.width(decisions);
    let (slope, shift) = (fields.vector("_probA", pairs)?, fields.vector("_probB", pairs)?);
    let y = net.with_row(Binary::Mul, decisions, &slope)?;
    let y = net.with_row(Binary::Add, y, &shift)?;
    let y = net.unary(Unary::Neg, y)?;
    let first = logistic(net, y)?;
    let first = net.clip(first, LEAST, 1.0 - LEAST)?;
    Ok(net.emit.couple(first, classes)?)
}

/// libsvm takes nothing for more certain.
const LEAST: f64 = 1e-7;
