//! Topics and bodies from the outside.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bodies;
mod bytes;
mod topics;
