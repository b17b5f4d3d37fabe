//! Everything around a device, in memory: flash that loses what was not flushed, a broker that retains,
//! a source of chunks, and a link between them that drops, repeats and reorders.

use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

use mote_fleet::{
    Action, Boot, Config, Device, Event, Hold, Keep, Limits, Millis, Outcomes, Part, RECORD_BYTES, Record, Side, Slot,
    State, Trial, Trouble, Work, answer, newest,
};
use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Keyring, Kind, Purpose, Release, Role, SigningKey, Stamp, Standing,
    TrustedKey, check_release, sign_assignment, sign_release,
};
use mote_wire::{Body, Chunk, MAX_DOCUMENT, UpdateState};

static RELEASE: LazyLock<SigningKey> = LazyLock::new(|| key(1, Role::Release));
static ASSIGNMENT: LazyLock<SigningKey> = LazyLock::new(|| key(2, Role::Assignment));
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| key(3, Role::Release));
static KEYS: LazyLock<[TrustedKey; 2]> = LazyLock::new(|| [RELEASE.trusted(), ASSIGNMENT.trusted()]);

fn key(seed: u8, role: Role) -> SigningKey {
    SigningKey::from_seed(&[seed; 32], role, Standing::Production)
}

pub(crate) const CHUNK: u32 = 256;
pub(crate) const WINDOW: u16 = 8;

pub(crate) fn config() -> Config<'static> {
    Config {
        fleet: "plant",
        device: "press-4",
        model: "digits",
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

/// How a release behaves on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Good,
    /// Signed by a key that is not trusted.
    Forged,
    /// The assignment names another version than the release is.
    Mislabelled,
    /// Has no artifact for this device.
    ForOthers,
    /// The runtime refuses it.
    Unrunnable,
    /// Takes the device down whenever it is staged.
    Deadly,
    FailsSelfTest,
    FailsTrial,
    /// Never gives an answer.
    Silent,
    /// The source serves other bytes than the release names.
    Corrupted,
}

#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) nature: Nature,
    pub(crate) version: u64,
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
}

/// Bytes on storage; what was not flushed is lost with the power.
#[derive(Debug, Clone, Default)]
struct Staging {
    manifest: Vec<u8>,
    parts: [BTreeMap<u64, Vec<u8>>; 2],
}

impl Staging {
    fn part(&self, part: Part) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (&offset, piece) in &self.parts[part as usize] {
            bytes.resize(bytes.len().max(offset as usize), 0);
            bytes.truncate(offset as usize);
            bytes.extend_from_slice(piece);
        }
        bytes
    }
}

/// How the link treats chunks, drawn per message from these odds (of 100).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) swapped: u64,
}

/// Where the power fails while a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Before,
    /// After so many bytes.
    Torn(usize),
    After,
}

pub(crate) struct World {
    pub(crate) device: Device<'static>,
    config: Config<'static>,
    pub(crate) now: Millis,
    boots: u64,
    random: u64,
    pub(crate) weather: Weather,
    copies: [Vec<u8>; 2],
    write_to: Side,
    staging: Staging,
    flushed: Staging,
    slots: BTreeMap<[u8; 32], ()>,
    pub(crate) active: Option<Digest>,
    pub(crate) connected: bool,
    pub(crate) made: Vec<Made>,
    blobs: BTreeMap<[u8; 32], Vec<u8>>,
    pub(crate) want: Option<Vec<u8>>,
    pub(crate) stamp: Stamp,
    inbox: VecDeque<Vec<u8>>,
    /// The next writes that fail, by count from now.
    pub(crate) cuts: BTreeMap<usize, Cut>,
    pub(crate) writes: usize,
    pub(crate) fetched: Vec<(Part, u64)>,
    pub(crate) states: Vec<UpdateState>,
    pub(crate) published: Vec<mote_wire::Event>,
    pub(crate) twin: Option<(State, Option<u64>, Option<u16>)>,
}

impl World {
    /// A device that came from the factory with version 1.
    pub(crate) fn new(seed: u64) -> Self {
        Self::with(seed, config())
    }

