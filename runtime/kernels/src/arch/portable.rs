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

/// Eight i16.
#[derive(Clone, Copy)]
pub(crate) struct I16x8([i16; 8]);

impl I16x8 {
    #[inline(always)]
    pub(crate) fn splat(value: i16) -> Self {
        Self([value; 8])
    }

    /// Four bytes as numbers after some of their bits were inverted, twice.
    #[inline(always)]
    pub(crate) fn twice(bytes: [u8; 4], flip: u32) -> Self {
        let [a, b, c, d] = (u32::from_le_bytes(bytes) ^ flip).to_le_bytes().map(i16::from);
        Self([a, b, c, d, a, b, c, d])
    }

    /// Eight i8.
    #[inline(always)]
    pub(crate) fn widen(bytes: &[i8; 8]) -> Self {
        Self(bytes.map(i16::from))
    }

    #[inline(always)]
    pub(crate) fn sub(self, other: Self) -> Self {
        let mut difference = self.0;
        difference.iter_mut().zip(other.0).for_each(|(a, b)| *a = a.wrapping_sub(b));
        Self(difference)
    }
}

/// Four i32.
#[derive(Clone, Copy)]
pub(crate) struct I32x4([i32; 4]);

impl I32x4 {
    pub(crate) const ZERO: Self = Self([0; 4]);

    /// Lane i plus the products of lanes 2i and 2i + 1, wrapping.
    #[inline(always)]
    pub(crate) fn add_dot(self, x: I16x8, w: I16x8) -> Self {
        let ([a, b, c, d, e, f, g, h], [k, l, m, n, o, p, q, r]) = (x.0, w.0);
        let dot =
            |a: i16, b: i16, k: i16, l: i16| (i32::from(a) * i32::from(k)).wrapping_add(i32::from(b) * i32::from(l));
        let [s, t, u, v] = self.0;
        Self([
            s.wrapping_add(dot(a, b, k, l)),
            t.wrapping_add(dot(c, d, m, n)),
            u.wrapping_add(dot(e, f, o, p)),
            v.wrapping_add(dot(g, h, q, r)),
        ])
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [i32; 4] {
        self.0
    }
}
