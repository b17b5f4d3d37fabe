//! A microcontroller's life end to end: the firmware image `device` on a Cortex-M4F that QEMU emulates, a real mosquitto,
//! and the publisher that gateways have. Whatever befalls an update, a good model runs afterwards: the device's twin says
//! which, and its answers are the bits of that one.
//!
//! Without QEMU, firmware images or mosquitto it is skipped, by name. `MOTE_LONG=1` interrupts at more points.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "mcu/answers.rs"]
mod answers;
#[path = "fleet/broker.rs"]
#[allow(dead_code, reason = "the embedded broker is for the fleet of gateways")]
mod broker;
#[path = "mcu/interruptions.rs"]
mod interruptions;
#[path = "mcu/models.rs"]
mod models;
#[path = "fleet/process.rs"]
#[allow(dead_code, reason = "nor is there a gateway")]
mod process;
mod program;
#[path = "mcu/refusals.rs"]
mod refusals;
#[path = "mcu/site.rs"]
mod site;
#[path = "mcu/updates.rs"]
mod updates;

use std::time::Duration;

/// How long anything may take that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);
