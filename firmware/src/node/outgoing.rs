//! What is for the link, one thing at a time. What asks for an acknowledgement is kept until that has come, and is sent
//! again over a new link.

use mote_fleet::{Action, Request};
use mote_wire::{Alive, Body, Event, Presence, Public, Topic, TopicText, Up, WireError};

use super::Node;
use crate::answer::Answer;
use crate::capacity::{ALIVE_BYTES, BODY_BYTES};
use crate::model::Model;
use crate::mqtt::Delivery;
use crate::port::{Clock, Flash};

/// Something for the link to do.
#[derive(Debug, Clone, Copy)]
pub enum Outgoing<'a> {
    /// Publish the first `length` bytes of the body.
    Publish {
        /// Where to.
        topic: OutTopic<'a>,
        /// Bytes of the body.
        length: usize,
        /// How often it may arrive.
        delivery: Delivery,
        /// Whether the broker keeps it.
        retain: bool,
    },
    /// Subscribe.
    Subscribe(TopicText),
    /// End a subscription.
    Unsubscribe(TopicText),
}

/// A topic of the protocol, or one that the settings name.
#[derive(Debug, Clone, Copy)]
pub enum OutTopic<'a> {
    /// Of the protocol.
    Fleet(TopicText),
    /// From the settings.
    Named(&'a str),
}

impl core::ops::Deref for OutTopic<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Fleet(topic) => topic,
            Self::Named(topic) => topic,
        }
    }
}

/// A message that is kept until it has been acknowledged.
#[derive(Debug, Clone, Copy)]
enum Kept {
    Event(Event),
    /// The telemetry window of this number, which is still in the backlog.
    Report(u64),
    Answer(Answer),
}

/// What waits for the link.
#[derive(Debug, Default)]
pub(super) struct Outward {
    connected: bool,
    /// The machine's next action that is for the link.
    next: Option<Next>,
    /// Sent and not acknowledged.
    sent: Option<Kept>,
    /// To be sent again.
    again: Option<Kept>,
    /// The release that is subscribed to.
    release: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    Release(u64),
    Request(Request),
    Event(Event),
    Twin,
}

impl Outward {
    pub(super) fn is_full(&self) -> bool {
        self.next.is_some()
    }

    pub(super) fn put(&mut self, action: Action) {
        self.next = match action {
            Action::FetchRelease { version } => Some(Next::Release(version)),
            Action::Request(request) => Some(Next::Request(request)),
            Action::PublishEvent(event) => Some(Next::Event(event)),
            Action::PublishTwin => Some(Next::Twin),
            // Done before they get here.
            Action::Persist(_) | Action::Work(_) => None,
        };
    }

    pub(super) fn connected(&mut self) {
        (self.connected, self.release) = (true, None);
    }

    pub(super) fn disconnected(&mut self) {
        self.connected = false;
        // The machine asks again for what it still needs; an event it has told once.
        self.next = self.next.filter(|next| matches!(next, Next::Event(_)));
        self.again = self.sent.take().or(self.again);
    }
}

impl<'a, F: Flash> Node<'a, F> {
    /// Everything handed out so far has been acknowledged.
    pub fn acknowledged(&mut self) {
        if let Some(Kept::Report(number)) = self.outward.sent.take()
            && self.oldest_report() == Some(number)
        {
            self.backlog.published();
        }
    }

