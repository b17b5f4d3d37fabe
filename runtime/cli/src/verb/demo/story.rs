//! The acts, in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mote_gateway::background::Background;
use mote_gateway::publisher::DeviceTwin;
use mote_seal::OpenError;
use mote_seal::golden::Vectors;
use mote_wire::UpdateState;
use serde_json::Value;

use super::devices::Devices;
use super::guests::Guests;
use super::ledger::{Ledger, Shared};
use super::observer;
use super::offers::{Tampering, push};
use super::page::PAGE;
use super::recording::{Device, Recording};
use super::screen::Screen;
use super::shelf::{STREAMED, Shelf};
use super::site::{GATEWAY, Site};
use super::summary::Summary;
use super::watch::WATCH;
use crate::args::TrustArgs;
use crate::report::Failure;
use crate::trust;

/// How long an update may take.
const UPDATE: Duration = Duration::from_secs(120);
/// How much longer than the recording itself its windows may take, and how long the last answers.
const SLACK: Duration = Duration::from_secs(30);

/// Everything that is on stage.
pub(super) struct Stage<'b> {
    background: &'b Background,
    screen: Screen,
    shelf: Shelf,
    recording: Arc<Recording>,
    site: Site,
    ledger: Arc<Shared>,
    devices: Devices,
    guests: Guests,
    speed: f64,
    checks: Vec<(&'static str, bool)>,
}

impl<'b> Stage<'b> {
    /// Compiles the models, starts broker, gateway and devices.
    pub(super) fn set(models: &Path, speed: f64, background: &'b Background, screen: Screen) -> Result<Self, Failure> {
        screen.act("1. Models: what each ONNX file becomes");
        let shelf = Shelf::compile(models, &trust::host(&TrustArgs::default())?)?;
        screen.say(shelf.table().trim_end());

        let (folder, facts) = &shelf.streamed;
        let recording = Arc::new(Recording::read(folder, facts)?);
        let site = Site::start(&shelf, facts.channels.len(), background)?;
        screen.act("2. A broker and a gateway on this machine");
        screen.say(format_args!("  MQTT  127.0.0.1:{} (embedded broker, for demonstrations only)", site.mqtt_port()));
        screen.say(format_args!("  HTTP  {}", site.http()));
        let id = site.keys.release.public().id();
        screen.say(format_args!("  trusts development key {id}, made for this run"));
        for (model, version) in site.serving() {
            screen.say(format_args!("  serves {model} version {version}"));
        }

        let ledger = Arc::new(Shared::new(Ledger::new(Arc::clone(&recording))));
        observer::start(&site, background, &ledger, screen)?;
        let guests = Guests::invite(&site, &shelf, &recording, speed, background, screen)?;
        let devices = Devices::start(&site, background, &recording, speed)?;
        Ok(Self { background, screen, shelf, recording, site, ledger, devices, guests, speed, checks: Vec::new() })
    }

    /// The old version answers one pass of the recording.
    pub(super) fn watch_the_first_version(&self) -> Result<(), Failure> {
        let count = self.recording.devices.len();
        let rate = self.recording.rate * self.speed;
        self.screen
            .act(format_args!("3. {count} wrist watches send {rate:.0} samples a second each; version 1 answers"));
        // In its first pass a device has no whole window before the first one ends.
        let recording = Arc::clone(&self.recording);
        self.await_windows(1, move |device| (device.len() - recording.window) / recording.hop + 1)
    }

    /// The retrained version takes over while data flows.
    pub(super) fn push_the_second(&mut self) -> Result<(), Failure> {
        self.screen.act("4. Version 2, retrained on more people, is pushed over MQTT while data flows");
        let item = self.shelf.find(STREAMED, 2)?;
        let guests = &self.guests.names;
        let devices: Vec<&str> = [GATEWAY].into_iter().chain(guests.iter().map(|(name, _)| *name)).collect();
        let package = push(&self.site.publisher, &self.site.keys, item, 2, Tampering::None, &devices)?;
        let committed = |twin: &DeviceTwin| {
            let release = twin.running.as_ref().map(|(_, _, release)| *release);
            release == Some(package.digest) && twin.state == UpdateState::Committed
        };
        let mut checks = Vec::new();
        for (device, check) in [
            (GATEWAY, "version 2 was verified, self-tested, tried and committed"),
            (WATCH, "the microcontroller committed the same release"),
            (PAGE, "the page committed the same release, without a reload"),
        ] {
            if devices.contains(&device) {
                let twin = self.await_twin(device, committed)?;
                checks.push((check, twin.failure.is_none()));
            }
        }
        // A device commits after it has given these outputs for these inputs itself.
        let golden = package.golden.as_deref().unwrap_or_default();
        for vector in Vectors::read(golden).ok().iter().flat_map(Vectors::iter).take(1) {
            let digest: String = vector.digest.to_string().chars().take(16).collect();
            self.screen.say(format_args!("{} gave the same golden outputs: SHA-256 {digest}...", devices.join(", ")));
        }
        self.checks.append(&mut checks);
        let recording = Arc::clone(&self.recording);
        self.await_windows(2, move |device| recording.cycle(device))
    }

