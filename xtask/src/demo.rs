//! `cargo xtask demo`: the whole journey on screen.

use crate::run::{Failure, cargo, run};
use crate::setup;

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::toolchain()?;
    // Without --package, so that every verb builds with the features of the whole workspace: one build serves all.
    run(cargo("run").args(["--bin", "mote", "--", "demo"]).args(arguments))
}
