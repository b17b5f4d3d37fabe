//! A [`Link`] over rumqttc.
//!
//! rumqttc drops queued publishes when a broker has forgotten the session, does not subscribe again, reconnects without a
//! pause, waits with Nagle's algorithm and refuses packets over 10 KiB. So each connection here is a fresh client with a
//! clean session, fed from our own outbox, polled in its own task, with nodelay and a stated packet size.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, Outgoing, Packet, QoS};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::outbox::Next;
use super::{Delivery, EVENT_QUEUE, Events, Link, LinkEvent, Message};

/// Largest packet in either direction: a document of 60 KiB with its topic, and room for foreign sensor payloads.
pub const MAX_PACKET: usize = 256 << 10;
/// Messages sent but not acknowledged: as many as mosquitto keeps in flight by default.
const WINDOW: usize = 20;
/// rumqttc stalls when identifiers collide, which it avoids given five times the window.
const PACKET_IDS: u16 = 100;
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// A TLS handshake through a hardware key can take most of this.
const CONNECT_SECONDS: u64 = 60;
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(30);

/// Where and as whom to connect.
pub struct Broker {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Client identifier, unique at the broker.
    pub client: String,
    /// User name and password, where the broker wants them.
    pub login: Option<(String, String)>,
    /// Makes what the broker publishes when the connection of this number is lost.
    pub will: Option<Box<dyn Fn(u64) -> Option<Message> + Send + Sync>>,
    /// Number of the last connection; each takes the next, wrapping.
    pub session: Mutex<u64>,
}

/// Starts the connection in its own task and answers its handle and events. Ends after [`Link::close`] or when the
/// events are dropped.
pub fn connect(broker: Broker) -> (Link, Events) {
    let link = Link::new(MAX_PACKET);
    let (sender, events) = mpsc::channel(EVENT_QUEUE);
    tokio::spawn(keep_connected(broker, link.clone(), sender));
    (link, events)
}

/// How a connection ended.
enum End {
    Lost(String),
    Closed,
}

async fn keep_connected(broker: Broker, link: Link, events: mpsc::Sender<LinkEvent>) {
    let mut pause = BACKOFF_FIRST;
    loop {
        let (end, stood) = run_connection(&broker, &link, &events).await;
        link.shared.outbox.disconnected();
        let End::Lost(why) = end else { return };
        if events.send(LinkEvent::Disconnected { why }).await.is_err() {
            return;
        }
        if stood {
            pause = BACKOFF_FIRST;
        }
        sleep(jittered(pause, &broker.client)).await;
        pause = (pause * 2).min(BACKOFF_MOST);
    }
}

/// Spreads the reconnects of a fleet over half the pause, each device at its own place.
fn jittered(pause: Duration, client: &str) -> Duration {
    let spread = client.bytes().fold(7u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    pause / 2 + pause / 2 * (spread % 1000) / 1000
}

async fn run_connection(broker: &Broker, link: &Link, events: &mpsc::Sender<LinkEvent>) -> (End, bool) {
    let session = broker.next_session();
    let (client, mut connection) = AsyncClient::new(options(broker, session), usize::from(PACKET_IDS));
    connection.network_options.set_tcp_nodelay(true);
    connection.network_options.set_connection_timeout(CONNECT_SECONDS);
    let mut stands = false;
    loop {
        let event = tokio::select! {
            event = connection.poll() => event,
            () = link.shared.wake.notified(), if stands => {
                hand_over(link, &client);
                continue;
            }
        };
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                stands = true;
                hand_over(link, &client);
                if events.send(LinkEvent::Connected { session }).await.is_err() {
                    return (End::Closed, stands);
                }
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let arrived = LinkEvent::Arrived { topic: publish.topic, payload: publish.payload.to_vec() };
                if events.send(arrived).await.is_err() {
                    return (End::Closed, stands);
                }
            }
            Ok(Event::Incoming(Packet::PubAck(ack))) => {
                link.shared.outbox.acknowledged(ack.pkid);
                hand_over(link, &client);
            }
            Ok(Event::Outgoing(Outgoing::Publish(packet))) => {
                link.shared.outbox.sent(packet);
                hand_over(link, &client);
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) => return (End::Closed, stands),
            Ok(_) => {}
            Err(error) => return (End::Lost(error.to_string()), stands),
        }
    }
}

/// Gives the client everything that the window allows. Its queue has room for a whole window, so nothing is refused; were
/// it ever, the message counts as handed and is repeated after the next connection.
fn hand_over(link: &Link, client: &AsyncClient) {
    loop {
        let handed = match link.shared.outbox.next(WINDOW) {
            Next::Unsubscribe(filter) => client.try_unsubscribe(filter),
            Next::Subscribe(filter) => client.try_subscribe(filter, QoS::AtLeastOnce),
            Next::Publish(message) => {
                client.try_publish(message.topic, qos(message.delivery), message.retain, message.payload)
            }
            Next::Close => client.try_disconnect(),
            Next::Wait => return,
        };
        if handed.is_err() {
            return;
        }
    }
}

impl Broker {
    /// A connection without login and will.
    #[must_use]
    pub fn plain(host: &str, port: u16, client: &str) -> Self {
        Self { host: host.into(), port, client: client.into(), login: None, will: None, session: Mutex::new(0) }
    }

    fn next_session(&self) -> u64 {
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        *session = session.wrapping_add(1);
        *session
    }
}

fn options(broker: &Broker, session: u64) -> MqttOptions {
    let mut options = MqttOptions::new(&broker.client, &broker.host, broker.port);
    options.set_keep_alive(KEEP_ALIVE);
    options.set_max_packet_size(MAX_PACKET, MAX_PACKET);
    options.set_inflight(PACKET_IDS);
    options.set_clean_session(true);
    if let Some((user, password)) = &broker.login {
        options.set_credentials(user, password);
    }
    if let Some(will) = broker.will.as_ref().and_then(|will| will(session)) {
        options.set_last_will(LastWill::new(&will.topic, will.payload, qos(will.delivery), will.retain));
    }
    options
}

fn qos(delivery: Delivery) -> QoS {
    match delivery {
        Delivery::AtMostOnce => QoS::AtMostOnce,
        Delivery::AtLeastOnce => QoS::AtLeastOnce,
    }
}
