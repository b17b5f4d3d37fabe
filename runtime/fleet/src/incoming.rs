//! What a message says to a device, found by its topic.

use mote_wire::{Ask, Body, Chunk, Down, Place, Public, Question, Topic};

use crate::{Device, Event};

/// What a message says.
#[derive(Debug, Clone, Copy)]
pub enum Incoming<'m> {
    /// Something for [`Device::handle`].
    Event(Event<'m>),
    /// Telemetry is wanted before its window ends.
    Report,
}

impl Device<'_> {
    /// Reads a message. `None` for one that is not for this device and its model, or cannot be read.
    pub fn read<'m>(&self, topic: &str, payload: &'m [u8]) -> Option<Incoming<'m>> {
        let Topic { fleet, place } = Topic::parse(topic).ok()?;
        let config = self.config();
        if fleet != config.fleet {
            return None;
        }
        let event = match place {
            Place::Public(Public::Release { model, .. }) if model == config.model => Event::Release(payload),
            Place::Down { device, channel } if device == config.device => match channel {
                Down::Want => Event::Want(payload),
                Down::Chunk { .. } => Event::Chunk(Chunk::decode(payload).ok()?),
                Down::Ask => match Ask::decode(payload).ok()? {
                    Ask { nonce, question: Question::Twin } => Event::Ask { nonce },
                    Ask { question: Question::Metrics, .. } => return Some(Incoming::Report),
                },
            },
            _ => return None,
        };
        Some(Incoming::Event(event))
    }
}
