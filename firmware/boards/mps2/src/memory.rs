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

/// The external store as the host left it, in words. `None` from the second call on.
pub fn store() -> Option<&'static mut [u32]> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    if TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    let words = BOARD.store_bytes / size_of::<u32>();
    // SAFETY: the board's table states memory of this extent at this address. The linker places nothing there; this is the
    // one reference ever made to it.
    Some(unsafe { core::slice::from_raw_parts_mut(BOARD.store as *mut u32, words) })
}

/// The bytes of words.
pub fn bytes(words: &[u32]) -> &[u8] {
    // SAFETY: the same memory, borrowed for as long; bytes need no alignment and may hold anything.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
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

/// So many f32 values from the front of `memory`, and the rest of it from the next multiple of 16 on.
pub fn floats(memory: &'static mut [u8], count: usize) -> Option<(&'static mut [f32], &'static mut [u8])> {
    let bytes = count.checked_mul(size_of::<f32>())?.checked_next_multiple_of(ALIGN)?;
    let (front, rest) = memory.split_at_mut_checked(bytes)?;
    // SAFETY: every pattern of bits is an f32.
    let (_, floats, _) = unsafe { front.align_to_mut() };
    Some((floats.get_mut(..count)?, rest))
}
