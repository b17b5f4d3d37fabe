use mote_abi::DType;

/// A tensor outside a Plan: what a caller hands in and gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTensor {
    /// Name of the model's input or output.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Shape, outermost first.
    pub dims: Vec<usize>,
    /// Little-endian row-major elements.
    pub bytes: Vec<u8>,
}
