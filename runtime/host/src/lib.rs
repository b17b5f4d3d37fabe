//! Runs opened models in wasmtime, inside limits, and compiles their code itself.
//!
//! Knows nothing of networks, files of models or ONNX. Start at [`Host::load`]: it takes what [`mote_seal::open`] has
//! accepted and nothing else, derives code for this machine from the Plan inside, and answers a [`Model`] that makes
//! [`Instance`]s. A guest without a Plan is foreign and goes through [`Host::load_foreign`], into another engine.
//! The guest boundary is DESIGN section 7; what may lie in the code cache and why is told in `cache.rs`.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod cache;
mod calibrate;
mod engine;
mod error;
mod foreign;
mod instance;
mod limits;
mod model;
mod ports;

pub use engine::{Host, HostConfig, Pool};
pub use error::{CacheError, EngineFault, HostError, InferError, LoadError, TrapKind};
pub use foreign::{FOREIGN_IMPORTS, ForeignConfig, Wasi};
pub use instance::{Instance, Outputs, StreamState};
pub use limits::Limits;
pub use model::{Code, LoadOptions, LoadTimings, Model};
pub use ports::{EntryPorts, Port};
