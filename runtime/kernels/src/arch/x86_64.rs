//! SSE2, which belongs to every x86-64.

use core::arch::x86_64::{
    __m128, __m128i, _mm_add_epi32, _mm_add_ps, _mm_cvtsd_f64, _mm_cvtsi64_si128, _mm_cvtss_f32, _mm_madd_epi16,
    _mm_mul_ps, _mm_set_ps, _mm_set_sd, _mm_set_ss, _mm_set1_epi16, _mm_set1_epi32, _mm_set1_ps, _mm_setzero_si128,
    _mm_sqrt_sd, _mm_sqrt_ss, _mm_srai_epi16, _mm_sub_epi16, _mm_unpacklo_epi8,
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

/// Eight i16 in one register.
#[derive(Clone, Copy)]
pub(crate) struct I16x8(__m128i);

impl I16x8 {
    #[inline(always)]
    pub(crate) fn splat(value: i16) -> Self {
        // SAFETY: SSE2 is there.
        Self(unsafe { _mm_set1_epi16(value) })
    }

    /// Four bytes as numbers after some of their bits were inverted, twice.
    #[inline(always)]
    pub(crate) fn twice(bytes: [u8; 4], flip: u32) -> Self {
        let word = (u32::from_le_bytes(bytes) ^ flip).cast_signed();
        // SAFETY: SSE2 is there.
        Self(unsafe { _mm_unpacklo_epi8(_mm_set1_epi32(word), _mm_setzero_si128()) })
    }

    /// Eight i8.
    #[inline(always)]
    pub(crate) fn widen(bytes: &[i8; 8]) -> Self {
        let word = i64::from_le_bytes(bytes.map(i8::cast_unsigned));
        // SAFETY: SSE2 is there. Each byte stands twice in its lane, of which the shift leaves the upper one with its sign.
        Self(unsafe {
            let low = _mm_cvtsi64_si128(word);
            _mm_srai_epi16::<8>(_mm_unpacklo_epi8(low, low))
        })
    }

    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> Self {
        // SAFETY: SSE2 is there.
        Self(unsafe { _mm_sub_epi16(self.0, other.0) })
    }
}

/// Four i32 in one register.
#[derive(Clone, Copy)]
pub(crate) struct I32x4(__m128i);

impl I32x4 {
    // SAFETY: sixteen bytes of four zeros.
    pub(crate) const ZERO: Self = Self(unsafe { core::mem::transmute::<[i32; 4], __m128i>([0; 4]) });

    /// Lane i plus the products of lanes 2i and 2i + 1, wrapping.
    #[inline(always)]
    pub(crate) fn add_dot(self, x: I16x8, w: I16x8) -> Self {
        // SAFETY: SSE2 is there.
        Self(unsafe { _mm_add_epi32(self.0, _mm_madd_epi16(x.0, w.0)) })
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [i32; 4] {
        // SAFETY: both are sixteen bytes of four integers in ascending order.
        unsafe { core::mem::transmute(self.0) }
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
