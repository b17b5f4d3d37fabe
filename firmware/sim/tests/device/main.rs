//! The application of the microcontroller, whole, in simulated time.
//!
//! `MOTE_LONG=1` cuts the power at every flash operation instead of at every few.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod board;
mod cast;
mod cuts;
mod flash;
mod life;
mod links;
mod socket;
