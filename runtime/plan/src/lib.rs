//! The compiled model as one position-independent byte string.
//! Knows no arithmetic, no WebAssembly and no file. Start at [`Plan::view`] to read and at [`write::Writer`] to make one.
//! The bytes are specified in `FORMAT.md`, included below.
#![doc = include_str!("../FORMAT.md")]
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

#[cfg(feature = "std")]
mod aligned;
mod bytes;
mod error;
pub mod format;
#[cfg(feature = "std")]
mod meta;
pub mod step;
mod tensor;
#[cfg(test)]
mod tests;
mod view;
#[cfg(feature = "std")]
pub mod write;

#[cfg(feature = "std")]
pub use aligned::AlignedBytes;
pub use error::PlanError;
#[cfg(feature = "std")]
pub use meta::{Columns, Meta, StatePair};
pub use step::{Kind, Step};
pub use tensor::{Halo, Region, Tensor, TensorId};
pub use view::{Entry, Plan, Sections};