    pub(crate) fn with(seed: u64, config: Config<'static>) -> Self {
        let boot = Boot { number: 0, seed, now: Millis(0) };
        let mut world = Self {
            device: Device::boot(config, None, boot).unwrap(),
            config,
            now: Millis(0),
            boots: 0,
            random: seed,
            weather: Weather::default(),
            copies: [vec![0xff; RECORD_BYTES], vec![0xff; RECORD_BYTES]],
            write_to: Side::First,
            staging: Staging::default(),
            flushed: Staging::default(),
            slots: BTreeMap::new(),
            active: None,
            connected: false,
            made: Vec::new(),
            blobs: BTreeMap::new(),
            want: None,
            stamp: Stamp::default(),
            inbox: VecDeque::new(),
            cuts: BTreeMap::new(),
            writes: 0,
            fetched: Vec::new(),
            states: Vec::new(),
            published: Vec::new(),
            twin: None,
        };
        let factory = world.make(Nature::Good, 1, 600, false);
        let made = world.made[factory].clone();
        let slot = world.slot(&made);
        world.slots.insert(made.digest.0, ());
        world.copies[0] = Record::with_good(slot).encode().to_vec();
        world.reboot();
        world
    }

    fn slot(&self, made: &Made) -> Slot {
        let release = check_release(&made.manifest, &self.config.ring).unwrap();
        let release = *release.release();
        Slot {
            release: made.digest,
            version: release.version,
            floor: release.floor,
            artifact: release.artifacts.iter().next().unwrap().blob,
            golden: release.golden,
        }
    }

    /// Makes a release of `length` bytes and offers it to the broker and the source.
    pub(crate) fn make(&mut self, nature: Nature, version: u64, length: usize, golden: bool) -> usize {
        let number = self.made.len();
        let content: Vec<u8> = (0..length).map(|at| (at * 31 + number * 7) as u8).collect();
        let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
        let vectors = vec![number as u8; 700];
        let class = if nature == Nature::ForOthers { Class::Mcu } else { Class::Gateway };
        let kind = Kind::Plan;
        let artifacts = [Artifact { class, variant: "generic", kind, blob: blob(&content) }];
        let release = Release {
            model: "digits",
            version,
            floor: 1,
            artifacts: artifacts.as_slice().into(),
            golden: golden.then(|| blob(&vectors)),
            limits: mote_seal::Limits::default(),
            compiler: &format!("test {number}"),
        };
        let key = if nature == Nature::Forged { &STRANGER } else { &RELEASE };
        let manifest = sign_release(&release, key).unwrap();
        let digest = Digest::of(&manifest);
        let mut served = content.clone();
        if nature == Nature::Corrupted {
            served[length / 2] ^= 1;
        }
        self.blobs.insert(Digest::of(&content).0, served);
        self.blobs.insert(Digest::of(&vectors).0, vectors);
        self.made.push(Made { nature, version, manifest, digest });
        number
    }

    /// Assigns a release under the next generation, retained.
    pub(crate) fn assign(&mut self, number: usize, nonce: u64, purpose: Purpose) {
        self.stamp.generation += 1;
        self.stamp.epoch = 1;
        let made = &self.made[number];
        let skew = u64::from(made.nature == Nature::Mislabelled);
        let assignment = Assignment {
            fleet: "plant",
            device: "press-4",
            stamp: self.stamp,
            model: "digits",
            version: made.version + skew,
            release: made.digest,
            nonce,
            purpose,
        };
        let want = sign_assignment(&assignment, &ASSIGNMENT).unwrap();
        self.want = Some(want.clone());
        if self.connected {
            self.event(Event::Want(&want));
        }
    }

    /// The power fails and comes back.
    pub(crate) fn reboot(&mut self) {
        self.staging = self.flushed.clone();
        (self.active, self.connected) = (None, false);
        self.inbox.clear();
        let newest = newest(&self.copies[0], &self.copies[1]);
        self.write_to = newest.write_to;
        self.boots += 1;
        let seed = self.draw();
        let boot = Boot { number: self.boots, seed, now: self.now };
        self.device = Device::boot(self.config, newest.record, boot).unwrap();
        self.drain();
    }

    pub(crate) fn durable(&self) -> Record {
        newest(&self.copies[0], &self.copies[1]).record.unwrap()
    }

