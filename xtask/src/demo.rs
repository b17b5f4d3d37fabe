//! `cargo xtask demo`: the whole journey on screen.

use crate::run::{Failure, cargo, run};
use crate::setup;

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::toolchain()?;
    run(cargo("run").args(["--package", "mote-cli", "--bin", "mote", "--", "demo"]).args(arguments))
}
