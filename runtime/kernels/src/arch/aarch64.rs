//! NEON, which belongs to every aarch64 target that Mote is built for.

use core::arch::aarch64::{
    float32x4_t, int16x8_t, int32x4_t, vaddq_f32, vaddq_s32, vcreate_s8, vcreate_u8, vdup_n_f32, vdup_n_f64,
    vdupq_n_f32, vdupq_n_s16, vget_lane_f32, vget_lane_f64, vget_low_s16, vmovl_s8, vmovl_u8, vmull_high_s16,
    vmull_s16, vmulq_f32, vpaddq_s32, vreinterpretq_s16_u16, vsqrt_f32, vsqrt_f64, vsubq_s16,
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

/// Eight i16 in one register.
#[derive(Clone, Copy)]
pub(crate) struct I16x8(int16x8_t);

impl I16x8 {
    #[inline(always)]
    pub(crate) fn splat(value: i16) -> Self {
        // SAFETY: NEON is there.
        Self(unsafe { vdupq_n_s16(value) })
    }

    /// Four bytes as numbers after some of their bits were inverted, twice.
    #[inline(always)]
    pub(crate) fn twice(bytes: [u8; 4], flip: u32) -> Self {
        let word = u64::from(u32::from_le_bytes(bytes) ^ flip);
        // SAFETY: NEON is there.
        Self(unsafe { vreinterpretq_s16_u16(vmovl_u8(vcreate_u8(word << 32 | word))) })
    }

    /// Eight i8.
    #[inline(always)]
    pub(crate) fn widen(bytes: &[i8; 8]) -> Self {
        let word = u64::from_le_bytes(bytes.map(i8::cast_unsigned));
        // SAFETY: NEON is there.
        Self(unsafe { vmovl_s8(vcreate_s8(word)) })
    }

    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> Self {
        // SAFETY: NEON is there.
        Self(unsafe { vsubq_s16(self.0, other.0) })
    }
}

/// Four i32 in one register.
#[derive(Clone, Copy)]
pub(crate) struct I32x4(int32x4_t);

impl I32x4 {
    // SAFETY: sixteen bytes of four zeros.
    pub(crate) const ZERO: Self = Self(unsafe { core::mem::transmute::<[i32; 4], int32x4_t>([0; 4]) });

    /// Lane i plus the products of lanes 2i and 2i + 1, wrapping.
    #[inline(always)]
    pub(crate) fn add_dot(self, x: I16x8, w: I16x8) -> Self {
        // SAFETY: NEON is there.
        Self(unsafe {
            let (low, high) = (vmull_s16(vget_low_s16(x.0), vget_low_s16(w.0)), vmull_high_s16(x.0, w.0));
            vaddq_s32(self.0, vpaddq_s32(low, high))
        })
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [i32; 4] {
        // SAFETY: both are sixteen bytes of four integers in ascending order.
        unsafe { core::mem::transmute(self.0) }
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
