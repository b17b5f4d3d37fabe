//! When tests run: one at a time where each keeps the machine busy, and longer where that is asked for.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether the longer schedules run: `cargo xtask test --long`.
#[must_use]
pub fn long() -> bool {
    std::env::var_os("MOTE_LONG").is_some_and(|value| value != "0")
}

/// One at a time, within a test program: for tests that keep several processes busy.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
