//! The arithmetic of every operator, as plain functions over slices and small shape structs.
//! Knows no Plan and no memory map: who calls decides where operands lie. Start at [`select`], which names the function of
//! each operator; the order of every sum is fixed in `ORDER.md`, included below.
//!
//! No function panics: shapes are checked before the first element is touched, and what cannot be is answered with a
//! [`KernelError`]. Slices hold logical elements; where they lie inside is a [`Layout`] or an [`Image`].
#![doc = include_str!("../ORDER.md")]
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

#[cfg(test)]
extern crate std;

mod arch;
pub mod blocked;
mod error;
mod image;
mod layout;
mod memory;
mod number;
pub mod scalar;
pub mod select;
mod walk;

pub use error::{KernelError, Result};
pub use image::{Clamp, Image, Window};
pub use layout::{Around, Layout, MAX_RANK};
pub use memory::{Floats, Ints, IntsMut, Load, Store};
pub use number::{Function, Number};
