//! `minimq` behind the traits of this module: MQTT 5, without an allocator.

use minimq::{Buffers, ConfigBuilder, Connection, Io, Publication, QoS, SubscriptionOptions, TopicFilter, Will};

use super::{Arrived, Delivery, Hello, Message, Mqtt, Session, Talk};
use crate::port::Dial;

/// The client: a way to the broker and room for one packet in each direction.
#[derive(Debug)]
pub struct Minimq<'b, D> {
    dial: D,
    rx: &'b mut [u8],
    tx: &'b mut [u8],
}

impl<'b, D: Dial> Minimq<'b, D> {
    /// A client that has not connected yet. `rx` and `tx` hold [`crate::capacity::RX_BYTES`] and
    /// [`crate::capacity::TX_BYTES`].
    pub fn new(dial: D, rx: &'b mut [u8], tx: &'b mut [u8]) -> Self {
        Self { dial, rx, tx }
    }
}

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError<E> {
    /// No stream was opened.
    Dial(E),
    /// An identifier, the will or the login does not fit.
    Hello(minimq::ConfigError),
    /// The broker refused, or the stream broke.
    Mqtt(minimq::Error<E>),
}

impl<E> From<minimq::ConfigError> for ConnectError<E> {
    fn from(error: minimq::ConfigError) -> Self {
        Self::Hello(error)
    }
}

impl<D: Dial> Mqtt for Minimq<'_, D> {
    type Error = ConnectError<D::Error>;

    async fn connect<T: Talk>(&mut self, hello: &Hello<'_>, talk: T) -> Result<T::Output, Self::Error> {
        let will = Will::new(hello.will.topic, hello.will.payload, &[])?.qos(qos(hello.will.delivery));
        let will = if hello.will.retain { will.retained() } else { will };
        let mut config = ConfigBuilder::new(Buffers::new(self.rx, self.tx))
            .client_id(hello.client)?
            .keepalive_interval(hello.keepalive_s)
            .will(will)?;
        if let Some((user, password)) = hello.login {
            config = config.auth(user, password)?;
        }
        let transport = self.dial.dial().await.map_err(ConnectError::Dial)?;
        let mut session = minimq::Session::new(config);
        let connection = session.connect(transport).await.map_err(ConnectError::Mqtt)?;
        Ok(talk.talk(&mut Live(connection)).await)
    }
}

/// A live connection of `minimq`.
struct Live<'s, 'b, IO>(Connection<'s, 'b, IO>);

impl<IO: Io> Session for Live<'_, '_, IO> {
    type Error = minimq::Error<IO::Error>;

    async fn publish(&mut self, message: &Message<'_>) -> Result<(), Self::Error> {
        let publication = Publication::bytes(message.topic, message.payload).qos(qos(message.delivery));
        let publication = if message.retain { publication.retain() } else { publication };
        match self.0.publish(publication).await {
            Ok(_) => Ok(()),
            Err(minimq::PubError::Session(error)) => Err(error),
            // Copying the payload fails for want of room only.
            Err(minimq::PubError::Payload(())) => Err(minimq::Error::Resource(minimq::ResourceError::BufferTooSmall)),
        }
    }

    async fn subscribe(&mut self, filter: &str) -> Result<(), Self::Error> {
        let options = SubscriptionOptions::default().maximum_qos(QoS::AtLeastOnce);
        self.0.subscribe(&[TopicFilter::new(filter).options(options)], &[]).await.map(|_| ())
    }

    async fn unsubscribe(&mut self, filter: &str) -> Result<(), Self::Error> {
        self.0.unsubscribe(&[filter], &[]).await.map(|_| ())
    }

    async fn next(&mut self) -> Result<Option<Arrived<'_>>, Self::Error> {
        let arrived = self.0.poll().await?;
        Ok(arrived.map(|message| Arrived { topic: message.topic(), payload: message.payload() }))
    }

    fn is_settled(&self) -> bool {
        self.0.session().is_publish_quiescent()
    }
}

fn qos(delivery: Delivery) -> QoS {
    match delivery {
        Delivery::AtMostOnce => QoS::AtMostOnce,
        Delivery::AtLeastOnce => QoS::AtLeastOnce,
    }
}
