//! The update machine: from a signed assignment to a committed or rolled back model.
//!
//! ```text
//! Idle -want-> Offered -> Check -> Fetch -> Verify -> Stage -> SelfTest -> [Shadow] -> Trial -> Committed
//!                 |         |        any of these -> Failed                              |
//!              Deferred  Rejected                                         Rollback <-----+ -> Failed
//! ```
//! Every transition is durable before anything is done because of it. Until the trial the good model keeps
//! answering; `good` changes where a trial is committed and nowhere else, in the same write as the state.
//!
//! Read `assignment.rs`, `fetch.rs`, `work.rs` and `trial.rs` in the order of an update; `transition.rs` and `time.rs`
//! serve them all.

mod assignment;
mod fetch;
mod time;
mod transition;
mod trial;
mod work;

use mote_seal::Target;
use mote_wire::{Progress, Twin, UpdateState as State};

use crate::action::{Action, Event, Hold, Keep, Outcomes};
use crate::chunks::Transfer;
use crate::config::{Boot, Config, ConfigError};
use crate::record::{Record, Slot};
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
                let same_cut = self.record.chunk_bytes == self.config.chunk_bytes;
                self.prepared = self.record.part.is_some() && same_cut;
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

    /// The release that an update is about: under way, on trial, or ended without success.
    #[must_use]
    pub fn wanted(&self) -> Option<&Slot> {
        self.record.wanted.as_ref()
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
