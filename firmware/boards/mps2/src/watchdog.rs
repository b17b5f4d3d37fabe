//! The CMSDK watchdog. QEMU emulates it: a starved one resets the board.

use core::time::Duration;

use crate::board::BOARD;

const LOAD: usize = 0x000;
const CONTROL: usize = 0x008;
const CLEAR: usize = 0x00c;
const LOCK: usize = 0xc00;

const UNLOCKED: u32 = 0x1acc_e551;
/// The first expiry is an interrupt, the second a reset.
const INTERRUPT_AND_RESET: u32 = 0b11;

/// The running watchdog.
#[derive(Debug)]
pub struct Watchdog {
    _only: (),
}

impl Watchdog {
    /// Starts it. It resets the board when it has not been fed for `period`, at most two minutes.
    pub fn start(period: Duration) -> Self {
        // It counts down twice before it resets.
        let half = u64::from(BOARD.watchdog_hz) * period.as_millis() as u64 / 2000;
        write(LOCK, UNLOCKED);
        write(LOAD, u32::try_from(half).unwrap_or(u32::MAX));
        write(CONTROL, INTERRUPT_AND_RESET);
        Self { _only: () }
    }
}

impl mote_firmware::Watchdog for Watchdog {
    fn feed(&mut self) {
        write(CLEAR, 1);
    }
}

fn write(register: usize, value: u32) {
    // SAFETY: the board's table states a watchdog at this address; its registers touch no memory.
    unsafe { ((BOARD.watchdog + register) as *mut u32).write_volatile(value) };
}
