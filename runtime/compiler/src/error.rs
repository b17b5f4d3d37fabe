//! Everything that compiling can refuse, each with a stable code, the culprit and the facts.

use std::path::PathBuf;

use mote_abi::DType;

use crate::import::DoorError;

/// Why a model file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The bytes are not an ONNX model within the limits and the supported set of fields.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// The bytes passed the door, but the protobuf decoder refused them.
    #[error("the protobuf decoder refused the file")]
    Decode,
    /// The file has no graph.
    #[error("the model has no graph")]
    NoGraph,
    /// An operator set that is not known.
    #[error("operator set {version} of domain `{domain}` is not supported")]
    Opset {
        /// Domain, empty for ai.onnx.
        domain: String,
        /// Imported version.
        version: i64,
    },
    /// A model input that is not a tensor of a supported type.
    #[error("input `{name}` is not a tensor of a supported type")]
    InputType {
        /// Name of the input.
        name: String,
    },
    /// A dimension of an input has no size.
    #[error("dimension {axis} of input `{input}` (`{symbol}`) has no size")]
    UnboundDim {
        /// Name of the input.
        input: String,
        /// Index of the dimension.
        axis: usize,
        /// Its symbolic name, `?` where it has none.
        symbol: String,
    },
    /// Two inputs want different sizes for one symbolic dimension.
    #[error("dimension `{symbol}` is {first} and {second} at once")]
    DimConflict {
        /// The symbolic name.
        symbol: String,
        /// Size bound first.
        first: usize,
        /// Size that contradicts it.
        second: usize,
    },
    /// A bound dimension that no input has.
    #[error("no input has a dimension `{symbol}`")]
    UnknownDim {
        /// The symbolic name.
        symbol: String,
    },
    /// A bound for a node that the model does not have, or whose number of results does not depend on data.
    #[error("no node or output `{name}` whose number of results depends on data")]
    UnknownBound {
        /// The name given.
        name: String,
    },
    /// A shape was given for an input that the model does not have.
    #[error("the model has no input `{name}`")]
    UnknownInput {
        /// The name given.
        name: String,
    },
    /// A given shape contradicts the model.
    #[error("input `{name}` has shape {expected}, not {got:?}")]
    InputShape {
        /// Name of the input.
        name: String,
        /// Shape in the model.
        expected: String,
        /// Shape given.
        got: Vec<usize>,
    },
    /// A preparation that does not make the input that it is for.
    #[error("the preparation of input `{input}`: {reason}")]
    Preparation {
        /// Name of the input.
        input: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A stored tensor cannot be read.
    #[error("tensor `{name}`: {reason}")]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// What is wrong.
        reason: TensorError,
    },
    /// A name is read that nothing makes.
    #[error("node `{node}` reads `{value}`, which nothing makes")]
    MissingValue {
        /// The reader, or `model outputs`.
        node: String,
        /// The name.
        value: String,
    },
    /// A name is made twice.
    #[error("`{value}` is made twice")]
    DuplicateValue {
        /// The name.
        value: String,
    },
    /// A function is defined twice.
    #[error("function `{name}` of domain `{domain}` is defined twice")]
    DuplicateFunction {
        /// Domain, empty for ai.onnx.
        domain: String,
        /// Name.
        name: String,
    },
    /// Nodes need each other.
    #[error("node `{node}` needs its own result")]
    Cyclic {
        /// One node of the cycle.
        node: String,
    },
    /// Nodes that cannot be imported.
    #[error("{0}")]
    Refused(Box<Refusals>),
    /// Strings of a caller that reach an output: only those that the model names have a number.
    #[error("output `{name}` hands on strings of an input, which need not be among those that the model names")]
    OpenText {
        /// Name of the output.
        name: String,
    },
    /// A model output that is a sequence or an optional.
    #[error("output `{name}` is a sequence or an optional, not a tensor")]
    OutputForm {
        /// Name of the output.
        name: String,
    },
    /// A model output whose type is not supported or contradicts what is computed.
    #[error("output `{name}` is declared with a type that is not supported or not {computed}, which is computed")]
    OutputType {
        /// Name of the output.
        name: String,
        /// Computed type.
        computed: DType,
    },
}

