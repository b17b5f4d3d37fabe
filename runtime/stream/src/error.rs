//! What a caller can get wrong.

use core::fmt;

/// A size or setting that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamError {
    /// Channels, length or hop are zero, or their product does not fit the address space.
    BadShape,
    /// A buffer has another length than the shape needs.
    WrongLength {
        /// What the shape needs, in values.
        expected: usize,
        /// What was given, in values.
        got: usize,
    },
    /// The votes needed are not a majority of 1 to [`crate::MAX_VOTES`].
    BadRule,
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadShape => f.write_str("channels, length and hop must be at least 1 and fit memory"),
            Self::WrongLength { expected, got } => {
                write!(f, "{got} values where {expected} are needed")
            }
            Self::BadRule => {
                write!(f, "votes must be a majority of at most {}", crate::MAX_VOTES)
            }
        }
    }
}

impl core::error::Error for StreamError {}
