//! From state to state, and how a record of it becomes durable.

use mote_seal::Digest;
use mote_wire::EventKind;

use super::{Choice, Device};
use crate::action::{Action, Hold};
use crate::record::Failed;
use crate::{State, Trouble};

impl Device<'_> {
    pub(super) fn enter(&mut self, state: State) {
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
    pub(super) fn fail(&mut self, trouble: Trouble) {
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
    pub(super) fn reject(&mut self, trouble: Trouble) {
        let release = self.record.wanted.map_or(Digest([0; 32]), |slot| slot.release);
        let (nonce, stage) = (self.record.nonce, self.record.state);
        self.record.failure = Some(Failed { release, nonce, stage, code: trouble.code() });
        self.record.counters.refused = self.record.counters.refused.saturating_add(1);
        let version = self.record.wanted.map_or(0, |slot| slot.version);
        self.telling.event(EventKind::Refused, stage, trouble.code(), version);
        self.enter(State::Rejected);
    }

    /// At most one transition that needs no event.
    pub(super) fn advance(&mut self) {
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

    pub(super) fn persist(&mut self) -> Action {
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

    pub(super) fn persisted(&mut self) {
        if let (Some(durable), Some(transfer)) = (self.writing.take(), &mut self.transfer) {
            transfer.recorded(durable);
        }
    }
}