impl ImportError {
    /// Stable code for machines and manuals.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Door(_) | Self::Decode | Self::NoGraph => "E-IMPORT-FILE",
            Self::Opset { .. } => "E-IMPORT-OPSET",
            Self::InputType { .. } | Self::OutputType { .. } | Self::OutputForm { .. } | Self::OpenText { .. } => {
                "E-IMPORT-TYPE"
            }
            Self::UnboundDim { .. }
            | Self::DimConflict { .. }
            | Self::UnknownDim { .. }
            | Self::UnknownBound { .. } => "E-IMPORT-DIM",
            Self::Preparation { .. } | Self::UnknownInput { .. } | Self::InputShape { .. } => "E-IMPORT-INPUT",
            Self::Tensor { .. } => "E-IMPORT-TENSOR",
            Self::MissingValue { .. }
            | Self::DuplicateValue { .. }
            | Self::DuplicateFunction { .. }
            | Self::Cyclic { .. } => "E-IMPORT-GRAPH",
            Self::Refused(_) => "E-IMPORT-OP",
        }
    }

    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnboundDim { symbol, .. } if symbol != "?" => {
                Some(format!("give it a size with --dim {symbol}=SIZE"))
            }
            Self::UnboundDim { input, .. } => Some(format!("give `{input}` a shape by running with an input array")),
            Self::Opset { .. } => Some("export the model with an operator set from 7 to 28".to_owned()),
            Self::Refused(refusals) if matches!(refusals.first.reason, Reason::Unbounded) => {
                Some(format!("say how many it has at most with --bound {}=COUNT", refusals.first.node))
            }
            Self::Refused(_) => Some("export the model without these operators, or in another form of them".to_owned()),
            Self::Tensor { reason: TensorError::External { .. }, .. } => {
                Some("keep the weight file beside the model, or export the model as one file".to_owned())
            }
            _ => None,
        }
    }
}

/// Why a stored tensor cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// An element type without a counterpart here.
    #[error("element type {0} is not supported")]
    Type(i32),
    /// A negative or overlarge shape.
    #[error("shape {0:?} is negative or too large")]
    Shape(Vec<i64>),
    /// Data and shape disagree.
    #[error("has {got} elements or bytes of data where its shape needs {need}")]
    Length {
        /// Needed.
        need: usize,
        /// Present.
        got: usize,
    },
    /// Data in more than one field, or in the wrong one.
    #[error("its data is in a field that does not fit its type")]
    Field,
    /// Positions of a sparse tensor that contradict its values or its shape.
    #[error("its positions do not fit its values or its shape")]
    Sparse,
    /// Data in another file that cannot be used.
    #[error("external data `{location}`: {reason}")]
    External {
        /// Location as written in the model.
        location: String,
        /// What is wrong.
        reason: ExternalError,
    },
}

/// Why external data cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExternalError {
    /// No folder to look in was given.
    #[error("no folder was given to look in")]
    NoFolder,
    /// An absolute path, or one that leaves the folder.
    #[error("the path leaves the model's folder")]
    Path,
    /// An offset or length that is not a number or outside the file.
    #[error("offset or length is outside the file")]
    Range,
    /// A key that is not known.
    #[error("key `{0}` is not supported")]
    Key(String),
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A node that cannot be imported.
#[derive(Debug, thiserror::Error)]
#[error("node `{node}` ({op}): {reason}")]
pub struct Refusal {
    /// Name of the node, or of its first output.
    pub node: String,
    /// Operator, with its domain where that is not ai.onnx.
    pub op: String,
    /// Why.
    pub reason: Reason,
}

/// Every node of a model that cannot be imported.
#[derive(Debug)]
pub struct Refusals {
    /// The first in the order of the walk.
    pub first: Refusal,
    /// All others that are known to be refused.
    pub others: Vec<Refusal>,
}