    /// Two attacks on the update path.
    pub(super) fn push_tampered_ones(&mut self) -> Result<(), Failure> {
        self.screen.act("5. Tampered releases: one flipped bit in the artifact, then a stranger's signature");
        let attacks = [
            (3, Tampering::Artifact, OpenError::WrongDigest, "a flipped bit in the artifact is refused"),
            (4, Tampering::Signature, OpenError::BadSignature, "a forged signature is refused"),
        ];
        for (version, tampering, expected, check) in attacks {
            let item = self.shelf.find(STREAMED, 2)?;
            push(&self.site.publisher, &self.site.keys, item, version, tampering, &[GATEWAY])?;
            let ended = |state: UpdateState| {
                matches!(state, UpdateState::Failed | UpdateState::Rejected | UpdateState::Committed)
            };
            let twin = self.await_twin(GATEWAY, |twin| twin.stamp == (1, version) && ended(twin.state))?;
            let code = twin.failure.map(|failure| failure.code);
            self.screen.say(format_args!(
                "{GATEWAY:<9} says: version {version} {}, {expected} (code {}); version {} goes on",
                twin.state,
                code.unwrap_or(0),
                twin.version().unwrap_or(0)
            ));
            self.checks.push((check, code == Some(expected.code()) && twin.version() == Some(2)));
        }
        Ok(())
    }

    /// What a reader may try while it all runs on.
    pub(super) fn invite(&self) {
        self.devices.set_speed(1.0);
        self.screen.act("Running on at the recorded speed; Ctrl-C ends it. In another terminal:");
        let (http, port) = (self.site.http(), self.site.mqtt_port());
        let folder = self.site.folder();
        let device = self.recording.devices.first();
        let samples = folder.join("samples.txt");
        let lines: Vec<String> = device.iter().flat_map(|device| (0..device.len()).map(|n| device.values(n))).collect();
        let written = std::fs::write(&samples, lines.join("\n") + "\n").is_ok();

        if self.site.page().is_some() {
            self.screen.say(format_args!("  open http://{http}/ in a browser"));
        }
        self.screen.say(format_args!("  curl -s http://{http}/v2/models"));
        self.screen.say(format_args!("  curl -s http://{http}/v2/models/{STREAMED}"));
        for item in self.shelf.first_versions().filter(|item| item.name != STREAMED).take(1) {
            let body = folder.join(&item.name).with_extension("json");
            self.screen.say(format_args!(
                "  curl -s http://{http}/v2/models/{}/infer -d @{}",
                item.name,
                body.display()
            ));
        }
        self.screen.say(format_args!("  curl -s http://{http}/metrics | grep -v '^#'"));
        self.screen.say(format_args!("  mosquitto_sub -h 127.0.0.1 -p {port} -v -t '{}'", Site::answers("+")));
        if written {
            self.screen.say(format_args!(
                "  mosquitto_pub -h 127.0.0.1 -p {port} -t {} -l < {}",
                Site::samples("mine"),
                samples.display()
            ));
        }
    }

    /// Ends the devices, waits for the last answers, and draws up the account.
    pub(super) fn close(mut self) -> Result<Summary, Failure> {
        let sent = self.devices.stop();
        let complete = self.ledger.wait(SLACK, |ledger| ledger.is_complete(&sent));
        let ledger = self.ledger.read();
        let (before, after) = (ledger.score(1), ledger.score(2));
        self.checks.push(("every window of every sample sent was answered", complete && ledger.missing == 0));
        self.checks.push(("none was answered twice", ledger.repeated == 0));
        let swapped = ledger.swaps.len() == self.recording.devices.len();
        self.checks.push((
            "each device saw one swap, from version 1 to 2",
            swapped && ledger.swaps.iter().all(|s| (s.from, s.to) == (1, 2)),
        ));
        self.checks.push(("version 2 is right more often than version 1", after.part() > before.part()));
        let agrees =
            |version: usize, got: f64| self.recording.stated.get(version).is_some_and(|said| (said - got).abs() < 5e-4);
        self.checks.push((
            "both are right as often as their training says",
            agrees(0, before.part()) && agrees(1, after.part()),
        ));

        let models: Value = self.shelf.json();
        let summary = Summary {
            models,
            samples: sent.iter().sum(),
            windows: ledger.answered(),
            before,
            after,
            swaps: ledger.swaps.clone(),
            checks: self.checks,
        };
        drop(ledger);
        self.site.stop(self.background);
        Ok(summary)
    }

    fn await_windows(&self, version: u64, windows: impl Fn(&Device) -> u64) -> Result<(), Failure> {
        let longest = self.recording.devices.iter().map(Device::len).max().unwrap_or(0);
        let pass = Duration::from_secs_f64(longest as f64 / (self.recording.rate * self.speed));
        if self.ledger.wait(2 * pass + SLACK, |ledger| ledger.has_seen(version, &windows)) {
            return Ok(());
        }
        let answered = self.ledger.read().answered();
        Err(Failure::execution("demo.silent", format!("version {version} answers too few windows ({answered} in all)"))
            .at(GATEWAY))
    }

    fn await_twin(&self, device: &str, wanted: impl FnMut(&DeviceTwin) -> bool) -> Result<DeviceTwin, Failure> {
        let reached = self.background.wait(self.site.publisher.wait_for(device, UPDATE, wanted));
        reached.map_err(|error| Failure::execution("demo.update", error).at(device))
    }
}
