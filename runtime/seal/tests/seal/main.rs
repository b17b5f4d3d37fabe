//! Opening and signing from the outside.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bytes;
mod hostile;
mod open;
mod sample;
