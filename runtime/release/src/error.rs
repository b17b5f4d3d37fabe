use std::path::PathBuf;

use mote_compiler::CompileError;
use mote_engine::Fault;
use mote_host::{InferError, LoadError};
use mote_plan::PlanError;
use mote_seal::{Class, Digest, Kind, OpenError, SignError};
use mote_weld::check::CheckError;
use mote_weld::{CardError, WeldError};

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The model does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The Plan is none.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A Module cannot be written.
    #[error(transparent)]
    Weld(#[from] WeldError),
    /// A Module is none.
    #[error(transparent)]
    Module(#[from] CheckError),
    /// A Module's Card cannot be read.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The Plan's own description cannot be read.
    #[error("the Plan's meta block is malformed")]
    Meta,
    /// Nothing to release.
    #[error("a release has at least one target")]
    NoTarget,
    /// A target takes another kind of artifact than the file holds.
    #[error("{target} takes no {}", kind_name(*kind))]
    WrongKind {
        /// The target.
        target: crate::Target,
        /// What the file holds.
        kind: Kind,
    },
    /// Recorded inputs that do not belong to the model.
    #[error("recorded inputs of {got} bytes, entry {entry} takes {taken}")]
    InputLength {
        /// Index of the entry.
        entry: u32,
        /// Bytes that are given.
        got: usize,
        /// Bytes that the entry takes.
        taken: usize,
    },
    /// The native engine gave no answer to a golden vector.
    #[error("golden vector {vector}: {fault}")]
    Fault {
        /// Index of the vector.
        vector: usize,
        /// Why.
        fault: Fault,
    },
    /// The host refuses an artifact.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A guest gave no answer to a golden vector.
    #[error("golden vector {vector}: {source}")]
    Infer {
        /// Index of the vector.
        vector: usize,
        /// Why.
        source: InferError,
    },
    /// A strict artifact that gives other bits than the rest.
    #[error("the {class} artifact `{variant}` gives other bits than the rest for golden vector {vector}")]
    OtherBits {
        /// Where it runs.
        class: Class,
        /// Which one it is.
        variant: String,
        /// Index of the vector.
        vector: usize,
    },
    /// A fast artifact that is further off than rounding explains.
    #[error("the {class} artifact `{variant}` is off by {error:.1e} of the largest output for golden vector {vector}")]
    TooFarOff {
        /// Where it runs.
        class: Class,
        /// Which one it is.
        variant: String,
        /// Index of the vector.
        vector: usize,
        /// Largest difference, relative to the largest output.
        error: f64,
    },
    /// The release cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A document or artifact does not open.
    #[error("{}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The first check that failed.
        source: OpenError,
    },
    /// A file of a release cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of a release cannot be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A folder without the release that was asked for.
    #[error("{}: no such release; there are: {}", path.display(), listed(there))]
    NotThere {
        /// The folder.
        path: PathBuf,
        /// Models and versions in it.
        there: Vec<(String, u64)>,
    },
    /// A release that names bytes which are not beside it.
    #[error("{}: no file for {digest}", path.display())]
    NoBlob {
        /// The folder.
        path: PathBuf,
        /// Digest of the bytes.
        digest: Digest,
    },
}

/// The word for what bytes are.
fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Plan => "Plan",
        Kind::Module => "Module",
        Kind::Foreign => "foreign guest",
    }
}

fn listed(there: &[(String, u64)]) -> String {
    let names: Vec<String> = there.iter().map(|(model, version)| format!("{model} {version}")).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
