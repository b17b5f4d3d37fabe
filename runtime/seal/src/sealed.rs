//! The file `X.mote`: a manifest and one artifact behind each other.

use crate::{MAX_DOCUMENT, OpenError};

/// The artifact starts at a multiple of this many bytes, so that a mapped Plan is aligned for its constants.
pub const ALIGNMENT: usize = 64;

/// A high bit, a line ending and an end-of-file mark: transfers that treat the file as text break it visibly.
pub(crate) const MAGIC: [u8; 8] = *b"\x89MOTE\r\n\x1a";
pub(crate) const VERSION: u32 = 1;
const HEADER: usize = 16;

/// The two parts of a sealed file. Nothing about them has been proved; see [`crate::open`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// The signed release document.
    pub manifest: &'a [u8],
    /// The artifact, verbatim.
    pub artifact: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// Splits a sealed file.
    ///
    /// # Errors
    /// Wrong magic or version, a manifest longer than [`MAX_DOCUMENT`], padding that is not zero, or too few bytes.
    pub fn split(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let truncated = |offset| OpenError::Truncated { offset };
        if bytes.get(..8).ok_or(truncated(0))? != MAGIC {
            return Err(OpenError::BadMagic);
        }
        let version = little_endian(bytes, 8)?;
        if version != VERSION {
            return Err(OpenError::UnsupportedVersion { version });
        }
        let length = little_endian(bytes, 12)?;
        if length as usize > MAX_DOCUMENT {
            return Err(OpenError::TooLong { limit: MAX_DOCUMENT as u64, got: u64::from(length) });
        }
        let end = HEADER + length as usize;
        let start = end.next_multiple_of(ALIGNMENT);
        let padding = bytes.get(end..start).ok_or(truncated(end.min(bytes.len())))?;
        if let Some(at) = padding.iter().position(|&byte| byte != 0) {
            return Err(OpenError::PaddingNotZero { offset: end + at });
        }
        let manifest = bytes.get(HEADER..end).ok_or(truncated(HEADER))?;
        let artifact = bytes.get(start..).ok_or(truncated(start))?;
        Ok(Self { manifest, artifact })
    }
}

fn little_endian(bytes: &[u8], offset: usize) -> Result<u32, OpenError> {
    bytes
        .get(offset..)
        .and_then(|rest| rest.first_chunk())
        .map(|&word| u32::from_le_bytes(word))
        .ok_or(OpenError::Truncated { offset })
}
