//! Windows and decisions against plain references.
#![allow(clippy::unwrap_used, reason = "tests")]

mod decisions;
mod windows;
