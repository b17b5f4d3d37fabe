//! `cargo xtask test --conformance`: the corpus and the ONNX project's backend tests, natively and in their guests, as one
//! table; what is refused goes to `tests/suites/REFUSED.md`.

use std::process::Command;

use crate::run::{Failure, cargo, run};
use crate::{origin, python, workspace};

pub(crate) fn verb() -> Result<(), Failure> {
    let suites = workspace::root().join("tests/suites");
    let python = python::environment("suites", &suites.join("requirements.txt"))?;
    let nodes = workspace::target().join("suites");
    run(Command::new(python).arg(suites.join("nodes.py")).arg(&nodes))?;
    run(cargo("test")
        .args(["--workspace", "--test", "suites", "--", "--nocapture"])
        .env("MOTE_ONNX_NODE", nodes)
        .env("MOTE_ORIGIN", format!(": commit {} on {}", origin::commit(), origin::machine()))
        .env("MOTE_REFUSED_PAGE", suites.join("REFUSED.md")))
}
