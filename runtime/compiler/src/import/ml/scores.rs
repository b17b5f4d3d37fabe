//! What classifiers and regressors do with their scores: transforms, second columns, class labels.

use mote_abi::DType;
use mote_abi::op::{Binary, Reduce, Unary};

use super::super::node::Cx;
use crate::error::Reason;
use crate::graph::{Op, ValueId};

/// A transform of a row of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl Transform {
    const NAME: &'static str = "post_transform";

    pub(super) fn read(cx: &Cx<'_>) -> Result<Self, Reason> {
        Ok(match cx.text(Self::NAME, "NONE")? {
            "NONE" => Self::None,
            "SOFTMAX" => Self::Softmax,
            "LOGISTIC" => Self::Logistic,
            "SOFTMAX_ZERO" => Self::SoftmaxZero,
            "PROBIT" => Self::Probit,
            got => return Err(Reason::AttributeValue { name: Self::NAME, got: got.to_owned() }),
        })
    }

    /// As TreeEnsemble-5 numbers them, for so many scores. The standard numbers softmax 1 and logistic 2, ONNX Runtime the
    /// other way round: what a file means by either is not known, unless there is one score, which both leave as it is.
    pub(super) fn read_code(cx: &Cx<'_>, count: usize) -> Result<Self, Reason> {
        Ok(match cx.int(Self::NAME, 0)? {
            0 => Self::None,
            1 | 2 if count == 1 => Self::None,
            1 | 2 => return Err(Reason::Form("the standard and ONNX Runtime read its post_transform differently")),
            3 => Self::SoftmaxZero,
            4 => Self::Probit,
            got => return Err(Reason::AttributeValue { name: Self::NAME, got: got.to_string() }),
        })
    }

    /// Transforms rows `[N, C]`. ONNX Runtime leaves a single score as it is, but for the probit.
    pub(super) fn apply(self, cx: &mut Cx<'_>, scores: ValueId) -> Result<ValueId, Reason> {
        match self {
            Self::Probit => probit(cx, scores),
            _ if cx.dims(scores)[1] == 1 => Ok(scores),
            Self::None => Ok(scores),
            Self::Logistic => cx.unary(Unary::Sigmoid, scores),
            Self::Softmax if cx.dtype(scores) == DType::F32 => cx.softmax(scores, 1, false),
            Self::Softmax => {
                let powers = powers(cx, scores)?.1;
                let sum = cx.reduce(Reduce::Sum, powers, &[1], true)?;
                cx.binary(Binary::Div, powers, sum)
            }
            Self::SoftmaxZero => softmax_zero(cx, scores),
        }
    }

    /// Two columns of the one score `s [N, 1]` of the second class. `even` scores lie around 1/2 and complement to 1,
    /// others lie around 0 and are mirrored.
    pub(super) fn two_columns(self, cx: &mut Cx<'_>, s: ValueId, even: bool) -> Result<ValueId, Reason> {
        let (first, second) = match self {
            Self::Probit => return Err(Reason::Form("PROBIT of one score of two classes has no second column")),
            Self::Logistic => {
                let mirrored = cx.unary(Unary::Neg, s)?;
                (cx.unary(Unary::Sigmoid, mirrored)?, cx.unary(Unary::Sigmoid, s)?)
            }
            _ if even => {
                let one = cx.scalar_like(s, 1.0)?;
                (cx.binary(Binary::Sub, one, s)?, s)
            }
            _ => (cx.unary(Unary::Neg, s)?, s),
        };
        cx.concat(&[first, second], 1)
    }
}

/// The largest score of each row, and the powers of e of the distances from it.
fn powers(cx: &mut Cx<'_>, scores: ValueId) -> Result<(ValueId, ValueId), Reason> {
    let most = cx.reduce(Reduce::Max, scores, &[1], true)?;
    let below = cx.binary(Binary::Sub, scores, most)?;
    Ok((most, cx.unary(Unary::Exp, below)?))
}

/// A softmax that leaves scores near zero out; they are scaled as the others are, which keeps them near zero.
fn softmax_zero(cx: &mut Cx<'_>, scores: ValueId) -> Result<ValueId, Reason> {
    let (most, powers) = powers(cx, scores)?;
    let size = cx.unary(Unary::Abs, scores)?;
    let bound = cx.scalar_like(scores, f64::from(1e-7_f32))?;
    let counts = cx.binary(Binary::Greater, size, bound)?;
    let zero = cx.scalar_like(scores, 0.0)?;
    let counted = cx.select(counts, powers, zero)?;
    let sum = cx.reduce(Reduce::Sum, counted, &[1], true)?;
    let fall = cx.unary(Unary::Neg, most)?;
    let scale = cx.unary(Unary::Exp, fall)?;
    let small = cx.binary(Binary::Mul, scores, scale)?;
    let parts = cx.select(counts, powers, small)?;
    cx.binary(Binary::Div, parts, sum)
}

