use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Why there is no answer from an emulated board.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QemuError {
    /// QEMU is not installed.
    #[error("{program} is not on the path")]
    NoProgram {
        /// What was looked for.
        program: &'static str,
    },
    /// Nobody said where the images are.
    #[error("{variable} names no folder of firmware images; `cargo xtask firmware` builds them")]
    NoImages {
        /// The environment variable.
        variable: &'static str,
    },
    /// The image is not there.
    #[error("there is no firmware image {path}")]
    NoImage {
        /// Where it should be.
        path: PathBuf,
    },
    /// More than the board's store holds.
    #[error("{board}: Plan and inputs are {needed} bytes, the board's store holds {room}")]
    TooLarge {
        /// The board.
        board: &'static str,
        /// Bytes of Plan and inputs.
        needed: usize,
        /// Bytes of the store.
        room: usize,
    },
    /// Sets of inputs for one Plan are equally long.
    #[error("the sets of inputs differ in length")]
    UnequalSets,
    /// The firmware refused.
    #[error("{board}: {status}: {console}")]
    Refused {
        /// The board.
        board: &'static str,
        /// What its exit status means.
        status: Status,
        /// What it printed.
        console: String,
    },
    /// The firmware did not end in time.
    #[error("{board}: no answer within {limit:?}")]
    TimedOut {
        /// The board.
        board: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// QEMU ended by itself.
    #[error("{board}: QEMU ended with {status}: {console}")]
    Ended {
        /// The board.
        board: &'static str,
        /// How.
        status: ExitStatus,
        /// What it printed.
        console: String,
    },
    /// The firmware's files do not hold what they should.
    #[error("{board}: the file `{file}` of the firmware is malformed")]
    Malformed {
        /// The board.
        board: &'static str,
        /// The file.
        file: &'static str,
    },
    /// A file or process of this machine.
    #[error("{what}: {source}")]
    Io {
        /// What was to be done.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

/// Exit statuses of `infer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Status {
    /// A set of inputs that is shorter or longer than the Plan's.
    #[error("the inputs do not fit the Plan")]
    Inputs,
    /// Not a Plan.
    #[error("the Plan is refused")]
    Plan,
    /// The arena does not fit into the board's RAM.
    #[error("the arena does not fit into RAM")]
    ShortArena,
    /// The engine met a fault.
    #[error("the engine stopped")]
    Fault,
    /// A file of the host could not be written.
    #[error("the outputs cannot be written")]
    Host,
    /// The firmware panicked.
    #[error("the firmware panicked")]
    Panicked,
}

impl Status {
    pub(crate) fn of(code: i32) -> Option<Self> {
        Some(match code {
            2 => Self::Inputs,
            3 => Self::Plan,
            4 => Self::ShortArena,
            5 => Self::Fault,
            6 => Self::Host,
            101 => Self::Panicked,
            _ => return None,
        })
    }
}
