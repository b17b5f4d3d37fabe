//! A broker, a publisher, and an emulated device with the file behind its flash.

use std::path::PathBuf;

use mote_firmware::sensor::Lsm6dso;
use mote_firmware_sim::{Bus, Controller, Made, RANGES, Recording, board_store, golden};
use mote_fleet::State;
use mote_gateway::background::Background;
use mote_gateway::publisher::{DeviceTwin, Offer, Publisher};
use mote_qemu::{Board, Device, Emulator, Running};
use mote_seal::Purpose;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::answers::{Answers, TOPIC, client};
use crate::broker::{Broker, Kind};
use crate::models::CHANNELS;
use crate::program;

pub(crate) const MODEL: &str = "watch";
const FLEET: &str = "plant";
const DEVICE: &str = "watch-1";
/// The movement that the sensor repeats.
const RECORDED: usize = 64;

/// What the device is told beside the usual.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    /// Samples of a window.
    pub(crate) window: usize,
    /// Answers that prove a new model.
    pub(crate) trial: u32,
    /// The time it has for them.
    pub(crate) trial_ms: u32,
}

/// Everything around one device.
pub(crate) struct Site {
    pub(crate) publisher: Publisher,
    pub(crate) answers: Answers,
    pub(crate) controller: Controller,
    /// The order's place; also the version wherever a release is a good one.
    pub(crate) generation: u64,
    background: Background,
    emulator: Emulator,
    broker: Broker,
    device: Option<Running>,
    folder: TempDir,
}

impl Site {
    /// A device that left the factory with a Plan as version 1 and runs. `None`, with a line that says so, where a
    /// part of it is not there.
    pub(crate) fn start(test: &str, first: Vec<u8>, words: Words) -> Option<Self> {
        let emulator = Emulator::find().inspect_err(|missing| eprintln!("skipped: {test}: {missing}")).ok()?;
        if !program::exists("mosquitto") {
            program::skip(test, "mosquitto");
            return None;
        }
        let broker = Broker::start(Kind::Mosquitto)?;
        let background = Background::start().unwrap();
        let (link, events) = client(&background, broker.port, "publisher");
        let publisher = background.wait(async { Publisher::start(link, events, FLEET) }).unwrap();
        let answers = Answers::listen(&background, broker.port);
        let controller = Controller::new(1, FLEET, DEVICE, MODEL);
        let folder = tempfile::tempdir().unwrap();

        let first = controller.release(1, 0, first, None);
        let identity = controller.identity().unwrap();
        let store = board_store(&identity, Some(first.factory()), Some(&recording())).unwrap();
        board().write_store(&folder.path().join("flash"), &store).unwrap();

        let generation = 1;
        let mut site =
            Self { publisher, answers, controller, generation, background, emulator, broker, device: None, folder };
        site.boot(words);
        Some(site)
    }

    /// Boots the device on what its flash holds, and waits until it says what it runs. Answers its twin.
    pub(crate) fn boot(&mut self, words: Words) -> DeviceTwin {
        let before = self.publisher.twin(DEVICE).map_or(0, |twin| twin.boot);
        let Words { window, trial, trial_ms } = words;
        let device = Device {
            flash: self.path("flash"),
            console: self.path("console"),
            broker_port: self.broker.port,
            words: vec![
                "every=2".into(),
                format!("window={window}"),
                format!("hop={window}"),
                format!("answers={TOPIC}"),
                format!("trial={trial}"),
                format!("trial_ms={trial_ms}"),
            ],
        };
        self.device = Some(self.emulator.boot(board(), &device).unwrap());
        self.await_twin("a start", |twin| twin.boot > before && twin.running.is_some())
    }

    /// Kills the emulator, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.device.take().unwrap().kill();
    }

    /// A release of the next version, with golden vectors that its Plan passes.
    pub(crate) fn release(&self, plan: Vec<u8>) -> Made {
        let golden = golden(&plan, 1);
        self.controller.release(self.generation + 1, 0, plan, golden)
    }

    /// Offers a release and orders the device to run it.
    pub(crate) fn push(&mut self, made: &Made) {
        self.offer(made);
        self.order(made);
    }

    /// Offers a release.
    pub(crate) fn offer(&self, made: &Made) {
        let Made { version, manifest, artifact, golden } = made.clone();
        let blobs = golden.into_iter().chain([artifact]).collect();
        self.publisher.offer(Offer { model: MODEL.into(), version, manifest, blobs }).unwrap();
    }

    /// Orders the device to run a release.
    pub(crate) fn order(&mut self, made: &Made) {
        self.generation += 1;
        let order = self.controller.assign(made, self.generation, Purpose::Update);
        self.publisher.assign(DEVICE, order).unwrap();
    }

    pub(crate) fn await_twin(&self, what: &str, wanted: impl FnMut(&DeviceTwin) -> bool) -> DeviceTwin {
        let reached = self.background.wait(self.publisher.wait_for(DEVICE, PATIENCE, wanted));
        reached.unwrap_or_else(|error| {
            let console = std::fs::read_to_string(self.path("console")).unwrap_or_default();
            panic!("{what}: {error}\nconsole of the device:\n{console}")
        })
    }

    /// Waits until the update of the last order has ended.
    pub(crate) fn await_end(&self) -> DeviceTwin {
        let stamp = (1, self.generation - 1);
        self.await_twin("the end of an update", |twin| twin.stamp == stamp && twin.state.is_terminal())
    }

    /// Waits until a version is the good one, and until it answers.
    pub(crate) fn await_commit(&self, version: u64) {
        let twin = self.await_end();
        assert_eq!((twin.state, twin.version(), twin.failure), (State::Committed, Some(version), None));
        self.answers.await_version(version);
    }

    /// The last twin.
    pub(crate) fn twin(&self) -> Option<DeviceTwin> {
        self.publisher.twin(DEVICE)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }
}

fn recording() -> Recording {
    Recording::swinging(RECORDED)
}

/// The samples of the recording, as the driver reads them.
pub(crate) fn samples() -> Vec<[f32; CHANNELS]> {
    let (acceleration, rate) = RANGES;
    let bus = Bus::new(recording());
    let mut sensor = Lsm6dso::new(bus, Lsm6dso::<Bus>::ADDRESS, acceleration, rate).unwrap();
    let mut sample = || {
        let mut values = [0.0; CHANNELS];
        mote_firmware::Sensor::read(&mut sensor, &mut values).unwrap();
        values
    };
    (0..RECORDED).map(|_| sample()).collect()
}

fn board() -> &'static Board {
    Board::named("an386").unwrap()
}
