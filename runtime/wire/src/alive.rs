//! Birth and will.

use crate::WireError;
use crate::body::{Body, in_range, read, required, write};

/// Published at connect and left as the will. A will whose `session` is not that of the latest birth is
/// the echo of an older connection and means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Alive {
    /// Birth or will.
    pub presence: Presence,
    /// Counts the device's starts.
    pub boot: u64,
    /// Drawn anew for each connection.
    pub session: u64,
}

/// Which of the two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// The will: the connection ended.
    Offline = 0,
    /// The birth: connected.
    Online = 1,
}

impl Body<'_> for Alive {
    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (mut presence, mut boot, mut session) = (None, None, None);
        read(bytes, |key, decoder| {
            match key {
                1 => {
                    let known = [Presence::Offline, Presence::Online];
                    presence = Some(in_range(known.get(decoder.u8()? as usize).copied(), 1)?);
                }
                2 => boot = Some(decoder.u64()?),
                3 => session = Some(decoder.u64()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { presence: required(presence, 1)?, boot: required(boot, 2)?, session: required(session, 3)? })
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError> {
        write(out, |encoder| {
            encoder.map(3)?.u8(1)?.u8(self.presence as u8)?;
            encoder.u8(2)?.u64(self.boot)?.u8(3)?.u64(self.session)?.ok()
        })
    }
}
