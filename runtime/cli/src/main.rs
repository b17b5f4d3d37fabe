//! The program `mote`: parses the command line, runs one verb, answers an exit code.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 a disagreement found by
//! `verify`, 2 usage, 3 model refused, 4 input refused, 5 execution failed. Each verb is one file of `verb/`.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod anatomy;
mod args;
mod bind;
mod compare;
mod console;
mod figures;
mod golden;
mod keys;
mod places;
mod prepare;
mod report;
mod runner;
mod signature;
mod source;
mod stream;
mod tensors;
mod trust;
mod verb;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Verb};
use console::{Console, Format, Volume};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console {
        format: if cli.json { Format::Json } else { Format::Text },
        volume: if cli.quiet { Volume::Quiet } else { Volume::Normal },
    };
    let done = match &cli.verb {
        Verb::Compile(options) => verb::compile::run(options, console),
        Verb::Check(options) => verb::check::run(options, console),
        Verb::Ops(options) => verb::ops::run(options, console),
        Verb::Run(options) => verb::run::run(options, console),
        Verb::Inspect(options) => verb::inspect::run(options, console),
        Verb::Verify(options) => verb::verify::run(options, console),
        Verb::Bench(options) => verb::bench::run(options, console),
        Verb::Keygen(options) => verb::keygen::run(options, console),
        Verb::Sign(options) => verb::sign::run(options, console),
        Verb::Release(options) => verb::release::run(options, console),
        Verb::Push(options) => verb::push::run(options, console),
        Verb::Open(options) => verb::open::run(options, console),
        Verb::Serve(options) => verb::serve::run(options, console),
        Verb::Demo(options) => verb::demo::run(options, console),
        Verb::Doctor(options) => verb::doctor::run(options, console),
        Verb::Completions(options) => verb::completions::run(options, console),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let exit = failure.exit;
            console.failure(failure);
            ExitCode::from(exit as u8)
        }
    }
}
