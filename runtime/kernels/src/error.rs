/// Why a kernel refuses its operands. Nothing has been computed, or the output holds a partial result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelError {
    /// Shapes, strides or lengths contradict each other.
    Shape,
    /// The operator is not defined for this element type.
    Unsupported,
    /// An index tensor points outside the axis it selects from.
    IndexOutOfRange,
    /// An integer division or remainder by zero.
    DivisionByZero,
    /// The operands ask for more rounds of a loop than its cap.
    BoundExceeded,
}

impl core::fmt::Display for KernelError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Shape => "shapes, strides or lengths contradict each other",
            Self::Unsupported => "the operator is not defined for this element type",
            Self::IndexOutOfRange => "an index points outside its axis",
            Self::DivisionByZero => "integer division by zero",
            Self::BoundExceeded => "the operands ask for more rounds of a loop than its cap",
        })
    }
}

impl core::error::Error for KernelError {}

/// What every kernel answers.
pub type Result<T = ()> = core::result::Result<T, KernelError>;
