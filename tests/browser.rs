//! A page in a real Chromium: it gives the native bits, lives without a network, takes updates as a device of a fleet,
//! refuses what was tampered with, and gives back the memory it took.
//!
//! Without Chromium, node or the browser package these are skipped, by name.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "fleet/broker.rs"]
#[allow(dead_code, reason = "a page needs less of it than a fleet")]
mod broker;
#[path = "browser/memory.rs"]
mod memory;
#[path = "browser/models.rs"]
mod models;
#[path = "browser/playground.rs"]
mod playground;
#[path = "fleet/process.rs"]
#[allow(dead_code, reason = "a page needs less of it than a fleet")]
mod process;
mod program;
#[path = "browser/releases.rs"]
mod releases;
#[path = "browser/script.rs"]
mod script;
#[path = "browser/update.rs"]
mod update;

use std::time::Duration;

/// How long anything may take that takes a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);
