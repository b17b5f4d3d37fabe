//! One TCP connection at a time over Ethernet: the way to the broker.

use core::fmt;
use core::future::poll_fn;
use core::task::Poll;

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};
use mote_firmware::Dial;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, Ipv4Address};

use crate::ethernet::Ethernet;
use crate::{host, tick};

/// The guest's and the host's addresses in QEMU's user network.
const OWN: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
const HOST: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
const PREFIX: u8 = 24;

/// A connection that brings nothing to an end for so long has failed.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Ports that connections start from; each takes another.
const PORTS: core::ops::Range<u16> = 49_152..65_535;

/// Bytes on their way in, at most: one window of chunks comes in bursts.
pub const RECEIVE_BYTES: usize = 4096;
/// Bytes on their way out, at most.
pub const SEND_BYTES: usize = 2048;

/// Memory of the network.
#[derive(Debug)]
pub struct Buffers {
    /// The socket's place.
    pub sockets: &'static mut [SocketStorage<'static>; 1],
    /// What has come in.
    pub receive: &'static mut [u8; RECEIVE_BYTES],
    /// What goes out.
    pub send: &'static mut [u8; SEND_BYTES],
}

/// The network, and the way to a port of the host.
pub struct Network {
    ethernet: Ethernet,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
    port: u16,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// Nobody listens, or the network is not there.
    Refused,
    /// It has ended.
    Closed,
}

impl Network {
    /// A network that has not connected yet. `seed` differs from start to start.
    pub fn new(mut ethernet: Ethernet, address: [u8; 6], buffers: Buffers, port: u16, seed: u64) -> Self {
        let mut config = Config::new(EthernetAddress(address).into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut ethernet, now());
        interface.update_ip_addrs(|addresses| {
            // There is room for one.
            let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(OWN), PREFIX));
        });
        let Buffers { sockets, receive, send } = buffers;
        let mut sockets = SocketSet::new(&mut sockets[..]);
        let (receive, send) = (tcp::SocketBuffer::new(&mut receive[..]), tcp::SocketBuffer::new(&mut send[..]));
        let mut socket = tcp::Socket::new(receive, send);
        // Small writes are gathered until they are flushed, so what is flushed shall go.
        socket.set_nagle_enabled(false);
        socket.set_timeout(Some(TIMEOUT));
        let socket = sockets.add(socket);
        Self { ethernet, interface, sockets, socket, port }
    }

    fn poll(&mut self) -> &mut tcp::Socket<'static> {
        self.interface.poll(now(), &mut self.ethernet, &mut self.sockets);
        self.sockets.get_mut(self.socket)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Dial for Network {
    type Transport<'t> = Stream<'t>;
    type Error = NetworkError;

    async fn dial(&mut self) -> Result<Stream<'_>, NetworkError> {
        self.sockets.get_mut::<tcp::Socket<'_>>(self.socket).abort();
        // The other side hears of it.
        self.poll();
        // The host's time goes on over resets, so a port is not soon taken twice.
        let local = PORTS.start + (host::elapsed() / 1024 % PORTS.len() as u64) as u16;
        let context = self.interface.context();
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(self.socket);
        socket.connect(context, (HOST, self.port), local).map_err(|_| NetworkError::Refused)?;
        poll_fn(|_| match self.poll().state() {
            tcp::State::Established => Poll::Ready(Ok(())),
            tcp::State::Closed => Poll::Ready(Err(NetworkError::Refused)),
            _ => Poll::Pending,
        })
        .await?;
        Ok(Stream { network: self })
    }
}

/// A connection.
#[derive(Debug)]
pub struct Stream<'n> {
    network: &'n mut Network,
}

impl ErrorType for Stream<'_> {
    type Error = NetworkError;
}

impl Read for Stream<'_> {
    async fn read(&mut self, out: &mut [u8]) -> Result<usize, NetworkError> {
        if out.is_empty() {
            return Ok(0);
        }
        poll_fn(|_| {
            let socket = self.network.poll();
            if socket.can_recv() {
                Poll::Ready(socket.recv_slice(out).map_err(|_| NetworkError::Closed))
            } else if socket.may_recv() {
                Poll::Pending
            } else {
                Poll::Ready(Ok(0))
            }
        })
        .await
    }
}

impl Write for Stream<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, NetworkError> {
        poll_fn(|_| {
            let mut socket = self.network.sockets.get_mut::<tcp::Socket<'_>>(self.network.socket);
            if socket.may_send() && !socket.can_send() {
                // Full: what is gathered has to go.
                socket = self.network.poll();
            }
            match (socket.may_send(), socket.can_send()) {
                (false, _) => Poll::Ready(Err(NetworkError::Closed)),
                (true, false) => Poll::Pending,
                (true, true) => Poll::Ready(socket.send_slice(bytes).map_err(|_| NetworkError::Closed)),
            }
        })
        .await
    }

    async fn flush(&mut self) -> Result<(), NetworkError> {
        if self.network.poll().may_send() { Ok(()) } else { Err(NetworkError::Closed) }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "nobody answers",
            Self::Closed => "the connection has ended",
        })
    }
}

impl core::error::Error for NetworkError {}

impl embedded_io_async::Error for NetworkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused => ErrorKind::ConnectionRefused,
            Self::Closed => ErrorKind::ConnectionReset,
        }
    }
}

fn now() -> Instant {
    Instant::from_micros(tick::micros().cast_signed())
}
