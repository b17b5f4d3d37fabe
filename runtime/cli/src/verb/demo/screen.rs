//! What is told while it happens: on standard output for people, on standard error where the result is JSON.

use std::fmt::Display;
use std::io::Write;

use crate::console::{Console, Format, Volume};

/// Where the story is told.
#[derive(Clone, Copy)]
pub(super) struct Screen {
    console: Console,
}

impl Screen {
    pub(super) fn new(console: Console) -> Self {
        Self { console }
    }

    /// A headline.
    pub(super) fn act(self, title: impl Display) {
        self.say(format_args!("\n{title}"));
    }

    /// A line. A reader who has left has seen enough; the demonstration ends all the same.
    pub(super) fn say(self, line: impl Display) {
        match (self.console.volume, self.console.format) {
            (Volume::Quiet, _) => {}
            (Volume::Normal, Format::Json) => self.console.note(format_args!("  {line}")),
            (Volume::Normal, Format::Text) => drop(writeln!(std::io::stdout().lock(), "{line}")),
        }
    }
}
