//! The update machine with its telemetry, as JavaScript drives it.

use mote_fleet::{
    Backlog, Backoff, Boot, Device, Event, Fold, Hold, Incoming, Millis, Order, Outcomes, Record, Slot, Trouble, Work,
};
use mote_seal::{Keyring, OpenError, open_detached};
use mote_wire::{Alive, Body, Filter, MAX_DOCUMENT, Presence, Public, Topic, Up};
use self_cell::self_cell;
use wasm_bindgen::prelude::wasm_bindgen;

use super::settings::Identity;
use super::{Action, ActionKind, DeviceSettings, DeviceStatus, FirstRelease, Kept, SelfTest};
use crate::{KeyRing, Refusal};

/// Telemetry windows kept while the broker is away: an hour of them by default.
const REPORT_BACKLOG: usize = 120;
/// The first and the longest wait before the page connects again, in milliseconds.
const RECONNECT_MS: (u32, u32) = (250, 30_000);

self_cell!(
    /// The machine and the names and keys that it borrows.
    struct Cell {
        owner: Identity,
        #[covariant]
        dependent: Device,
    }
);

/// How an order went, where JavaScript is the judge.
#[wasm_bindgen]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Done,
    /// Storage could not be written or read.
    Storage,
    /// The browser refuses the module.
    Unrunnable,
    /// A golden vector gave another answer.
    Disproved,
    /// There is not enough memory.
    OutOfMemory,
}

impl From<Outcome> for Result<(), Trouble> {
    fn from(outcome: Outcome) -> Self {
        Err(match outcome {
            Outcome::Done => return Ok(()),
            Outcome::Storage => Trouble::Storage,
            Outcome::Unrunnable => Trouble::Unrunnable,
            Outcome::Disproved => Trouble::SelfTest,
            Outcome::OutOfMemory => Trouble::OutOfMemory,
        })
    }
}

/// One page's device. Times are milliseconds of `performance.now()`; they never go back.
#[wasm_bindgen]
pub struct FleetMachine {
    cell: Cell,
    boot: u64,
    /// The order being carried out.
    order: Option<Order>,
    connected: bool,
    reconnect: Backoff,
    fold: Fold,
    report_at: Millis,
    backlog: Box<Backlog<REPORT_BACKLOG>>,
}

/// Start and time.
#[wasm_bindgen]
impl FleetMachine {
    /// Starts from the record that was kept last, if any. `boot` counts the page's starts and has been made durable;
    /// `seed` is drawn anew.
    ///
    /// # Errors
    /// A name that is none, or a chunk or window out of range.
    #[wasm_bindgen(constructor)]
    pub fn new(
        settings: DeviceSettings,
        keys: &KeyRing,
        record: Option<Vec<u8>>,
        boot: u64,
        seed: u64,
        now: f64,
    ) -> Result<Self, Refusal> {
        let (now, report_ms) = (millis(now), u64::from(settings.report_ms));
        let record = record.and_then(|bytes| Record::decode(&bytes));
        let identity = Identity { settings, keys: keys.keys().to_vec() };
        let boot_now = Boot { number: boot, seed, now };
        let cell = Cell::try_new(identity, |identity| Device::boot(identity.config(), record, boot_now))?;
        Ok(Self {
            cell,
            boot,
            order: None,
            connected: false,
            reconnect: Backoff::new(RECONNECT_MS.0, RECONNECT_MS.1, seed),
            fold: Fold::new(0, now),
            report_at: now.after(report_ms),
            backlog: Box::default(),
        })
    }

    /// Opens the sealed file that a page without a record starts with.
    ///
    /// # Errors
    /// Why it does not open.
    #[wasm_bindgen(js_name = openFirst)]
    pub fn open_first(settings: DeviceSettings, keys: &KeyRing, sealed: &[u8]) -> Result<FirstRelease, Refusal> {
        let identity = Identity { settings, keys: keys.keys().to_vec() };
        Ok(FirstRelease::open(&identity, sealed)?)
    }

    /// When to call `tick` at the latest.
    #[wasm_bindgen(js_name = wakeAt)]
    #[must_use]
    pub fn wake_at(&self) -> f64 {
        let at = self.device().wake_at().map_or(self.report_at, |at| at.min(self.report_at));
        at.0 as f64
    }

    /// Time has passed.
    pub fn tick(&mut self, now: f64) {
        self.handle(now, Event::Tick);
        if millis(now) >= self.report_at {
            self.report(now);
        }
    }

    /// How long to wait before connecting again.
    #[wasm_bindgen(js_name = reconnectDelay)]
    pub fn reconnect_delay(&mut self) -> f64 {
        self.reconnect.next_delay() as f64
    }
}

/// The link.
#[wasm_bindgen]
impl FleetMachine {
    /// The topic of birth and will.
    #[wasm_bindgen(js_name = aliveTopic)]
    #[must_use]
    pub fn alive_topic(&self) -> String {
        self.up(Up::Alive)
    }

