//! Things that happened once.

use crate::body::{Body, in_range, read, required, write};
use crate::{UpdateState, WireError};

/// One event. `boot` and `sequence` order a device's events and show gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Event {
    /// Counts the device's starts.
    pub boot: u64,
    /// Counts events within a boot.
    pub sequence: u64,
    /// What happened.
    pub kind: EventKind,
    /// The update state it happened in.
    pub state: UpdateState,
    /// The error's code, 0 if none: of `OpenError` below 100, of the update machine from 100 on.
    pub code: u16,
    /// The version it is about, 0 if none.
    pub version: u64,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The update machine entered `state`.
    Entered = 1,
    /// An assignment or release was refused.
    Refused = 2,
    /// An older assignment was offered again: a broken broker, or an attack.
    Replayed = 3,
    /// The new model was taken back.
    RolledBack = 4,
    /// The running model failed.
    Trapped = 5,
    /// Input that cannot be right: not finite, stuck, out of range.
    BadInput = 6,
}

impl EventKind {
    const ALL: [Self; 6] =
        [Self::Entered, Self::Refused, Self::Replayed, Self::RolledBack, Self::Trapped, Self::BadInput];
}

impl Body<'_> for Event {
    fn decode(bytes: &[u8]) -> Result<Self, WireError> {
        let (mut boot, mut sequence, mut kind, mut state) = (None, None, None, None);
        let (mut code, mut version) = (0, 0);
        read(bytes, |key, decoder| {
            match key {
                1 => boot = Some(decoder.u64()?),
                2 => sequence = Some(decoder.u64()?),
                3 => {
                    let code = decoder.u8()?;
                    let known = EventKind::ALL.into_iter().find(|&known| known as u8 == code);
                    kind = Some(in_range(known, 3)?);
                }
                4 => state = Some(in_range(UpdateState::from_code(decoder.u8()?), 4)?),
                5 => code = decoder.u16()?,
                6 => version = decoder.u64()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self {
            boot: required(boot, 1)?,
            sequence: required(sequence, 2)?,
            kind: required(kind, 3)?,
            state: required(state, 4)?,
            code,
            version,
        })
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError> {
        write(out, |encoder| {
            encoder.map(6)?.u8(1)?.u64(self.boot)?.u8(2)?.u64(self.sequence)?;
            encoder.u8(3)?.u8(self.kind as u8)?.u8(4)?.u8(self.state as u8)?;
            encoder.u8(5)?.u16(self.code)?.u8(6)?.u64(self.version)?.ok()
        })
    }
}
