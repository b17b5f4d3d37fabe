//! A device with all that is around it, in memory: storage, a publisher, and a link between them that drops, repeats and
//! reorders.

use std::collections::VecDeque;

use mote_fleet::{
    Action, Boot, Config, Device, Event, Hold, Keep, Limits, Millis, Outcomes, Part, Record, Slot, State, Trial,
    Trouble, Work, answer,
};
use mote_seal::{Class, Digest, Keyring, Purpose, check_release};
use mote_wire::{Body, Chunk, MAX_DOCUMENT};

use crate::publisher::{DEVICE, FLEET, KEYS, MODEL, Made, Nature, Publisher};
use crate::storage::Storage;

pub(crate) const CHUNK: u32 = 256;
pub(crate) const WINDOW: u16 = 8;

pub(crate) fn config() -> Config<'static> {
    Config {
        fleet: FLEET,
        device: DEVICE,
        model: MODEL,
        ring: Keyring::new(&*KEYS),
        class: Class::Gateway,
        variant: "generic",
        runtime: "test",
        max_bytes: 100_000,
        chunk_bytes: CHUNK,
        window: WINDOW,
        limits: Limits {
            trial: Trial { answers: 10, failures: 2, deadline_ms: 600_000, boots: 3 },
            ..Limits::default()
        },
    }
}

/// How the link treats chunks, drawn per message from these odds (of 100).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) swapped: u64,
}

pub(crate) struct World {
    pub(crate) device: Device<'static>,
    config: Config<'static>,
    pub(crate) now: Millis,
    boots: u64,
    random: u64,
    pub(crate) weather: Weather,
    pub(crate) storage: Storage,
    pub(crate) publisher: Publisher,
    pub(crate) active: Option<Digest>,
    pub(crate) connected: bool,
    inbox: VecDeque<Vec<u8>>,
    pub(crate) fetched: Vec<(Part, u64)>,
    pub(crate) published: Vec<mote_wire::Event>,
    pub(crate) twin: Option<(State, Option<u64>, Option<u16>)>,
}

