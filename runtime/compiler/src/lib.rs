//! Compiles a trained model into a Plan: ONNX or a stored scikit-learn estimator to [`graph::Graph`], passes, lowering.
//! Knows nothing of WebAssembly, devices or networks. Start at [`compile`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod budget;
mod centered;
pub mod check;
mod compile;
mod error;
mod eval;
mod forest;
pub mod graph;
pub mod import;
mod lower;
mod passes;
mod sklearn;
mod state;
mod tensor;
mod tract;

pub use budget::{BadBudget, Budget, FlashOver, OverBudget, RamOver};
pub use compile::{
    COMPILER, CompileError, CompileOptions, Compiled, Precision, UnknownPrecision, compile, compile_for, inputs,
};
pub use error::{ExternalError, ImportError, Reason, Refusal, Refusals, TensorError};
pub use eval::EvalError;
pub use forest::ForestError;
pub use lower::{
    BufferReport, Core, EntryGraph, EntryReport, LowerError, Lowered, Report, StepReport, Target, UnknownTarget,
    Weights, macs,
};
pub use sklearn::{BoosterError, EstimatorError, EstimatorRefusal};
pub use state::States;
pub use tensor::HostTensor;
pub use tract::{OpinionError, SecondOpinion, second_opinion};
