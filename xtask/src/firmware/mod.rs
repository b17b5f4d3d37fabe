//! `cargo xtask firmware`: the images of `firmware/boards`, and with `--report` what they cost.

mod elf;
mod image;
mod plugin;
mod report;

use std::path::PathBuf;

use crate::run::Failure;
use image::Profile;

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    let report = match arguments {
        [] => false,
        [flag] if flag == "--report" => true,
        [.., argument] => return Err(Failure::Argument(argument.clone())),
    };
    if let Some(folder) = images()? {
        eprintln!("firmware images: {}", folder.display());
        if report {
            report::write()?;
        }
    }
    Ok(())
}

/// The folder of images as they are flashed, built where anything has changed. `None`, and the reason on stderr, where
/// no compiler for the targets is at hand.
pub(crate) fn images() -> Result<Option<PathBuf>, Failure> {
    for board in &mote_qemu::BOARDS {
        match image::build(board, Profile::Flashed) {
            Ok(_) => {}
            Err(Failure::Toolchain(missing)) => {
                eprintln!("skipped: firmware images: {missing}");
                return Ok(None);
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(Some(image::folder(Profile::Flashed)))
}
