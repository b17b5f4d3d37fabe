//! Gives the update machine of `mote-fleet` a clock, a disk, a compiler and a broker. One thread, one model.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use mote_fleet::{
    Action, Backlog, Boot, Config, Device, Event, Fold, Incoming, Keep, Limits, Millis, Order, RECORD_BYTES, Record,
    Slot, Trial, Trouble, Work,
};
use mote_host::LoadError;
use mote_seal::golden::{OutputHasher, Vectors};
use mote_seal::{Class, Digest, Keyring, Sealed, TrustedKey, open_detached};
use mote_wire::{Body, MAX_DOCUMENT, Public, Topic, Up};

use crate::config::{Gateway, Update};
use crate::link::{Delivery, Link, Message};
use crate::models::{MAX_ARTIFACT_BYTES, Models, Served, VARIANT, any_model};
use crate::pipeline::Answered;
use crate::store::{Parts, Store};

/// How long a telemetry window is.
const REPORT_EVERY: Duration = Duration::from_secs(30);
/// When to try again to write a record that the disk did not take.
const SAVE_AGAIN: Duration = Duration::from_secs(1);
/// Windows kept while the broker is away: an hour of them.
const REPORT_BACKLOG: usize = 3600 / 30;

/// What the update thread is told.
pub(crate) enum Input {
    /// The link stands; the birth message carries this number.
    Connected { session: u64 },
    /// The link is down.
    Disconnected,
    /// A message on one of the device's own topics, or a release.
    Arrived { topic: String, payload: Vec<u8> },
    /// A pipeline had an answer.
    Answered(Answered),
    /// The gateway ends.
    Stop,
}

/// Everything the thread works with.
pub(crate) struct Updater {
    pub(crate) gateway: Gateway,
    pub(crate) update: Update,
    pub(crate) keys: Vec<TrustedKey>,
    pub(crate) models: Arc<Models>,
    pub(crate) link: Link,
    pub(crate) boot: u64,
    pub(crate) seed: u64,
}

/// Why the update thread could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The state directory cannot be read or written.
    #[error("{}: {source}", dir.display())]
    State {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Chunk size or window are out of range.
    #[error("[update]: {0}")]
    Config(mote_fleet::ConfigError),
}

/// The thread's own state beside the machine.
struct Hands<'h> {
    updater: &'h Updater,
    ring: Keyring<'h>,
    store: Store,
    /// A record that is not durable yet.
    unsaved: Option<[u8; RECORD_BYTES]>,
    /// Loaded by release: staged ones wait here to be activated at once.
    loaded: BTreeMap<[u8; 32], Arc<Served>>,
    boot: u64,
    start: Instant,
    /// The release topic subscribed to, so that a newer one is asked for by name.
    subscribed: Option<String>,
    fold: Fold,
    backlog: Backlog<REPORT_BACKLOG>,
    connected: bool,
}

impl Updater {
    /// Prepares the state directory and answers the machine's record. The model that stands in the models directory is
    /// adopted as good where there is no record.
    pub(crate) fn prepare(&self) -> Result<(Store, Option<Record>), UpdateError> {
        let dir = self.gateway.state.join(&self.update.model);
        let state = |source| UpdateError::State { dir: dir.clone(), source };
        let (mut store, mut record) = Store::open(&dir).map_err(state)?;
        if record.is_none()
            && let Some((slot, parts)) = self.factory_model()
        {
            store.add_release(slot.release, &parts).map_err(state)?;
            let first = Record::with_good(slot);
            store.persist(&first.encode()).map_err(state)?;
            record = Some(first);
        }
        Ok((store, record))
    }

