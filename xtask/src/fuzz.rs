//! `cargo xtask fuzz`: the doors through which other people's bytes come in.

use crate::run::{Failure, cargo, run};
use crate::setup;

/// Import, the Plan's view, opening a sealed file, decoding a message.
const TARGETS: [&str; 5] = ["import", "pickle", "plan", "seal", "wire"];
const SECONDS: &str = "60";

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::toolchain()?;
    let (targets, seconds) = match arguments {
        [] => (TARGETS.to_vec(), SECONDS),
        [target] => (vec![target.as_str()], SECONDS),
        [target, seconds] => (vec![target.as_str()], seconds.as_str()),
        [_, _, extra, ..] => return Err(Failure::Argument(extra.clone())),
    };
    let found: Vec<&str> = targets.iter().copied().filter(|target| fuzz(target, seconds).is_err()).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::Several { count: found.len(), of: targets.len(), names: found.join(", ") })
}

fn fuzz(target: &str, seconds: &str) -> Result<(), Failure> {
    run(cargo("run").args(["--quiet", "--bin", "fuzz", "--", target, seconds]))
}
