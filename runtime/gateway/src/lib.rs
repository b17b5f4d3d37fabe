//! The edge daemon: sealed models behind HTTP and MQTT, replaced over MQTT while they answer.
//!
//! Knows nothing of ONNX or of how a model was made. Start at [`serve::start`]. What arrives walks one way: [`link`] ->
//! [`serve`] -> `pipeline` or `update` -> [`models`] -> [`link`]. The protocol of updates is `mote-fleet`'s; this
//! crate gives it a clock, a disk and a broker.
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

pub mod background;
pub mod broker;
pub mod campaign;
pub mod config;
mod directory;
mod http;
pub mod link;
mod metrics;
pub mod models;
mod pipeline;
pub mod publisher;
pub mod serve;
mod store;
mod update;

pub use directory::PAGE_VARIANT;
pub use http::PagesError;
pub use update::UpdateError;