    /// The sealed file of the managed model, if the directory has one that opens.
    fn factory_model(&self) -> Option<(Slot, Parts)> {
        let ring = Keyring::new(&self.keys);
        for path in Models::sealed_files(&self.gateway.models).ok()? {
            let Ok(bytes) = std::fs::read(path) else { continue };
            let Ok(opened) = mote_seal::open(&bytes, &ring, &any_model()) else { continue };
            if opened.release().model != self.update.model {
                continue;
            }
            let sealed = Sealed::split(&bytes).ok()?;
            let release = opened.release();
            let artifact = release.artifacts.find(Class::Gateway, VARIANT)?.blob;
            let slot = Slot {
                release: opened.release_digest(),
                version: release.version,
                floor: release.floor,
                artifact,
                // A sealed file holds no golden vectors; what a person put there is not tested again.
                golden: None,
            };
            let (manifest, artifact) = (sealed.manifest.to_vec(), sealed.artifact.to_vec());
            return Some((slot, Parts { manifest, golden: Vec::new(), artifact }));
        }
        None
    }

    /// Runs until [`Input::Stop`].
    pub(crate) fn run(
        &self,
        store: Store,
        record: Option<Record>,
        inputs: &Receiver<Input>,
    ) -> Result<(), UpdateError> {
        let ring = Keyring::new(&self.keys);
        let start = Instant::now();
        let (boot, seed) = (self.boot, self.seed);
        let mut device = Device::boot(self.config(ring), record, Boot { number: boot, seed, now: Millis(0) })
            .map_err(UpdateError::Config)?;
        let mut hands = Hands {
            updater: self,
            ring,
            store,
            unsaved: None,
            loaded: BTreeMap::new(),
            boot,
            start,
            subscribed: None,
            fold: Fold::new(0, Millis(0)),
            backlog: Backlog::default(),
            connected: false,
        };
        let mut report_at = start + REPORT_EVERY;
        loop {
            hands.carry_out(&mut device);
            let now = hands.now();
            let machine = device.wake_at().map(|at| Duration::from_millis(at.0.saturating_sub(now.0)));
            let report = report_at.saturating_duration_since(Instant::now());
            let retry = hands.unsaved.map(|_| SAVE_AGAIN);
            let wake = [machine, retry].into_iter().flatten().fold(report, Duration::min);
            match inputs.recv_timeout(wake) {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Ok(input) => hands.take(&mut device, input),
                Err(RecvTimeoutError::Timeout) => {
                    device.handle(hands.now(), Event::Tick);
                }
            }
            if Instant::now() >= report_at {
                report_at = Instant::now() + REPORT_EVERY;
                hands.report(&device);
            }
        }
    }

    fn config<'c>(&'c self, ring: Keyring<'c>) -> Config<'c> {
        Config {
            fleet: &self.gateway.fleet,
            device: &self.gateway.name,
            model: &self.update.model,
            ring,
            class: Class::Gateway,
            variant: VARIANT,
            runtime: concat!("mote ", env!("CARGO_PKG_VERSION")),
            max_bytes: MAX_ARTIFACT_BYTES,
            chunk_bytes: self.update.chunk_bytes,
            window: self.update.window,
            limits: Limits {
                trial: Trial { answers: self.update.trial_answers, ..Limits::default().trial },
                retry_ms: self.update.retry_ms,
                ..Limits::default()
            },
        }
    }
}

