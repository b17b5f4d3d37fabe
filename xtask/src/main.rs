//! The project's build verbs: `cargo xtask VERB`. One file per verb; [`run`] starts programs, [`workspace`] names places.

mod bench;
mod ci;
mod conformance;
mod demo;
mod firmware;
mod fuzz;
mod guest;
mod models;
mod npm;
mod origin;
mod playground;
mod python;
mod run;
mod setup;
mod tally;
mod test;
mod tools;
mod web;
mod workspace;

use std::env;
use std::process::ExitCode;

use run::Failure;

/// A verb takes the arguments behind it.
type Verb = fn(&[String]) -> Result<(), Failure>;

/// Name, what it does, the function.
const VERBS: [(&str, &str, Verb); 10] = [
    ("setup", "find or install what builds the guest image", setup::verb),
    ("demo", "run `mote demo`; options behind -- are its own, for instance -- --once", demo::verb),
    (
        "test",
        "run every test; --long adds the slow ones, --conformance judges all models of others instead",
        test::verb,
    ),
    ("guest", "build the guest image and describe it", guest::verb),
    ("web", "build the browser package, ready to pack, and the playground on it", web::verb),
    ("firmware", "build the images of the boards; --report writes what they cost", firmware::verb),
    ("bench", "measure Mote and its peers, print the table", bench::verb),
    ("models", "regenerate models/; --check compares with what is committed", models::verb),
    ("fuzz", "fuzz the four doors, 60 s each; or: fuzz TARGET [SECONDS]", fuzz::verb),
    ("ci", "everything a change must pass", ci::verb),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage();
    };
    let Some((_, _, verb)) = VERBS.iter().find(|(verb, ..)| verb == name) else {
        return usage();
    };
    // Cargo's own habit: `cargo xtask demo -- --once` hands `--once` to the program behind the verb.
    let rest = rest.strip_prefix(&["--".to_owned()][..]).unwrap_or(rest);
    match verb(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cargo xtask VERB [ARGUMENTS]\n");
    for (name, purpose, _) in VERBS {
        eprintln!("  {name:<8} {purpose}");
    }
    ExitCode::from(2)
}
