//! SSE2, which belongs to every x86-64.

use core::arch::x86_64::{
    __m128, _mm_add_ps, _mm_cvtsd_f64, _mm_cvtss_f32, _mm_mul_ps, _mm_set_ps, _mm_set_sd, _mm_set_ss, _mm_set1_ps,
    _mm_sqrt_sd, _mm_sqrt_ss,
};

/// Rows of a tile: their sums of eight columns, and a row of weights beside them, fit the registers.
pub(crate) const TILE: usize = 4;

/// Four f32 in one register.
#[derive(Clone, Copy)]
pub(crate) struct F32x4(__m128);

impl F32x4 {
    #[inline(always)]
    pub(crate) fn splat(value: f32) -> Self {
        // SAFETY: SSE is there.
        Self(unsafe { _mm_set1_ps(value) })
    }

    #[inline(always)]
    pub(crate) fn load(&[a, b, c, d]: &[f32; 4]) -> Self {
        // SAFETY: SSE is there. The compiler turns the four reads into one.
        Self(unsafe { _mm_set_ps(d, c, b, a) })
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [f32; 4] {
        // SAFETY: both are sixteen bytes of four floats in ascending order.
        unsafe { core::mem::transmute(self.0) }
    }

    /// `self + x * w`, two roundings.
    #[inline(always)]
    pub(crate) fn add_product(self, x: Self, w: Self) -> Self {
        // SAFETY: SSE is there.
        Self(unsafe { _mm_add_ps(self.0, _mm_mul_ps(x.0, w.0)) })
    }
}

#[inline]
pub(super) fn sqrt_f32(x: f32) -> f32 {
    // SAFETY: SSE is there.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
}

#[inline]
pub(super) fn sqrt_f64(x: f64) -> f64 {
    // SAFETY: SSE2 is there.
    unsafe { _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(x), _mm_set_sd(x))) }
}
