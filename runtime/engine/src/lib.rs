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
pub use steps::{
    arg_reduce, arg_reduce_f32, binary, binary_f32, binary_f64, cast, conv, conv_group, conv_transpose, copy, couple,
    cum_sum, cum_sum_f32, depthwise, fill, find, find_f32, gather, gather_elements, gather_nd, gru, halo, lerp, lstm,
    mat_mul, mat_mul_f32, pool, reduce, reduce_f32, reduce_f64, rnn, scatter_elements, scatter_nd, select, softmax,
    square_distance, square_distance_f32, top_k, top_k_f32, trees, trees_f32, unary, unary_f32, unary_f64,
};
