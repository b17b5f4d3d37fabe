//! Reproducible numbers and images.

use mote_kernels::{Image, Layout};

/// A xorshift generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Numbers around 1, of both signs.
    pub(crate) fn plain(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.next() >> 40) as f32 / 8_388_608.0 - 1.0).collect()
    }

    /// Like `plain`, with subnormals, infinities, NaN and both zeros between.
    pub(crate) fn hostile(&mut self, count: usize) -> Vec<f32> {
        let odd = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-45, -1e-40, f32::MAX, 1e-20];
        let mut values = self.plain(count);
        for value in &mut values {
            let draw = self.next();
            if draw.is_multiple_of(7) {
                *value = odd[(draw >> 8) as usize % odd.len()];
            }
        }
        values
    }
}

/// An image with a halo, and how many elements its storage has.
pub(crate) fn image(dims: [u32; 4], halo: [u32; 4]) -> (Image, usize) {
    let [n, h, w, c] = dims;
    let [top, left, bottom, right] = halo;
    let row = (left + w + right) * c;
    let whole = (top + h + bottom) * row;
    let strides = [whole, row, c, 1].map(|s| s as i32);
    let layout = Layout::strided(&dims, &strides, top * row + left * c).unwrap();
    let elements = (n * whole) as usize;
    (Image::new(&layout, elements).unwrap(), elements)
}

/// Bits, with every NaN as one.
pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| if v.is_nan() { 0x7fc0_0000 } else { v.to_bits() }).collect()
}
