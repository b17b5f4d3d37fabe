//! The update machine: from a signed assignment to a committed or rolled back model.
//!
//! ```text
//! Idle -want-> Offered -> Check -> Fetch -> Verify -> Stage -> SelfTest -> [Shadow] -> Trial -> Committed
//!                 |         |        any of these -> Failed                              |
//!              Deferred  Rejected                                         Rollback <-----+ -> Failed
//! ```
//! Every transition is durable before anything is done because of it. Until the trial the good model keeps
//! answering; `good` changes where a trial is committed and nowhere else, in the same write as the state.

use mote_seal::{Addressee, Digest, OpenError, Purpose, Target, check_release, open_assignment};
use mote_wire::{Chunk, EventKind, Failure, Progress, Twin, UpdateState as State};

use crate::action::{Action, Event, Hold, Keep, Order, Outcomes, Part, Work};
use crate::chunks::{self, Cut, Transfer};
use crate::config::{Boot, Config, ConfigError};
use crate::record::{Failed, Record, Slot};
use crate::telling::Telling;
use crate::trouble::Trouble;
use crate::{Backoff, Millis};

/// The longest assignment that is kept for after a trial: four names of 64, two digests and framing.
const MAX_WANT: usize = 512;

/// Which model answers, or is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Good,
    Wanted,
    Nothing,
}

/// An order that the host is carrying out.
#[derive(Debug, Clone, Copy)]
struct Outstanding {
    ticket: u32,
    deadline: Millis,
    /// The choice, if the order is to activate one.
    activates: Option<Choice>,
}

/// One device's update.
#[derive(Debug)]
pub struct Device<'c> {
    config: Config<'c>,
    record: Record,
    telling: Telling,
    backoff: Backoff,
    now: Millis,
    connected: bool,
    hold: Hold,
    /// The record differs from what is durable.
    dirty: bool,
    /// A record is being written; it states this many chunks.
    writing: Option<u32>,
    outstanding: Option<Outstanding>,
    tickets: u32,
    running: Choice,
    /// What is to be activated, not before this moment.
    activate: Option<(Choice, Millis)>,
    /// The staging area has room for the parts.
    prepared: bool,
    transfer: Option<Transfer>,
    /// When the state is over.
    deadline: Option<Millis>,
    /// When to ask again, for the release or for chunks.
    ask_at: Option<Millis>,
    trial: Outcomes,
    /// An assignment that came during a trial.
    pending: [u8; MAX_WANT],
    pending_length: usize,
}

