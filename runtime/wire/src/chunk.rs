//! Pulling bytes: a request names the chunks it has room for, and only those are sent.

use crate::WireError;
use crate::body::{Body, MAX_DOCUMENT, digest, in_range, read, required, write};

/// The smallest chunk in bytes; below it the topic outweighs the payload.
pub const MIN_CHUNK: u32 = 256;
/// The largest chunk in bytes: a body less a generous 64 bytes of framing.
pub const MAX_CHUNK: u32 = MAX_DOCUMENT as u32 - 64;
/// The longest window bitmap in bytes: 512 chunks in flight.
pub const MAX_WINDOW: usize = 64;

/// A request for chunks of one blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Get<'a> {
    /// SHA-256 of the whole blob.
    pub digest: [u8; 32],
    /// The device's number for this transfer; answers go to `dn/c/{xfer}`.
    pub xfer: u32,
    /// Bytes per chunk, [`MIN_CHUNK`] to [`MAX_CHUNK`]; the last chunk is what remains.
    pub chunk_bytes: u32,
    /// The chunk that the bitmap starts at.
    pub first: u32,
    /// Bit `i % 8` of byte `i / 8` asks for chunk `first + i`. 1 to [`MAX_WINDOW`] bytes.
    pub window: &'a [u8],
    /// The most chunks that may be sent in answer.
    pub credit: u16,
}

impl Get<'_> {
    /// The chunks asked for, ascending, at most `credit` of them.
    pub fn indices(&self) -> impl Iterator<Item = u32> + '_ {
        let bits = (0u32..)
            .zip(self.window)
            .flat_map(|(at, &byte)| (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| at * 8 + bit));
        bits.filter_map(|bit| self.first.checked_add(bit)).take(usize::from(self.credit))
    }

    fn check(&self) -> Result<(), WireError> {
        in_range((MIN_CHUNK..=MAX_CHUNK).contains(&self.chunk_bytes).then_some(()), 3)?;
        in_range((1..=MAX_WINDOW).contains(&self.window.len()).then_some(()), 5)
    }
}

impl<'a> Body<'a> for Get<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (mut blob, mut xfer, mut chunk_bytes) = (None, None, None);
        let (mut first, mut window, mut credit) = (None, None, None);
        read(bytes, |key, decoder| {
            match key {
                1 => blob = Some(digest(decoder, 1)?),
                2 => xfer = Some(decoder.u32()?),
                3 => chunk_bytes = Some(decoder.u32()?),
                4 => first = Some(decoder.u32()?),
                5 => window = Some(decoder.bytes()?),
                6 => credit = Some(decoder.u16()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let get = Self {
            digest: required(blob, 1)?,
            xfer: required(xfer, 2)?,
            chunk_bytes: required(chunk_bytes, 3)?,
            first: required(first, 4)?,
            window: required(window, 5)?,
            credit: required(credit, 6)?,
        };
        get.check()?;
        Ok(get)
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError> {
        self.check()?;
        write(out, |encoder| {
            encoder.map(6)?.u8(1)?.bytes(&self.digest)?.u8(2)?.u32(self.xfer)?;
            encoder.u8(3)?.u32(self.chunk_bytes)?.u8(4)?.u32(self.first)?;
            encoder.u8(5)?.bytes(self.window)?.u8(6)?.u16(self.credit)?.ok()
        })
    }
}

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chunk<'a> {
    /// The transfer that asked for it.
    pub xfer: u32,
    /// Its place, counted in chunks.
    pub index: u32,
    /// How many chunks the blob has.
    pub total: u32,
    /// Its bytes, 1 to [`MAX_CHUNK`].
    pub bytes: &'a [u8],
}

impl Chunk<'_> {
    fn check(&self) -> Result<(), WireError> {
        in_range((self.index < self.total).then_some(()), 2)?;
        in_range((1..=MAX_CHUNK as usize).contains(&self.bytes.len()).then_some(()), 4)
    }
}

impl<'a> Body<'a> for Chunk<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, WireError> {
        let (mut xfer, mut index, mut total, mut content) = (None, None, None, None);
        read(bytes, |key, decoder| {
            match key {
                1 => xfer = Some(decoder.u32()?),
                2 => index = Some(decoder.u32()?),
                3 => total = Some(decoder.u32()?),
                4 => content = Some(decoder.bytes()?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let chunk = Self {
            xfer: required(xfer, 1)?,
            index: required(index, 2)?,
            total: required(total, 3)?,
            bytes: required(content, 4)?,
        };
        chunk.check()?;
        Ok(chunk)
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError> {
        self.check()?;
        write(out, |encoder| {
            encoder.map(4)?.u8(1)?.u32(self.xfer)?.u8(2)?.u32(self.index)?;
            encoder.u8(3)?.u32(self.total)?.u8(4)?.bytes(self.bytes)?.ok()
        })
    }
}
