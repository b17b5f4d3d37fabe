//! Compiles a trained model into a Plan: ONNX to [`graph::Graph`], passes, lowering.
//! Knows nothing of WebAssembly, devices or networks.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

pub mod graph;
mod lower;
mod passes;

pub use lower::{BufferReport, EntryGraph, EntryReport, LowerError, Lowered, Report, StepReport, Target};