impl<'c> Device<'c> {
    /// Starts from the newest durable record, or from none on a new device.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn boot(config: Config<'c>, record: Option<Record>, boot: Boot) -> Result<Self, ConfigError> {
        config.check()?;
        let limits = &config.limits;
        let mut device = Self {
            backoff: Backoff::new(limits.retry_ms, limits.retry_cap_ms, boot.seed),
            telling: Telling::new(boot.number),
            record: record.unwrap_or_default(),
            now: boot.now,
            connected: false,
            hold: Hold::Off,
            dirty: false,
            writing: None,
            outstanding: None,
            tickets: 0,
            running: Choice::Nothing,
            activate: None,
            prepared: false,
            transfer: None,
            deadline: None,
            ask_at: None,
            trial: Outcomes::default(),
            pending: [0; MAX_WANT],
            pending_length: 0,
            config,
        };
        device.resume();
        Ok(device)
    }

    /// Takes up where the record ends.
    fn resume(&mut self) {
        if self.record.good.is_some() {
            self.activate = Some((Choice::Good, self.now));
        }
        match self.record.state {
            // The host may hold updates again, but has not had a chance to say so.
            State::Deferred => self.enter(State::Offered),
            State::Verify | State::Stage | State::SelfTest | State::Shadow => {
                self.record.attempts = self.record.attempts.saturating_add(1);
                if self.record.attempts >= self.config.limits.attempts {
                    self.fail(Trouble::Crashed);
                } else {
                    // What a later state had prepared may be half written.
                    self.enter(State::Verify);
                }
            }
            State::Trial => {
                self.record.trial_boots = self.record.trial_boots.saturating_add(1);
                self.dirty = true;
                if self.record.trial_boots >= self.config.limits.trial.boots {
                    self.fail(Trouble::TrialBoots);
                } else {
                    self.start_trial();
                }
            }
            State::Fetch => {
                let started = self.record.part == Some(Part::Artifact) || self.record.durable > 0;
                let same_cut = self.record.chunk_bytes == self.config.chunk_bytes;
                self.prepared = started && same_cut;
                self.arm();
            }
            State::Rollback => self.activate_good(),
            _ => self.arm(),
        }
    }

    /// Takes an event. If it brings bytes to keep, they are returned and must be stored at once; if that
    /// fails, say [`Event::StorageFailed`]. Then call [`Device::action`] until it answers `None`.
    pub fn handle<'e>(&mut self, now: Millis, event: Event<'e>) -> Option<Keep<'e>> {
        self.tick(now);
        match event {
            Event::Connected { session } => self.connected(session),
            Event::Disconnected => self.disconnected(),
            Event::Want(bytes) => self.want(bytes),
            Event::Release(bytes) => return self.release(bytes),
            Event::Chunk(chunk) => return self.chunk(&chunk),
            Event::Ask { nonce } => self.telling.asked(nonce),
            Event::Persisted => self.persisted(),
            Event::Done { ticket, result } => self.done(ticket, result),
            Event::StorageFailed if self.record.state == State::Fetch => {
                self.fail(Trouble::Storage);
            }
            Event::Tick | Event::StorageFailed => {}
            Event::Outcomes(outcomes) => self.outcomes(outcomes),
            Event::Hold(hold) => self.hold = hold,
        }
        None
    }

    /// The next thing to do, or `None` until something happens.
    pub fn action(&mut self, now: Millis) -> Option<Action> {
        self.tick(now);
        if self.writing.is_some() {
            return None;
        }
        if !self.dirty {
            self.advance();
        }
        let recording = self.transfer.as_ref().is_some_and(Transfer::is_worth_recording);
        if self.dirty || recording {
            return Some(self.persist());
        }
        if let Some(order) = self.order() {
            return Some(Action::Work(order));
        }
        if !self.connected {
            return None;
        }
        if let Some(ask) = self.ask() {
            return Some(ask);
        }
        if let Some(event) = self.telling.take_event() {
            return Some(Action::PublishEvent(event));
        }
        self.telling.take_twin().then_some(Action::PublishTwin)
    }

    /// When to say [`Event::Tick`] at the latest.
    #[must_use]
    pub fn wake_at(&self) -> Option<Millis> {
        let order = self.outstanding.map(|order| order.deadline);
        let activate = self.activate.map(|(_, at)| at).filter(|_| self.outstanding.is_none());
        let ask = self.ask_at.filter(|_| self.connected);
        [order, activate, ask, self.deadline].into_iter().flatten().min()
    }

    /// The twin to publish.
    #[must_use]
    pub fn twin(&self) -> Twin<'c> {
        let progress =
            self.transfer.as_ref().map(|transfer| Progress { held: transfer.held(), total: transfer.total() });
        self.telling.twin(&self.config, &self.record, self.running(), progress)
    }

    /// Where the update is.
    #[must_use]
    pub fn state(&self) -> State {
        self.record.state
    }

    /// The model that answers.
    #[must_use]
    pub fn running(&self) -> Option<&Slot> {
        match self.running {
            Choice::Good => self.record.good.as_ref(),
            Choice::Wanted => self.record.wanted.as_ref(),
            Choice::Nothing => None,
        }
    }

    /// The model that was last committed; its storage is never touched.
    #[must_use]
    pub fn good(&self) -> Option<&Slot> {
        self.record.good.as_ref()
    }

    /// What this device opens.
    #[must_use]
    pub fn target(&self) -> Target<'c> {
        Target {
            class: self.config.class,
            variant: self.config.variant,
            model: Some(self.config.model),
            floor: self.record.floor,
            max_bytes: self.config.max_bytes,
        }
    }

    /// The device's settings.
    #[must_use]
    pub fn config(&self) -> &Config<'c> {
        &self.config
    }
}

