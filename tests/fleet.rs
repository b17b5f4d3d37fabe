//! The update path from end to end: a publisher, a broker and a gateway, over mosquitto and over the embedded broker.
//!
//! Without mosquitto its half is skipped, by name. `MOTE_LONG=1` runs longer schedules.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "fleet/broker.rs"]
mod broker;
#[path = "fleet/crashes.rs"]
mod crashes;
#[path = "fleet/device.rs"]
mod device;
#[path = "fleet/models.rs"]
mod models;
#[path = "fleet/offers.rs"]
mod offers;
#[path = "fleet/process.rs"]
mod process;
mod program;
#[path = "fleet/push.rs"]
mod push;
#[path = "fleet/refusals.rs"]
mod refusals;
#[path = "fleet/restarts.rs"]
mod restarts;
#[path = "fleet/site.rs"]
mod site;
#[path = "fleet/stream.rs"]
mod stream;
#[path = "fleet/swaps.rs"]
mod swaps;

use std::time::Duration;

/// How long anything may take that takes milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);
