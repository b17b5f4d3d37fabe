use mote_abi::Status;
use mote_kernels::KernelError;

/// Why a run stopped. The outputs then hold nothing of worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The arena's first byte does not lie on a multiple of 16.
    MisalignedArena,
    /// The arena is shorter than the entry needs.
    ShortArena {
        /// Bytes that the entry needs.
        needed: u32,
    },
    /// The Plan has no entry of this index.
    BadEntry,
    /// An index tensor pointed outside the axis it selects from.
    IndexOutOfRange,
    /// An integer division or remainder by zero.
    DivisionByZero,
    /// There are more results than the model was compiled for, or a loop that depends on data reached its cap.
    BoundExceeded,
    /// A step contradicts its tensors, its parameters or its kind.
    MalformedPlan,
}

impl Fault {
    /// The code that a guest answers. A wrong arena is the host's doing and has no code of its own.
    pub const fn status(self) -> Status {
        match self {
            Self::BadEntry => Status::BadEntry,
            Self::IndexOutOfRange => Status::IndexOutOfRange,
            Self::DivisionByZero => Status::DivisionByZero,
            Self::BoundExceeded => Status::BoundExceeded,
            Self::MalformedPlan | Self::MisalignedArena | Self::ShortArena { .. } => Status::MalformedPlan,
        }
    }
}

impl From<KernelError> for Fault {
    fn from(error: KernelError) -> Self {
        match error {
            KernelError::Shape | KernelError::Unsupported => Self::MalformedPlan,
            KernelError::IndexOutOfRange => Self::IndexOutOfRange,
            KernelError::DivisionByZero => Self::DivisionByZero,
            KernelError::BoundExceeded => Self::BoundExceeded,
        }
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::MisalignedArena => f.write_str("the arena does not start on a multiple of 16 bytes"),
            Self::ShortArena { needed } => write!(f, "the arena is shorter than the {needed} bytes this entry needs"),
            Self::BadEntry => f.write_str("the Plan has no such entry"),
            Self::IndexOutOfRange => f.write_str("an index tensor points outside its axis"),
            Self::DivisionByZero => f.write_str("integer division by zero"),
            Self::BoundExceeded => f.write_str("more results or rounds than the model was compiled for"),
            Self::MalformedPlan => f.write_str("a step contradicts its tensors, its parameters or its kind"),
        }
    }
}

impl core::error::Error for Fault {}

/// What a step answers.
pub type Result<T = ()> = core::result::Result<T, Fault>;