    /// The next thing for the link, or `None` until something happens. A payload is written into `body`. To be called
    /// when everything handed out before has been acknowledged.
    pub fn outgoing(
        &mut self,
        clock: &impl Clock,
        body: &mut [u8; BODY_BYTES],
        got_on: &mut dyn FnMut(),
    ) -> Option<Outgoing<'a>> {
        if !self.outward.connected {
            return None;
        }
        self.carry_out(clock, got_on);
        // What cannot be encoded is dropped: it is no reader's.
        while let Some(next) = self.next() {
            match self.hand_out(next, body) {
                Ok(Some(outgoing)) => return Some(outgoing),
                Ok(None) | Err(_) => self.carry_out(clock, got_on),
            }
        }
        None
    }

    /// Birth or will, encoded over `body`: its topic and length.
    ///
    /// # Errors
    /// [`WireError`]; the names were checked when the device started, so there is none.
    pub fn alive(
        &self,
        presence: Presence,
        session: u64,
        body: &mut [u8; ALIVE_BYTES],
    ) -> Result<(TopicText, usize), WireError> {
        let length = Alive { presence, boot: self.boot, session }.encode(body)?;
        Ok((self.up(Up::Alive)?, length))
    }

    fn next(&mut self) -> Option<Send> {
        if let Some(kept) = self.outward.again.take() {
            return Some(Send::Kept(kept));
        }
        if let Some(next) = self.outward.next {
            // An earlier release's subscription is ended first, and the action stays for after it.
            if let Next::Release(version) = next
                && let Some(before) = self.outward.release.take_if(|before| *before != version)
            {
                return Some(Send::Unsubscribe(before));
            }
            self.outward.next = None;
            return Some(match next {
                Next::Release(version) => Send::Subscribe(version),
                Next::Request(request) => Send::Request(request),
                Next::Event(event) => Send::Kept(Kept::Event(event)),
                Next::Twin => Send::Twin,
            });
        }
        let report = self.oldest_report().map(Kept::Report);
        report.or_else(|| self.answers.pop_front().map(Kept::Answer)).map(Send::Kept)
    }

    fn hand_out(&mut self, send: Send, body: &mut [u8; BODY_BYTES]) -> Result<Option<Outgoing<'a>>, WireError> {
        Ok(Some(match send {
            Send::Subscribe(version) => {
                self.outward.release = Some(version);
                Outgoing::Subscribe(self.release_topic(version)?)
            }
            Send::Unsubscribe(version) => Outgoing::Unsubscribe(self.release_topic(version)?),
            // One that is lost is asked for again, which costs less than to ask twice.
            Send::Request(request) => {
                self.publish(Up::Get, request.get().encode(body)?, Delivery::AtMostOnce, false)?
            }
            Send::Twin => self.publish(Up::Twin, self.device.twin().encode(body)?, Delivery::AtLeastOnce, true)?,
            Send::Kept(kept) => {
                let outgoing = match kept {
                    Kept::Event(event) => self.publish(Up::Event, event.encode(body)?, Delivery::AtLeastOnce, false)?,
                    Kept::Report(number) => {
                        let report = self.backlog.oldest(self.boot, self.settings.update.model);
                        let Some(report) = report.filter(|report| report.sequence == number) else { return Ok(None) };
                        let Ok(length) = report.encode(body) else {
                            self.backlog.published();
                            return Ok(None);
                        };
                        self.publish(Up::Metrics, length, Delivery::AtLeastOnce, false)?
                    }
                    Kept::Answer(answer) => {
                        let Some(answers) = self.settings.answers else { return Ok(None) };
                        let length = self.write_answer(&answer, body)?;
                        let topic = OutTopic::Named(answers.topic);
                        Outgoing::Publish { topic, length, delivery: Delivery::AtLeastOnce, retain: false }
                    }
                };
                self.outward.sent = Some(kept);
                outgoing
            }
        }))
    }

    fn write_answer(&self, answer: &Answer, body: &mut [u8; BODY_BYTES]) -> Result<usize, WireError> {
        let of_it = |model: &&Model| model.slot().version == answer.version;
        let parts = self.active.as_ref().filter(of_it).and_then(|model| self.store.parts(model.slot()));
        let plan = parts.and_then(|parts| mote_plan::Plan::trust(parts.artifact).ok());
        let meta = plan.map_or("", |plan| plan.meta_json());
        let update = &self.settings.update;
        // Names too long for the capacity give way to numbers.
        let text = answer
            .write(update.device, update.model, meta)
            .or_else(|_| answer.write(update.device, update.model, ""))
            .map_err(|_| WireError::NoRoom)?;
        body.get_mut(..text.len()).ok_or(WireError::NoRoom)?.copy_from_slice(text.as_bytes());
        Ok(text.len())
    }

    fn publish(&self, channel: Up, length: usize, delivery: Delivery, retain: bool) -> Result<Outgoing<'a>, WireError> {
        let topic = OutTopic::Fleet(self.up(channel)?);
        Ok(Outgoing::Publish { topic, length, delivery, retain })
    }

    fn up(&self, channel: Up) -> Result<TopicText, WireError> {
        Topic::up(self.settings.update.fleet, self.settings.update.device, channel).text()
    }

    fn release_topic(&self, version: u64) -> Result<TopicText, WireError> {
        let model = self.settings.update.model;
        Topic::public(self.settings.update.fleet, Public::Release { model, version }).text()
    }

    fn oldest_report(&self) -> Option<u64> {
        self.backlog.oldest(self.boot, self.settings.update.model).map(|report| report.sequence)
    }
}

/// What is handed out.
enum Send {
    Kept(Kept),
    Subscribe(u64),
    Unsubscribe(u64),
    Request(Request),
    Twin,
}
