//! simd128.

use core::arch::wasm32::{
    f32x4, f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat, f32x4_sqrt, f64x2_extract_lane, f64x2_splat,
    f64x2_sqrt, i16x8_extend_low_i8x16, i16x8_splat, i16x8_sub, i32x4, i32x4_add, i32x4_dot_i16x8, i32x4_extract_lane,
    i64x2_splat, u16x8_extend_low_u8x16, u32x4_splat, v128,
};

/// Rows of a tile: their sums of eight columns, and a row of weights beside them, fit the registers.
pub(crate) const TILE: usize = 4;

/// Four f32 in one register.
#[derive(Clone, Copy)]
pub(crate) struct F32x4(v128);

impl F32x4 {
    #[inline(always)]
    pub(crate) fn splat(value: f32) -> Self {
        Self(f32x4_splat(value))
    }

    #[inline(always)]
    pub(crate) fn load(&[a, b, c, d]: &[f32; 4]) -> Self {
        Self(f32x4(a, b, c, d))
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [f32; 4] {
        let Self(v) = self;
        [f32x4_extract_lane::<0>(v), f32x4_extract_lane::<1>(v), f32x4_extract_lane::<2>(v), f32x4_extract_lane::<3>(v)]
    }

    /// `self + x * w`, two roundings.
    #[inline(always)]
    pub(crate) fn add_product(self, x: Self, w: Self) -> Self {
        Self(f32x4_add(self.0, f32x4_mul(x.0, w.0)))
    }
}

/// Eight i16 in one register.
#[derive(Clone, Copy)]
pub(crate) struct I16x8(v128);

impl I16x8 {
    #[inline(always)]
    pub(crate) fn splat(value: i16) -> Self {
        Self(i16x8_splat(value))
    }

    /// Four bytes as numbers after some of their bits were inverted, twice.
    #[inline(always)]
    pub(crate) fn twice(bytes: [u8; 4], flip: u32) -> Self {
        Self(u16x8_extend_low_u8x16(u32x4_splat(u32::from_le_bytes(bytes) ^ flip)))
    }

    /// Eight i8.
    #[inline(always)]
    pub(crate) fn widen(bytes: &[i8; 8]) -> Self {
        Self(i16x8_extend_low_i8x16(i64x2_splat(i64::from_le_bytes(bytes.map(i8::cast_unsigned)))))
    }

    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> Self {
        Self(i16x8_sub(self.0, other.0))
    }
}

/// Four i32 in one register.
#[derive(Clone, Copy)]
pub(crate) struct I32x4(v128);

impl I32x4 {
    pub(crate) const ZERO: Self = Self(i32x4(0, 0, 0, 0));

    /// Lane i plus the products of lanes 2i and 2i + 1, wrapping.
    #[inline(always)]
    pub(crate) fn add_dot(self, x: I16x8, w: I16x8) -> Self {
        Self(i32x4_add(self.0, i32x4_dot_i16x8(x.0, w.0)))
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [i32; 4] {
        let Self(v) = self;
        [i32x4_extract_lane::<0>(v), i32x4_extract_lane::<1>(v), i32x4_extract_lane::<2>(v), i32x4_extract_lane::<3>(v)]
    }
}

#[inline]
pub(super) fn sqrt_f32(x: f32) -> f32 {
    f32x4_extract_lane::<0>(f32x4_sqrt(f32x4_splat(x)))
}

#[inline]
pub(super) fn sqrt_f64(x: f64) -> f64 {
    f64x2_extract_lane::<0>(f64x2_sqrt(f64x2_splat(x)))
}
