//! The device of a page, told what happens and looked at for what it asks: one update from the order to the commit, and
//! what it refuses on the way.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use mote_abi::DType;
use mote_seal::golden::{Generator, Inputs, OutputHasher, Vector, write};
use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Kind, Limits, Purpose, Release, Role, SigningKey, Stamp, Standing, seal,
    sign_assignment, sign_release,
};
use mote_web::{ActionKind, DeviceSettings, FleetMachine, KeptPart, KeyRing, Outcome};
use mote_wire::{Body, Get, Topic};

const FLEET: &str = "plant";
const DEVICE: &str = "page-1";
const MODEL: &str = "digits";
/// What the model of these tests answers, whatever it is asked.
const ANSWER: [u8; 4] = [0, 0, 128, 63];

fn keys() -> [SigningKey; 2] {
    [(1, Role::Release), (2, Role::Assignment)]
        .map(|(seed, role)| SigningKey::from_seed(&[seed; 32], role, Standing::Development))
}

fn ring() -> KeyRing {
    KeyRing::new(&keys().map(|key| key.trusted().to_string()).join("\n")).unwrap()
}

/// A signed release of one artifact, with golden vectors, and the blobs that it names.
struct Offer {
    version: u64,
    manifest: Vec<u8>,
    golden: Vec<u8>,
    artifact: Vec<u8>,
}

impl Offer {
    fn new(version: u64) -> Self {
        let artifact: Vec<u8> = (0..2000u32).flat_map(|word| (word * 7 + version as u32).to_le_bytes()).collect();
        let mut hasher = OutputHasher::new();
        hasher.output(DType::F32, &ANSWER);
        let inputs = Inputs::Generated { generator: Generator::Units, seed: 1 };
        let golden = write(&[Vector { entry: 0, inputs, digest: hasher.finish(), expected: None }]);
        let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
        let listed = [Artifact { class: Class::Browser, variant: "strict", kind: Kind::Module, blob: blob(&artifact) }];
        let release = Release {
            model: MODEL,
            version,
            floor: 0,
            artifacts: listed.as_slice().into(),
            golden: Some(blob(&golden)),
            limits: Limits::default(),
            compiler: "tests",
        };
        let manifest = sign_release(&release, &keys()[0]).unwrap();
        Self { version, manifest, golden, artifact }
    }

    fn order(&self, device: &str) -> Vec<u8> {
        let assignment = Assignment {
            fleet: FLEET,
            device,
            stamp: Stamp { epoch: 1, generation: self.version },
            model: MODEL,
            version: self.version,
            release: Digest::of(&self.manifest),
            nonce: self.version,
            purpose: Purpose::Update,
        };
        sign_assignment(&assignment, &keys()[1]).unwrap()
    }
}

/// A page without a browser: it keeps what it is asked to, and answers what it is asked.
struct Page {
    machine: FleetMachine,
    now: f64,
    offer: Offer,
    /// Kept bytes by part and offset.
    kept: BTreeMap<(u8, usize), Vec<u8>>,
    record: Vec<u8>,
    active: Vec<String>,
    published: Vec<String>,
    /// Told to the machine instead of what it asks to be verified.
    spoil: bool,
}

impl Page {
    fn new(offer: Offer, record: Option<Vec<u8>>) -> Self {
        let mut settings = DeviceSettings::new(FLEET.into(), DEVICE.into(), MODEL.into());
        settings.chunk_bytes = 1024;
        settings.trial_answers = 3;
        let machine = FleetMachine::new(settings, &ring(), record, 1, 2, 0.0).unwrap();
        let (kept, record, active, published) = Default::default();
        Self { machine, now: 0.0, offer, kept, record, active, published, spoil: false }
    }

    fn connect(&mut self) {
        self.machine.connected(self.now, 3);
        self.settle();
    }

    fn arrive(&mut self, topic: &str, payload: &[u8]) {
        if let Some(kept) = self.machine.arrived(self.now, topic, payload) {
            self.kept.insert((kept.part as u8, kept.offset as usize), kept.bytes);
        }
    }

