//! Boosters straight from the files of XGBoost and LightGBM: one form for both, and what it computes.

mod error;
mod lightgbm;
mod ubjson;
mod xgboost;

use mote_abi::DType;
use mote_abi::op::{Aggregate, Binary, Unary};

use self::error::BoosterError as Error;
use super::answer::{Answer, Classes, Classified};
use super::fields::Matrix;
use super::net::{Made, Net};
use crate::forest::{Node, Score, Tree};
use crate::graph::ValueId;

pub use self::error::BoosterError;

/// Most columns of rows, and most margins: more are a file that lies.
const MAX_COLUMNS: usize = 1 << 20;
const MAX_MARGINS: usize = 1 << 14;

/// What wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    XgBoostJson,
    XgBoostUbjson,
    LightGbm,
}

impl Program {
    /// Tells by the first bytes. None of the beginnings is one of ONNX: as protobuf they open or close groups.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"tree\n") || bytes.starts_with(b"tree\r\n") {
            return Some(Self::LightGbm);
        }
        let text = bytes.trim_ascii_start();
        match text.strip_prefix(b"{")?.first()? {
            b'i' | b'U' | b'I' | b'l' | b'L' | b'#' if text.len() == bytes.len() => Some(Self::XgBoostUbjson),
            b'"' | b'}' | b' ' | b'\t' | b'\r' | b'\n' => Some(Self::XgBoostJson),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::XgBoostJson | Self::XgBoostUbjson => "XGBoost",
            Self::LightGbm => "LightGBM",
        }
    }
}

/// A stored booster.
pub(super) struct Booster {
    pub(super) version: String,
    /// Name of what computes the margins.
    pub(super) kind: &'static str,
    pub(super) columns: usize,
    /// What is done to a column before it is compared.
    treatments: Vec<Treatment>,
    margins: usize,
    start: Start,
    /// What each margin begins with, as `start` says; empty for nothing.
    first: Vec<f64>,
    body: Body,
    /// How the margins become answers.
    link: Link,
}

enum Body {
    /// The sum of all scores, divided by this number.
    Trees(Vec<Tree>, f64),
    /// A weighted sum that a missing value adds nothing to, and a bias.
    Linear(Matrix, Vec<f64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    None,
    /// Zero is a missing value, as NaN is.
    ZeroMissing,
    /// The whole part alone counts.
    Whole,
}

/// What a margin begins with is given as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Itself.
    Margin,
    /// What it is the logarithm of.
    Mean,
    /// What it is the log odds of.
    Probability,
}

/// What a margin stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    /// The prediction.
    Identity,
    /// The root of the prediction, with its sign.
    Root,
    /// The logarithm of the prediction.
    Log,
    /// The prediction, past `ln (1 + e^m)`.
    Softplus,
    /// The log odds of the prediction.
    Logit,
    /// The log odds of the second of two classes, times this.
    Binary(f64),
    /// The second of two classes where it is above zero.
    Sign,
    /// Logarithms of probabilities of classes, but for their sum.
    Softmax,
    /// The log odds of each class against all others, times this.
    Each(f64),
}

impl Booster {
    pub(super) fn read(program: Program, bytes: &[u8]) -> Result<Self, Error> {
        let booster = match program {
            Program::XgBoostJson => xgboost::read(&serde_json::from_slice(bytes)?),
            Program::XgBoostUbjson => xgboost::read(&ubjson::read(bytes)?),
            Program::LightGbm => lightgbm::read(std::str::from_utf8(bytes).map_err(|_| Error::Text)?),
        }?;
        let classes = matches!(booster.link, Link::Softmax | Link::Each(_));
        if (booster.margins > 1) != classes && !matches!(booster.link, Link::Identity) {
            return Err(Error::Form("its number of classes is not that of its objective"));
        }
        Ok(booster)
    }

    /// Trees, or 1 for a linear model.
    pub(super) fn parts(&self) -> usize {
        match &self.body {
            Body::Trees(trees, _) => trees.len(),
            Body::Linear(..) => 1,
        }
    }

