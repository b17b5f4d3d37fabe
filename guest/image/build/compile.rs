//! Runs the nested cargo.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use mote_toolchain::{Library, Toolchain};

/// Bytes of stack at the bottom of linear memory: an overflow runs below address 0 and traps instead of writing over
/// the Plan. Kernels take their scratch from the arena, so what the stack holds is call frames.
const STACK_BYTES: usize = 16 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    #[error("cannot start {cargo}: {source}")]
    Start { cargo: PathBuf, source: io::Error },
    #[error("the guest does not build with {toolchain}; the compiler's messages are above")]
    Build { toolchain: String },
    #[error("the guest was built, but {path} cannot be read: {source}")]
    Output { path: PathBuf, source: io::Error },
}

/// Builds `mote-guest` and returns the module's bytes.
pub(crate) fn guest(toolchain: &Toolchain, workspace: &Path, target_dir: &Path) -> Result<Vec<u8>, CompileError> {
    let mut cargo = toolchain.cargo("build", Library::Core, &rustflags(toolchain, workspace, target_dir));
    cargo.args(["--quiet", "--locked", "--package", "mote-guest", "--lib", "--profile", "guest"]);
    cargo.arg("--manifest-path").arg(workspace.join("Cargo.toml"));
    cargo.arg("--target-dir").arg(target_dir);

    let status =
        cargo.status().map_err(|source| CompileError::Start { cargo: toolchain.compiler.cargo.clone(), source })?;
    if !status.success() {
        return Err(CompileError::Build { toolchain: toolchain.describe() });
    }
    let path = target_dir.join(&toolchain.target).join("guest/mote_guest.wasm");
    fs::read(&path).map_err(|source| CompileError::Output { path, source })
}

/// The baseline is what DESIGN's strict profile may use: simd128 and bulk memory, nothing relaxed.
fn rustflags(toolchain: &Toolchain, workspace: &Path, target_dir: &Path) -> Vec<String> {
    let mut flags = vec!["-Ctarget-feature=+simd128,+bulk-memory".to_owned()];
    for argument in [&format!("-zstack-size={STACK_BYTES}"), "--stack-first"] {
        flags.push(format!("-Clink-arg={argument}"));
    }
    flags.extend(toolchain.remap(workspace, target_dir));
    flags
}
