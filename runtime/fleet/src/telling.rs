//! What the device tells others: its twin and its events.

use mote_wire::{Capabilities, Event, EventKind, Failure, Progress, Running, Twin, UpdateState};

use crate::config::Config;
use crate::record::{Record, Slot};

/// Events that wait for the link; of more, the oldest are dropped, which their sequence shows.
const EVENTS: usize = 8;

/// What is told, and what has not been told yet.
#[derive(Debug)]
pub(crate) struct Telling {
    boot: u64,
    pub(crate) session: u64,
    twin_sequence: u64,
    /// The twin differs from what was last published.
    twin_due: bool,
    answers: Option<u64>,
    /// The last refusal of a document; it changes nothing but what is told.
    pub(crate) refusal: Option<Failure>,
    events: [Option<Event>; EVENTS],
    event_sequence: u64,
}

impl Telling {
    pub(crate) fn new(boot: u64) -> Self {
        Self {
            boot,
            session: 0,
            twin_sequence: 0,
            twin_due: true,
            answers: None,
            refusal: None,
            events: [None; EVENTS],
            event_sequence: 0,
        }
    }

    pub(crate) fn twin_due(&mut self) {
        self.twin_due = true;
    }

    pub(crate) fn asked(&mut self, nonce: u64) {
        (self.answers, self.twin_due) = (Some(nonce), true);
    }

    /// Whether the twin is to be published; it counts as published then.
    pub(crate) fn take_twin(&mut self) -> bool {
        if core::mem::take(&mut self.twin_due) {
            self.twin_sequence += 1;
            return true;
        }
        false
    }

    pub(crate) fn event(&mut self, kind: EventKind, state: UpdateState, code: u16, version: u64) {
        let (boot, sequence) = (self.boot, self.event_sequence);
        self.event_sequence += 1;
        if self.events.iter().all(Option::is_some) {
            self.take_event();
        }
        if let Some(slot) = self.events.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(Event { boot, sequence, kind, state, code, version });
        }
    }

    /// The oldest event.
    pub(crate) fn take_event(&mut self) -> Option<Event> {
        let oldest = self.events.first_mut()?.take();
        self.events.rotate_left(1);
        oldest
    }

    pub(crate) fn twin<'t>(
        &self,
        config: &Config<'t>,
        record: &Record,
        running: Option<&Slot>,
        progress: Option<Progress>,
    ) -> Twin<'t> {
        let failure =
            record.failure.map(|failed| Failure { stage: failed.stage, code: failed.code, release: failed.release.0 });
        Twin {
            boot: self.boot,
            session: self.session,
            sequence: self.twin_sequence,
            state: record.state,
            running: running.map(|slot| Running {
                model: config.model,
                version: slot.version,
                release: slot.release.0,
            }),
            epoch: record.stamp.epoch,
            generation: record.stamp.generation,
            floor: record.floor,
            progress,
            failure: self.refusal.or(failure),
            counters: record.counters,
            capabilities: Capabilities {
                class: config.class as u8,
                variant: config.variant,
                max_bytes: config.max_bytes,
                runtime: config.runtime,
            },
            answers: self.answers,
        }
    }
}
