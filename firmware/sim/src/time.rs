//! Time for one thread, virtual or real, and the loop that runs a device in it.
//!
//! It is the driver of `embassy-time`, so that the MQTT client and the application live in the same time.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

thread_local! {
    static NOW_US: Cell<u64> = const { Cell::new(0) };
    /// The start of real time, in threads that run in it.
    static REAL: Cell<Option<Instant>> = const { Cell::new(None) };
    /// The earliest moment that something waits for.
    static WAKE_US: Cell<u64> = const { Cell::new(u64::MAX) };
}

struct Driver;

embassy_time_driver::time_driver_impl!(static DRIVER: Driver = Driver);

impl embassy_time_driver::Driver for Driver {
    fn now(&self) -> u64 {
        now_us()
    }

    fn schedule_wake(&self, at: u64, _: &Waker) {
        wake_at(at);
    }
}

/// Microseconds since this thread's time began.
#[must_use]
pub fn now_us() -> u64 {
    match REAL.get() {
        Some(start) => u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        None => NOW_US.get(),
    }
}

/// Everything is polled again at this moment or before.
pub fn wake_at(us: u64) {
    WAKE_US.set(WAKE_US.get().min(us));
}

/// Virtual time that passes while the processor is kept busy.
pub fn pass(us: u64) {
    NOW_US.set(NOW_US.get().saturating_add(us));
}

/// From now on this thread lives in real time.
pub fn run_in_real_time() {
    REAL.set(Some(Instant::now()));
}

/// Polls `device` whenever time has come to something it waits for, until it returns or `ended` says so after a poll.
///
/// # Panics
/// If the device waits for nothing: it would wait for ever.
pub fn run<T>(device: impl Future<Output = T>, mut ended: impl FnMut() -> bool) -> Option<T> {
    let mut device = pin!(device);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        WAKE_US.set(u64::MAX);
        if let Poll::Ready(value) = device.as_mut().poll(&mut context) {
            return Some(value);
        }
        if ended() {
            return None;
        }
        let wake = WAKE_US.get();
        assert!(wake < u64::MAX, "the device waits for nothing");
        if REAL.get().is_some() {
            std::thread::sleep(Duration::from_micros(wake.saturating_sub(now_us()).min(1000)));
        } else {
            // The bell between two futures of the device needs another poll at the same moment.
            NOW_US.set(NOW_US.get().max(wake));
        }
    }
}
