//! A virtual environment below the target directory, with pinned packages and nothing of the machine's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, run};
use crate::{tools, workspace};

/// The environment called `name` with the packages of `requirements`, made or renewed when that list has changed.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf, Failure> {
    let folder = workspace::target().join("python").join(name);
    let interpreter = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = fs::read(requirements).map_err(|source| Failure::File { path: requirements.into(), source })?;
    let stamp = folder.join("requirements.txt");
    if interpreter.is_file() && fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(interpreter);
    }
    let python = tools::find("python3")
        .or_else(|| tools::find("python"))
        .ok_or(Failure::Absent { program: "python3", purpose: "it trains the models and runs the peers" })?;
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    run(Command::new(&interpreter).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    fs::write(&stamp, wanted).map_err(|source| Failure::File { path: stamp, source })?;
    Ok(interpreter)
}
