//! The plugin of QEMU that counts instructions, where a C compiler is at hand.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::run::{Failure, run};
use crate::{tools, workspace};

/// The compiled plugin; `None`, and the reason on stderr, without a compiler.
pub(crate) fn build() -> Result<Option<PathBuf>, Failure> {
    let Some(cc) = tools::find("cc") else {
        eprintln!("There is no C compiler: instructions are counted by QEMU's clock, to the nearest 31 to 50.");
        return Ok(None);
    };
    let folder = workspace::target().join("firmware/plugin");
    fs::create_dir_all(&folder).map_err(|source| Failure::File { path: folder.clone(), source })?;
    let library = folder.join("libcount.so");
    run(Command::new(cc)
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(workspace::root().join("firmware/plugin/count.c")))?;
    Ok(Some(library))
}
