//! A broker, a publisher, a gateway and the folder that it keeps.

use std::path::PathBuf;

use mote_fleet::{Record, State, newest};
use mote_gateway::background::Background;
use mote_gateway::publisher::{DeviceTwin, Publisher};
use mote_tests::keys::Keys;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::broker::{Broker, Kind};
use crate::models::{CHANNELS, MODEL, WINDOW};
use crate::offers::Push;
use crate::process::Process;
use crate::stream::{Stream, client};

pub(crate) const FLEET: &str = "plant";
pub(crate) const DEVICE: &str = "gateway-1";

/// Everything around one gateway. The gateway is a process of its own, so that it can be killed.
pub(crate) struct Site {
    pub(crate) background: Background,
    pub(crate) broker: Broker,
    pub(crate) publisher: Publisher,
    pub(crate) keys: Keys,
    gateway: Option<Process>,
    folder: TempDir,
}

/// What the gateway is told beside the usual.
pub(crate) struct Settings {
    pub(crate) chunk_bytes: u32,
    pub(crate) window: u16,
    pub(crate) trial_answers: u32,
    pub(crate) retry_ms: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { chunk_bytes: 4096, window: 8, trial_answers: 20, retry_ms: 500 }
    }
}

impl Site {
    /// A gateway that runs version 1. `None` where the broker is not installed.
    pub(crate) fn start(kind: Kind, settings: &Settings) -> Option<Self> {
        let broker = Broker::start(kind)?;
        let (background, keys) = (Background::start().unwrap(), Keys::default());
        let (link, events) = client(&background, broker.port, "publisher");
        let publisher = background.wait(async { Publisher::start(link, events, FLEET) }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut site = Self { background, broker, publisher, keys, gateway: None, folder };
        site.furnish(settings);
        site.boot();
        Some(site)
    }

    fn furnish(&self, settings: &Settings) {
        let folder = self.folder.path();
        std::fs::create_dir(folder.join("models")).unwrap();
        std::fs::write(folder.join("models/first.mote"), Push::good(1).sealed(&self.keys.release)).unwrap();
        std::fs::write(folder.join("trusted.keys"), self.keys.text()).unwrap();
        let Settings { chunk_bytes, window, trial_answers, retry_ms } = settings;
        let config = format!(
            r#"
[gateway]
name = "{DEVICE}"
fleet = "{FLEET}"
models = "models"
state = "state"
keys = "trusted.keys"
[http]
listen = "127.0.0.1:0"
[mqtt]
host = "127.0.0.1"
port = {port}
[update]
model = "{MODEL}"
chunk_bytes = {chunk_bytes}
window = {window}
trial_answers = {trial_answers}
retry_ms = {retry_ms}
[[pipeline]]
model = "{MODEL}"
subscribe = "sensors/+/motion"
publish = "answers/{{sensor}}"
channels = {CHANNELS}
window = {WINDOW}
hop = 1
order = "time-major"
"#,
            port = self.broker.port
        );
        std::fs::write(self.config(), config).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("mote.toml")
    }

    /// Starts the gateway and waits until it says what it runs. Answers its twin.
    pub(crate) fn boot(&mut self) -> DeviceTwin {
        let before = self.publisher.twin(DEVICE).map_or(0, |twin| twin.boot);
        self.gateway = Some(Process::gateway(&self.config()));
        self.await_twin(|twin| twin.boot > before && twin.running.is_some())
    }

    /// Kills the gateway.
    pub(crate) fn kill(&mut self) {
        self.gateway.take().unwrap().kill();
    }

    /// A stream into the gateway.
    pub(crate) fn stream(&self) -> Stream {
        Stream::start(&self.background, self.broker.port)
    }

    /// Offers and assigns a release.
    pub(crate) fn push(&self, push: &Push) {
        push.send(&self.publisher, &self.keys);
    }

    pub(crate) fn await_twin(&self, wanted: impl FnMut(&DeviceTwin) -> bool) -> DeviceTwin {
        self.await_twin_of(DEVICE, wanted)
    }

    /// The same for another device of the fleet.
    pub(crate) fn await_twin_of(&self, device: &str, wanted: impl FnMut(&DeviceTwin) -> bool) -> DeviceTwin {
        self.background.wait(self.publisher.wait_for(device, PATIENCE, wanted)).unwrap()
    }

    /// Waits until a version is the good one.
    pub(crate) fn await_commit(&self, version: u64) -> DeviceTwin {
        self.await_twin(|twin| twin.version() == Some(version) && twin.state == State::Committed)
    }

    /// The durable record, as it lies on the disk.
    pub(crate) fn record(&self) -> Option<Record> {
        let dir = self.folder.path().join("state").join(MODEL);
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap_or_default();
        newest(&read("record.a"), &read("record.b")).record
    }
}
