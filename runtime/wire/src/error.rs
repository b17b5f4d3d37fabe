//! Why a topic or body was not understood, or not written.

use core::fmt;

/// The first reason found. Keys are those of `FORMAT.md`; offsets count from the body's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// Not a topic of this protocol.
    NotATopic,
    /// A name that could not stand in a topic on every broker.
    BadName,
    /// A body longer than [`crate::MAX_DOCUMENT`].
    TooLong {
        /// Its length in bytes.
        got: usize,
    },
    /// The caller's buffer is too small for the body.
    NoRoom,
    /// Not CBOR, not of the expected type, keys out of order, or bytes after the end.
    Malformed {
        /// Where.
        offset: usize,
    },
    /// A field that must be there is not.
    MissingField {
        /// Its key.
        key: u32,
    },
    /// A field of the right type with a value that makes no sense.
    OutOfRange {
        /// Its key.
        key: u32,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATopic => f.write_str("not a mote topic"),
            Self::BadName => f.write_str("a name is not 1 to 64 of A-Z a-z 0-9 _ -"),
            Self::TooLong { got } => write!(f, "body of {got} bytes is too long"),
            Self::NoRoom => f.write_str("the buffer is too small for the body"),
            Self::Malformed { offset } => write!(f, "malformed at byte {offset}"),
            Self::MissingField { key } => write!(f, "field {key} is missing"),
            Self::OutOfRange { key } => write!(f, "field {key} is out of range"),
        }
    }
}

impl core::error::Error for WireError {}
