//! Runs firmware images on the boards that QEMU emulates: inference to the bit, instruction counts, devices of a fleet.
//!
//! Builds nothing (`cargo xtask firmware` does) and knows no Plan: bytes go in and come out. Start at [`Emulator::find`].
#![forbid(unsafe_code)]

mod board;
mod device;
mod emulator;
mod error;
mod infer;

pub use board::{BOARDS, Board, RUSTFLAGS};
pub use device::{Device, Running};
pub use emulator::{Emulator, IMAGES_VARIABLE, PROGRAM};
pub use error::{QemuError, Status};
pub use infer::{Answer, Count};