    fn part(&self, part: KeptPart) -> Vec<u8> {
        self.kept.iter().filter(|((own, _), _)| *own == part as u8).flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Carries out whatever there is to do.
    fn settle(&mut self) {
        while let Some(action) = self.machine.action(self.now) {
            self.now += 1.0;
            match action.kind {
                ActionKind::Persist => {
                    self.record = action.bytes;
                    self.machine.persisted(self.now);
                }
                ActionKind::Publish => {
                    self.published.push(action.topic.clone());
                    if action.topic.ends_with("/up/get") {
                        self.send(&Get::decode(&action.bytes).unwrap());
                    }
                }
                ActionKind::Subscribe => {
                    let manifest = self.offer.manifest.clone();
                    self.arrive(&action.topic, &manifest);
                }
                ActionKind::Prepare => {
                    self.kept.retain(|(part, _), _| *part == KeptPart::Manifest as u8);
                    self.machine.done(self.now, action.ticket, Outcome::Done);
                }
                ActionKind::Verify => {
                    let [manifest, golden, mut artifact] =
                        [KeptPart::Manifest, KeptPart::Golden, KeptPart::Artifact].map(|part| self.part(part));
                    artifact[0] ^= u8::from(self.spoil);
                    let verified = self.machine.verify(self.now, action.ticket, &manifest, &golden, &artifact);
                    assert_eq!(verified.is_err(), self.spoil);
                }
                ActionKind::SelfTest => {
                    let mut test = self.machine.self_test(&self.part(KeptPart::Golden)).unwrap();
                    assert_eq!((test.calls(), test.entry(0), test.inputs(0, 8).unwrap().len()), (1, Some(0), 8));
                    test.output("f32", &ANSWER);
                    assert!(test.passes(0));
                    self.machine.done(self.now, action.ticket, Outcome::Done);
                }
                ActionKind::Activate => {
                    self.active.push(action.release);
                    self.machine.done(self.now, action.ticket, Outcome::Done);
                }
                ActionKind::Stage | ActionKind::Deactivate => {
                    self.machine.done(self.now, action.ticket, Outcome::Done);
                }
            }
        }
    }

    fn send(&mut self, get: &Get<'_>) {
        let blobs = [self.offer.golden.clone(), self.offer.artifact.clone()];
        let blob = blobs.iter().find(|blob| Digest::of(blob).0 == get.digest).unwrap();
        let topic = Topic::down(FLEET, DEVICE, mote_wire::Down::Chunk { xfer: get.xfer }).text().unwrap();
        for chunk in mote_fleet::answer(get, blob) {
            let mut bytes = vec![0; 2048];
            let length = chunk.encode(&mut bytes).unwrap();
            self.arrive(&topic, &bytes[..length]);
        }
    }

    fn order(&mut self, device: &str) {
        let order = self.offer.order(device);
        self.arrive(&format!("mote/1/{FLEET}/{DEVICE}/dn/want"), &order);
        self.settle();
    }

    fn state(&self) -> String {
        self.machine.status().state
    }
}

#[test]
fn an_update_goes_from_the_order_to_the_commit_and_outlives_the_page() {
    let mut page = Page::new(Offer::new(7), None);
    let release = Digest::of(&page.offer.manifest).to_string();
    assert_eq!(page.machine.filter(), "mote/1/plant/page-1/dn/#");
    page.connect();
    assert_eq!(page.state(), "idle");
    page.order(DEVICE);
    assert_eq!((page.state().as_str(), page.machine.status().version), ("trial", Some(7)));
    assert_eq!(page.active, std::slice::from_ref(&release));

    page.machine.answered(page.now, 100, &[0.25, 0.75]);
    page.machine.answered(page.now, 100, &[]);
    assert_eq!(page.state(), "trial");
    page.machine.answered(page.now, 100, &[0.5]);
    assert_eq!(page.state(), "committed");
    page.settle();
    assert_eq!(page.machine.needed(), std::slice::from_ref(&release));
    assert!(page.published.contains(&"mote/1/plant/page-1/up/twin".into()));

    // A telemetry window closes at its time.
    page.now = page.machine.wake_at();
    page.machine.tick(page.now);
    page.settle();
    assert_eq!(page.published.last().unwrap(), "mote/1/plant/page-1/up/m");

    let record = page.record.clone();
    let mut page = Page::new(Offer::new(7), Some(record));
    page.settle();
    assert_eq!((page.state().as_str(), page.active.as_slice()), ("committed", [release].as_slice()));
}

#[test]
fn a_model_that_answers_nan_is_taken_back() {
    let mut page = Page::new(Offer::new(7), None);
    page.connect();
    page.order(DEVICE);
    page.machine.answered(page.now, 100, &[0.25, f32::NAN]);
    page.settle();
    let status = page.machine.status();
    assert_eq!((status.state.as_str(), status.version), ("failed", None));
    assert_eq!((status.failed_in.as_deref(), status.failure_code), (Some("trial"), Some(103)));
}

#[test]
fn orders_to_others_and_damaged_bytes_change_nothing() {
    let mut page = Page::new(Offer::new(7), None);
    page.connect();
    page.order("page-2");
    assert_eq!((page.state().as_str(), page.machine.status().refused), ("idle", 1));

    page.spoil = true;
    page.order(DEVICE);
    let status = page.machine.status();
    assert_eq!((status.state.as_str(), status.failed_in.as_deref()), ("failed", Some("verify")));
    assert!(page.active.is_empty());
}

#[test]
fn the_first_model_is_held_to_the_same_checks() {
    let offer = Offer::new(7);
    let settings = || DeviceSettings::new(FLEET.into(), DEVICE.into(), MODEL.into());
    let mut sealed = seal(&offer.manifest, &offer.artifact).unwrap();
    let first = FleetMachine::open_first(settings(), &ring(), &sealed).unwrap();
    assert_eq!((&first.manifest, &first.artifact), (&offer.manifest, &offer.artifact));

    let mut page = Page::new(offer, Some(first.record));
    page.settle();
    assert_eq!((page.state().as_str(), page.active.as_slice()), ("idle", [first.release].as_slice()));

    *sealed.last_mut().unwrap() ^= 1;
    let refused = FleetMachine::open_first(settings(), &ring(), &sealed).unwrap_err();
    assert_eq!(refused.code(), "seal.digest");
    let other = DeviceSettings::new(FLEET.into(), DEVICE.into(), "other".into());
    assert_eq!(FleetMachine::open_first(other, &ring(), &sealed).unwrap_err().code(), "seal.model");
}