    pub(crate) fn connect(&mut self) {
        self.connected = true;
        let session = self.draw();
        self.event(Event::Connected { session });
        if let Some(want) = self.want.clone() {
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
        let nature = self.made.iter().find(|made| Some(made.digest) == self.active);
        let outcomes = match nature.map(|made| made.nature) {
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
        let keep = self.device.handle(self.now, event);
        match keep {
            Some(Keep::Manifest(bytes)) => self.staging.manifest = bytes.to_vec(),
            Some(Keep::Chunk { part, offset, bytes }) => {
                self.fetched.push((part, offset));
                self.staging.parts[part as usize].insert(offset, bytes.to_vec());
            }
            None => {}
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.device.action(self.now) {
            match action {
                Action::Persist(bytes) => {
                    if !self.write(&bytes) {
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
                    // A mislabelled one is found under the label.
                    let found = self.made.iter().rev().find(|made| {
                        made.version + u64::from(made.nature == Nature::Mislabelled) == version
                            && self.wanted() == Some(made.digest)
                    });
                    if let Some(manifest) = found.map(|made| made.manifest.clone())
                        && let Some(Keep::Manifest(bytes)) = self.device.handle(self.now, Event::Release(&manifest))
                    {
                        self.staging.manifest = bytes.to_vec();
                    }
                }
                Action::Request(request) => {
                    let mut out = vec![0; MAX_DOCUMENT];
                    let length = request.get().encode(&mut out).unwrap();
                    let get = mote_wire::Get::decode(&out[..length]).unwrap();
                    assert!(get.credit <= WINDOW, "no more than a window is ever asked for");
                    let blob = self.blobs.get(&get.digest).unwrap();
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
        let want = self.want.as_ref()?;
        let addressee = mote_seal::Addressee { fleet: "plant", device: "press-4" };
        let opened = mote_seal::open_assignment(want, &self.config.ring, &addressee, None);
        Some(opened.unwrap().0.release)
    }

    /// Writes a record and flushes what was kept; `false` if the power failed.
    fn write(&mut self, bytes: &[u8; RECORD_BYTES]) -> bool {
        let before = self.durable();
        let after = Record::decode(bytes).unwrap();
        let cut = self.cuts.remove(&self.writes);
        self.writes += 1;
        let copy = &mut self.copies[self.write_to as usize];
        match cut {
            Some(Cut::Before) => return false,
            Some(Cut::Torn(length)) => {
                // What was kept goes first: a record must not state more than there is.
                self.flushed = self.staging.clone();
                copy[..length].copy_from_slice(&bytes[..length]);
                return false;
            }
            Some(Cut::After) | None => {}
        }
        self.flushed = self.staging.clone();
        copy.copy_from_slice(bytes);
        self.write_to = self.write_to.other();
        assert!(after.sequence() > before.sequence());
        if after.good() != before.good() {
            assert_eq!(after.state(), State::Committed, "good changes where a trial is committed");
        }
        self.states.push(after.state());
        cut.is_none()
    }

    /// Does what an order says; `None` if that took the device down.
    fn work(&mut self, work: Work) -> Option<Result<(), Trouble>> {
        let nature =
            |world: &Self, slot: &Slot| world.made.iter().find(|made| made.digest == slot.release).unwrap().nature;
        let refused = |refused: bool, trouble| if refused { Err(trouble) } else { Ok(()) };
        Some(match work {
            Work::Prepare { golden, artifact } => {
                assert!(artifact.length > 0 && golden.is_none_or(|golden| golden.length > 0));
                self.staging.parts = Default::default();
                // Erasing is not undone by a power cut.
                self.flushed.parts = Default::default();
                Ok(())
            }
            Work::Verify(slot) => self.verify(&slot).map_err(Trouble::from),
            Work::Stage(slot) => match nature(self, &slot) {
                Nature::Deadly => return None,
                Nature::Unrunnable => Err(Trouble::Unrunnable),
                _ => {
                    let good = self.device.good().map(|good| good.release.0);
                    self.slots.retain(|release, ()| Some(*release) == good);
                    self.slots.insert(slot.release.0, ());
                    Ok(())
                }
            },
            Work::SelfTest(slot) => refused(nature(self, &slot) == Nature::FailsSelfTest, Trouble::SelfTest),
            Work::Shadow(_) => Ok(()),
            Work::Activate(slot) => {
                let there = self.slots.contains_key(&slot.release.0);
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
        let artifact = self.staging.part(Part::Artifact);
        let checked = check_release(&self.staging.manifest, &self.config.ring)?;
        let opened = checked.select(&self.device.target())?.open(&artifact)?;
        assert_eq!(opened.release_digest(), slot.release);
        if let Some(golden) = slot.golden {
            let vectors = self.staging.part(Part::Golden);
            if Digest::of(&vectors) != golden.digest {
                return Err(mote_seal::OpenError::WrongDigest);
            }
        }
        Ok(())
    }

    /// What must hold whenever the device is at rest.
    fn check(&self) {
        let record = self.durable();
        let good = record.good().expect("a good model is never lost");
        assert!(self.slots.contains_key(&good.release.0), "its storage is never touched");
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
