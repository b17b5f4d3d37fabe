//! The boards: what QEMU calls them and what builds for them. `firmware/boards/mps2/src/board.rs` is their own side of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A board of `firmware/boards/mps2`.
#[derive(Debug, PartialEq, Eq)]
pub struct Board {
    /// Short name: the cargo feature, and the folder of its images.
    pub name: &'static str,
    /// The processor.
    pub core: &'static str,
    /// What QEMU calls the board.
    pub machine: &'static str,
    /// The compiler's target.
    pub target: &'static str,
    /// Where the external memory lies that stands in for flash.
    pub store: u32,
    /// Its bytes, as many as are used.
    pub store_bytes: usize,
    /// Bytes of the file that can stand behind that memory and outlive the emulation.
    pub file_bytes: u64,
    /// Where the store begins in it. The M55's lies amid the two gigabytes of its board.
    pub file_offset: u64,
    /// Frequency of the core.
    pub core_hz: u32,
}

/// External memory of every board, or as much of it as is used.
const STORE_BYTES: usize = 16 << 20;

/// Compiler flags for every board: hashing without unrolled loops, 1.3 KB of code for both digests instead of 34.
///
/// The core is not named. Where it is, LLVM runs out of registers in the tiles of f32 kernels: ResNet-8 takes 39.3 million
/// instructions on an M33 instead of 27.8, 37.7 on an M55 instead of the same. An unnamed M55 has no MVE either, whose
/// floating point would flush subnormal numbers to zero.
pub const RUSTFLAGS: [&str; 1] = [r#"--cfg=sha2_backend_soft="compact""#];

/// Every board. Those of one target share what is built.
pub static BOARDS: [Board; 4] = [
    Board {
        name: "an386",
        core: "Cortex-M4F",
        machine: "mps2-an386",
        target: "thumbv7em-none-eabihf",
        store: 0x2100_0000,
        store_bytes: STORE_BYTES,
        file_bytes: STORE_BYTES as u64,
        file_offset: 0,
        core_hz: 25_000_000,
    },
    Board {
        name: "an500",
        core: "Cortex-M7",
        machine: "mps2-an500",
        target: "thumbv7em-none-eabihf",
        store: 0x6000_0000,
        store_bytes: STORE_BYTES,
        file_bytes: STORE_BYTES as u64,
        file_offset: 0,
        core_hz: 25_000_000,
    },
    Board {
        name: "an505",
        core: "Cortex-M33",
        machine: "mps2-an505",
        target: "thumbv8m.main-none-eabihf",
        store: 0x8000_0000,
        store_bytes: STORE_BYTES,
        file_bytes: STORE_BYTES as u64,
        file_offset: 0,
        core_hz: 20_000_000,
    },
    Board {
        name: "an547",
        core: "Cortex-M55",
        machine: "mps3-an547",
        target: "thumbv8m.main-none-eabihf",
        store: 0x7000_0000,
        store_bytes: STORE_BYTES,
        file_bytes: 2 << 30,
        file_offset: 0x1000_0000,
        core_hz: 32_000_000,
    },
];

impl Board {
    /// Writes a store to the file that is to stand behind the board's external memory; what lies around it is a hole.
    ///
    /// # Errors
    /// What goes wrong on this machine.
    pub fn write_store(&self, file: &Path, store: &[u8]) -> io::Result<()> {
        let file = File::create(file)?;
        file.set_len(self.file_bytes)?;
        file.write_all_at(store, self.file_offset)
    }

    /// The board of this short name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BOARDS.iter().find(|board| board.name == name)
    }
}
