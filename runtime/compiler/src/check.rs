//! What compiling a model would say, and what its user can do about it: the linter.

use crate::compile::{CompileError, CompileOptions, Compiled, compile, survey};
use crate::error::{ImportError, Reason, Refusal};
use crate::import::{Dim, Survey, operators};

/// What was found out about a model.
#[derive(Debug)]
pub struct Check {
    /// What the file holds.
    pub survey: Survey,
    /// Sizes that no option gives and that were assumed, to look further.
    pub assumed: Vec<Assumed>,
    /// What compiling answers under these sizes.
    pub outcome: Result<Compiled, CompileError>,
}

/// A dimension that needs a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumed {
    /// The input.
    pub input: String,
    /// Index of the dimension.
    pub axis: usize,
    /// Its symbolic name, where it has one.
    pub symbol: Option<String>,
    /// The size it was given.
    pub size: usize,
}

/// What a user can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Give a symbolic dimension its size.
    Dim(String),
    /// Give an input its whole shape.
    Shape(String),
    /// Export the model with an operator set that has the operator.
    Opset {
        /// The operator.
        op: String,
        /// The first operator set that has it.
        since: i64,
    },
    /// Store an input of a node in the model, or simplify the model so that it becomes constant.
    Constant {
        /// The node.
        node: String,
        /// Index of the input.
        input: usize,
    },
    /// State an upper bound, for the output is as long as the data say.
    Bound {
        /// The node.
        node: String,
    },
}

/// Sizes that are tried for dimensions without one: a batch, then what networks with strides can be built for.
const SIZES: [usize; 3] = [1, 64, 256];

/// Looks a model over and compiles it to see what becomes of it.
///
/// # Errors
/// Bytes that are not a model within the supported set of fields, types and operator sets.
pub fn check(bytes: &[u8], options: &CompileOptions) -> Result<Check, CompileError> {
    let survey = survey(bytes, options.precision, &options.preparations)?;
    let mut best = attempt(bytes, options, &survey, SIZES[0]);
    for &size in &SIZES[1..] {
        // Without an assumption, another size changes nothing.
        if best.outcome.is_ok() || best.assumed.is_empty() {
            break;
        }
        let next = attempt(bytes, options, &survey, size);
        if next.outcome.is_ok() || next.refusals().len() < best.refusals().len() {
            best = next;
        }
    }
    Ok(best)
}

/// Compiles with every dimension that has no size set to `size`.
fn attempt(bytes: &[u8], options: &CompileOptions, survey: &Survey, size: usize) -> Check {
    let mut options = options.clone();
    let mut assumed = Vec::new();
    loop {
        let outcome = compile(bytes, &options);
        let Err(CompileError::Import(ImportError::UnboundDim { input, .. })) = &outcome else {
            return Check { survey: survey.clone(), assumed, outcome };
        };
        let before = assumed.len();
        assume(input, survey, &mut options, size, &mut assumed);
        if assumed.len() == before {
            // The rank is not known either: there is nothing to assume.
            return Check { survey: survey.clone(), assumed, outcome };
        }
    }
}

/// Gives every open dimension of an input a size.
fn assume(input: &str, survey: &Survey, options: &mut CompileOptions, size: usize, assumed: &mut Vec<Assumed>) {
    let Some(spec) = survey.inputs.iter().find(|spec| spec.name == input) else { return };
    let mut shape = Vec::new();
    for (axis, dim) in spec.dims.iter().flatten().enumerate() {
        let symbol = match dim {
            Dim::Fixed(known) => {
                shape.push(*known);
                continue;
            }
            Dim::Named(symbol) => Some(symbol.clone()),
            Dim::Unknown => None,
        };
        let known = symbol.as_ref().and_then(|symbol| options.import.dims.get(symbol).copied());
        if known.is_none() {
            assumed.push(Assumed { input: input.to_owned(), axis, symbol: symbol.clone(), size });
        }
        if let Some(symbol) = symbol {
            options.import.dims.insert(symbol, known.unwrap_or(size));
        }
        shape.push(known.unwrap_or(size));
    }
    options.import.input_shapes.insert(input.to_owned(), shape);
}

