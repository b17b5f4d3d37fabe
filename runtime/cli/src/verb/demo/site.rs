//! The place of the demonstration: a broker, a gateway and a publisher around a temporary folder.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mote_gateway::background::Background;
use mote_gateway::broker::{self, Embedded};
use mote_gateway::config::Config;
use mote_gateway::link::rumqtt::{Broker, connect};
use mote_gateway::link::{Events, Link};
use mote_gateway::publisher::Publisher;
use mote_gateway::serve::{self, Gateway};
use mote_seal::{Role, Standing};
use serde_json::json;
use tempfile::TempDir;

use super::offers::{Keys, sealed};
use super::page::Page;
use super::shelf::{Item, STREAMED, Shelf};
use crate::keys;
use crate::report::Failure;
use crate::source::guest_image;
use crate::tensors::{Element, npz};

/// The fleet and its one gateway.
pub(super) const FLEET: &str = "demo";
pub(super) const GATEWAY: &str = "gateway";

/// How long the parts may take to find each other.
const START: Duration = Duration::from_secs(60);

/// Everything that runs.
pub(super) struct Site {
    pub(super) publisher: Publisher,
    pub(super) keys: Keys,
    gateway: Gateway,
    broker: Embedded,
    folder: TempDir,
    has_pages: bool,
}

impl Site {
    /// Starts a broker and a gateway that serves the first version of every model, and waits until both know each other.
    pub(super) fn start(shelf: &Shelf, channels: usize, background: &Background) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::execution("demo.folder", error);
        let folder = tempfile::Builder::new().prefix("mote-demo-").tempdir().map_err(failed)?;
        let keys = Keys {
            release: keys::generate(Role::Release, Standing::Development)?,
            assignment: keys::generate(Role::Assignment, Standing::Development)?,
        };
        std::fs::create_dir(folder.path().join("models")).map_err(failed)?;
        for item in shelf.first_versions() {
            let file = folder.path().join("models").join(&item.name);
            let [gateway, page] = sealed(item, &keys)?;
            std::fs::write(file.with_extension("mote"), gateway).map_err(failed)?;
            std::fs::write(file.with_extension("browser.mote"), page).map_err(failed)?;
            request(item, folder.path())?;
        }
        let (streamed, stream) = &shelf.streamed;
        let samples = folder.path().join("models").join(STREAMED).with_extension("csv");
        std::fs::copy(streamed.join(&stream.file), samples).map_err(failed)?;
        let trusted = format!("{}\n{}\n", keys.release.trusted(), keys.assignment.trusted());
        std::fs::write(folder.path().join("trusted.keys"), trusted).map_err(failed)?;

        let broker = broker::start().map_err(|error| Failure::execution("demo.broker", error))?;
        let file = folder.path().join("mote.toml");
        let pages = Page::folder().ok();
        std::fs::write(&file, settings(broker.port(), channels, pages.as_deref())).map_err(failed)?;
        let config = Config::load(&file).map_err(|error| Failure::execution("demo.settings", error))?;
        let (link, events) = link(background, broker.port(), "publisher");
        let publisher = background.wait(async { Publisher::start(link, events, FLEET) });
        let publisher = publisher.map_err(|error| Failure::execution("demo.publisher", error))?;
        let gateway = background.wait(serve::start(config, guest_image()));
        let gateway = gateway.map_err(|error| Failure::execution("demo.gateway", error))?;

        let runs = background.wait(publisher.wait_for(GATEWAY, START, |twin| twin.version() == Some(1)));
        runs.map_err(|error| Failure::execution("demo.gateway", error))?;
        Ok(Self { publisher, keys, gateway, broker, folder, has_pages: pages.is_some() })
    }

    /// A client of the broker.
    pub(super) fn connect(&self, background: &Background, client: &str) -> (Link, Events) {
        link(background, self.broker.port(), client)
    }

    /// Where a device publishes its samples.
    pub(super) fn samples(device: &str) -> String {
        format!("sensors/{device}/motion")
    }

    /// Where the answers to a device's windows are published; `+` for all devices.
    pub(super) fn answers(device: &str) -> String {
        format!("activity/{device}")
    }

    pub(super) fn http(&self) -> SocketAddr {
        self.gateway.http
    }

    pub(super) fn mqtt_port(&self) -> u16 {
        self.broker.port()
    }

    /// Where the broker listens for MQTT 5.
    pub(super) fn version_5_port(&self) -> u16 {
        self.broker.version_5_port()
    }

    /// The address of a page that is a device of this fleet, if the gateway has pages.
    pub(super) fn page(&self) -> Option<String> {
        self.has_pages.then(|| Page::address(self.http(), self.broker.websocket_port()))
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn serving(&self) -> Vec<(String, u64)> {
        self.gateway.serving()
    }

    /// Ends the gateway as a supervisor would, and removes the folder.
    pub(super) fn stop(self, background: &Background) {
        background.wait(self.gateway.shutdown());
    }
}

fn link(background: &Background, port: u16, client: &str) -> (Link, Events) {
    let broker = Broker::plain("127.0.0.1", port, client);
    background.wait(async { connect(broker) })
}

/// The gateway's configuration. Chunks are far smaller than in life, so that a small model takes many.
fn settings(port: u16, channels: usize, pages: Option<&Path>) -> String {
    let pages = pages.map(|dir| format!("pages = {:?}\n", dir.display().to_string())).unwrap_or_default();
    let (subscribe, publish) = (Site::samples("+"), Site::answers("{sensor}"));
    format!(
        r#"[gateway]
name = "{GATEWAY}"
fleet = "{FLEET}"
models = "models"
state = "state"
keys = "trusted.keys"

[http]
listen = "127.0.0.1:0"
{pages}
[mqtt]
host = "127.0.0.1"
port = {port}

[update]
model = "{STREAMED}"
chunk_bytes = 1024
window = 8
trial_answers = 30

[[pipeline]]
model = "{STREAMED}"
subscribe = "{subscribe}"
publish = "{publish}"
channels = {channels}
order = "time-major"
"#
    )
}

/// Writes a model's first recorded input as the body of an inference request, for the reader to send.
fn request(item: &Item, folder: &Path) -> Result<(), Failure> {
    let Some(case) = item.cases.first() else { return Ok(()) };
    let arrays = npz::read_file(case).map_err(|error| Failure::tensors(&error).at(case.display()))?;
    let inputs: Vec<_> = arrays
        .iter()
        .map(|(name, array)| {
            let data: Vec<f64> = array.elements().map(Element::as_f64).collect();
            json!({ "name": name, "shape": array.dims, "datatype": "FP32", "data": data })
        })
        .collect();
    let file = folder.join(&item.name).with_extension("json");
    std::fs::write(&file, json!({ "inputs": inputs }).to_string())
        .map_err(|error| Failure::execution("demo.folder", error).at(file.display()))
}
