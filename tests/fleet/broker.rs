//! The two brokers, as processes that are killed and started again on their port.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;
use crate::process::Process;

/// Which broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Eclipse mosquitto, where it is installed.
    Mosquitto,
    /// The gateway's own, for demonstrations.
    Embedded,
}

/// A broker on a loopback port.
pub(crate) struct Broker {
    kind: Kind,
    pub(crate) port: u16,
    /// Where mosquitto speaks MQTT over WebSocket.
    pub(crate) web_port: u16,
    folder: TempDir,
    process: Option<Process>,
}

impl Broker {
    /// Starts a broker on a free port. `None`, with a line that says so, where it is not installed.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        if kind == Kind::Mosquitto && mosquitto().is_none() {
            eprintln!("skipped over mosquitto: it is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let [port, web_port] = free_ports();
        let mut broker = Self { kind, port, web_port, folder, process: None };
        broker.restart();
        Some(broker)
    }

    /// Kills it without warning.
    pub(crate) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Starts it again on its port. Whether it remembers anything is its own business.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.process = Some(match self.kind {
            Kind::Embedded => Process::broker(self.port),
            Kind::Mosquitto => {
                let config = self.folder.path().join("mosquitto.conf");
                std::fs::write(&config, settings(self.port, self.web_port, self.folder.path())).unwrap();
                Process::other(Command::new(mosquitto().unwrap()).arg("-c").arg(config))
            }
        });
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < deadline, "{:?} does not accept connections", self.kind);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn mosquitto() -> Option<PathBuf> {
    let usual = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"].map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(usual).map(|dir| dir.join("mosquitto")).find(|file| file.is_file())
}

/// Two ports that nobody listens on. Both are held until both are known, so they differ.
fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

/// Root needs `user root`, or mosquitto gives up the rights to its own folder.
fn settings(port: u16, web_port: u16, folder: &Path) -> String {
    format!(
        "listener {port} 127.0.0.1\nlistener {web_port} 127.0.0.1\nprotocol websockets\nallow_anonymous true\n\
         persistence true\npersistence_location {}/\nmax_queued_messages 0\nuser root\n",
        folder.display()
    )
}
