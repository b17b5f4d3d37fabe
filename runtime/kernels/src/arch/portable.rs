//! No vector registers.

/// Four f32.
#[derive(Clone, Copy)]
pub(crate) struct F32x4([f32; 4]);

impl F32x4 {
    #[inline(always)]
    pub(crate) fn splat(value: f32) -> Self {
        Self([value; 4])
    }

    #[inline(always)]
    pub(crate) fn load(values: &[f32; 4]) -> Self {
        Self(*values)
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [f32; 4] {
        self.0
    }

    /// `self + x * w`, two roundings.
    #[inline(always)]
    pub(crate) fn add_product(self, x: Self, w: Self) -> Self {
        let mut sum = self.0;
        for ((sum, x), w) in sum.iter_mut().zip(x.0).zip(w.0) {
            *sum += x * w;
        }
        Self(sum)
    }
}