    /// Birth (`online`) or will of one connection, whose number is drawn anew for each.
    #[must_use]
    pub fn alive(&self, online: bool, session: u64) -> Vec<u8> {
        let presence = if online { Presence::Online } else { Presence::Offline };
        encoded(&Alive { presence, boot: self.boot, session })
    }

    /// What to subscribe to before saying `connected`.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn filter(&self) -> String {
        let DeviceSettings { fleet, device, .. } = self.settings();
        text(Filter::Device { fleet, device }.text())
    }

    /// The link is up and subscribed.
    pub fn connected(&mut self, now: f64, session: u64) {
        self.connected = true;
        self.reconnect.reset();
        self.handle(now, Event::Connected { session });
    }

    /// The link is down.
    pub fn disconnected(&mut self, now: f64) {
        self.connected = false;
        self.handle(now, Event::Disconnected);
    }

    /// A message. Answers bytes to keep, if it brings any; if they cannot be kept, say `storageFailed`.
    pub fn arrived(&mut self, now: f64, topic: &str, payload: &[u8]) -> Option<Kept> {
        let event = match self.device().read(topic, payload)? {
            Incoming::Event(event) => event,
            Incoming::Report => {
                self.report(now);
                return None;
            }
        };
        self.cell.with_dependent_mut(|_, device| device.handle(millis(now), event).map(Kept::from))
    }
}

/// What to do, and what has been done.
#[wasm_bindgen]
impl FleetMachine {
    /// The next thing to do, or `undefined` until something happens.
    pub fn action(&mut self, now: f64) -> Option<Action> {
        let action = self.cell.with_dependent_mut(|_, device| device.action(millis(now)));
        let Some(action) = action else { return self.telemetry() };
        Some(match action {
            mote_fleet::Action::Persist(record) => Action::persist(&record),
            mote_fleet::Action::Work(order) => self.begin(order, now),
            mote_fleet::Action::FetchRelease { version } => {
                let DeviceSettings { fleet, model, .. } = self.settings();
                Action::subscribe(&text(Topic::public(fleet, Public::Release { model, version }).text()))
            }
            // A request that waits out a lost connection would fetch what the next one asks for again.
            mote_fleet::Action::Request(request) => {
                Action::publish(&self.up(Up::Get), encoded(&request.get()), 0, false)
            }
            mote_fleet::Action::PublishEvent(event) => Action::publish(&self.up(Up::Event), encoded(&event), 1, false),
            mote_fleet::Action::PublishTwin => {
                Action::publish(&self.up(Up::Twin), encoded(&self.device().twin()), 1, true)
            }
        })
    }

    /// The bytes of the last `Persist` are durable, and all that was kept before it.
    pub fn persisted(&mut self, now: f64) {
        self.handle(now, Event::Persisted);
    }

    /// An order has been carried out, or not.
    pub fn done(&mut self, now: f64, ticket: u32, outcome: Outcome) {
        self.handle(now, Event::Done { ticket, result: outcome.into() });
    }

    /// Carries out the order to verify: opens what has been kept, and says so itself.
    ///
    /// # Errors
    /// Why it did not open; the machine knows already.
    pub fn verify(
        &mut self,
        now: f64,
        ticket: u32,
        manifest: &[u8],
        golden: &[u8],
        artifact: &[u8],
    ) -> Result<(), Refusal> {
        let opened = self.open(manifest, artifact).and_then(|()| self.calls(golden)).map(|_| ());
        self.handle(now, Event::Done { ticket, result: opened.map_err(Trouble::Open) });
        Ok(opened?)
    }

    /// The calls of the order to test.
    ///
    /// # Errors
    /// Golden vectors that are not those of the release.
    #[wasm_bindgen(js_name = selfTest)]
    pub fn self_test(&self, golden: &[u8]) -> Result<SelfTest, Refusal> {
        Ok(self.calls(golden)?)
    }

    /// What was asked to be kept could not be.
    #[wasm_bindgen(js_name = storageFailed)]
    pub fn storage_failed(&mut self, now: f64) {
        self.handle(now, Event::StorageFailed);
    }

    /// Updates are not welcome, or are again.
    pub fn hold(&mut self, now: f64, on: bool) {
        self.handle(now, Event::Hold(if on { Hold::On } else { Hold::Off }));
    }

    /// The active model answered within `latency_us`. `scores` is its first output if that is f32: one that holds a
    /// NaN among several is no answer.
    pub fn answered(&mut self, now: f64, latency_us: u32, scores: &[f32]) {
        let winner = mote_stream::top(scores);
        if scores.len() > 1 && winner.is_none() {
            return self.unanswered(now);
        }
        let class = winner.filter(|_| scores.len() > 1).map(|top| top.label);
        self.fold.window().answered(latency_us, class);
        self.handle(now, Event::Outcomes(Outcomes { answered: 1, failed: 0 }));
    }

