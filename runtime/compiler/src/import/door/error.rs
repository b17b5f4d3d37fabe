//! What the first look refuses, and where in the file.

use super::MAX_NESTING;

/// Why the bytes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_FILE_BYTES`](super::MAX_FILE_BYTES).
    #[error("the file has {bytes} bytes, more than 2 GiB")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
    },
    /// A message ends before its fields do.
    #[error("{message} ends early at byte {offset}: not an ONNX file, or cut off")]
    Truncated {
        /// Message type.
        message: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// A number of more than 64 bits.
    #[error("{message} holds an overlong number at byte {offset}: not an ONNX file")]
    Varint {
        /// Message type.
        message: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// A field that this reader does not know.
    #[error("{message} has an unknown field {field} at byte {offset}")]
    UnknownField {
        /// Message type.
        message: &'static str,
        /// Field number.
        field: u32,
        /// Byte in the file.
        offset: usize,
    },
    /// A field that this reader knows and does not support.
    #[error("{message}.{field} at byte {offset} is not supported")]
    Unsupported {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// A field in the wrong encoding.
    #[error("{message}.{field} at byte {offset} has the wrong encoding: not an ONNX file")]
    Encoding {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// An enumeration value outside the supported set.
    #[error("{message}.{field} at byte {offset} has the unsupported value {value}")]
    Value {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// The value.
        value: u64,
        /// Byte in the file.
        offset: usize,
    },
    /// Text that is not UTF-8.
    #[error("{message}.{field} at byte {offset} is not UTF-8")]
    Text {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// Messages nested deeper than [`MAX_NESTING`].
    #[error("messages are nested more than {MAX_NESTING} deep at byte {offset}")]
    Nesting {
        /// Byte in the file.
        offset: usize,
    },
    /// More than [`MAX_MESSAGES`](super::MAX_MESSAGES) messages or [`MAX_VARINTS`](super::MAX_VARINTS) numbers.
    #[error("more parts than a model may have, reached at byte {offset}")]
    TooMany {
        /// Byte in the file.
        offset: usize,
    },
}
