//! The first look at a model file: the raw protobuf tags, before anything is allocated from them.
//!
//! The generated decoder drops fields that it does not know, so a file could say something that nobody reads. Here every
//! field of every message is named: read, skipped because it only documents, or refused.

mod error;
mod schema;
#[cfg(test)]
mod tests;
mod walk;

pub use error::DoorError;

/// Largest file. protobuf itself ends at 2 GiB.
pub const MAX_FILE_BYTES: usize = (1 << 31) - 1;
/// Deepest nesting of messages: a graph in an attribute of a node adds three.
pub const MAX_NESTING: usize = 40;
/// Most messages and strings. Each costs up to about 400 bytes once decoded.
pub const MAX_MESSAGES: usize = 1 << 20;
/// Most numbers stored in variable length, which grow up to eightfold when decoded.
pub const MAX_VARINTS: usize = 1 << 24;

/// Checks the bytes of a model file.
///
/// # Errors
/// The first thing that is not supported, with its byte offset.
pub(super) fn check(bytes: &[u8]) -> Result<(), DoorError> {
    if bytes.is_empty() {
        return Err(DoorError::Empty);
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(DoorError::TooLarge { bytes: bytes.len() });
    }
    walk::file(bytes, &schema::MODEL)
}