    pub(super) fn build(&self, net: &mut Net, x: ValueId) -> Result<Answer, Error> {
        let first = self.first(net)?;
        let margins = match &self.body {
            Body::Trees(trees, parts) => {
                let x = self.treat(net, x)?;
                // XGBoost's sums begin with the first margin: so do those of a tree of a single leaf and all others.
                let begin = |(target, &value): (usize, &f64)| Tree { nodes: vec![leaf(target, value)], root: 0 };
                let mut all: Vec<Tree> = first.iter().enumerate().map(begin).collect();
                all.extend(trees.iter().cloned());
                let sum = net.emit.trees(x, &all, self.margins, Aggregate::Sum)?;
                if *parts == 1.0 { sum } else { net.with_scalar(Binary::Div, sum, *parts)? }
            }
            Body::Linear(weights, bias) => {
                let missing = net.unary(Unary::IsNan, x)?;
                let zero = net.scalar(0.0)?;
                let x = net.emit.select(missing, zero, x)?;
                let bias: Vec<f64> = bias.iter().zip(&first).map(|(bias, first)| bias + first).collect();
                net.dense(x, weights, &bias)?
            }
        };
        Ok(self.link.answer(net, margins)?)
    }

    /// What the margins begin with.
    fn first(&self, net: &mut Net) -> Result<Vec<f64>, crate::Reason> {
        match self.start {
            Start::Margin => Ok(self.first.clone()),
            Start::Mean => net.of_constants(Unary::Log, &self.first),
            Start::Probability => {
                let odds: Vec<f64> = self.first.iter().map(|p| p / (1.0 - p)).collect();
                net.of_constants(Unary::Log, &odds)
            }
        }
    }

    /// The rows as the trees compare them.
    fn treat(&self, net: &mut Net, x: ValueId) -> Made {
        let mut treated = x;
        if let Some(columns) = self.under(net, Treatment::ZeroMissing)? {
            // LightGBM's kZeroThreshold, a number in single precision.
            let size = net.unary(Unary::Abs, x)?;
            let zero = net.with_scalar(Binary::LessOrEqual, size, f64::from(1e-35_f32))?;
            let missing = net.binary(Binary::And, zero, columns)?;
            let nan = net.scalar(f64::NAN)?;
            treated = net.emit.select(missing, nan, treated)?;
        }
        if let Some(columns) = self.under(net, Treatment::Whole)? {
            let negative = net.with_scalar(Binary::Less, x, 0.0)?;
            let (up, down) = (net.unary(Unary::Ceil, x)?, net.unary(Unary::Floor, x)?);
            let whole = net.emit.select(negative, up, down)?;
            treated = net.emit.select(columns, whole, treated)?;
        }
        Ok(treated)
    }

    /// Which columns are treated so, `[1, columns]`; nothing if none is.
    fn under(&self, net: &mut Net, treatment: Treatment) -> Result<Option<ValueId>, crate::Reason> {
        let bits: Vec<f64> = self.treatments.iter().map(|&t| f64::from(u8::from(t == treatment))).collect();
        if bits.iter().all(|&bit| bit == 0.0) {
            return Ok(None);
        }
        let row = net.row(&bits)?;
        Ok(Some(net.emit.cast(row, DType::Bool)?))
    }
}

impl Link {
    fn answer(self, net: &mut Net, m: ValueId) -> Result<Answer, crate::Reason> {
        let probabilities = match self {
            Self::Identity => return Ok(Answer::Predicted(m)),
            Self::Root => {
                let size = net.unary(Unary::Abs, m)?;
                return Ok(Answer::Predicted(net.mul(m, size)?));
            }
            Self::Log => return Ok(Answer::Predicted(net.unary(Unary::Exp, m)?)),
            Self::Softplus => return Ok(Answer::Predicted(net.unary(Unary::Softplus, m)?)),
            Self::Logit => return Ok(Answer::Predicted(super::logistic(net, m)?)),
            Self::Sign => return Ok(Answer::Classified(Classified::decided(net, numbered(2), m)?)),
            Self::Binary(slope) => {
                let p = odds(net, m, slope)?;
                net.complement(p)?
            }
            Self::Softmax => net.softmax(m)?,
            Self::Each(slope) => odds(net, m, slope)?,
        };
        let classes = numbered(net.width(probabilities));
        let said = Classified::likeliest(net, classes, probabilities)?;
        Ok(Answer::Classified(Classified { decision: Some(m), ..said }))
    }
}

/// The probability behind log odds.
fn odds(net: &mut Net, m: ValueId, slope: f64) -> Made {
    let m = if slope == 1.0 { m } else { net.with_scalar(Binary::Mul, m, slope)? };
    super::logistic(net, m)
}

/// Classes that are their own indices: files of boosters know no others.
fn numbered(count: usize) -> Classes {
    Classes::Numbers((0..count as i64).collect())
}

/// A leaf with one score.
fn leaf(target: usize, value: f64) -> Node {
    Node::Leaf(vec![Score { target, value }])
}
