//! Builds the programs of a board.

use std::fs;
use std::path::{Path, PathBuf};

use mote_qemu::{Board, RUSTFLAGS};
use mote_toolchain::Library;

use crate::run::{Failure, run};
use crate::workspace;

/// The programs of `firmware/boards/mps2`.
pub(crate) const PROGRAMS: [&str; 2] = ["infer", "device"];

/// A profile of `firmware/boards/mps2/Cargo.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For size, the arithmetic for speed: what is flashed and tested.
    Flashed,
    /// All for size.
    Size,
    /// All for speed.
    Speed,
}

impl Profile {
    /// The name that cargo knows.
    fn name(self) -> &'static str {
        match self {
            Self::Flashed => "release",
            Self::Size => "size",
            Self::Speed => "speed",
        }
    }

    /// The optimisation, for people.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Flashed => "-Os, kernels -O3",
            Self::Size => "-Os",
            Self::Speed => "-O3",
        }
    }
}

/// Where the images of a profile are: `<board>/<program>.elf` below it.
pub(crate) fn folder(profile: Profile) -> PathBuf {
    let firmware = workspace::target().join("firmware");
    match profile {
        Profile::Flashed => firmware,
        Profile::Size | Profile::Speed => firmware.join(profile.name()),
    }
}

/// Builds the programs of a board where anything they are made of has changed, and answers their images.
pub(crate) fn build(board: &Board, profile: Profile) -> Result<Vec<PathBuf>, Failure> {
    let toolchain = mote_toolchain::resolve(board.target)?;
    let flags = RUSTFLAGS.map(str::to_owned);
    let built = workspace::target().join("firmware/build").join(board.target);
    run(toolchain
        .cargo("build", Library::Core, &flags)
        .current_dir(workspace::root().join("firmware/boards/mps2"))
        .args(["--quiet", "--locked", "--profile", profile.name(), "--features", board.name, "--target-dir"])
        .arg(&built))?;
    let images = folder(profile).join(board.name);
    fs::create_dir_all(&images).map_err(|source| Failure::File { path: images.clone(), source })?;
    let keep = |program: &str| keep(&built.join(board.target).join(profile.name()).join(program), &images);
    PROGRAMS.into_iter().map(keep).collect()
}

/// Copies an image away: the next board of the same target builds over it.
fn keep(built: &Path, folder: &Path) -> Result<PathBuf, Failure> {
    let image = folder.join(built.file_name().unwrap_or_default()).with_extension("elf");
    fs::copy(built, &image).map_err(|source| Failure::File { path: built.into(), source })?;
    Ok(image)
}