    /// The active model gave no answer.
    pub fn unanswered(&mut self, now: f64) {
        self.fold.window().failed();
        self.handle(now, Event::Outcomes(Outcomes { answered: 0, failed: 1 }));
    }

    /// The releases whose bytes are still needed: those that run or would be returned to.
    #[must_use]
    pub fn needed(&self) -> Vec<String> {
        let device = self.device();
        let slots = [device.good(), device.running(), self.order.as_ref().and_then(slot)];
        let mut needed: Vec<String> = Vec::with_capacity(slots.len());
        for release in slots.into_iter().flatten().map(|slot| slot.release.to_string()) {
            if !needed.contains(&release) {
                needed.push(release);
            }
        }
        needed
    }

    /// What the page can say of itself.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn status(&self) -> DeviceStatus {
        DeviceStatus::of(self.device())
    }
}

impl FleetMachine {
    fn device(&self) -> &Device<'_> {
        self.cell.borrow_dependent()
    }

    fn settings(&self) -> &DeviceSettings {
        &self.cell.borrow_owner().settings
    }

    fn up(&self, channel: Up) -> String {
        let DeviceSettings { fleet, device, .. } = self.settings();
        text(Topic::up(fleet, device, channel).text())
    }

    /// An event that brings nothing to keep.
    fn handle(&mut self, now: f64, event: Event<'_>) {
        self.cell.with_dependent_mut(|_, device| {
            device.handle(millis(now), event);
        });
    }

    fn begin(&mut self, order: Order, now: f64) -> Action {
        self.order = Some(order);
        let kind = match order.work {
            Work::Prepare { .. } => ActionKind::Prepare,
            Work::Verify(_) => ActionKind::Verify,
            Work::Stage(_) => ActionKind::Stage,
            Work::SelfTest(_) => ActionKind::SelfTest,
            // The shadow time is 0, so the machine leaves that state out.
            Work::Shadow(_) | Work::Activate(_) => ActionKind::Activate,
            Work::Deactivate => ActionKind::Deactivate,
        };
        if kind == ActionKind::Activate {
            self.close_window(slot(&order).map_or(0, |slot| slot.version), millis(now));
        }
        Action::order(kind, order.ticket, slot(&order))
    }

    /// Opens the release of the current order.
    fn open(&self, manifest: &[u8], artifact: &[u8]) -> Result<(), OpenError> {
        let ring = Keyring::new(&self.cell.borrow_owner().keys);
        let opened = open_detached(manifest, artifact, &ring, &self.device().target())?;
        let wanted = self.order.as_ref().and_then(slot);
        let same = wanted.is_some_and(|slot| slot.release == opened.release_digest());
        if same { Ok(()) } else { Err(OpenError::WrongDigest) }
    }

    fn calls(&self, golden: &[u8]) -> Result<SelfTest, OpenError> {
        let wanted = self.order.as_ref().and_then(slot);
        SelfTest::open(golden, wanted.and_then(|slot| slot.golden.as_ref()))
    }

    fn report(&mut self, now: f64) {
        let now = millis(now);
        self.report_at = now.after(self.settings().report_ms.into());
        let version = self.device().running().map_or(0, |slot| slot.version);
        self.close_window(version, now);
    }

    /// Closes the telemetry window; the next one is of `version`.
    fn close_window(&mut self, version: u64, now: Millis) {
        let closed = self.fold.close(version, now);
        if closed.answered + closed.failed + closed.flagged > 0 {
            self.backlog.push(closed);
        }
    }

    /// The oldest telemetry window, while there is a link to send it over.
    fn telemetry(&mut self) -> Option<Action> {
        if !self.connected {
            return None;
        }
        let body = encoded(&self.backlog.oldest(self.boot, &self.settings().model)?);
        self.backlog.published();
        Some(Action::publish(&self.up(Up::Metrics), body, 1, false))
    }
}

/// What an order is about.
fn slot(order: &Order) -> Option<&Slot> {
    match &order.work {
        Work::Verify(slot) | Work::Stage(slot) | Work::SelfTest(slot) | Work::Shadow(slot) | Work::Activate(slot) => {
            Some(slot)
        }
        Work::Prepare { .. } | Work::Deactivate => None,
    }
}

fn millis(now: f64) -> Millis {
    Millis(now as u64)
}

/// Names have been checked when the machine was made, so every topic has a text.
fn text(topic: Result<mote_wire::TopicText, mote_wire::WireError>) -> String {
    topic.map(|text| text.to_string()).unwrap_or_default()
}

/// Everything a device says fits into a document.
fn encoded<'b>(body: &impl Body<'b>) -> Vec<u8> {
    let mut bytes = vec![0; MAX_DOCUMENT];
    let length = body.encode(&mut bytes).unwrap_or(0);
    bytes.truncate(length);
    bytes
}