impl std::fmt::Display for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.first.fmt(f)?;
        if !self.others.is_empty() {
            write!(f, " (and {} more)", self.others.len())?;
        }
        for other in &self.others {
            write!(f, "\n  {other}")?;
        }
        Ok(())
    }
}

/// Why a node cannot be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A domain without operators here.
    #[error("domain `{0}` is not supported")]
    Domain(String),
    /// An operator that is not in the table.
    #[error("the operator is not supported")]
    Operator,
    /// An operator that draws random numbers.
    #[error("it draws random numbers")]
    Random,
    /// An operator that is not in the imported operator set.
    #[error("the operator is not supported in operator set {0}")]
    Version(i64),
    /// An attribute that is not known or not handled in this combination.
    #[error("attribute `{0}` is not supported")]
    Attribute(String),
    /// An attribute of the wrong type, or without a value.
    #[error("attribute `{0}` has the wrong type")]
    AttributeType(&'static str),
    /// An attribute value outside the supported set.
    #[error("attribute `{name}` = {got} is not supported")]
    AttributeValue {
        /// Name of the attribute.
        name: &'static str,
        /// Value found.
        got: String,
    },
    /// A required attribute is absent.
    #[error("attribute `{0}` is missing")]
    MissingAttribute(&'static str),
    /// A required input is absent.
    #[error("input {0} is missing")]
    MissingInput(usize),
    /// An input that is not handled.
    #[error("input {0} is not supported")]
    Input(usize),
    /// An output that is not handled.
    #[error("output {0} is not supported")]
    Output(usize),
    /// An input that must be known while compiling.
    #[error("input {0} must be constant")]
    NotConstant(usize),
    /// An element type that the operator does not take.
    #[error("element type {0} is not supported")]
    Type(DType),
    /// An element type without a counterpart here, by its ONNX code.
    #[error("ONNX element type {0} is not supported")]
    OnnxType(i64),
    /// Operands of different types.
    #[error("operands have types {0} and {1}")]
    Types(DType, DType),
    /// A shape that the operator does not take.
    #[error("{what} has shape {got:?}")]
    Shape {
        /// Which shape.
        what: &'static str,
        /// The shape.
        got: Vec<usize>,
    },
    /// Shapes that do not go together.
    #[error("shapes {0:?} and {1:?} do not agree")]
    Shapes(Vec<usize>, Vec<usize>),
    /// An axis outside the rank.
    #[error("axis {axis} is outside rank {rank}")]
    Axis {
        /// The axis.
        axis: i64,
        /// The rank.
        rank: usize,
    },
    /// A value of a constant input outside the supported set.
    #[error("{what} = {got} is not supported")]
    Value {
        /// Which value.
        what: &'static str,
        /// The value.
        got: i64,
    },
    /// A form of the operator that is not handled.
    #[error("{0}")]
    Form(&'static str),
    /// A node whose number of results depends on data.
    #[error("the number of its results depends on data and has no bound")]
    Unbounded,
    /// A node that would mix elements with the padding behind them.
    #[error("the number of elements of its input depends on data, and it does not treat them one by one")]
    Padded,
    /// A node that may fault is run although a computed condition might not have run it.
    #[error("its condition is computed, and `{node}` inside could end the run")]
    Conditional {
        /// The node.
        node: String,
    },
    /// A tensor larger than the limit, or more constants than the limit.
    #[error("a tensor of shape {0:?} is too large")]
    TooLarge(Vec<usize>),
    /// A tensor attribute that cannot be read.
    #[error("attribute tensor: {0}")]
    Tensor(#[from] TensorError),
    /// Strings where only numbers are understood, or ones that may differ though both are unknown.
    #[error("it builds strings or looks into them; strings can only be compared, selected and moved")]
    Strings,
    /// Decision trees that contradict themselves.
    #[error(transparent)]
    Forest(#[from] crate::forest::ForestError),
    /// A constant that cannot be computed.
    #[error("computing it while compiling failed: {0}")]
    Eval(#[from] crate::eval::EvalError),
}
