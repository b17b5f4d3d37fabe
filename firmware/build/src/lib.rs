//! A Plan inside a program, with typed inputs and outputs: inference without the fleet.
//!
//! Knows nothing of boards, signatures or updates: who includes a Plan at compile time vouches for it. Start at
//! [`include()`], from a build script; `firmware/example` is a whole program.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), mote_firmware_build::BuildError> {
//!     mote_firmware_build::include("cancer-mlp.plan")
//! }
//! ```
//!
//! The program depends on `mote-engine` and `mote-plan`, both `no_std`, and says
//!
//! ```text
//! mod cancer { include!(concat!(env!("OUT_DIR"), "/cancer-mlp.rs")); }
//!
//! let mut model = cancer::Model::new();       // the arena and the outputs, nothing else
//! let scores = model.predict(&features)?;     // &[f32; 30] in, &[f32; 1] out
//! ```
#![forbid(unsafe_code)]

mod signature;
mod write;

use std::path::{Path, PathBuf};

use mote_plan::{AlignedBytes, Plan, PlanError};

use signature::Signature;

/// Why no module was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Cargo's variables are not there: this is no build script.
    #[error("{name} is not set; is this a build script?")]
    NotABuildScript {
        /// The variable.
        name: &'static str,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no Plan.
    #[error("{}: {why}", path.display())]
    NotAPlan {
        /// The file.
        path: PathBuf,
        /// What contradicts itself first.
        why: PlanError,
    },
    /// The Plan has no entry to call.
    #[error("{}: the Plan has no entry", path.display())]
    NoEntry {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a Plan, relative to the package, and writes `<its name>.rs` to `OUT_DIR`: a `Model` with the Plan in a static
/// on a multiple of 16 bytes, and `predict` for its first entry. The build is repeated when the file changes.
///
/// # Errors
/// See [`BuildError`].
pub fn include(plan: impl AsRef<Path>) -> Result<(), BuildError> {
    let variable = |name| std::env::var_os(name).ok_or(BuildError::NotABuildScript { name });
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let plan = package.join(plan);
    println!("cargo::rerun-if-changed={}", plan.display());
    let source = generate(&plan)?;
    let target = out.join(plan.with_extension("rs").file_name().unwrap_or_default());
    std::fs::write(&target, source).map_err(|source| BuildError::File { path: target, source })
}

/// The module for the Plan in a file.
///
/// # Errors
/// [`BuildError::File`], [`BuildError::NotAPlan`] or [`BuildError::NoEntry`].
pub fn generate(path: &Path) -> Result<String, BuildError> {
    let file = |source| BuildError::File { path: path.into(), source };
    let path = path.canonicalize().map_err(file)?;
    let bytes = AlignedBytes::copy_of(&std::fs::read(&path).map_err(file)?);
    let plan = Plan::view(&bytes).map_err(|why| BuildError::NotAPlan { path: path.clone(), why })?;
    let signature = Signature::of(&plan).ok_or(BuildError::NoEntry { path: path.clone() })?;
    Ok(write::module(&signature, &path, bytes.len()))
}