/// Time and link.
impl Device<'_> {
    fn tick(&mut self, now: Millis) {
        self.now = self.now.max(now);
        let over = |moment: &Millis| *moment <= self.now;
        if let Some(order) = self.outstanding.filter(|order| over(&order.deadline)) {
            self.done(order.ticket, Err(Trouble::Timeout));
        }
        if self.deadline.take_if(|moment| *moment <= self.now).is_some() {
            match self.record.state {
                State::Fetch => self.fail(Trouble::Stalled),
                State::Trial => self.fail(Trouble::TrialSilent),
                _ => self.fail(Trouble::Timeout),
            }
        }
        if self.ask_at.take_if(|moment| *moment <= self.now).is_some()
            && let Some(transfer) = &mut self.transfer
        {
            transfer.forget_asked();
        }
    }

    fn connected(&mut self, session: u64) {
        self.telling.session = session;
        self.telling.twin_due();
        self.connected = true;
        self.backoff.reset();
        self.link_changed();
    }

    fn disconnected(&mut self) {
        self.connected = false;
        self.link_changed();
    }

    fn link_changed(&mut self) {
        if let Some(transfer) = &mut self.transfer {
            transfer.forget_asked();
        }
        if matches!(self.record.state, State::Check | State::Fetch) {
            self.ask_at = None;
            self.arm();
        }
    }

    /// Sets the state's deadline. Time without a link is not held against a transfer; everything else ends
    /// by itself, link or not.
    fn arm(&mut self) {
        let limits = &self.config.limits;
        let ms = match self.record.state {
            State::Check if self.connected => Some(limits.check_ms),
            State::Fetch if self.connected && self.prepared => Some(limits.stall_ms),
            State::Trial if self.running == Choice::Wanted => Some(limits.trial.deadline_ms),
            _ => None,
        };
        self.deadline = ms.map(|ms| self.now.after(ms));
    }
}

