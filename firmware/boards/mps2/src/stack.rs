//! How deep the stack has been: it is painted, and what lost its paint was used.

use cortex_m::register::msp;

/// Bytes at the top of RAM that belong to the stack alone.
pub const BYTES: usize = 40 << 10;

/// A word that no program is likely to leave behind.
const PAINT: u32 = 0x5AFE_57AC;
/// Bytes below the stack pointer that stay unpainted: the frames of [`paint`] itself.
const OWN: usize = 256;

unsafe extern "C" {
    /// The first address above RAM, where the stack begins.
    static _stack_start: u8;
}

/// The lowest address that belongs to the stack.
pub fn limit() -> usize {
    (&raw const _stack_start).addr() - BYTES
}

/// Has the core fault where the stack would grow beyond its limit, on cores that can.
pub fn guard() {
    #[cfg(any(feature = "an505", feature = "an547"))]
    // SAFETY: the limit lies below the stack pointer and inside RAM.
    unsafe {
        cortex_m::register::msplim::write(limit() as u32);
    }
}

/// Paints what is free below the caller.
#[inline(never)]
pub fn paint() {
    let end = (msp::read() as usize).saturating_sub(OWN);
    for address in (limit()..end).step_by(4) {
        // SAFETY: between the limit and the stack pointer lies the free part of the stack, which nothing refers to.
        unsafe { (address as *mut u32).write_volatile(PAINT) };
    }
}

/// Bytes of stack in use at the deepest point since [`paint`], counted from the top of RAM.
pub fn high_water() -> usize {
    // SAFETY: the addresses lie in RAM and are aligned.
    let painted = |address: &usize| unsafe { (*address as *const u32).read_volatile() } == PAINT;
    let unused = (limit()..limit() + BYTES).step_by(4).take_while(painted).count() * 4;
    BYTES - unused
}
