//! A device's life as state machines: it is told what happened and answers with what to do.
//!
//! Knows nothing of sockets, files, flash, clocks, randomness or inference; those are its host's. The same
//! code runs on gateways, in pages and on microcontrollers. Nothing allocates. Start at [`Device::boot`],
//! then call [`Device::handle`] for every [`Event`] and [`Device::action`] until it answers `None`.
//!
//! - [`Device`]: the update, from a signed assignment to a committed or rolled back model.
//! - [`Incoming`]: what a message says to it, found by its topic.
//! - [`Record`] and [`newest`]: what survives a power cut.
//! - [`answer`]: the serving side of a transfer.
//! - [`Fold`] and [`Backlog`]: telemetry, mergeable by addition.
//! - [`Backoff`]: when to try again.
#![no_std]
#![forbid(unsafe_code)]

mod action;
mod backoff;
mod bits;
mod chunks;
mod config;
mod incoming;
mod record;
mod report;
mod source;
mod telling;
mod trouble;
mod update;

pub use action::{Action, Event, Hold, Keep, Order, Outcomes, Part, Request, Work};
pub use backoff::{Backoff, Millis};
pub use config::{Boot, Config, ConfigError, Limits, Trial};
pub use incoming::Incoming;
pub use mote_wire::UpdateState as State;
pub use record::{Newest, RECORD_BYTES, Record, Side, Slot, newest};
pub use report::{Backlog, Fold, Window};
pub use source::{Piece, answer, pieces};
pub use trouble::Trouble;
pub use update::Device;
