//! `cargo xtask guest`: the guest image, built and described.

use crate::run::{Failure, cargo, run};
use crate::setup;

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::verb(arguments)?;
    run(cargo("run").args(["--quiet", "--example", "describe"]))
}