/// What arrives.
impl Hands<'_> {
    fn now(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn take(&mut self, device: &mut Device<'_>, input: Input) {
        let now = self.now();
        match input {
            Input::Connected { session } => {
                self.connected = true;
                device.handle(now, Event::Connected { session });
            }
            Input::Disconnected => {
                self.connected = false;
                device.handle(now, Event::Disconnected);
            }
            Input::Arrived { topic, payload } => self.arrived(device, &topic, &payload),
            Input::Answered(answered) => {
                if answered.model == self.updater.update.model {
                    self.count(&answered);
                    device.handle(now, Event::Outcomes(answered.outcomes));
                }
            }
            Input::Stop => {}
        }
    }

    fn arrived(&mut self, device: &mut Device<'_>, topic: &str, payload: &[u8]) {
        let event = match device.read(topic, payload) {
            Some(Incoming::Event(event)) => event,
            Some(Incoming::Report) => return self.report(device),
            None => return,
        };
        let now = self.now();
        let kept: Option<std::io::Result<()>> = device.handle(now, event).map(|keep: Keep<'_>| self.store.keep(&keep));
        if let Some(Err(_)) = kept {
            device.handle(now, Event::StorageFailed);
        }
    }

    fn count(&mut self, answered: &Answered) {
        let window = self.fold.window();
        if answered.outcomes.answered > 0 {
            window.answered(answered.latency_us, answered.class);
        } else {
            window.failed();
        }
    }
}

/// What is done.
impl Hands<'_> {
    fn carry_out(&mut self, device: &mut Device<'_>) {
        self.save(device);
        while let Some(action) = device.action(self.now()) {
            match action {
                Action::Persist(record) => {
                    self.unsaved = Some(record);
                    self.save(device);
                }
                Action::Work(Order { ticket, work }) => {
                    let result = self.work(device, work);
                    device.handle(self.now(), Event::Done { ticket, result });
                }
                Action::FetchRelease { version } => self.fetch_release(version),
                Action::Request(request) => self.publish(Up::Get, &request.get(), false),
                Action::PublishEvent(event) => self.publish(Up::Event, &event, false),
                Action::PublishTwin => self.publish(Up::Twin, &device.twin(), true),
            }
        }
    }

    /// Makes the waiting record durable. Nothing may follow one that is not: on a full disk it waits, and so does the
    /// machine, while the good model goes on answering.
    fn save(&mut self, device: &mut Device<'_>) {
        if self.unsaved.is_some_and(|record| self.store.persist(&record).is_ok()) {
            self.unsaved = None;
            self.updater.models.metrics().update_state.set(device.state() as i64);
            device.handle(self.now(), Event::Persisted);
        }
    }

    fn work(&mut self, device: &Device<'_>, work: Work) -> Result<(), Trouble> {
        match work {
            Work::Prepare { golden, artifact } => self.store.prepare(golden, artifact).map_err(storage),
            Work::Verify(slot) => self.verify(device, &slot).map(|_| ()),
            Work::Stage(slot) => self.stage(device, &slot),
            Work::SelfTest(slot) => self.self_test(device, &slot),
            Work::Activate(slot) => self.activate(device, &slot),
            Work::Deactivate => {
                self.updater.models.remove(&self.updater.update.model);
                Ok(())
            }
            // The shadow time is 0, so the machine leaves this state out.
            Work::Shadow(_) => Ok(()),
        }
    }

    fn verify(&self, device: &Device<'_>, slot: &Slot) -> Result<Parts, Trouble> {
        let parts = self.store.staging_parts().map_err(storage)?;
        open_detached(&parts.manifest, &parts.artifact, &self.ring, &device.target())?;
        if let Some(blob) = slot.golden {
            Vectors::open(&parts.golden, &blob)?;
        }
        Ok(parts)
    }

    fn stage(&mut self, device: &Device<'_>, slot: &Slot) -> Result<(), Trouble> {
        let parts = self.verify(device, slot)?;
        let opened = open_detached(&parts.manifest, &parts.artifact, &self.ring, &device.target())?;
        let served = self.updater.models.load(&opened).map_err(|error| unrunnable(&error))?;
        self.store.add_release(slot.release, &parts).map_err(storage)?;
        self.loaded.insert(slot.release.0, served);
        Ok(())
    }

    fn self_test(&mut self, device: &Device<'_>, slot: &Slot) -> Result<(), Trouble> {
        let Some(blob) = slot.golden else { return Ok(()) };
        let served = self.served(device, slot)?;
        let parts = self.store.release(slot.release).map_err(storage)?;
        for vector in Vectors::open(&parts.golden, &blob)?.iter() {
            let entry = served.entries().get(vector.entry as usize).ok_or(Trouble::SelfTest)?;
            let mut all = vec![0; entry.inputs.iter().map(|port| port.bytes).sum()];
            vector.inputs.write_to(&mut all).map_err(|_| Trouble::SelfTest)?;
            let mut rest = all.as_slice();
            let mut inputs = Vec::with_capacity(entry.inputs.len());
            for port in &entry.inputs {
                let (input, after) = rest.split_at(port.bytes);
                inputs.push(input);
                rest = after;
            }
            let outputs = served.infer(vector.entry, &inputs).map_err(|_| Trouble::SelfTest)?;
            let mut hasher = OutputHasher::new();
            for (port, bytes) in entry.outputs.iter().zip(&outputs) {
                hasher.output(port.dtype, bytes);
            }
            if hasher.finish() != vector.digest {
                return Err(Trouble::SelfTest);
            }
        }
        Ok(())
    }

    fn activate(&mut self, device: &Device<'_>, slot: &Slot) -> Result<(), Trouble> {
        let served = self.served(device, slot)?;
        let closed = self.fold.close(slot.version, self.now());
        if closed.version != 0 {
            self.backlog.push(closed);
        }
        self.updater.models.install(served);
        let keep: Vec<Digest> = device.good().map(|good| good.release).into_iter().chain([slot.release]).collect();
        self.loaded.retain(|release, _| keep.iter().any(|kept| kept.0 == *release));
        // What cannot be removed is removed after the next update.
        let _ = self.store.collect(&keep);
        Ok(())
    }

    /// The loaded model of a slot, loaded again after a start of the gateway. It has passed the floor when it was
    /// staged; a good model is never refused for a floor that came after it.
    fn served(&mut self, device: &Device<'_>, slot: &Slot) -> Result<Arc<Served>, Trouble> {
        if let Some(served) = self.loaded.get(&slot.release.0) {
            return Ok(Arc::clone(served));
        }
        let parts = self.store.release(slot.release).map_err(storage)?;
        let target = mote_seal::Target { floor: 0, ..device.target() };
        let opened = open_detached(&parts.manifest, &parts.artifact, &self.ring, &target)?;
        if opened.release_digest() != slot.release {
            return Err(Trouble::Storage);
        }
        let served = self.updater.models.load(&opened).map_err(|error| unrunnable(&error))?;
        self.loaded.insert(slot.release.0, Arc::clone(&served));
        Ok(served)
    }

    fn fetch_release(&mut self, version: u64) {
        let (fleet, model) = (&self.updater.gateway.fleet, &self.updater.update.model);
        let Ok(topic) = Topic::public(fleet, Public::Release { model, version }).text() else { return };
        // Some brokers send the retained message for a new subscription only.
        if let Some(before) = self.subscribed.replace(topic.to_string()) {
            self.updater.link.unsubscribe(before);
        }
        self.updater.link.subscribe(&*topic);
    }

    fn report(&mut self, device: &Device<'_>) {
        let version = device.running().map_or(0, |slot| slot.version);
        let closed = self.fold.close(version, self.now());
        if closed.answered + closed.failed + closed.flagged > 0 {
            self.backlog.push(closed);
        }
        while self.connected
            && let Some(window) = self.backlog.oldest(self.boot, &self.updater.update.model)
        {
            self.publish(Up::Metrics, &window, false);
            self.backlog.published();
        }
    }

    fn publish<'b>(&self, channel: Up, body: &impl Body<'b>, retain: bool) {
        let mut payload = vec![0; MAX_DOCUMENT];
        let Ok(length) = body.encode(&mut payload) else { return };
        payload.truncate(length);
        let Gateway { fleet, name, .. } = &self.updater.gateway;
        let Ok(topic) = Topic::up(fleet, name, channel).text() else { return };
        // A request that waits out a lost connection would fetch what the next one asks for again.
        let delivery = if channel == Up::Get { Delivery::AtMostOnce } else { Delivery::AtLeastOnce };
        let message = Message { topic: topic.to_string(), payload, delivery, retain };
        // A full outbox drops a request or a twin; the machine asks again and says its twin again.
        let _ = self.updater.link.publish(message);
    }
}

fn storage(_: std::io::Error) -> Trouble {
    Trouble::Storage
}

fn unrunnable(error: &LoadError) -> Trouble {
    match error {
        LoadError::TooMuchMemory { .. } | LoadError::PoolExhausted { .. } => Trouble::OutOfMemory,
        LoadError::TooManyOperations { .. } | LoadError::TooSlow { .. } => Trouble::TooSlow,
        _ => Trouble::Unrunnable,
    }
}
