//! scikit-learn without Python: a stored estimator, read as data, to Graph. One file per family says what its estimators
//! compute; `table` lists them, `net` is the arithmetic they share, `booster` those of XGBoost and LightGBM.

mod answer;
mod bayes;
mod booster;
mod boosting;
mod calibrate;
mod cluster;
mod columns;
mod compose;
mod curve;
mod decompose;
mod discriminant;
mod encode;
mod ensemble;
mod error;
mod fields;
mod linear;
mod multiclass;
mod neighbors;
mod net;
mod network;
mod scale;
mod select;
mod support;
mod table;
mod trees;

use mote_abi::DType;
use mote_abi::op::Unary;
use mote_pickle::{Document, Limits as FileLimits, Node};

use self::answer::{Answer, Classes};
use self::booster::{Booster, Program};
use self::fields::Fields;
use self::net::Net;
use crate::error::Reason;
use crate::graph::{Graph, Op, ValueId};
use crate::import::{Dim, InputSpec, Limits, Survey};

pub use self::booster::BoosterError;
pub use self::error::{EstimatorError, Refusal as EstimatorRefusal};

/// Name of the one input: rows of numbers, a column for each feature.
const INPUT: &str = "x";
/// Symbolic dimension that counts rows.
const ROWS: &str = "rows";

/// Estimators inside estimators, and inside each other.
const MAX_ESTIMATORS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// A stored estimator.
pub(crate) struct Estimator {
    content: Content,
    dtype: DType,
}

/// What a file holds.
enum Content {
    /// Objects of scikit-learn.
    Stored(Document),
    /// A model in a program's own format.
    Boosted(Program, Booster),
}

/// Whether a file begins as one of these does.
pub(crate) fn recognises(bytes: &[u8]) -> bool {
    mote_pickle::recognises(bytes) || Program::of(bytes).is_some()
}

impl Estimator {
    /// Reads a file that [`recognises`] knows.
    pub(crate) fn read(bytes: &[u8], dtype: DType) -> Result<Self, EstimatorError> {
        let content = match Program::of(bytes) {
            Some(program) => Content::Boosted(program, Booster::read(program, bytes).map_err(of(program))?),
            None => Content::Stored(mote_pickle::read(bytes, &FileLimits::default())?),
        };
        Ok(Self { content, dtype })
    }

    /// The one input that a caller provides.
    pub(crate) fn inputs(&self) -> Vec<InputSpec> {
        let width = match &self.content {
            Content::Stored(document) => columns_of(document.root(), MAX_DEPTH),
            Content::Boosted(_, booster) => Some(booster.columns),
        };
        let dims = Some(vec![Dim::Named(ROWS.to_owned()), width.map_or(Dim::Unknown, Dim::Fixed)]);
        vec![InputSpec { name: INPUT.to_owned(), dtype: self.dtype, dims, text: false }]
    }

    /// What the file holds: its outermost estimator in the place of operators.
    pub(crate) fn survey(&self, bytes: u64) -> Survey {
        let (program, version, holds) = match &self.content {
            Content::Stored(document) => {
                let root = document.root();
                let version = root.get("_sklearn_version").and_then(Node::text).unwrap_or_default();
                ("scikit-learn", version, root.class().map(|class| (class.name, 1)))
            }
            Content::Boosted(program, booster) => {
                (program.name(), booster.version.as_str(), Some((booster.kind, booster.parts())))
            }
        };
        Survey {
            producer: format!("{program} {version}").trim().to_owned(),
            opsets: Vec::new(),
            operators: holds.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            stored_bytes: bytes,
            inputs: self.inputs(),
        }
    }

    /// Builds the Graph over an input of one shape, and the names of classes that are text.
    pub(crate) fn graph(&self, shape: &[usize], limits: Limits) -> Result<(Graph, Vec<String>), EstimatorError> {
        let &[rows, _] = shape else { return Err(Reason::Form("rows of numbers are its one input").into()) };
        let mut net = Net::new(self.dtype, rows, limits);
        net.emit.stored(MAX_CONSTANTS, &[])?;
        let x = net.emit.graph.computed(INPUT, self.dtype, shape.to_vec());
        net.emit.graph.inputs.push(x);
        let answer = match &self.content {
            Content::Stored(document) => {
                let root = document.root();
                Fields::of(root).ok_or(EstimatorError::Root(root.kind()))?;
                table::estimate(&mut net, root, x)?
            }
            Content::Boosted(program, booster) => booster.build(&mut net, x).map_err(of(*program))?,
        };
        let names = outputs(&mut net, answer)?;
        Ok((net.emit.graph, names))
    }
}

/// An error of a program's file.
fn of(program: Program) -> impl Fn(BoosterError) -> EstimatorError {
    move |reason| EstimatorError::Booster { program: program.name(), reason }
}

/// Bytes of constants that a file may become, a quarter of it: a file is bounded by its own limits.
const MAX_CONSTANTS: usize = 64 << 20;

/// Columns that an estimator was fitted on, where it or its first part says so.
fn columns_of(node: Node<'_>, depth: usize) -> Option<usize> {
    let depth = depth.checked_sub(1)?;
    let stated = node.get("n_features_in_").and_then(Node::int).and_then(|count| usize::try_from(count).ok());
    let inside = || {
        let list = ["steps", "transformer_list", "estimators_"].iter().find_map(|name| node.get(name))?;
        let first = list.items()?.next()?;
        let first = first.items().and_then(|mut named| named.nth(1)).unwrap_or(first);
        columns_of(first, depth)
    };
    stated.or_else(inside)
}

/// Names what a model answers: probabilities or transformed rows first, for they are what thresholds and windows use.
fn outputs(net: &mut Net, answer: Answer) -> Result<Vec<String>, EstimatorError> {
    let mut named: Vec<(&str, ValueId)> = Vec::new();
    let mut names = Vec::new();
    match answer {
        Answer::Classified(classified) => {
            named.extend(classified.probabilities.map(|id| ("probabilities", id)));
            let label = classified.label(net)?;
            named.push(("label", label));
            named.extend(classified.decision.map(|id| ("decision", id)));
            if let Classes::Names(texts) = classified.classes {
                // A label that is text is an index among the words of the model.
                named[usize::from(classified.probabilities.is_some())].1 = net.emit.cast(label, DType::I32)?;
                net.emit.graph.words.clone_from(&texts);
                net.emit.graph.texts.push("label".to_owned());
                if classified.probabilities.is_some() {
                    names = texts;
                }
            }
        }
        Answer::Predicted(y) => named.push(("prediction", y)),
        Answer::Outliers { label, decision } => named.extend([("label", label), ("decision", decision)]),
        Answer::Clustered { label, distances, probabilities } => {
            named.extend(probabilities.map(|id| ("probabilities", id)));
            named.push(("label", label));
            named.extend(distances.map(|id| ("distances", id)));
        }
        Answer::Transformed(y) => named.push(("transformed", y)),
    }
    for (name, id) in named {
        let id = if matches!(name, "prediction" | "decision") && net.width(id) == 1 { net.flat(id)? } else { id };
        // What is an input, a constant or an output already is copied: each output is computed.
        let (dtype, dims) = (net.emit.dtype(id), net.emit.dims(id));
        let graph = &mut net.emit.graph;
        let copy = graph.node(name, Op::Reshape, &[Some(id)], dtype, dims);
        graph.outputs.push(copy);
    }
    Ok(names)
}

/// `1 / (1 + e^-x)`.
fn logistic(net: &mut Net, x: ValueId) -> net::Made {
    net.unary(Unary::Sigmoid, x)
}
