//! Marks around a stretch of code, for counting its instructions from outside (`firmware/plugin`).
//!
//! A mark is a hint instruction of a reserved number: no operation on silicon and in QEMU.

use core::arch::asm;

/// A stretch that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// One inference.
    Run,
    /// Checking a Plan.
    View,
}

/// Counting starts behind this.
#[inline(always)]
pub fn begin(region: Region) {
    match region {
        Region::Run => hint::<0xf3af_8040>(),
        Region::View => hint::<0xf3af_8042>(),
    }
}

/// Counting ends before this.
#[inline(always)]
pub fn end(region: Region) {
    match region {
        Region::Run => hint::<0xf3af_8041>(),
        Region::View => hint::<0xf3af_8043>(),
    }
}

#[inline(always)]
fn hint<const INSTRUCTION: u32>() {
    // SAFETY: the instruction does nothing. It may touch memory as far as the compiler knows, so that no access moves past.
    unsafe { asm!(".inst.w {instruction}", instruction = const INSTRUCTION, options(nostack, preserves_flags)) };
}
