//! What differs from board to board, chosen by feature. `firmware/qemu/src/board.rs` is the host's side of this table.

/// The facts of a board that software cannot ask for.
#[derive(Clone, Copy, Debug)]
pub struct Board {
    /// Where the LAN9118 Ethernet controller answers.
    pub ethernet: usize,
    /// The external memory that stands in for flash. Writable, 16-byte aligned, readable in place.
    pub store: usize,
    /// Its bytes.
    pub store_bytes: usize,
    /// Frequency of the core and of SysTick.
    pub core_hz: u32,
    /// Where the CMSDK watchdog answers.
    pub watchdog: usize,
    /// Its frequency.
    pub watchdog_hz: u32,
}

/// External memory of every board, or as much of it as is used.
const STORE_BYTES: usize = 16 << 20;

/// The board this image is for.
#[cfg(feature = "an386")]
pub const BOARD: Board = Board {
    ethernet: 0x4020_0000,
    store: 0x2100_0000,
    store_bytes: STORE_BYTES,
    core_hz: 25_000_000,
    watchdog: 0x4000_8000,
    watchdog_hz: 25_000_000,
};
/// The board this image is for.
#[cfg(feature = "an500")]
pub const BOARD: Board = Board {
    ethernet: 0xa000_0000,
    store: 0x6000_0000,
    store_bytes: STORE_BYTES,
    core_hz: 25_000_000,
    watchdog: 0x4000_8000,
    watchdog_hz: 25_000_000,
};
/// The board this image is for.
#[cfg(feature = "an505")]
pub const BOARD: Board = Board {
    ethernet: 0x5200_0000,
    store: 0x8000_0000,
    store_bytes: STORE_BYTES,
    core_hz: 20_000_000,
    watchdog: 0x5002_e000,
    watchdog_hz: 32_768,
};
/// The board this image is for.
#[cfg(feature = "an547")]
pub const BOARD: Board = Board {
    ethernet: 0x5140_0000,
    store: 0x7000_0000,
    store_bytes: STORE_BYTES,
    core_hz: 32_000_000,
    watchdog: 0x5802_e000,
    watchdog_hz: 32_768,
};