impl Check {
    /// Every node that is known to be refused.
    pub fn refusals(&self) -> Vec<&Refusal> {
        match &self.outcome {
            Err(CompileError::Import(ImportError::Refused(all))) => {
                std::iter::once(&all.first).chain(&all.others).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What can be done, most telling first, nothing twice.
    pub fn advice(&self) -> Vec<Advice> {
        let mut advice = Vec::new();
        let refusals = self.refusals();
        let sizes = self.assumed.iter().map(|assumed| match &assumed.symbol {
            Some(symbol) => Advice::Dim(symbol.clone()),
            None => Advice::Shape(assumed.input.clone()),
        });
        for each in sizes.chain(refusals.into_iter().filter_map(about)) {
            if !advice.contains(&each) {
                advice.push(each);
            }
        }
        advice
    }
}

fn about(refusal: &Refusal) -> Option<Advice> {
    match refusal.reason {
        Reason::Version(_) => {
            let known = operators().into_iter().find(|operator| operator.name == refusal.op)?;
            Some(Advice::Opset { op: refusal.op.clone(), since: *known.since.first()? })
        }
        Reason::Unbounded => Some(Advice::Bound { node: refusal.node.clone() }),
        Reason::NotConstant(input) => Some(Advice::Constant { node: refusal.node.clone(), input }),
        _ => None,
    }
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dim(symbol) => write!(f, "give `{symbol}` its size with --dim {symbol}=SIZE"),
            Self::Shape(input) => write!(f, "give `{input}` its shape with --shape {input}=DIMS"),
            Self::Opset { op, since } => write!(f, "export with operator set {since} or newer, which has {op}"),
            Self::Constant { node, input } => {
                write!(f, "store input {input} of `{node}` in the model, or export it simplified")
            }
            Self::Bound { node } => write!(f, "state how many results `{node}` may have with --bound {node}=COUNT"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::onnx_build::{FLOAT, graph, int, model, node, value};

    fn checked(opset: i64, nodes: &[(&str, &str, &str)], dims: &[&str]) -> Check {
        let nodes = nodes.iter().map(|(op, input, output)| node(op, &[input], &[output], vec![])).collect();
        let bytes = model(opset, graph(nodes, vec![value("x", FLOAT, dims)], vec![value("y", FLOAT, dims)], vec![]));
        let options = CompileOptions { name: "m".to_owned(), ..CompileOptions::default() };
        check(&bytes, &options).unwrap()
    }

    #[test]
    fn a_sound_model_needs_nothing() {
        let check = checked(13, &[("Relu", "x", "y")], &["2", "3"]);
        assert_eq!(check.survey.operators, [("Relu".to_owned(), 1)].into());
        assert!(check.outcome.is_ok() && check.assumed.is_empty() && check.advice().is_empty());
    }

    #[test]
    fn open_dimensions_are_assumed_and_named() {
        let check = checked(13, &[("Relu", "x", "y")], &["2", "height", "?"]);
        assert!(check.outcome.is_ok(), "{:?}", check.outcome);
        let named: Vec<(usize, Option<&str>)> =
            check.assumed.iter().map(|assumed| (assumed.axis, assumed.symbol.as_deref())).collect();
        assert_eq!(named, [(1, Some("height")), (2, None)]);
        assert_eq!(check.advice(), [Advice::Dim("height".to_owned()), Advice::Shape("x".to_owned())]);
    }

    #[test]
    fn every_refused_node_is_named_with_what_helps() {
        let check = checked(19, &[("Gelu", "x", "a"), ("NoSuchOperator", "a", "y")], &["2"]);
        let refused: Vec<&str> = check.refusals().iter().map(|refusal| refusal.op.as_str()).collect();
        assert_eq!(refused, ["Gelu", "NoSuchOperator"]);
        assert_eq!(check.advice(), [Advice::Opset { op: "Gelu".to_owned(), since: 20 }]);
    }

    #[test]
    fn lists_without_a_bound_ask_for_one() {
        let check = checked(13, &[("NonZero", "x", "y")], &["2"]);
        assert_eq!(check.advice(), [Advice::Bound { node: "y".to_owned() }]);
    }

    #[test]
    fn sizes_that_fit_the_network_are_found() {
        let pool = node(
            "AveragePool",
            &["x"],
            &["y"],
            vec![crate::import::tests::onnx_build::ints("kernel_shape", &[8, 8]), int("ceil_mode", 0)],
        );
        let dims = ["1", "1", "h", "w"];
        let bytes =
            model(13, graph(vec![pool], vec![value("x", FLOAT, &dims)], vec![value("y", FLOAT, &dims)], vec![]));
        let options = CompileOptions { name: "m".to_owned(), ..CompileOptions::default() };
        let check = check(&bytes, &options).unwrap();
        assert!(check.outcome.is_ok(), "{:?}", check.outcome);
        assert!(check.assumed.iter().all(|assumed| assumed.size == 64));
    }
}
