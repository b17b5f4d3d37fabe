//! `mote release` and `mote push`: one release and one order each for a gateway, a page and a microcontroller.

use std::process::Command;

use mote_fleet::Trouble;
use mote_seal::{Class, OpenError, Role, Sealed, SigningKey, Standing};
use mote_tests::schedule::alone;
use serde_json::Value;
use tempfile::TempDir;

use crate::broker::Kind;
use crate::device::Replica;
use crate::models::{MODEL, folder};
use crate::program;
use crate::site::{DEVICE, FLEET, Settings, Site};

/// A folder with the keys of a site, and the program in it.
struct Desk {
    dir: TempDir,
    broker: String,
}

impl Desk {
    fn new(site: &Site) -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap(), broker: format!("127.0.0.1:{}", site.broker.port) };
        let stranger = SigningKey::from_seed(&[9; 32], Role::Assignment, Standing::Development);
        for (name, key) in
            [("release.key", &site.keys.release), ("orders.key", &site.keys.assignment), ("stranger.key", &stranger)]
        {
            desk.write(name, &key.to_text().to_string());
        }
        desk.write("trusted.keys", &site.keys.release.trusted().to_string());
        desk
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.dir.path().join(name), format!("{text}\n")).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.dir.path().join(name)).unwrap()
    }

    /// Exit code and the document on standard output.
    fn mote(&self, args: &[&str]) -> (i32, Value) {
        let mut command = Command::new(program::mote());
        command.args(args).arg("--json").env("MOTE_HOME", self.dir.path().join("home")).current_dir(self.dir.path());
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{args:?}: {told}"));
        (output.status.code().unwrap(), json)
    }

    fn release(&self, version: &str) -> Value {
        let model = folder().display().to_string();
        let args = ["release", &model, "--version", version, "--key", "release.key", "-o", "out", "--quiet"];
        let (exit, json) = self.mote(&args);
        assert_eq!(exit, 0, "{json}");
        json["releases"][0].clone()
    }

    fn push(&self, device: &str, more: &[&str]) -> (i32, Value) {
        let fixed = ["push", "out", "--broker", &self.broker, "--fleet", FLEET, "--keys", "trusted.keys", "--watch"];
        let (exit, json) = self.mote(&[&fixed[..], &["--device", device], more].concat());
        (exit, json["devices"].clone())
    }
}

#[test]
fn one_release_and_one_push_serve_every_class() {
    let _turn = alone();
    let settings = Settings::default;
    let Some(site) = Site::start(Kind::Mosquitto, &settings()).or_else(|| Site::start(Kind::Embedded, &settings()))
    else {
        return;
    };
    let desk = Desk::new(&site);
    let stream = site.stream();
    let places = [("page-1", (Class::Browser, "strict")), ("node-1", (Class::Mcu, "cortex-m4"))];
    let keys = || vec![site.keys.release.trusted(), site.keys.assignment.trusted()];
    let others = places.map(|(name, place)| Replica::start(&site.background, site.broker.port, name, place, keys()));
    for (name, _) in places {
        site.await_twin_of(name, |_| true);
    }

    let made = desk.release("2");
    let orders = ["--key", "orders.key"];
    let (exit, devices) = desk.push("*", &orders);
    let committed = serde_json::json!({ "end": "committed", "code": null });
    assert_eq!(exit, 0, "{devices}");
    assert_eq!(devices.as_object().unwrap().len(), 3);
    for (device, (class, variant)) in places.into_iter().chain([(DEVICE, (Class::Gateway, "generic"))]) {
        assert_eq!(devices[device], committed, "{device}");
        let twin = site.publisher.twin(device).unwrap();
        let (model, version, release) = twin.running.unwrap();
        assert_eq!((model.as_str(), version), (MODEL, 2), "{device}");
        assert_eq!(release.to_string(), made["release"], "{device}");
        assert_eq!((twin.class, twin.variant.as_str()), (class as u8, variant), "{device}");
    }
    let files = ["out/activity-cnn1d.browser-strict.mote", "out/activity-cnn1d.mcu-cortex-m4.mote"];
    for ((device, file), name) in others.into_iter().zip(files).zip(["page-1", "node-1"]) {
        let held = device.stop();
        assert!(held.artifact == Sealed::split(&desk.read(file)).unwrap().artifact, "{name}");
        assert!(held.tested >= 2, "{name} ran {} golden vectors", held.tested);
    }

    // What is there needs no second order, what is older needs to be called so, and what is no order is refused.
    desk.release("1");
    let downgrade = serde_json::json!({ "end": "rejected", "code": Trouble::Downgrade.code() });
    let unknown = OpenError::UnknownKey { id: site.keys.release.public().id() }.code();
    let refused = serde_json::json!({ "end": "refused", "code": unknown });
    let silent = serde_json::json!({ "end": "silent", "code": null });
    let table: [(&str, &[&str], i32, &Value); 5] = [
        (DEVICE, &["--key", "orders.key", "--version", "2"], 0, &committed),
        (DEVICE, &["--key", "orders.key", "--version", "1"], 5, &downgrade),
        (DEVICE, &["--key", "stranger.key", "--version", "1"], 5, &refused),
        ("nobody", &["--key", "orders.key", "--within", "0"], 5, &silent),
        (DEVICE, &["--key", "orders.key", "--version", "1", "--rollback"], 0, &committed),
    ];
    for (device, args, exit, end) in table {
        let (got, devices) = desk.push(device, args);
        assert_eq!((got, &devices[device]), (exit, end), "{args:?}");
    }
    assert_eq!(site.publisher.twin(DEVICE).unwrap().version(), Some(1));
    stream.finish();
}
