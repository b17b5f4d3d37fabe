#![allow(unsafe_code, reason = "the boundary between weld's code and Rust")]
//! The exports.

/// Probe.
#[unsafe(no_mangle)]
pub extern "C" fn mote_k_probe(step: *const u8, _plan: *const u8, _arena: *mut u8) -> i32 {
    step as i32
}
