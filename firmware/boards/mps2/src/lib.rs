//! Arm's MPS2 and MPS3 boards as QEMU emulates them: four Cortex-M cores that run the same two programs.
//!
//! Knows nothing of models or fleets: memory, clock, network, flash and the debugger's host. `infer` runs any Plan that the
//! host puts into memory; `device` is a device of a fleet. The board is a cargo feature; its facts are in [`board`].
#![no_std]

pub mod board;
pub mod ethernet;
pub mod executor;
pub mod host;
pub mod mark;
pub mod memory;
pub mod network;
pub mod nor;
pub mod recorded;
pub mod stack;
pub mod tick;
pub mod watchdog;

// Its critical section is the one that every crate below links.
use cortex_m as _;

/// The exit status of a panic.
const PANICKED: u32 = 101;

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    cortex_m_semihosting::heprintln!("{}", info);
    host::exit(PANICKED)
}
