//! Which model answers: putting one to work, the trial of the wanted one, and its commit.

use mote_wire::EventKind;

use super::{Choice, Device};
use crate::action::Outcomes;
use crate::{State, Trouble};

impl Device<'_> {
    pub(super) fn start_trial(&mut self) {
        self.trial = Outcomes::default();
        self.outstanding = None;
        self.activate = Some((Choice::Wanted, self.now));
    }

    pub(super) fn activate_good(&mut self) {
        let choice = if self.record.good.is_some() { Choice::Good } else { Choice::Nothing };
        self.outstanding = None;
        self.activate = Some((choice, self.now));
    }

    pub(super) fn activated(&mut self, choice: Choice, result: Result<(), Trouble>) {
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

    pub(super) fn outcomes(&mut self, outcomes: Outcomes) {
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
