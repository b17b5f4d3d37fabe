//! An MQTT broker inside this process (rumqttd), for demonstrations and tests only.
//!
//! It keeps retained messages in memory, deletes one for any empty publish, sends none again to who subscribes again,
//! cuts a wildcard's retained messages off after about a hundred, and knows neither access control nor a way to stop.
//! A fleet needs a real broker; everything here works with mosquitto unchanged.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rumqttd::{Broker, Config};

use crate::link::rumqtt::MAX_PACKET;

/// The longest that the broker may take until it accepts connections.
const START: Duration = Duration::from_secs(10);
/// The pause between two attempts to connect.
const POLL: Duration = Duration::from_millis(5);

/// A running embedded broker. It ends with the process.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    port: u16,
    version_5_port: u16,
    websocket_port: u16,
}

/// Why there is no embedded broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// The port cannot be taken, or no thread can be started.
    #[error("port {port} on the loopback interface: {source}")]
    Start {
        /// The port; 0 if a free one was looked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// rumqttd does not understand its settings.
    #[error("the embedded broker refuses its settings: {0}")]
    Settings(Box<toml::de::Error>),
    /// It does not accept connections.
    #[error("the embedded broker on port {port} accepted no connection within {START:?}")]
    Silent {
        /// The port.
        port: u16,
    },
}

/// All on 127.0.0.1, without a password.
impl Embedded {
    /// Where it listens for MQTT 3.1.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens for MQTT 5, which it keeps apart.
    #[must_use]
    pub fn version_5_port(&self) -> u16 {
        self.version_5_port
    }

    /// Where it listens for MQTT 3.1.1 over WebSocket.
    #[must_use]
    pub fn websocket_port(&self) -> u16 {
        self.websocket_port
    }
}

/// Starts a broker on free loopback ports and waits until it accepts connections.
///
/// # Errors
/// See [`BrokerError`].
pub fn start() -> Result<Embedded, BrokerError> {
    start_on(0)
}

/// Starts a broker on this loopback port, and on free ones for what else it speaks; waits until it accepts connections.
///
/// # Errors
/// See [`BrokerError`].
pub fn start_on(port: u16) -> Result<Embedded, BrokerError> {
    let failed = |source| BrokerError::Start { port, source };
    // rumqttd only logs that it cannot bind. All are held until all are known, so that they differ.
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(failed);
    let held = [listen(port)?, listen(0)?, listen(0)?];
    let [mqtt, version_5, websocket] = held.each_ref().map(TcpListener::local_addr);
    let addresses = [mqtt.map_err(failed)?, version_5.map_err(failed)?, websocket.map_err(failed)?];
    drop(held);
    let config: Config = toml::from_str(&settings(addresses)).map_err(|e| BrokerError::Settings(Box::new(e)))?;
    let mut broker = Broker::new(config);
    // It runs until the process ends; what it would answer then nobody hears.
    let serve = move || drop(broker.start());
    thread::Builder::new().name("embedded-broker".into()).spawn(serve).map_err(failed)?;

    let deadline = Instant::now() + START;
    for address in addresses {
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return Err(BrokerError::Silent { port: address.port() });
            }
            thread::sleep(POLL);
        }
    }
    let [port, version_5_port, websocket_port] = addresses.map(|address| address.port());
    Ok(Embedded { port, version_5_port, websocket_port })
}

/// Segments are kept per filter and take many times their size in memory, hence the small ones. Without dynamic filters
/// a message that nobody subscribes to is never acknowledged.
fn settings([mqtt, version_5, websocket]: [SocketAddr; 3]) -> String {
    let mut text = String::from(
        "id = 0\n[router]\nid = 0\nmax_connections = 128\nmax_outgoing_packet_count = 200\n\
         max_segment_size = 1048576\nmax_segment_count = 2\n",
    );
    for (kind, address) in [("v4", mqtt), ("v5", version_5), ("ws", websocket)] {
        text += &format!(
            r#"
[{kind}.loopback]
name = "embedded-broker-{kind}"
listen = "{address}"
next_connection_delay_ms = 1

[{kind}.loopback.connections]
connection_timeout_ms = 60000
max_payload_size = {MAX_PACKET}
max_inflight_count = 100
dynamic_filters = true
"#
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_brokers_live_side_by_side_and_a_taken_port_is_refused() {
        let (first, second) = (start().unwrap(), start().unwrap());
        assert_ne!(first.port(), second.port());
        assert!(matches!(start_on(first.port()), Err(BrokerError::Start { port, .. }) if port == first.port()));
    }
}