impl World {
    /// A device that came from the factory with version 1.
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, config())
    }

    pub(crate) fn with(seed: u64, config: Config<'static>) -> Self {
        let mut publisher = Publisher::default();
        let factory = publisher.make(Nature::Good, 1, 600, false);
        let slot = slot(&publisher.made[factory], &config);
        let mut world = Self {
            device: Device::boot(config, None, Boot { number: 0, seed, now: Millis(0) }).unwrap(),
            config,
            now: Millis(0),
            boots: 0,
            random: seed,
            weather: Weather::default(),
            storage: Storage::with(&Record::with_good(slot), slot.release),
            publisher,
            active: None,
            connected: false,
            inbox: VecDeque::new(),
            fetched: Vec::new(),
            published: Vec::new(),
            twin: None,
        };
        world.reboot();
        world
    }

    /// Makes a release of `length` bytes and offers it to the broker and the source.
    pub(crate) fn make(&mut self, nature: Nature, version: u64, length: usize, golden: bool) -> usize {
        self.publisher.make(nature, version, length, golden)
    }

    /// Assigns a release under the next generation, retained.
    pub(crate) fn assign(&mut self, number: usize, nonce: u64, purpose: Purpose) {
        let want = self.publisher.order(number, nonce, purpose);
        if self.connected {
            self.event(Event::Want(&want));
        }
    }

    /// The power fails and comes back.
    pub(crate) fn reboot(&mut self) {
        (self.active, self.connected) = (None, false);
        self.inbox.clear();
        let newest = self.storage.mount();
        self.boots += 1;
        let seed = self.draw();
        let boot = Boot { number: self.boots, seed, now: self.now };
        self.device = Device::boot(self.config, newest.record, boot).unwrap();
        self.drain();
    }

    pub(crate) fn connect(&mut self) {
        self.connected = true;
        let session = self.draw();
        self.event(Event::Connected { session });
        if let Some(want) = self.publisher.want.clone() {
            self.event(Event::Want(&want));
        }
    }

    pub(crate) fn disconnect(&mut self) {
        self.connected = false;
        self.inbox.clear();
        self.event(Event::Disconnected);
    }

    pub(crate) fn hold(&mut self, hold: Hold) {
        self.event(Event::Hold(hold));
    }

    /// Hands the device what is waiting, up to `most` chunks.
    pub(crate) fn deliver(&mut self, most: usize) {
        for _ in 0..most {
            if self.inbox.len() > 1 && self.chance(self.weather.swapped) {
                self.inbox.swap(0, 1);
            }
            let Some(message) = self.inbox.pop_front() else {
                return;
            };
            if self.chance(self.weather.twice) {
                self.inbox.push_back(message.clone());
            }
            if !self.connected || self.chance(self.weather.lost) {
                continue;
            }
            self.event(Event::Chunk(Chunk::decode(&message).unwrap()));
        }
    }

    /// Lets the active model answer `count` inputs as is its nature.
    pub(crate) fn infer(&mut self, count: u32) {
        let outcomes = match self.active.and_then(|release| self.publisher.nature(release)) {
            None | Some(Nature::Silent) => return,
            Some(Nature::FailsTrial) => Outcomes { answered: 0, failed: count },
            Some(_) => Outcomes { answered: count, failed: 0 },
        };
        self.event(Event::Outcomes(outcomes));
    }

    /// Time passes.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.now = self.now.after(ms);
        self.event(Event::Tick);
    }

    /// Time passes until the device asked to be woken.
    pub(crate) fn wake(&mut self) {
        if let Some(at) = self.device.wake_at() {
            self.now = self.now.max(at);
        }
        self.event(Event::Tick);
    }

    /// Runs with a reliable link until the update is over.
    pub(crate) fn settle(&mut self) {
        self.weather = Weather::default();
        self.hold(Hold::Off);
        for _ in 0..3000 {
            if !self.connected {
                self.connect();
            }
            self.deliver(50);
            // Twice, for the power may fail in the first.
            self.infer(20);
            self.infer(20);
            let state = self.device.state();
            if state.is_terminal() && state != State::Deferred && self.inbox.is_empty() {
                self.wait(1);
                if self.device.state() == state && self.active.is_some() && self.connected {
                    return;
                }
            }
            if self.inbox.is_empty() {
                self.wake();
            }
        }
        panic!("the device never came to rest: {:?}", self.device);
    }

    pub(crate) fn event(&mut self, event: Event<'_>) {
        if let Some(keep) = self.device.handle(self.now, event) {
            if let Keep::Chunk { part, offset, .. } = keep {
                self.fetched.push((part, offset));
            }
            self.storage.keep(keep);
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.device.action(self.now) {
            match action {
                Action::Persist(bytes) => {
                    if !self.storage.write(&bytes) {
                        return self.reboot();
                    }
                    self.device.handle(self.now, Event::Persisted);
                }
                Action::Work(order) => match self.work(order.work) {
                    Some(result) => {
                        let done = Event::Done { ticket: order.ticket, result };
                        self.device.handle(self.now, done);
                    }
                    None => return self.reboot(),
                },
                Action::FetchRelease { version } => {
                    // A forged document under the topic must not disturb.
                    self.device.handle(self.now, Event::Release(b"not a release"));
                    let found = self.publisher.find(version, self.wanted());
                    if let Some(manifest) = found.map(|made| made.manifest.clone())
                        && let Some(keep) = self.device.handle(self.now, Event::Release(&manifest))
                    {
                        self.storage.keep(keep);
                    }
                }
                Action::Request(request) => {
                    let mut out = vec![0; MAX_DOCUMENT];
                    let length = request.get().encode(&mut out).unwrap();
                    let get = mote_wire::Get::decode(&out[..length]).unwrap();
                    assert!(get.credit <= WINDOW, "no more than a window is ever asked for");
                    let blob = self.publisher.blobs.get(&get.digest).unwrap();
                    for chunk in answer(&get, blob) {
                        let mut out = vec![0; MAX_DOCUMENT];
                        let length = chunk.encode(&mut out).unwrap();
                        self.inbox.push_back(out[..length].to_vec());
                    }
                }
                Action::PublishEvent(event) => self.published.push(event),
                Action::PublishTwin => {
                    let twin = self.device.twin();
                    let mut out = [0; 1024];
                    let length = twin.encode(&mut out).unwrap();
                    assert_eq!(mote_wire::Twin::decode(&out[..length]), Ok(twin));
                    self.twin = Some((
                        twin.state,
                        twin.running.map(|running| running.version),
                        twin.failure.map(|failure| failure.code),
                    ));
                }
            }
        }
        self.check();
    }

    fn wanted(&self) -> Option<Digest> {
        let want = self.publisher.want.as_ref()?;
        let addressee = mote_seal::Addressee { fleet: FLEET, device: DEVICE };
        let opened = mote_seal::open_assignment(want, &self.config.ring, &addressee, None);
        Some(opened.unwrap().0.release)
    }

    /// Does what an order says; `None` if that took the device down.
    fn work(&mut self, work: Work) -> Option<Result<(), Trouble>> {
        let nature = |world: &Self, slot: &Slot| world.publisher.nature(slot.release).unwrap();
        let refused = |refused: bool, trouble| if refused { Err(trouble) } else { Ok(()) };
        Some(match work {
            Work::Prepare { golden, artifact } => {
                assert!(artifact.length > 0 && golden.is_none_or(|golden| golden.length > 0));
                self.storage.prepare();
                Ok(())
            }
            Work::Verify(slot) => self.verify(&slot).map_err(Trouble::from),
            Work::Stage(slot) => match nature(self, &slot) {
                Nature::Deadly => return None,
                Nature::Unrunnable => Err(Trouble::Unrunnable),
                _ => {
                    self.storage.stage(slot.release, self.device.good().map(|good| good.release));
                    Ok(())
                }
            },
            Work::SelfTest(slot) => refused(nature(self, &slot) == Nature::FailsSelfTest, Trouble::SelfTest),
            Work::Shadow(_) => Ok(()),
            Work::Activate(slot) => {
                let there = self.storage.holds(slot.release);
                if there {
                    self.active = Some(slot.release);
                }
                refused(!there, Trouble::Storage)
            }
            Work::Deactivate => {
                self.active = None;
                Ok(())
            }
        })
    }

    fn verify(&self, slot: &Slot) -> Result<(), mote_seal::OpenError> {
        let artifact = self.storage.staging.part(Part::Artifact);
        let checked = check_release(&self.storage.staging.manifest, &self.config.ring)?;
        let opened = checked.select(&self.device.target())?.open(&artifact)?;
        assert_eq!(opened.release_digest(), slot.release);
        if let Some(golden) = slot.golden {
            let vectors = self.storage.staging.part(Part::Golden);
            if Digest::of(&vectors) != golden.digest {
                return Err(mote_seal::OpenError::WrongDigest);
            }
        }
        Ok(())
    }

    /// What must hold whenever the device is at rest.
    fn check(&self) {
        let record = self.storage.durable();
        let good = record.good().expect("a good model is never lost");
        assert!(self.storage.holds(good.release), "its storage is never touched");
        if let Some(active) = self.active {
            let is_good = active == good.release;
            let on_trial = matches!(self.device.state(), State::Trial | State::Rollback);
            assert!(is_good || on_trial, "only a trial runs anything but the good model");
        }
        assert_eq!(self.device.running().map(|slot| slot.release), self.active);
    }

    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.random >> 33
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.draw() % 100 < percent
    }
}

/// What a release says of itself.
fn slot(made: &Made, config: &Config<'_>) -> Slot {
    let release = check_release(&made.manifest, &config.ring).unwrap();
    let release = *release.release();
    Slot {
        release: made.digest,
        version: release.version,
        floor: release.floor,
        artifact: release.artifacts.iter().next().unwrap().blob,
        golden: release.golden,
    }
}
