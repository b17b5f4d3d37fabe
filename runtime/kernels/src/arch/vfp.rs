//! Cortex-M with a single precision unit. Its doubles are computed in software.

pub(crate) use super::portable::F32x4;
pub(super) use super::soft::sqrt_f64;

#[inline]
pub(super) fn sqrt_f32(x: f32) -> f32 {
    let root: f32;
    // SAFETY: the hard-float ABI says that the unit is there; the instruction touches neither memory nor flags.
    unsafe {
        core::arch::asm!("vsqrt.f32 {root}, {x}", root = out(sreg) root, x = in(sreg) x, options(pure, nomem, nostack));
    }
    root
}
