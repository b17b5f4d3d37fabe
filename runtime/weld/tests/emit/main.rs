//! Emitted code against plain scalar references, in all four flavours: strict bit for bit, fast within 1e-5. Whole
//! arenas are compared, so that a store beside its output shows.
#![allow(clippy::unwrap_used, reason = "tests")]

mod bench;
mod contraction;
mod elementwise;
mod moves;
mod pool;
mod reference;
