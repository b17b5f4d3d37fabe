//! Child processes that can be killed at any moment.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::program;

/// What a part prints when it serves.
const READY: &str = "ready to serve";

/// A process that ends with its owner, by SIGKILL.
pub(crate) struct Process(Child);

impl Process {
    /// The embedded broker on this port.
    pub(crate) fn broker(port: u16) -> Self {
        Self::spawn("broker", &port.to_string())
    }

    /// A gateway with this configuration.
    pub(crate) fn gateway(config: &Path) -> Self {
        Self::spawn("gateway", config.to_str().unwrap())
    }

    /// Another program that says nothing when it is ready.
    pub(crate) fn other(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn spawn(role: &str, argument: &str) -> Self {
        let mut command = Command::new(program::built("fleet-part"));
        command.args([role, argument]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains(READY));
        assert!(ready, "the {role} ended before it was ready");
        Self(child)
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
