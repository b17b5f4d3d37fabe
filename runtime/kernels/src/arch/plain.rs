//! A target without vector registers or square roots.

pub(crate) use super::portable::{F32x4, I16x8, I32x4};
pub(super) use super::soft::{sqrt_f32, sqrt_f64};

/// Rows of a tile: their sums of eight columns, and a row of weights beside them, fit the registers.
pub(crate) const TILE: usize = 2;
