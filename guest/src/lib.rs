//! The sandboxed side of a module: the cold kernels of `mote-engine`, exported one by one for weld to link.
//!
//! No arithmetic, no state, no allocator. For a host target the crate is empty, so that the whole workspace checks
//! with the compiler at hand; `guest/image` builds it for wasm32. The export's signature is in `mote-abi`.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(target_arch = "wasm32")]
mod exports;
#[cfg(target_arch = "wasm32")]
mod panic;
