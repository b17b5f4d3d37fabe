//! A device of the fleet on a microcontroller: samples a sensor, predicts from flash, tells the fleet and takes updates.
//!
//! Knows nothing of a particular chip, network stack or allocator; a board brings [`Flash`], [`Dial`], [`Clock`],
//! [`Watchdog`] and a [`Sensor`]. Start at [`App::boot`], then [`App::run`]. [`Node`] is the same device without its
//! link, for whoever has another way to move messages. Where things lie in flash: [`Layout`]. How much of everything
//! there is: [`capacity`].
//!
//! - A model runs where it lies: weights are never copied to RAM, and a Plan is viewed anew for each inference.
//! - An update goes into the slot that does not hold the good model, every chunk bounded by what the signed release
//!   announced before a byte is written. What decides is `mote-fleet`; what is trusted is `mote-seal`.
//! - The watchdog is fed by progress alone. A model that takes the device down in its trial is rolled back at a start.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

#[cfg(test)]
extern crate std;

mod answer;
mod app;
mod bell;
pub mod capacity;
mod error;
mod flash;
mod identity;
mod journal;
mod layout;
mod meta;
mod model;
pub mod mqtt;
mod node;
mod port;
pub mod sensor;
mod slots;
mod state;
mod store;

pub use app::{App, Board, Broker};
pub use error::{BootError, FlashFault};
pub use identity::{Identity, Name};
pub use layout::Layout;
pub use model::{Model, Scores};
pub use node::{Answers, Memory, Node, OutTopic, Outgoing, Passed, Sampling, Settings, Which};
pub use port::{Clock, Dial, EmbassyClock, Flash, Sensor, SensorFault, Watchdog};
pub use store::{Factory, Found, Parts, Store};
