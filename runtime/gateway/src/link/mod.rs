//! The connection to a broker, as the rest of the gateway sees it: an outbox that loses nothing, subscriptions that
//! survive reconnects, and one queue of events. What carries it is the business of a backend ([`rumqtt`]).

mod outbox;
pub mod rumqtt;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};

use outbox::Outbox;

/// Most messages that wait for the broker's acknowledgement or for a connection.
pub const OUTBOX_MESSAGES: usize = 20_000;
/// Most bytes of payload that wait.
pub const OUTBOX_BYTES: usize = 64 << 20;
/// Events that wait for the gateway before the link stops reading from the broker.
pub const EVENT_QUEUE: usize = 1024;

/// How often a message may arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
}

/// One message to publish. The payload is never empty: an empty one deletes a retained message on some brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
    /// How often.
    pub delivery: Delivery,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
}

/// What happens on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// A connection stands and every subscription is being sent again.
    Connected {
        /// Number of the connection; the will that the broker holds carries it.
        session: u64,
    },
    /// The connection is gone; the link tries again by itself.
    Disconnected {
        /// Why, for people.
        why: String,
    },
    /// A message to this gateway.
    Arrived {
        /// Where it was published.
        topic: String,
        /// What.
        payload: Vec<u8>,
    },
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The broker has not taken messages for so long that the outbox is full.
    #[error("the outbox is full: {messages} messages, {bytes} bytes wait for the broker")]
    OutboxFull {
        /// Waiting messages.
        messages: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// Larger than the broker accepts; sending it would end the connection, again and again.
    #[error("a message of {got} bytes exceeds the limit of {limit}")]
    TooLarge {
        /// Its bytes.
        got: usize,
        /// The link's limit.
        limit: usize,
    },
    /// An empty payload.
    #[error("an empty message would delete a retained one on some brokers")]
    Empty,
}

/// A handle to publish and subscribe. Neither call waits: what cannot be sent yet is kept.
#[derive(Clone, Debug)]
pub struct Link {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    outbox: Outbox,
    /// Wakes the backend when there is something to send.
    wake: Notify,
    max_packet: usize,
}

/// The events of one link.
pub type Events = mpsc::Receiver<LinkEvent>;

impl Link {
    fn new(max_packet: usize) -> Self {
        let shared = Shared { outbox: Outbox::default(), wake: Notify::new(), max_packet };
        Self { shared: Arc::new(shared) }
    }

    /// Puts a message into the outbox. An at-least-once message leaves it when the broker has acknowledged it.
    ///
    /// # Errors
    /// A full outbox, an empty or an oversized message; nothing was taken then.
    pub fn publish(&self, message: Message) -> Result<(), PublishError> {
        if message.payload.is_empty() {
            return Err(PublishError::Empty);
        }
        let got = message.payload.len() + message.topic.len() + PACKET_FRAMING;
        if got > self.shared.max_packet {
            return Err(PublishError::TooLarge { got, limit: self.shared.max_packet });
        }
        self.shared.outbox.push(message)?;
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Subscribes at least once, at each connection again.
    pub fn subscribe(&self, filter: impl Into<String>) {
        self.shared.outbox.subscribe(filter.into());
        self.shared.wake.notify_one();
    }

    /// Ends a subscription, so that the same filter can be subscribed to anew.
    pub fn unsubscribe(&self, filter: impl Into<String>) {
        self.shared.outbox.unsubscribe(filter.into());
        self.shared.wake.notify_one();
    }

    /// Messages that the broker has not acknowledged.
    pub fn backlog(&self) -> usize {
        self.shared.outbox.len()
    }

    /// Sends what waits, as far as the connection allows, then disconnects for good.
    pub fn close(&self) {
        self.shared.outbox.close();
        self.shared.wake.notify_one();
    }
}

/// Fixed header, remaining length, topic length and packet identifier.
const PACKET_FRAMING: usize = 9;
