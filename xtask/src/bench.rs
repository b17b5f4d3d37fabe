//! `cargo xtask bench`: Mote beside its peers, in one table with the machine's name on it.

use std::process::Command;

use crate::run::{Failure, cargo, run};
use crate::{python, setup, tools, workspace};

/// The program that runs all contestants on the same inputs and prints the table.
const TABLE: &str = "table.py";

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    setup::toolchain()?;
    run(cargo("build").args(["--release", "--package", "mote-cli", "--bin", "mote"]))?;
    let mote = workspace::target().join("release").join(format!("mote{}", std::env::consts::EXE_SUFFIX));

    let peers = workspace::root().join("tests/peers");
    let interpreter = python::environment("peers", &peers.join("requirements.txt"))?;
    let node_modules = workspace::target().join("node/peers");
    if tools::find("npm").is_some() {
        run(Command::new("npm").args(["install", "--silent", "--no-save", "--prefix"]).arg(&node_modules).arg(&peers))?;
    } else {
        eprintln!("npm is not installed: peers that run in V8 are left out.");
    }
    run(Command::new(interpreter)
        .arg(peers.join(TABLE))
        .args(arguments)
        .env("MOTE", mote)
        .env("MOTE_PEERS_NODE", node_modules))
}
