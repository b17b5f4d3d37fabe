//! NEON, which belongs to every aarch64 target that Mote is built for.

use core::arch::aarch64::{
    float32x4_t, vaddq_f32, vdup_n_f32, vdup_n_f64, vdupq_n_f32, vget_lane_f32, vget_lane_f64, vmulq_f32, vsqrt_f32,
    vsqrt_f64,
};

/// Rows of a tile: their sums of eight columns, and a row of weights beside them, fit the registers.
pub(crate) const TILE: usize = 4;

/// Four f32 in one register.
#[derive(Clone, Copy)]
pub(crate) struct F32x4(float32x4_t);

impl F32x4 {
    #[inline(always)]
    pub(crate) fn splat(value: f32) -> Self {
        // SAFETY: NEON is there.
        Self(unsafe { vdupq_n_f32(value) })
    }

    #[inline(always)]
    pub(crate) fn load(values: &[f32; 4]) -> Self {
        // SAFETY: both are sixteen bytes of four floats in ascending order.
        Self(unsafe { core::mem::transmute::<[f32; 4], float32x4_t>(*values) })
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [f32; 4] {
        // SAFETY: as in `load`.
        unsafe { core::mem::transmute(self.0) }
    }

    /// `self + x * w`, two roundings.
    #[inline(always)]
    pub(crate) fn add_product(self, x: Self, w: Self) -> Self {
        // SAFETY: NEON is there.
        Self(unsafe { vaddq_f32(self.0, vmulq_f32(x.0, w.0)) })
    }
}

#[inline]
pub(super) fn sqrt_f32(x: f32) -> f32 {
    // SAFETY: NEON is there.
    unsafe { vget_lane_f32::<0>(vsqrt_f32(vdup_n_f32(x))) }
}

#[inline]
pub(super) fn sqrt_f64(x: f64) -> f64 {
    // SAFETY: NEON is there.
    unsafe { vget_lane_f64::<0>(vsqrt_f64(vdup_n_f64(x))) }
}
