//! Assignments: which are taken, which are refused, and which wait for the end of a trial.

use mote_seal::{Addressee, Blob, Digest, OpenError, Purpose, open_assignment};
use mote_wire::{EventKind, Failure};

use super::Device;
use crate::config::Config;
use crate::record::Slot;
use crate::{State, Trouble};

impl Device<'_> {
    pub(super) fn want(&mut self, bytes: &[u8]) {
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
            artifact: Blob { digest: Digest([0; 32]), length: 0 },
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
}
