//! Starts programs, shows what is started, and names what failed.

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};

use mote_toolchain::Missing;

use crate::workspace;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Toolchain(#[from] Missing),
    #[error("{0}")]
    Emulation(#[from] mote_qemu::QemuError),
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("{command}: {status}")]
    Exit { command: String, status: ExitStatus },
    #[error("{path}: {source}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is not what it should be")]
    Malformed { path: PathBuf },
    #[error("{program} is not installed; {purpose}")]
    Absent { program: &'static str, purpose: &'static str },
    #[error("{count} of {of} failed: {names}")]
    Several { count: usize, of: usize, names: String },
    #[error("unknown argument {0}")]
    Argument(String),
}

/// Cargo, in the workspace.
pub(crate) fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace::root()).arg(verb);
    cargo
}

/// Shows the command, runs it, and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let text = shown(command);
    eprintln!("$ {text}");
    let status = command.status().map_err(|source| start(command, source))?;
    if status.success() { Ok(()) } else { Err(Failure::Exit { command: text, status }) }
}

/// Whether the command succeeds; what it prints is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// A program that could not be started.
pub(crate) fn start(command: &Command, source: io::Error) -> Failure {
    Failure::Start { program: command.get_program().to_string_lossy().into_owned(), source }
}

/// The command as one would type it, the program by its last name.
pub(crate) fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut text = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
