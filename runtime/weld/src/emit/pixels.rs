//! A tensor seen as images of pixels, in bytes.

use mote_abi::DType;
use mote_plan::{Halo, Tensor};

/// An image tensor `[N, H, W, C]`: extents, and the distance in bytes between neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    pub(crate) n: u32,
    pub(crate) h: u32,
    pub(crate) w: u32,
    pub(crate) c: u32,
    /// From the storage's first byte to the first logical element.
    pub(crate) start: u32,
    pub(crate) pixel: u32,
    pub(crate) row: u32,
    pub(crate) image: u32,
    pub(crate) halo: Halo,
}

impl Pixels {
    /// The view of an f32 tensor of rank 4 or less (missing leading dimensions are 1); no dimension is 0.
    pub(crate) fn of_f32(tensor: &Tensor) -> Option<Self> {
        (tensor.dtype == DType::F32).then(|| Self::of(tensor)).flatten()
    }

    /// The view of a tensor of any element type.
    pub(crate) fn of(tensor: &Tensor) -> Option<Self> {
        let dims = tensor.dims();
        if dims.len() > 4 || tensor.bytes == 0 || dims.contains(&0) {
            return None;
        }
        let mut shape = [1; 4];
        shape[4 - dims.len()..].copy_from_slice(dims);
        let [n, h, w, c] = shape;
        let size = tensor.dtype.size();
        let halo = tensor.halo;
        let pixel = c * size;
        let row = pixel * (w + u32::from(halo.left) + u32::from(halo.right));
        let image = row * (h + u32::from(halo.top) + u32::from(halo.bottom));
        Some(Self { n, h, w, c, start: tensor.start() * size, pixel, row, image, halo })
    }

    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        (self.n, self.h, self.w, self.c) == (other.n, other.h, other.w, other.c)
    }
}