/// Transitions.
impl Device<'_> {
    fn enter(&mut self, state: State) {
        self.record.state = state;
        self.dirty = true;
        self.ask_at = None;
        self.backoff.reset();
        // Work of the state before is moot; putting the good model to work is not.
        self.outstanding = self.outstanding.filter(|order| order.activates == Some(Choice::Good));
        if state != State::Fetch {
            self.transfer = None;
        }
        self.arm();
        self.telling.twin_due();
        let code = self.record.failure.map_or(0, |failed| failed.code);
        let version = self.record.wanted.map_or(0, |slot| slot.version);
        self.telling.event(EventKind::Entered, state, code, version);
    }

    /// Ends the update in the state that it is in.
    fn fail(&mut self, trouble: Trouble) {
        let stage = self.record.state;
        let release = self.record.wanted.map_or(Digest([0; 32]), |slot| slot.release);
        let failed = Failed { release, nonce: self.record.nonce, stage, code: trouble.code() };
        self.record.failure = Some(failed);
        self.record.quarantine(failed);
        self.record.counters.failed = self.record.counters.failed.saturating_add(1);
        if stage == State::Trial {
            let version = self.record.wanted.map_or(0, |slot| slot.version);
            self.telling.event(EventKind::RolledBack, stage, trouble.code(), version);
            self.enter(State::Rollback);
            self.activate_good();
        } else {
            self.enter(State::Failed);
        }
    }

    /// Ends an accepted assignment before anything was fetched.
    fn reject(&mut self, trouble: Trouble) {
        let release = self.record.wanted.map_or(Digest([0; 32]), |slot| slot.release);
        let (nonce, stage) = (self.record.nonce, self.record.state);
        self.record.failure = Some(Failed { release, nonce, stage, code: trouble.code() });
        self.record.counters.refused = self.record.counters.refused.saturating_add(1);
        let version = self.record.wanted.map_or(0, |slot| slot.version);
        self.telling.event(EventKind::Refused, stage, trouble.code(), version);
        self.enter(State::Rejected);
    }

    fn activate_good(&mut self) {
        let choice = if self.record.good.is_some() { Choice::Good } else { Choice::Nothing };
        self.outstanding = None;
        self.activate = Some((choice, self.now));
    }

    fn start_trial(&mut self) {
        self.trial = Outcomes::default();
        self.outstanding = None;
        self.activate = Some((Choice::Wanted, self.now));
    }

    /// At most one transition that needs no event.
    fn advance(&mut self) {
        let held = self.hold == Hold::On;
        match self.record.state {
            State::Offered | State::Check | State::Fetch if held => self.enter(State::Deferred),
            State::Deferred if !held => self.enter(State::Offered),
            State::Offered => self.enter(State::Check),
            State::Fetch => self.advance_fetch(),
            state if state.is_terminal() && self.pending_length > 0 => {
                let (pending, length) = (self.pending, core::mem::take(&mut self.pending_length));
                self.want(pending.get(..length).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn advance_fetch(&mut self) {
        if self.prepared && self.transfer.is_none() {
            self.start_transfer();
        }
        let Some(transfer) = &self.transfer else {
            return;
        };
        if transfer.durable() < transfer.total() {
            return;
        }
        self.transfer = None;
        if self.record.part == Some(Part::Golden) {
            self.record.part = Some(Part::Artifact);
            self.record.durable = 0;
            self.dirty = true;
        } else {
            self.enter(State::Verify);
        }
    }

    fn persist(&mut self) -> Action {
        if let Some(transfer) = &self.transfer {
            let tenth = |chunks: u32| u64::from(chunks) * 10 / u64::from(transfer.total().max(1));
            if tenth(transfer.base()) > tenth(self.record.durable) {
                self.telling.twin_due();
            }
            self.record.durable = transfer.base();
        }
        self.record.sequence += 1;
        self.dirty = false;
        self.writing = Some(self.record.durable);
        Action::Persist(self.record.encode())
    }

    fn persisted(&mut self) {
        if let (Some(durable), Some(transfer)) = (self.writing.take(), &mut self.transfer) {
            transfer.recorded(durable);
        }
    }
}

/// Orders to the host.
impl Device<'_> {
    fn order(&mut self) -> Option<Order> {
        if self.outstanding.is_some() {
            return None;
        }
        let limits = &self.config.limits;
        let (work, activates, ms) = match (self.activate, self.record.wanted) {
            (Some((choice, at)), wanted) if at <= self.now => {
                let slot = match choice {
                    Choice::Good => self.record.good,
                    Choice::Wanted => wanted,
                    Choice::Nothing => None,
                };
                let work = slot.map_or(Work::Deactivate, Work::Activate);
                (work, Some(choice), limits.work_ms)
            }
            (_, Some(slot)) => match self.record.state {
                State::Fetch if !self.prepared => {
                    let Slot { golden, artifact, .. } = slot;
                    (Work::Prepare { golden, artifact }, None, limits.work_ms)
                }
                State::Verify => (Work::Verify(slot), None, limits.work_ms),
                State::Stage => (Work::Stage(slot), None, limits.work_ms),
                State::SelfTest => (Work::SelfTest(slot), None, limits.work_ms),
                State::Shadow => (Work::Shadow(slot), None, limits.shadow_ms),
                _ => return None,
            },
            _ => return None,
        };
        self.tickets = self.tickets.wrapping_add(1);
        let (ticket, deadline) = (self.tickets, self.now.after(ms));
        self.outstanding = Some(Outstanding { ticket, deadline, activates });
        Some(Order { ticket, work })
    }

    fn done(&mut self, ticket: u32, result: Result<(), Trouble>) {
        let Some(order) = self.outstanding.take_if(|order| order.ticket == ticket) else {
            return;
        };
        if let Some(choice) = order.activates {
            return self.activated(choice, result);
        }
        match (self.record.state, result) {
            (State::Fetch, Ok(())) => {
                self.prepared = true;
                self.record.durable = 0;
                self.arm();
            }
            (State::Verify, Ok(())) => self.enter(State::Stage),
            (State::Verify, Err(Trouble::Open(OpenError::WrongDigest))) => self.fetch_again(),
            (State::Stage, Ok(())) => self.enter(State::SelfTest),
            (State::SelfTest, Ok(())) if self.config.limits.shadow_ms > 0 => {
                self.enter(State::Shadow);
            }
            (State::SelfTest | State::Shadow, Ok(())) => {
                self.record.trial_boots = 0;
                self.enter(State::Trial);
                self.start_trial();
            }
            (_, Err(trouble)) => self.fail(trouble),
            (_, Ok(())) => {}
        }
    }

    /// A chunk was damaged on the way; which one cannot be told.
    fn fetch_again(&mut self) {
        self.record.attempts = self.record.attempts.saturating_add(1);
        if self.record.attempts >= self.config.limits.attempts {
            return self.fail(Trouble::Open(OpenError::WrongDigest));
        }
        self.start_fetch();
    }

    fn start_fetch(&mut self) {
        let golden = self.record.wanted.is_some_and(|slot| slot.golden.is_some());
        self.record.part = Some(if golden { Part::Golden } else { Part::Artifact });
        self.record.durable = 0;
        self.record.chunk_bytes = self.config.chunk_bytes;
        self.prepared = false;
        self.enter(State::Fetch);
    }

    fn activated(&mut self, choice: Choice, result: Result<(), Trouble>) {
        self.telling.twin_due();
        self.activate = self.activate.filter(|&(wanted, _)| wanted != choice);
        match (choice, result) {
            (Choice::Wanted, Err(trouble)) => self.fail(trouble),
            (_, Ok(())) => {
                self.running = choice;
                self.backoff.reset();
                self.arm();
            }
            (_, Err(trouble)) => {
                // Nothing better is left than to try again.
                self.running = Choice::Nothing;
                let at = self.now.after(self.backoff.next_delay());
                self.activate = self.activate.or(Some((choice, at)));
                let state = self.record.state;
                let version = self.record.good.map_or(0, |slot| slot.version);
                self.telling.event(EventKind::Trapped, state, trouble.code(), version);
            }
        }
        if self.record.state == State::Rollback {
            self.enter(State::Failed);
        }
    }

    fn outcomes(&mut self, outcomes: Outcomes) {
        if self.record.state != State::Trial || self.running != Choice::Wanted {
            return;
        }
        let limits = self.config.limits.trial;
        self.trial.answered = self.trial.answered.saturating_add(outcomes.answered);
        self.trial.failed = self.trial.failed.saturating_add(outcomes.failed);
        if self.trial.failed >= limits.failures.max(1) {
            self.fail(Trouble::TrialFailed);
        } else if self.trial.answered >= limits.answers {
            self.commit();
        }
    }

    /// The only place where `good` changes.
    fn commit(&mut self) {
        let Some(slot) = self.record.wanted.take() else {
            return;
        };
        self.record.floor = self.record.floor.max(slot.floor);
        self.record.good = Some(slot);
        self.record.failure = None;
        self.record.counters.committed = self.record.counters.committed.saturating_add(1);
        self.telling.refusal = None;
        self.running = Choice::Good;
        self.enter(State::Committed);
    }
}

/// Documents and chunks.
impl Device<'_> {
    fn want(&mut self, bytes: &[u8]) {
        if matches!(self.record.state, State::Trial | State::Rollback) {
            // A trial is finished first: what it proves or disproves is worth knowing.
            if let Some(room) = self.pending.get_mut(..bytes.len()) {
                room.copy_from_slice(bytes);
                self.pending_length = bytes.len();
            }
            return;
        }
        let Config { fleet, device, ring, .. } = self.config;
        let last = Some(self.record.stamp);
        let opened = open_assignment(bytes, &ring, &Addressee { fleet, device }, last);
        let assignment = match opened {
            Ok((assignment, _)) => assignment,
            Err(OpenError::Repeated { .. }) => return,
            Err(error) => return self.refuse(error),
        };
        self.telling.refusal = None;
        self.record.stamp = assignment.stamp;
        self.record.nonce = assignment.nonce;
        self.dirty = true;
        self.telling.twin_due();
        let underway = !self.record.state.is_terminal() || self.record.state == State::Deferred;
        let same = self.record.wanted.is_some_and(|slot| slot.release == assignment.release);
        if underway && same {
            return;
        }
        if underway {
            let version = self.record.wanted.map_or(0, |slot| slot.version);
            self.telling.event(EventKind::Entered, State::Superseded, 0, version);
        }
        self.record.failure = None;
        self.record.wanted = Some(Slot {
            release: assignment.release,
            version: assignment.version,
            floor: 0,
            artifact: mote_seal::Blob { digest: Digest([0; 32]), length: 0 },
            golden: None,
        });
        (self.record.attempts, self.record.trial_boots) = (0, 0);
        (self.record.part, self.record.durable) = (None, 0);
        self.record.state = State::Offered;
        if assignment.model != self.config.model {
            return self.reject(OpenError::WrongModel.into());
        }
        self.judge(assignment.release, assignment.version, assignment.purpose);
    }

    /// What an assignment says by itself may already decide it.
    fn judge(&mut self, release: Digest, version: u64, purpose: Purpose) {
        let floor = self.record.floor;
        if let Some(failed) = self.record.quarantined(release, self.record.nonce) {
            self.record.failure = Some(failed);
            return self.enter(State::Failed);
        }
        if self.record.good.is_some_and(|good| good.release == release) {
            self.record.wanted = None;
            return self.enter(State::Committed);
        }
        if version < floor {
            return self.reject(OpenError::BelowFloor { version, floor }.into());
        }
        let lower = self.record.good.is_some_and(|good| version < good.version);
        if lower && purpose == Purpose::Update {
            return self.reject(Trouble::Downgrade);
        }
        self.enter(State::Offered);
    }

    /// A document that is no order changes nothing but what is told; counters become durable with the next
    /// record, so that nobody can wear the flash out by sending rubbish.
    fn refuse(&mut self, error: OpenError) {
        let counters = &mut self.record.counters;
        let kind = if let OpenError::Replayed { .. } = error {
            counters.replayed = counters.replayed.saturating_add(1);
            EventKind::Replayed
        } else {
            counters.refused = counters.refused.saturating_add(1);
            EventKind::Refused
        };
        let (stage, code) = (State::Offered, error.code());
        self.telling.refusal = Some(Failure { stage, code, release: [0; 32] });
        self.telling.event(kind, self.record.state, code, 0);
        self.telling.twin_due();
    }

    fn release<'e>(&mut self, bytes: &'e [u8]) -> Option<Keep<'e>> {
        let wanted = self.record.wanted.filter(|_| self.record.state == State::Check)?;
        // The topic is not trusted: only the document that the assignment names is looked at.
        if Digest::of(bytes) != wanted.release {
            return None;
        }
        let checked = check_release(bytes, &self.config.ring).and_then(|release| release.select(&self.target()));
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => {
                self.reject(error.into());
                return None;
            }
        };
        let release = *checked.release().release();
        let (artifact, golden) = (checked.artifact().blob, release.golden);
        if release.version != wanted.version {
            self.reject(Trouble::Mismatch);
            return None;
        }
        let (limit, got) = (self.config.max_bytes, golden.map_or(0, |blob| blob.length));
        if got > limit {
            self.reject(OpenError::TooLong { limit, got }.into());
            return None;
        }
        let longest = artifact.length.max(got);
        if chunks::total(longest, self.config.chunk_bytes).is_none() {
            self.reject(Trouble::TooManyChunks);
            return None;
        }
        self.record.wanted = Some(Slot { floor: release.floor, artifact, golden, ..wanted });
        self.start_or_resume_fetch();
        Some(Keep::Manifest(bytes))
    }

    /// After a hold or a restart in between, what had been fetched of the same release still counts.
    fn start_or_resume_fetch(&mut self) {
        let started = self.record.part == Some(Part::Artifact) || self.record.durable > 0;
        if started && self.record.chunk_bytes == self.config.chunk_bytes {
            self.prepared = true;
            self.enter(State::Fetch);
        } else {
            self.start_fetch();
        }
    }

    fn chunk<'e>(&mut self, chunk: &Chunk<'e>) -> Option<Keep<'e>> {
        let part = self.record.part?;
        let transfer = self.transfer.as_mut().filter(|transfer| transfer.xfer == chunk.xfer);
        let stored = transfer.and_then(|transfer| transfer.accept(chunk.index, chunk.total, chunk.bytes.len()));
        let Some(offset) = stored else {
            let bad = &mut self.record.counters.bad_chunks;
            *bad = bad.saturating_add(1);
            return None;
        };
        self.backoff.reset();
        let waiting = self.transfer.as_ref().is_some_and(Transfer::is_waiting);
        self.ask_at = waiting.then(|| self.now.after(self.backoff.next_delay()));
        self.arm();
        Some(Keep::Chunk { part, offset, bytes: chunk.bytes })
    }

    /// A request for what is missing.
    fn ask(&mut self) -> Option<Action> {
        match self.record.state {
            State::Check if self.ask_at.is_none() => {
                self.ask_at = Some(self.now.after(self.backoff.next_delay()));
                let version = self.record.wanted?.version;
                Some(Action::FetchRelease { version })
            }
            State::Fetch => {
                let request = self.transfer.as_mut()?.request()?;
                self.ask_at = Some(self.now.after(self.backoff.next_delay()));
                Some(Action::Request(request))
            }
            _ => None,
        }
    }

    fn start_transfer(&mut self) {
        let Some(slot) = self.record.wanted else {
            return;
        };
        let blob = match (self.record.part, slot.golden) {
            (Some(Part::Golden), Some(golden)) => golden,
            _ => slot.artifact,
        };
        let cut = Cut {
            digest: blob.digest.0,
            length: blob.length,
            chunk_bytes: self.config.chunk_bytes,
            window: self.config.window,
        };
        let xfer = self.backoff.draw() as u32;
        self.transfer = Transfer::new(&cut, self.record.durable, xfer);
        if self.transfer.is_none() {
            self.fail(Trouble::Storage);
        } else {
            self.arm();
        }
    }
}
