//! Finds a compiler for a target that the host's own toolchain may lack, and hands out the cargo that drives it.
//!
//! This is the only place that knows how a guest or a firmware image gets its compiler: `guest/image/build.rs` and
//! `cargo xtask setup` both ask [`resolve`]. It installs nothing; `setup` does that, after asking here what is missing.
//!
//! The order of preference: a compiler with the target's `core` installed (the current one, then the distribution's),
//! else one whose library sources are there to be built along (`rust-src`, or Debian's `rust-web-src`).

mod candidate;
mod child;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use candidate::Compiler;

/// The target of the guest image.
pub const GUEST_TARGET: &str = "wasm32-unknown-unknown";

/// The oldest compiler that builds the workspace, as (major, minor); `rust-version` of the workspace.
pub const OLDEST_RUSTC: (u32, u32) = (1, 95);

/// Where a target's `core` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// Installed with the compiler, as `rustup target add` leaves it.
    Installed,
    /// Built along with the crate from the compiler's library sources.
    FromSource,
}

/// How much of the standard library a build needs; what is not installed is built from source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// `core` alone: the guest image and firmware.
    Core,
    /// All of `std`, aborting on panic: the browser package, since wasm-bindgen's glue needs it.
    Std,
}

/// A compiler, the cargo of the same version, and what a target needs beside them.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Compiler and cargo.
    pub compiler: Compiler,
    /// The target triple that was asked for.
    pub target: String,
    /// Where `core` comes from.
    pub core: Core,
    /// A linker to use in place of the compiler's own default, if that default is not at hand.
    pub linker: Option<PathBuf>,
}

impl Toolchain {
    /// `cargo` for this target, free of every setting the calling cargo, clippy or shell made for another target.
    /// `rustflags` are the only flags the compiler gets.
    pub fn cargo(&self, verb: &str, library: Library, rustflags: &[String]) -> Command {
        child::cargo(self, verb, library, rustflags)
    }

    /// Flags after which what is built says nothing of where: paths in panic messages are of no machine.
    pub fn remap(&self, workspace: &Path, target_dir: &Path) -> Vec<String> {
        // Later entries win, so the wider paths come first.
        let homes = [
            (env::var_os("HOME").map(PathBuf::from), "home"),
            (env::var_os("CARGO_HOME").map(PathBuf::from), "registry"),
            (Some(self.compiler.sysroot.clone()), "rust"),
            (fs::canonicalize(self.compiler.library()).ok(), "rust/library"),
            (Some(target_dir.to_owned()), "target"),
            (Some(workspace.to_owned()), "mote"),
        ];
        let flag = |(from, to): (Option<PathBuf>, &str)| Some(format!("--remap-path-prefix={}={to}", from?.display()));
        homes.into_iter().filter_map(flag).collect()
    }

    /// One line for a person: which compiler, and where `core` comes from.
    pub fn describe(&self) -> String {
        let core = match self.core {
            Core::Installed => "installed target",
            Core::FromSource => "core from source",
        };
        format!("{} for {} ({core})", self.compiler.rustc.display(), self.target)
    }
}

/// Why no compiler could be found for a target.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// No compiler has the target or the sources to build it.
    #[error(
        "no Rust compiler here can build for {target}\n  \
         with rustup:  rustup target add {target}\n  \
         on Debian:    apt-get install rustc-web cargo-web rust-web-src\n  \
         or let `cargo xtask setup` do it"
    )]
    Target {
        /// The target triple.
        target: String,
    },
    /// A compiler was found, but nothing that links for the target.
    #[error(
        "{rustc} can build for {target}, but there is no linker for it\n  \
         with rustup:  rust-lld comes with any toolchain of the default profile\n  \
         on Debian:    apt-get install lld"
    )]
    Linker {
        /// The compiler.
        rustc: String,
        /// The target triple.
        target: String,
    },
}

/// Finds the toolchain for `target`.
///
/// # Errors
/// [`Missing`], whose text names both remedies.
pub fn resolve(target: &str) -> Result<Toolchain, Missing> {
    let compilers = candidate::compilers();
    let pick = |core: Core| {
        compilers
            .iter()
            .find(|compiler| match core {
                Core::Installed => compiler.has_target(target),
                Core::FromSource => compiler.has_sources(),
            })
            .map(|compiler| (compiler.clone(), core))
    };
    let (compiler, core) = pick(Core::Installed)
        .or_else(|| pick(Core::FromSource))
        .ok_or_else(|| Missing::Target { target: target.into() })?;
    let linker = if compiler.own_lld().is_some() {
        None
    } else {
        let lld = compilers.iter().find_map(Compiler::own_lld).or_else(|| candidate::lld_on_path(target));
        Some(lld.ok_or_else(|| Missing::Linker { rustc: compiler.rustc.display().to_string(), target: target.into() })?)
    };
    Ok(Toolchain { compiler, target: target.into(), core, linker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_nobody_has_names_both_remedies() {
        let text = Missing::Target { target: "pdp11-unknown-none".into() }.to_string();
        for remedy in ["rustup target add pdp11-unknown-none", "apt-get install rustc-web"] {
            assert!(text.contains(remedy), "{text}");
        }
    }

    #[test]
    fn the_host_needs_no_sources() {
        let host = candidate::compilers().remove(0).host;
        let found = resolve(&host).expect("the compiler that built this test builds for its own host");
        assert_eq!(found.core, Core::Installed);
    }
}
