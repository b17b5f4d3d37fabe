//! Where output goes: data to standard output, everything else to standard error.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::Value;

use crate::report::Failure;

/// A bar that comes and goes in less than this only flickers.
const PATIENCE: Duration = Duration::from_secs(1);

/// How this run talks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    pub(crate) format: Format,
    pub(crate) volume: Volume,
}

/// What data looks like on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Whether anything but data and errors is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Volume {
    Normal,
    Quiet,
}

impl Console {
    /// Prints the result: `json` as one document under `--json`, else `text`.
    pub(crate) fn data(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let mut out = match self.format {
            Format::Json => json().to_string(),
            Format::Text => text(),
        };
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        let mut sink = std::io::stdout().lock();
        let written = sink.write_all(out.as_bytes()).and_then(|()| sink.flush());
        match written {
            // Whoever reads has seen enough: `mote inspect X | head`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| Failure::execution("output.unwritable", error).at("standard output")),
        }
    }

    /// Says something on the side.
    pub(crate) fn note(&self, message: impl std::fmt::Display) {
        if self.volume == Volume::Normal {
            eprintln!("{message}");
        }
    }

    /// Shows that something is going on, if it takes longer than a second and somebody is watching.
    pub(crate) fn progress(&self, what: &'static str) -> Progress {
        let (done, waiting) = channel::<()>();
        let quiet = self.volume == Volume::Quiet;
        let thread = (!quiet).then(|| {
            std::thread::spawn(move || {
                if waiting.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                // indicatif draws nothing where standard error is not a terminal.
                let bar = ProgressBar::new_spinner().with_message(what);
                bar.enable_steady_tick(Duration::from_millis(100));
                while waiting.recv().is_ok() {}
                bar.finish_and_clear();
            })
        });
        Progress { done: Some(done), thread }
    }

    /// Prints why the command failed.
    pub(crate) fn failure(&self, failure: Failure) {
        match self.format {
            Format::Json => eprintln!("{}", failure.json()),
            Format::Text => eprintln!("{:?}", miette::Report::new(failure)),
        }
    }
}

/// The end of a [`Console::progress`], on drop.
pub(crate) struct Progress {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.take();
        if let Some(thread) = self.thread.take() {
            // A bar that failed to draw is no reason to fail.
            thread.join().ok();
        }
    }
}
