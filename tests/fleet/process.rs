//! Child processes that can be killed at any moment: this very test binary in another role.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mote_gateway::background::Background;
use mote_gateway::config::Config;
use mote_gateway::{broker, serve};

use crate::models::guest_image;

const ROLE: &str = "MOTE_FLEET_ROLE";
const ARGUMENT: &str = "MOTE_FLEET_ARGUMENT";
/// What a child prints when it serves.
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
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "process::role_of_a_child", "--ignored", "--nocapture"]);
        command.env(ROLE, role).env(ARGUMENT, argument);
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

/// Not a test: what the children of the tests do, until their parent ends them or ends itself.
#[test]
#[ignore = "the role of a child process"]
fn role_of_a_child() {
    let Ok(role) = env::var(ROLE) else { return };
    let argument = env::var(ARGUMENT).unwrap();
    let background = Background::start().unwrap();
    let _served = match role.as_str() {
        "broker" => {
            broker::start_on(argument.parse().unwrap()).unwrap();
            None
        }
        _ => {
            let config = Config::load(Path::new(&argument)).unwrap();
            Some(background.wait(serve::start(config, guest_image())).unwrap())
        }
    };
    println!("{READY}");
    let mut nothing = Vec::new();
    std::io::stdin().read_to_end(&mut nothing).unwrap();
}
