//! What the whole-system tests share: the evidence models and the corpus, readers for their arrays, byte formats taken
//! apart and put together again, and the fuzz targets.
//!
//! Knows nothing of sockets or processes. Start at [`evidence`] for models, at [`fuzz`] for mutated inputs.
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod cbor;
pub mod evidence;
pub mod fuzz;
pub mod keys;
pub mod npz;
pub mod onnx;
pub mod protobuf;
pub mod schedule;
pub mod signed;
pub mod special;
pub mod suite;
