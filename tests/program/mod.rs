//! Where whole-system tests find the repository, the built programs and the tools of the machine.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository is there")
}

/// The program `mote` of this build.
pub(crate) fn mote() -> PathBuf {
    built("mote")
}

/// Something that the same `cargo test --workspace` has built beside this test.
pub(crate) fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test.parent().and_then(Path::parent).expect("tests lie in deps/ of the profile's folder");
    let program = profile.join(name);
    assert!(program.exists(), "{} is not built; run the tests with `cargo test --workspace`", program.display());
    program
}

/// Whether a program is on the path, or where a system keeps its servers.
pub(crate) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    places.map(|place| place.join(program)).any(|candidate| candidate.is_file())
}

/// Says that a test does not run here, and why.
pub(crate) fn skip(test: &str, missing: &str) {
    eprintln!("skipped: {test}: {missing} is not installed");
}
