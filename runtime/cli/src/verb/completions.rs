use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::console::Console;
use crate::report::Failure;

/// Options of `mote completions`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The shell to complete for
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(options: &Options, console: Console) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "mote", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let shell = options.shell.to_string();
    console.data(|| serde_json::json!({ "shell": shell, "script": script }), || script.clone())
}
