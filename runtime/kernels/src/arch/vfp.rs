//! Cortex-M with a single precision unit. Its doubles are computed in software.

pub(crate) use super::portable::{F32x4, I16x8, I32x4};
pub(super) use super::soft::sqrt_f64;

/// Rows of a tile: their sums of eight columns, and a row of weights beside them, fit the registers.
pub(crate) const TILE: usize = 2;

#[inline]
pub(super) fn sqrt_f32(x: f32) -> f32 {
    let mut bits = x.to_bits();
    // SAFETY: the hard-float ABI says that the unit is there. The compiler offers floating-point registers to assembly only
    // for units with doubles, so s0 is borrowed: it holds again what it held.
    unsafe {
        core::arch::asm!(
            "vmov {kept}, s0",
            "vmov s0, {bits}",
            "vsqrt.f32 s0, s0",
            "vmov {bits}, s0",
            "vmov s0, {kept}",
            kept = out(reg) _,
            bits = inout(reg) bits,
            options(pure, nomem, nostack)
        );
    }
    f32::from_bits(bits)
}
