//! A target without vector registers or square roots.

pub(crate) use super::portable::F32x4;
pub(super) use super::soft::{sqrt_f32, sqrt_f64};
