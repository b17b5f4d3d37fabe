//! Scripts of this folder, in node, that drive Chromium and say what they see, one JSON line each.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use crate::{PATIENCE, program};

/// Where the browser package and the scripts' own packages are, as `cargo xtask test` says.
pub(crate) struct Chromium {
    package: PathBuf,
}

impl Chromium {
    /// What is needed, or nothing and a line that says what `test` goes without.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let stated = std::env::var_os("MOTE_CHROMIUM").is_some();
        for (there, missing) in [
            (program::exists("node"), "node"),
            (stated || program::exists("chromium") || program::exists("chromium-browser"), "chromium"),
            (std::env::var_os("MOTE_BROWSER_MODULES").is_some(), "playwright-core (MOTE_BROWSER_MODULES)"),
            (std::env::var_os("MOTE_WEB_PACKAGE").is_some(), "the browser package (MOTE_WEB_PACKAGE)"),
        ] {
            if !there {
                program::skip(test, missing);
                return None;
            }
        }
        Some(Self { package: std::env::var_os("MOTE_WEB_PACKAGE")?.into() })
    }

    /// Starts a script; the browser package's folder is its first argument.
    pub(crate) fn start(&self, script: &str, arguments: &[&OsStr]) -> Script {
        let path = program::repository().join("tests/browser").join(script);
        let mut node = Command::new("node");
        node.arg(path).arg(&self.package).args(arguments);
        let mut child = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Script { name: script.into(), child, input, lines, seen: Vec::new() }
    }

    /// Runs a script to its end and answers what it said.
    pub(crate) fn run(&self, script: &str, arguments: &[&OsStr]) -> Vec<Value> {
        self.start(script, arguments).finish()
    }
}

/// A running script.
pub(crate) struct Script {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    /// Everything that it has said.
    pub(crate) seen: Vec<Value>,
}

impl Script {
    /// Tells it what to do.
    pub(crate) fn tell(&mut self, what: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{what}").unwrap();
    }

    /// Waits until it says something that is wanted.
    pub(crate) fn hear(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|error| panic!("{}: {error}; it said {:?}", self.name, self.seen));
            self.seen.push(line.clone());
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Ends its input, waits for its end, and answers everything that it said.
    pub(crate) fn finish(mut self) -> Vec<Value> {
        drop(self.input.take());
        // The lines end with the script.
        self.seen.extend(self.lines.iter());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{} failed: {status}; it said {:?}", self.name, self.seen);
        std::mem::take(&mut self.seen)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Bytes of hex digits.
pub(crate) fn from_hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
