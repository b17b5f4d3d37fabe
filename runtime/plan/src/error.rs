/// Why bytes are not a Plan. Offsets count from the Plan's first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The first byte does not lie on a multiple of 16.
    Misaligned,
    /// Fewer bytes than the header, or than the header promises.
    Truncated {
        /// Bytes that are needed.
        needed: u32,
        /// Bytes that are there.
        got: u32,
    },
    /// The first eight bytes are not `MOTEPLAN`.
    BadMagic,
    /// A format version that this reader does not know.
    UnsupportedVersion {
        /// The version found.
        version: u32,
    },
    /// A table that lies outside the Plan, overflows or is larger than any Plan may be.
    BadTable {
        /// Name of the table.
        table: &'static str,
    },
    /// A tensor record with an unknown type, rank or region, or a size that contradicts its shape.
    BadTensor {
        /// Index in the tensor table.
        tensor: u32,
    },
    /// A tensor that reaches outside the constants or the arena.
    TensorOutOfBounds {
        /// Index in the tensor table.
        tensor: u32,
    },
    /// A step record of an unknown kind, with wrong counts or with ids that do not exist.
    BadStep {
        /// Index in the step table.
        step: u32,
    },
    /// A step that writes to a constant.
    WritesConstant {
        /// Index in the step table.
        step: u32,
    },
    /// An entry that names steps or tensors which do not exist.
    BadEntry {
        /// Index in the entry table.
        entry: u32,
    },
    /// The names or the meta block are not UTF-8.
    BadText,
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Misaligned => f.write_str("the Plan does not start on a multiple of 16 bytes"),
            Self::Truncated { needed, got } => write!(f, "the Plan needs {needed} bytes, {got} are there"),
            Self::BadMagic => f.write_str("not a Plan: the first bytes are not MOTEPLAN"),
            Self::UnsupportedVersion { version } => write!(f, "Plan format version {version} is not supported"),
            Self::BadTable { table } => write!(f, "the {table} table lies outside the Plan"),
            Self::BadTensor { tensor } => write!(f, "tensor {tensor} contradicts itself"),
            Self::TensorOutOfBounds { tensor } => write!(f, "tensor {tensor} lies outside its region"),
            Self::BadStep { step } => write!(f, "step {step} is malformed"),
            Self::WritesConstant { step } => write!(f, "step {step} writes to a constant"),
            Self::BadEntry { entry } => write!(f, "entry {entry} names steps or tensors that do not exist"),
            Self::BadText => f.write_str("names or meta are not UTF-8"),
        }
    }
}

impl core::error::Error for PlanError {}
