//! Orders to the host, and what their results lead to.

use mote_seal::OpenError;

use super::{Choice, Device, Outstanding};
use crate::action::{Order, Work};
use crate::record::Slot;
use crate::{State, Trouble};

impl Device<'_> {
    pub(super) fn order(&mut self) -> Option<Order> {
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

    pub(super) fn done(&mut self, ticket: u32, result: Result<(), Trouble>) {
        let Some(order) = self.outstanding.take_if(|order| order.ticket == ticket) else {
            return;
        };
        if let Some(choice) = order.activates {
            return self.activated(choice, result);
        }
        match (self.record.state, result) {
            (State::Fetch, Ok(())) => self.prepared(),
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
}
