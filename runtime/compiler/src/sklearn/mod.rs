//! scikit-learn without Python: a stored estimator, read as data, to Graph. One file per family says what its estimators
//! compute; `table` lists them, `net` is the arithmetic they share.

mod answer;
mod bayes;
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
use self::fields::Fields;
use self::net::Net;
use crate::graph::{Graph, Op, ValueId};
use crate::import::{Dim, InputSpec, Limits, Survey};

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
    document: Document,
    dtype: DType,
}

impl Estimator {
    /// Reads a file that [`mote_pickle::recognises`].
    pub(crate) fn read(bytes: &[u8], dtype: DType) -> Result<Self, EstimatorError> {
        let document = mote_pickle::read(bytes, &FileLimits::default())?;
        Ok(Self { document, dtype })
    }

    /// The one input that a caller provides.
    pub(crate) fn inputs(&self) -> Vec<InputSpec> {
        let width = columns_of(self.document.root(), MAX_DEPTH).map_or(Dim::Unknown, Dim::Fixed);
        let dims = Some(vec![Dim::Named(ROWS.to_owned()), width]);
        vec![InputSpec { name: INPUT.to_owned(), dtype: self.dtype, dims, text: false }]
    }

    /// What the file holds: its outermost estimator in the place of operators.
    pub(crate) fn survey(&self, bytes: u64) -> Survey {
        let root = self.document.root();
        let version = root.get("_sklearn_version").and_then(Node::text).unwrap_or_default();
        Survey {
            producer: format!("scikit-learn {version}").trim().to_owned(),
            opsets: Vec::new(),
            operators: root.class().map(|class| (class.name.to_owned(), 1)).into_iter().collect(),
            stored_bytes: bytes,
            inputs: self.inputs(),
        }
    }

    /// Builds the Graph over an input of one shape, and the names of classes that are text.
    pub(crate) fn graph(&self, shape: &[usize], limits: Limits) -> Result<(Graph, Vec<String>), EstimatorError> {
        let root = self.document.root();
        let fields = Fields::of(root).ok_or(EstimatorError::Root(root.kind()))?;
        let &[rows, _] = shape else { return Err(fields.form("rows of numbers are its one input")) };
        let mut net = Net::new(self.dtype, rows, limits);
        net.emit.stored(MAX_CONSTANTS, &[])?;
        let x = net.emit.graph.computed(INPUT, self.dtype, shape.to_vec());
        net.emit.graph.inputs.push(x);
        let answer = table::estimate(&mut net, root, x)?;
        let names = outputs(&mut net, answer)?;
        Ok((net.emit.graph, names))
    }
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