/// The normal quantile by Winitzki's formula (2008), step by step as ONNX Runtime rounds it.
#[expect(clippy::approx_constant, reason = "ONNX Runtime computes with five decimals of pi")]
fn probit(cx: &mut Cx<'_>, scores: ValueId) -> Result<ValueId, Reason> {
    let p = cx.cast(scores, DType::F32)?;
    let scalar = |cx: &mut Cx<'_>, value: f32| cx.filled(DType::F32, vec![], value.into());
    let (one, two, zero) = (scalar(cx, 1.0)?, scalar(cx, 2.0)?, scalar(cx, 0.0)?);
    let twice = cx.binary(Binary::Mul, two, p)?;
    let x = cx.binary(Binary::Sub, twice, one)?;
    let (below, above) = (cx.binary(Binary::Sub, one, x)?, cx.binary(Binary::Add, one, x)?);
    let inside = cx.binary(Binary::Mul, below, above)?;
    let log = cx.unary(Unary::Log, inside)?;
    let (half, base, factor) = (scalar(cx, 0.5)?, scalar(cx, 2.0 / (3.14159 * 0.147))?, scalar(cx, 1.0 / 0.147)?);
    let half_log = cx.binary(Binary::Mul, half, log)?;
    let v = cx.binary(Binary::Add, base, half_log)?;
    let w = cx.binary(Binary::Mul, factor, log)?;
    let square = cx.binary(Binary::Mul, v, v)?;
    let rest = cx.binary(Binary::Sub, square, w)?;
    let root = cx.unary(Unary::Sqrt, rest)?;
    let difference = cx.binary(Binary::Sub, root, v)?;
    let size = cx.unary(Unary::Sqrt, difference)?;
    let mirrored = cx.unary(Unary::Neg, size)?;
    let negative = cx.binary(Binary::Less, x, zero)?;
    let inverse = cx.select(negative, mirrored, size)?;
    let sqrt_2 = scalar(cx, std::f32::consts::SQRT_2)?;
    let y = cx.binary(Binary::Mul, sqrt_2, inverse)?;
    cx.cast_as(y, scores)
}

/// The labels of a classifier's classes.
pub(super) enum Classes<'a> {
    Numbers(Vec<i64>),
    Words(Vec<&'a str>),
}

impl<'a> Classes<'a> {
    /// Reads the one of two attributes that is not empty.
    pub(super) fn read(cx: &Cx<'a>, numbers: &'static str, words: &'static str) -> Result<Self, Reason> {
        let (ints, texts) = (cx.optional_ints_attribute(numbers)?, cx.texts(words)?);
        match (ints.filter(|all| !all.is_empty()), texts.filter(|all| !all.is_empty())) {
            (Some(numbers), None) => Ok(Self::Numbers(numbers)),
            (None, Some(words)) => Ok(Self::Words(words)),
            (None, None) => Err(Reason::MissingAttribute(numbers)),
            (Some(_), Some(_)) => Err(Reason::Attribute(words.to_owned())),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words(words) => words.len(),
        }
    }

    /// Labels that ONNX Runtime answers for two classes with scores of their own: its numbers are 0 and 1 whatever the
    /// classes are called.
    pub(super) fn are_as_answered(&self) -> bool {
        match self {
            Self::Numbers(numbers) => numbers.as_slice() == [0, 1],
            Self::Words(_) => true,
        }
    }

    /// The labels of class indices.
    pub(super) fn of(&self, cx: &mut Cx<'_>, index: ValueId) -> Result<ValueId, Reason> {
        let (table, text) = match self {
            Self::Numbers(numbers) => (cx.i64s(vec![numbers.len()], numbers)?, None),
            Self::Words(words) => {
                let table = cx.words(vec![words.len()], words.iter().copied())?;
                (table, cx.text_of(table))
            }
        };
        let labels = cx.gather(table, index, 0)?;
        Ok(text.map_or(labels, |text| cx.mark(labels, text)))
    }

    /// The label of the second class where a condition holds, of the first elsewhere.
    pub(super) fn of_two(&self, cx: &mut Cx<'_>, second: ValueId) -> Result<ValueId, Reason> {
        let index = cx.cast(second, DType::I64)?;
        self.of(cx, index)
    }

    /// The labels of the largest scores of rows `[N, C]`, the first of equal ones.
    pub(super) fn of_largest(&self, cx: &mut Cx<'_>, scores: ValueId) -> Result<ValueId, Reason> {
        let rows = cx.dims(scores)[0];
        let op = Op::ArgReduce { axis: 1, max: true, last: false };
        let best = cx.emit(op, &[Some(scores)], DType::I64, vec![rows, 1])?;
        let best = cx.reshape(best, vec![rows])?;
        self.of(cx, best)
    }
}

/// Whether the scores `[N, 1]` are above a bound, as `[N]`.
pub(super) fn above(cx: &mut Cx<'_>, scores: ValueId, bound: f64) -> Result<ValueId, Reason> {
    let rows = cx.dims(scores)[0];
    let scores = cx.reshape(scores, vec![rows])?;
    let bound = cx.scalar_like(scores, bound)?;
    cx.binary(Binary::Greater, scores, bound)
}
