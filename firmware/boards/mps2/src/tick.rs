//! Time by SysTick. In QEMU it is the host's time; with `-icount shift=0` every instruction takes one nanosecond.

use core::cell::Cell;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{SCB, SYST};
use critical_section::Mutex;

use crate::board::BOARD;

/// The longest period that the 24-bit counter holds, in cycles.
pub const LONGEST: u32 = 1 << 24;

#[derive(Clone, Copy)]
struct Count {
    /// Cycles of one period.
    period: u32,
    /// Periods that have ended.
    ended: u64,
}

static COUNT: Mutex<Cell<Count>> = Mutex::new(Cell::new(Count { period: LONGEST, ended: 0 }));

/// Starts to count core cycles from 0; an interrupt ends each period of 2 to [`LONGEST`] cycles and wakes the core.
pub fn start(timer: &mut SYST, period: u32) {
    critical_section::with(|section| COUNT.borrow(section).set(Count { period, ended: 0 }));
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(period - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// Microseconds since [`start`].
pub fn micros() -> u64 {
    cycles() * 1_000_000 / u64::from(BOARD.core_hz)
}

/// Core cycles since [`start`].
pub fn cycles() -> u64 {
    critical_section::with(|section| {
        let Count { period, ended } = COUNT.borrow(section).get();
        let before = SYST::get_current();
        // A period that has ended while interrupts are off is not counted yet.
        let (left, ended) = match SCB::is_pendst_pending() {
            true => (SYST::get_current(), ended + 1),
            false => (before, ended),
        };
        ended * u64::from(period) + u64::from((period - 1).saturating_sub(left))
    })
}

#[cortex_m_rt::exception]
fn SysTick() {
    critical_section::with(|section| {
        let count = COUNT.borrow(section);
        let Count { period, ended } = count.get();
        count.set(Count { period, ended: ended + 1 });
    });
}

/// `embassy-time` by this clock, in microseconds.
struct Driver;

embassy_time_driver::time_driver_impl!(static DRIVER: Driver = Driver);

impl embassy_time_driver::Driver for Driver {
    fn now(&self) -> u64 {
        micros()
    }

    /// Every period wakes everything, see [`crate::executor`].
    fn schedule_wake(&self, _: u64, _: &core::task::Waker) {}
}
