//! CBOR bodies: one map with ascending unsigned keys.

use minicbor::encode::write::{Cursor, EndOfSlice};
use minicbor::{Decoder, Encoder, decode, encode};

use crate::WireError;

/// The longest body in bytes: the smallest broker limit for a retained message is 64 KB with its topic.
pub const MAX_DOCUMENT: usize = 60 * 1024;

/// Something that can be published.
pub trait Body<'a>: Sized {
    /// Reads a body. Keys that are not known are stepped over, so that older readers survive newer writers.
    ///
    /// # Errors
    /// See [`WireError`].
    fn decode(bytes: &'a [u8]) -> Result<Self, WireError>;

    /// Writes the body to the start of `out` and returns its length. Never empty: on some brokers an empty
    /// message deletes a retained one.
    ///
    /// # Errors
    /// [`WireError::NoRoom`], [`WireError::TooLong`], or [`WireError::OutOfRange`] for what no reader would accept.
    fn encode(&self, out: &mut [u8]) -> Result<usize, WireError>;
}

pub(crate) type Output<'o> = Encoder<Cursor<&'o mut [u8]>>;
pub(crate) type Full = encode::Error<EndOfSlice>;

/// Calls `field` with each key; it reads the value and says `true`, or leaves it and says `false`.
pub(crate) fn read<'a>(
    bytes: &'a [u8],
    mut field: impl FnMut(u32, &mut Decoder<'a>) -> Result<bool, Fault>,
) -> Result<(), WireError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(WireError::TooLong { got: bytes.len() });
    }
    let mut decoder = Decoder::new(bytes);
    read_map(&mut decoder, &mut field).map_err(|fault| fault.at(&decoder))?;
    let offset = decoder.position();
    if offset == bytes.len() { Ok(()) } else { Err(WireError::Malformed { offset }) }
}

/// The same for a map inside a body.
pub(crate) fn read_map<'a>(
    decoder: &mut Decoder<'a>,
    mut field: impl FnMut(u32, &mut Decoder<'a>) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let entries = decoder.map()?.ok_or(Fault::Malformed)?;
    let mut previous = None;
    for _ in 0..entries {
        let key = decoder.u32()?;
        if previous.is_some_and(|previous| key <= previous) {
            return Err(Fault::Malformed);
        }
        previous = Some(key);
        if !field(key, decoder)? {
            decoder.skip()?;
        }
    }
    Ok(())
}

/// A fault inside a body, before its place is known.
pub(crate) enum Fault {
    Malformed,
    Decode(decode::Error),
    Wire(WireError),
}

impl Fault {
    fn at(self, decoder: &Decoder<'_>) -> WireError {
        let here = decoder.position();
        match self {
            Self::Malformed => WireError::Malformed { offset: here },
            Self::Decode(error) => WireError::Malformed { offset: error.position().unwrap_or(here) },
            Self::Wire(error) => error,
        }
    }
}

impl From<decode::Error> for Fault {
    fn from(error: decode::Error) -> Self {
        Self::Decode(error)
    }
}

impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        Self::Wire(error)
    }
}

pub(crate) fn required<T>(value: Option<T>, key: u32) -> Result<T, WireError> {
    value.ok_or(WireError::MissingField { key })
}

/// A value that `known` recognises.
pub(crate) fn in_range<T>(value: Option<T>, key: u32) -> Result<T, WireError> {
    value.ok_or(WireError::OutOfRange { key })
}

pub(crate) fn digest(decoder: &mut Decoder<'_>, key: u32) -> Result<[u8; 32], Fault> {
    Ok(in_range(decoder.bytes()?.try_into().ok(), key)?)
}

pub(crate) fn write(
    out: &mut [u8],
    fields: impl FnOnce(&mut Output<'_>) -> Result<(), Full>,
) -> Result<usize, WireError> {
    let mut encoder = Encoder::new(Cursor::new(out));
    fields(&mut encoder).map_err(|_| WireError::NoRoom)?;
    let length = encoder.writer().position();
    if length > MAX_DOCUMENT { Err(WireError::TooLong { got: length }) } else { Ok(length) }
}
