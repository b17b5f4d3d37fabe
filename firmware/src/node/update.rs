//! Gives the update machine of `mote-fleet` its flash, its keys and its engine.

use mote_fleet::{Action, Event, Incoming, Keep, Millis, Order, Slot, Trouble, Work};
use mote_seal::golden::Vectors;
use mote_seal::{Opened, Target, open_detached};

use super::Node;
use crate::error::FlashFault;
use crate::model::Model;
use crate::port::{Clock, Flash};

/// When to try again to write a record that the flash did not take.
const SAVE_AGAIN_MS: u64 = 1000;

/// What arrives.
impl<F: Flash> Node<'_, F> {
    /// The link is up and `dn/#` is subscribed. `session` is the number that the birth carried.
    pub fn connected(&mut self, now: Millis, session: u64) {
        self.outward.connected();
        self.device.handle(now, Event::Connected { session });
    }

    /// The link is down. What has not been acknowledged is sent again over the next one.
    pub fn disconnected(&mut self, now: Millis) {
        self.outward.disconnected();
        self.device.handle(now, Event::Disconnected);
    }

    /// Takes a message. One that is not for this device or cannot be read is counted, and that is all.
    pub fn arrived(&mut self, now: Millis, topic: &str, payload: &[u8]) {
        let event = match self.device.read(topic, payload) {
            Some(Incoming::Event(event)) => event,
            Some(Incoming::Report) => return self.report(now),
            None => {
                self.passed.messages = self.passed.messages.saturating_add(1);
                return;
            }
        };
        let keep: Option<Keep<'_>> = self.device.handle(now, event);
        let Some(keep) = keep else { return };
        if self.store.keep(&keep, self.device.good(), self.device.wanted()).is_err() {
            self.passed.writes = self.passed.writes.saturating_add(1);
            self.device.handle(now, Event::StorageFailed);
        }
    }
}

/// What is done.
impl<F: Flash> Node<'_, F> {
    /// Makes a waiting record durable. Nothing may follow one that is not, so the machine waits with it while the good
    /// model goes on answering.
    pub(super) fn save(&mut self, now: Millis) {
        let Some((record, _)) = self.unsaved.filter(|&(_, at)| at <= now) else { return };
        if self.store.persist(&record).is_ok() {
            self.unsaved = None;
            self.device.handle(now, Event::Persisted);
        } else {
            self.passed.writes = self.passed.writes.saturating_add(1);
            self.unsaved = Some((record, now.after(SAVE_AGAIN_MS)));
        }
    }

    /// Does what the machine asks until something is for the link, which is kept for it.
    pub(super) fn carry_out(&mut self, clock: &impl Clock, got_on: &mut dyn FnMut()) {
        while !self.outward.is_full()
            && let Some(action) = self.device.action(clock.now())
        {
            match action {
                Action::Persist(record) => {
                    self.unsaved = Some((record, clock.now()));
                    self.save(clock.now());
                }
                Action::Work(Order { ticket, work }) => {
                    let result = self.work(clock, work, got_on);
                    self.device.handle(clock.now(), Event::Done { ticket, result });
                    got_on();
                }
                outward => self.outward.put(outward),
            }
        }
    }

    fn work(&mut self, clock: &impl Clock, work: Work, got_on: &mut dyn FnMut()) -> Result<(), Trouble> {
        match work {
            Work::Prepare { golden, artifact } => {
                let good = self.device.good().map(|slot| slot.release);
                self.store.prepare(good, golden, artifact, got_on).map_err(storage)
            }
            Work::Verify(slot) => self.verify(&slot),
            // The bytes lie where they will run; what is left is whether they can.
            Work::Stage(slot) => self.model(&slot, &self.device.target()).map(|_| ()),
            Work::SelfTest(slot) => self.self_test(clock, &slot, got_on),
            Work::Activate(slot) => self.activate(clock.now(), &slot),
            Work::Deactivate => {
                self.active = None;
                Ok(())
            }
            // The shadow time is 0, so the machine leaves this state out: there is one arena.
            Work::Shadow(_) => Ok(()),
        }
    }

    fn verify(&self, slot: &Slot) -> Result<(), Trouble> {
        self.open(slot, &self.device.target())?;
        if let Some(blob) = slot.golden {
            let parts = self.store.parts(slot).ok_or(Trouble::Storage)?;
            Vectors::open(parts.golden, &blob)?;
        }
        Ok(())
    }

    fn self_test(&mut self, clock: &impl Clock, slot: &Slot, got_on: &mut dyn FnMut()) -> Result<(), Trouble> {
        let model = self.model(slot, &self.device.target())?;
        let Some(blob) = slot.golden else { return Ok(()) };
        let parts = self.store.parts(slot).ok_or(Trouble::Storage)?;
        let vectors = Vectors::open(parts.golden, &blob)?;
        let (mut last, mut longest) = (clock.micros(), 0);
        let tested = Model::self_test(parts.artifact, self.arena, &vectors, &mut || {
            let now = clock.micros();
            longest = longest.max(now.saturating_sub(last));
            last = now;
            got_on();
        });
        // Whoever ran before begins a new stream: the arena was the test's.
        if let Some(active) = &self.active {
            active.reset(self.arena);
        }
        tested?;
        let limit = model.deadline_us();
        if limit > 0 && longest > limit { Err(Trouble::TooSlow) } else { Ok(()) }
    }

    fn activate(&mut self, now: Millis, slot: &Slot) -> Result<(), Trouble> {
        // It has passed the floor when it was staged; a good model is never refused for a floor that came after it.
        let target = Target { floor: 0, ..self.device.target() };
        let model = self.model(slot, &target)?;
        // Telemetry windows speak of one version each.
        self.report(now);
        model.reset(self.arena);
        self.active = Some(model);
        self.fold.close(slot.version, now);
        Ok(())
    }

    fn model(&self, slot: &Slot, target: &Target<'_>) -> Result<Model, Trouble> {
        let opened = self.open(slot, target)?;
        Model::new(&opened, *slot, self.settings.sampling.shape.ring_len(), self.arena.len())
    }

    /// Opens what a slot holds, from its signature down to its bytes.
    fn open(&self, slot: &Slot, target: &Target<'_>) -> Result<Opened<'_>, Trouble> {
        let parts = self.store.parts(slot).ok_or(Trouble::Storage)?;
        Ok(open_detached(parts.manifest, parts.artifact, &self.settings.update.ring, target)?)
    }
}

fn storage(_: FlashFault) -> Trouble {
    Trouble::Storage
}
