//! Builds the guest for wasm32, checks what came out, and embeds it.
//!
//! The nested cargo has a target directory of its own under `OUT_DIR`, so it never waits for the outer one's lock, and
//! nothing is written elsewhere. The compiler is found by `mote-toolchain`.
#![allow(unreachable_pub, dead_code, reason = "`check` is the library's module, read here by path")]

#[path = "build/compile.rs"]
mod compile;
#[path = "build/embed.rs"]
mod embed;

#[path = "src/check/mod.rs"]
mod check;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What the image is made of, relative to the workspace.
const SOURCES: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "guest/Cargo.toml",
    "guest/src",
    "runtime/abi",
    "runtime/engine",
    "runtime/kernels",
    "runtime/plan",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), Box<dyn std::error::Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = here.ancestors().nth(2).ok_or("guest/image has left the workspace")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    watch(workspace);

    let toolchain = mote_toolchain::resolve(mote_toolchain::GUEST_TARGET)?;
    let wasm = compile::guest(&toolchain, workspace, &out.join("guest"))?;
    let facts = check::check(&wasm)?;
    embed::write(&out, &wasm, &facts)?;
    Ok(())
}

fn watch(workspace: &Path) {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", workspace.join(source).display());
    }
    for name in ["RUSTC", "CARGO", "PATH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
}
