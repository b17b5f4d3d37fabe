//! Memory that no variable of the program occupies: the external store and the RAM between variables and stack.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::board::BOARD;
use crate::stack;

/// Alignment of Plans and arenas.
const ALIGN: usize = 16;

unsafe extern "C" {
    /// Where the linker's variables end.
    static __sheap: u8;
}

/// The external store, as the host left it.
pub fn store() -> &'static [u8] {
    // SAFETY: the board's table states memory of this extent at this address. The linker places nothing there, and only
    // `Nor` writes there, which a program uses instead of this view.
    unsafe { core::slice::from_raw_parts(BOARD.store as *const u8, BOARD.store_bytes) }
}

/// All RAM between the variables and the stack, zeroed. `None` from the second call on.
pub fn arena() -> Option<&'static mut [u8]> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    let start = (&raw const __sheap).addr().next_multiple_of(ALIGN);
    let bytes = stack::limit().saturating_sub(start);
    // SAFETY: the linker ends its variables at `__sheap` and the stack keeps above its limit, so nothing else lives in
    // between; this is the one reference ever made to it.
    let memory = unsafe {
        core::ptr::write_bytes(start as *mut u8, 0, bytes);
        core::slice::from_raw_parts_mut(start as *mut u8, bytes)
    };
    Some(memory)
}
