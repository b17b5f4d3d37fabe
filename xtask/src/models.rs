//! `cargo xtask models`: what is committed below `models/` is what the scripts write.

use std::process::Command;

use crate::run::{Failure, run};
use crate::{python, workspace};

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    let generate = workspace::root().join("models/generate");
    let interpreter = python::environment("models", &generate.join("requirements.txt"))?;
    run(Command::new(interpreter).arg(generate.join("generate.py")).args(arguments))
}
