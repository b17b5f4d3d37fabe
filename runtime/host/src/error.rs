use std::path::PathBuf;
use std::time::Duration;

use mote_abi::Status;
use mote_plan::PlanError;

/// What wasmtime said, in its own words: the one place where an error is text, because its types stay inside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineFault(String);

impl From<wasmtime::Error> for EngineFault {
    fn from(error: wasmtime::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

/// Why a host could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// wasmtime has no code generator for this machine, or refuses its configuration.
    #[error("the wasm engine cannot be set up: {0}")]
    Engine(EngineFault),
    /// The cache for compiled code is not usable.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Why a directory cannot hold compiled code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// The directory could not be made, read or written.
    #[error("the code cache {} is not usable: {source}", dir.display())]
    Io {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody else could write native code there.
    #[error("the code cache {} is open to others (mode {mode:03o}); it must be private to its owner", dir.display())]
    NotPrivate {
        /// The directory.
        dir: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The directory belongs to another user.
    #[error("the code cache {} belongs to another user", dir.display())]
    NotOwned {
        /// The directory.
        dir: PathBuf,
    },
}

/// Why a model was not loaded. Nothing of it has run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The Plan contradicts itself.
    #[error("malformed Plan: {0}")]
    Plan(#[from] PlanError),
    /// The Plan has no entry that could be called.
    #[error("the Plan has no entry")]
    NoEntry,
    /// No code could be derived from the Plan, or the Module is not what `weld` writes.
    #[error(transparent)]
    Weld(#[from] mote_weld::WeldError),
    /// The Module does not keep the rules that every guest keeps.
    #[error(transparent)]
    Check(#[from] mote_weld::check::CheckError),
    /// The Module holds no Plan.
    #[error(transparent)]
    NoPlan(#[from] mote_weld::PlanInError),
    /// `--code file` was asked for and the artifact is a Plan alone.
    #[error("the artifact is a Plan and holds no code of its own")]
    NoCodeInFile,
    /// The Card is missing or not readable.
    #[error("the Module's Card is missing or not readable")]
    NoCard,
    /// The Card promises strict arithmetic, and the code holds an instruction whose result depends on the machine.
    #[error("the Module's Card says strict, its code uses relaxed SIMD")]
    RelaxedInStrict,
    /// The Card places an input or output outside the guest's memory.
    #[error("the Card places {tensor} outside the guest's memory")]
    CardOutOfBounds {
        /// Name of the tensor.
        tensor: String,
    },
    /// The Card names state that is no output and input of the entry of equal length, or feeds an input twice.
    #[error("the Card's state {input} is not an input fed by an output")]
    StatePair {
        /// Name of the input.
        input: String,
    },
    /// A foreign guest was offered where a compiled model is expected.
    #[error("a hand-written guest without a Plan; it has to be enabled and loaded as foreign")]
    Foreign,
    /// A compiled model was offered where a foreign guest is expected.
    #[error("the artifact is a compiled model, not a foreign guest")]
    NotForeign,
    /// This host was not configured to run foreign guests.
    #[error("foreign guests are not enabled on this host")]
    ForeignDisabled,
    /// The guest imports something that it is not given.
    #[error("the guest imports {module}.{name}, which it is not given")]
    ImportRefused {
        /// Module of the import.
        module: String,
        /// Name of the import.
        name: String,
    },
    /// The guest lacks an export of ABI 1, or has it with another type.
    #[error("the guest does not export {name} as ABI 1 defines it")]
    ExportMissing {
        /// Name of the export.
        name: &'static str,
    },
    /// One instance needs more linear memory than it may have.
    #[error("one instance needs {needed} bytes of memory, {limit} are allowed")]
    TooMuchMemory {
        /// Bytes that one instance needs.
        needed: u64,
        /// Bytes that it may have.
        limit: u64,
    },
    /// One call may take more operations than allowed.
    #[error("one call takes up to {needed} scalar operations, {limit} are allowed")]
    TooManyOperations {
        /// The bound that the Plan states.
        needed: u64,
        /// The most that is allowed.
        limit: u64,
    },
    /// One call may take longer than its deadline on this machine.
    #[error("one call may take {needed:?} on this machine, the deadline is {deadline:?}")]
    TooSlow {
        /// Bound times the machine's calibrated speed.
        needed: Duration,
        /// The deadline.
        deadline: Duration,
    },
    /// The layer that calibrates this host did not run.
    #[error("the speed of this machine could not be measured")]
    Calibration,
    /// Every slot of the pool is taken.
    #[error("all {slots} instance slots are taken")]
    PoolExhausted {
        /// Slots of the pool.
        slots: u32,
    },
    /// A foreign guest ended while it was being started.
    #[error("the guest did not start: {0}")]
    Start(InferError),
    /// wasmtime refuses the code.
    #[error("the wasm engine refuses the code: {0}")]
    Engine(EngineFault),
}

/// How a call ended that did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrapKind {
    /// The guest gave up.
    Unreachable,
    /// It touched memory that it does not have.
    OutOfBounds,
    /// It ran out of stack.
    StackOverflow,
    /// It divided an integer by zero or overflowed a conversion.
    Arithmetic,
    /// Anything else.
    Other,
}

impl std::fmt::Display for TrapKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "it reached unreachable code",
            Self::OutOfBounds => "it touched memory out of bounds",
            Self::StackOverflow => "it ran out of stack",
            Self::Arithmetic => "integer arithmetic failed",
            Self::Other => "it broke a rule of the engine",
        })
    }
}

/// Why a call gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The model has no such entry.
    #[error("entry {entry} does not exist, the model has {count}")]
    NoEntry {
        /// The entry asked for.
        entry: u32,
        /// Entries that there are.
        count: u32,
    },
    /// Another number of inputs than the entry takes.
    #[error("{got} inputs were given, {expected} are needed")]
    InputCount {
        /// Inputs of the entry.
        expected: usize,
        /// Inputs given.
        got: usize,
    },
    /// The entry has no input or output of this index.
    #[error("input or output {index} does not exist")]
    NoPort {
        /// The index asked for.
        index: usize,
    },
    /// An input of another length.
    #[error("input {index} has {got} bytes, {expected} are needed")]
    InputLength {
        /// Which input.
        index: usize,
        /// Bytes that it has by its shape.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// The guest answered with a status other than ok.
    #[error("the guest answered {0:?}")]
    Status(Status),
    /// The guest answered with a number that is no status of ABI 1.
    #[error("the guest answered {0}, which is no status")]
    UnknownStatus(i32),
    /// The guest trapped. The instance must not be used again.
    #[error("the guest trapped: {0}")]
    Trap(TrapKind),
    /// A foreign guest was stopped at its deadline. The instance must not be used again.
    #[error("the guest was stopped at its deadline")]
    Deadline,
}

impl InferError {
    /// Whether the instance may hold half-written state and has to be thrown away.
    #[must_use]
    pub fn poisons(&self) -> bool {
        matches!(self, Self::Trap(_) | Self::Deadline | Self::UnknownStatus(_))
    }
}

impl InferError {
    /// How the guest ended, if that is what the error says.
    pub(crate) fn from_trap(error: &wasmtime::Error) -> Option<Self> {
        use wasmtime::Trap;
        let kind = match error.downcast_ref::<Trap>()? {
            Trap::Interrupt => return Some(Self::Deadline),
            Trap::UnreachableCodeReached => TrapKind::Unreachable,
            Trap::MemoryOutOfBounds | Trap::HeapMisaligned => TrapKind::OutOfBounds,
            Trap::StackOverflow => TrapKind::StackOverflow,
            Trap::IntegerDivisionByZero | Trap::IntegerOverflow | Trap::BadConversionToInteger => TrapKind::Arithmetic,
            _ => TrapKind::Other,
        };
        Some(Self::Trap(kind))
    }
}
