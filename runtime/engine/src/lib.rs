//! Runs a Plan in memory that the caller owns.
//! Knows nothing of ONNX, WebAssembly, clocks or networks. Start at [`run`]. The format is specified in `plan/FORMAT.md`, the
//! arithmetic in `kernels/ORDER.md`.
//!
//! Every function is memory-safe on any Plan that [`mote_plan::Plan::view`] accepts: a step is checked against its tensors
//! each time it runs. That is no proof of meaning; trust comes from the signature that opened the Plan.
//!
//! Beside [`run`] there is one function for each kernel ([`for_each_kernel`]): the guest exports them one by one, and a
//! module links those that its steps name ([`kernel_name`]).
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod arena;
mod fault;
mod kernel;
mod run;
mod steps;

pub use arena::Arena;
pub use fault::{Fault, Result};
pub use kernel::{KERNEL_NAMES, kernel_name};
pub use mote_kernels::select::Rule;
pub use run::{input_mut, output, run, run_with, step};
pub use steps::*;
