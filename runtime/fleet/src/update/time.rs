//! Time and the link: what is over, and when a state has to be.

use super::{Choice, Device};
use crate::{Millis, State, Trouble};

impl Device<'_> {
    pub(super) fn tick(&mut self, now: Millis) {
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

    pub(super) fn connected(&mut self, session: u64) {
        self.telling.session = session;
        self.telling.twin_due();
        self.connected = true;
        self.backoff.reset();
        self.link_changed();
    }

    pub(super) fn disconnected(&mut self) {
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
    pub(super) fn arm(&mut self) {
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
