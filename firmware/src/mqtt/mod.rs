//! MQTT as the application needs it, so that one client can take another's place.
#![allow(async_fn_in_trait, reason = "one thread of one core; nothing here is ever sent to another")]

mod client;

pub use client::Minimq;

/// How often a message may arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// QoS 0.
    AtMostOnce,
    /// QoS 1.
    AtLeastOnce,
}

/// A message to publish; its payload is never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'m> {
    /// Where to.
    pub topic: &'m str,
    /// What.
    pub payload: &'m [u8],
    /// How often.
    pub delivery: Delivery,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
}

/// A message that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived<'m> {
    /// Where it was published.
    pub topic: &'m str,
    /// What.
    pub payload: &'m [u8],
}

/// What a connection starts with. Every connection is a clean session: the fleet's documents are retained, and a
/// device says again what matters.
#[derive(Debug, Clone, Copy)]
pub struct Hello<'h> {
    /// The client identifier.
    pub client: &'h str,
    /// User and password, if the broker wants them.
    pub login: Option<(&'h str, &'h [u8])>,
    /// Seconds without traffic after which the broker gives the device up.
    pub keepalive_s: u16,
    /// What the broker publishes when the connection ends.
    pub will: Message<'h>,
}

/// An MQTT client: makes connections, one at a time.
pub trait Mqtt {
    /// Why a connection was not made or has ended.
    type Error;

    /// Connects, then lets `talk` use the connection and drops it when that has returned.
    ///
    /// # Errors
    /// If no connection was made; `talk` has not been called then.
    async fn connect<T: Talk>(&mut self, hello: &Hello<'_>, talk: T) -> Result<T::Output, Self::Error>;
}

/// What is done with a connection.
pub trait Talk {
    /// What comes of it.
    type Output;

    /// Runs until the connection is of no more use.
    async fn talk<S: Session>(self, session: &mut S) -> Self::Output;
}

/// A live connection. An error ends it.
pub trait Session {
    /// Why it has ended.
    type Error;

    /// Sends a message. Not cancel-safe: drop the connection then.
    ///
    /// # Errors
    /// See [`Session::Error`].
    async fn publish(&mut self, message: &Message<'_>) -> Result<(), Self::Error>;

    /// Subscribes at QoS 1; what is retained under the filter is sent, again if it has been before.
    ///
    /// # Errors
    /// See [`Session::Error`].
    async fn subscribe(&mut self, filter: &str) -> Result<(), Self::Error>;

    /// Ends a subscription.
    ///
    /// # Errors
    /// See [`Session::Error`].
    async fn unsubscribe(&mut self, filter: &str) -> Result<(), Self::Error>;

    /// Waits until a message arrives or something that was sent is acknowledged (`None`). Keeps the connection alive
    /// meanwhile. Cancel-safe.
    ///
    /// # Errors
    /// See [`Session::Error`]; a subscription that the broker refuses is one.
    async fn next(&mut self) -> Result<Option<Arrived<'_>>, Self::Error>;

    /// Whether everything sent has been acknowledged. One message that asks for that is under way at a time.
    fn is_settled(&self) -> bool;
}
