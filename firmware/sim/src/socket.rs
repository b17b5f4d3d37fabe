//! A TCP connection to a real broker, for devices in real time.

use std::future::poll_fn;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::task::Poll;

use embedded_io_async::{ErrorType, Read, Write};
use mote_firmware::Dial;

use crate::time::{now_us, wake_at};

/// How often a socket without news is looked at again.
const AGAIN_US: u64 = 500;

/// Where the broker is.
#[derive(Debug, Clone, Copy)]
pub struct Socket(pub SocketAddr);

impl Dial for Socket {
    type Transport<'t> = Stream;
    type Error = std::io::Error;

    async fn dial(&mut self) -> Result<Stream, std::io::Error> {
        let stream = TcpStream::connect(self.0)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Stream(stream))
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Stream(TcpStream);

impl Stream {
    /// Repeats what the socket is not ready for.
    async fn repeat<T>(&mut self, mut what: impl FnMut(&mut TcpStream) -> std::io::Result<T>) -> std::io::Result<T> {
        poll_fn(|_| match what(&mut self.0) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                wake_at(now_us() + AGAIN_US);
                Poll::Pending
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                wake_at(now_us());
                Poll::Pending
            }
            result => Poll::Ready(result),
        })
        .await
    }
}

impl ErrorType for Stream {
    type Error = std::io::Error;
}

impl Read for Stream {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, std::io::Error> {
        self.repeat(|socket| socket.read(bytes)).await
    }
}

impl Write for Stream {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, std::io::Error> {
        self.repeat(|socket| socket.write(bytes)).await
    }

    async fn flush(&mut self) -> Result<(), std::io::Error> {
        self.repeat(std::io::Write::flush).await
    }
}
