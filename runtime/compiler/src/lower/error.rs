use mote_abi::DType;
use mote_plan::write::WriteError;

/// Why a Graph has no Plan. Nodes and tensors are named as in the source model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LowerError {
    /// A weight or bias that is NaN or infinite: padding taps would multiply it by zero.
    #[error("tensor `{tensor}` holds a weight that is NaN or infinite")]
    NonFiniteWeight {
        /// Name of the constant.
        tensor: String,
    },
    /// A weight that is computed while the model runs.
    #[error("node `{node}`: operand {operand} must be a constant")]
    ComputedWeight {
        /// Name of the node.
        node: String,
        /// Position of the operand.
        operand: usize,
    },
    /// An element type that the operator has no kernel for.
    #[error("node `{node}`: no kernel for elements of type {dtype}")]
    UnsupportedType {
        /// Name of the node.
        node: String,
        /// The type.
        dtype: DType,
    },
    /// A node that lacks an operand or whose shapes contradict its operator: the importer made a wrong Graph.
    #[error("node `{node}` contradicts its operator")]
    MalformedNode {
        /// Name of the node.
        node: String,
    },
    /// A tensor with more than 8 dimensions, or larger than a Plan can address.
    #[error("tensor `{tensor}` has more than 8 dimensions or more than 2 GiB")]
    TensorTooLarge {
        /// Name of the value.
        tensor: String,
    },
    /// Live tensors that do not fit in the arena.
    #[error("the arena needs {bytes} bytes, a Plan can address 2 GiB")]
    ArenaTooLarge {
        /// Bytes that are needed.
        bytes: u64,
    },
    /// A Plan that exceeds the limits of its format.
    #[error("the Plan cannot be written")]
    Write(#[from] WriteError),
}
