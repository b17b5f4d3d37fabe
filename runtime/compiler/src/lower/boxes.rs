//! Data movement as two strided boxes: transpose, slice, concat, pad, expand and reshape are all this.

use mote_plan::{Tensor, step};

/// Elements along some axes, read and written with their own strides. Offsets and strides in elements, counted from the
/// first stored element of either tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) extent: Vec<usize>,
    pub(super) from: usize,
    pub(super) from_stride: Vec<isize>,
    pub(super) to: usize,
    pub(super) to_stride: Vec<isize>,
}

impl Move {
    /// Every element of one tensor to the same place of another of equal shape.
    pub(super) fn between(from: &Tensor, to: &Tensor) -> Self {
        Self {
            extent: to.dims().iter().map(|&dim| dim as usize).collect(),
            from: from.start() as usize,
            from_stride: strides(from),
            to: to.start() as usize,
            to_stride: strides(to),
        }
    }

    /// The same elements with the fewest axes: axes of one element vanish, and neighbours that are contiguous in both
    /// boxes become one, so that the innermost run is as long as it can be.
    pub(super) fn simplified(mut self) -> Self {
        let mut axis = self.extent.len();
        while axis > 0 {
            axis -= 1;
            if self.extent[axis] == 1 {
                self.remove(axis);
            }
        }
        for outer in (0..self.extent.len().saturating_sub(1)).rev() {
            let inner = outer + 1;
            let run = self.extent[inner] as isize;
            let joins = |stride: &[isize]| stride[outer] == stride[inner] * run;
            if joins(&self.from_stride) && joins(&self.to_stride) {
                self.extent[inner] *= self.extent[outer];
                self.remove(outer);
            }
        }
        self
    }

    /// Whether a simplified box reads one run of neighbours in order; its first element is at `from`.
    pub(super) fn reads_one_run(&self) -> bool {
        run(&self.extent, &self.from_stride)
    }

    /// Whether a simplified box writes one run of neighbours in order; its first element is at `to`.
    pub(super) fn writes_one_run(&self) -> bool {
        run(&self.extent, &self.to_stride)
    }

    /// The parameters of the copy step. Axes beyond the rank have extent 1.
    pub(super) fn params(&self) -> step::Copy {
        let mut params = step::Copy {
            rank: self.extent.len() as u32,
            extent: [1; 8],
            from: self.from as u32,
            from_stride: [0; 8],
            to: self.to as u32,
            to_stride: [0; 8],
        };
        // Storages hold at most 2^31 bytes, so that extents and strides of what is read and written fit.
        for axis in 0..self.extent.len() {
            params.extent[axis] = self.extent[axis] as u32;
            params.from_stride[axis] = self.from_stride[axis] as i32;
            params.to_stride[axis] = self.to_stride[axis] as i32;
        }
        params
    }

    fn remove(&mut self, axis: usize) {
        self.extent.remove(axis);
        self.from_stride.remove(axis);
        self.to_stride.remove(axis);
    }
}

/// Distance between neighbours along each axis of a tensor, in elements.
pub(super) fn strides(tensor: &Tensor) -> Vec<isize> {
    tensor.strides()[..tensor.dims().len()].iter().map(|&stride| stride as isize).collect()
}

/// Distance between neighbours along each axis of a dense shape, in elements.
pub(super) fn dense_strides(dims: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis] as isize;
    }
    strides
}

fn run(extent: &[usize], stride: &[isize]) -> bool {
    let mut next = 1;
    extent.iter().zip(stride).rev().all(|(&extent, &stride)| {
        let fits = stride == next;
        next *= extent as isize;
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transpose(dims: &[usize], perm: &[usize]) -> Move {
        let source = dense_strides(dims);
        let extent: Vec<usize> = perm.iter().map(|&axis| dims[axis]).collect();
        let to_stride = dense_strides(&extent);
        let from_stride = perm.iter().map(|&axis| source[axis]).collect();
        Move { extent, from: 0, from_stride, to: 0, to_stride }.simplified()
    }

    #[test]
    fn neighbours_merge() {
        for (dims, perm, extent) in [
            (&[2, 3, 4][..], &[0, 1, 2][..], &[24][..]),
            (&[1, 3, 8, 8], &[0, 2, 3, 1], &[64, 3]),
            (&[2, 3, 8, 8], &[0, 2, 3, 1], &[2, 64, 3]),
            (&[5, 1, 7], &[1, 0, 2], &[35]),
            (&[1, 1], &[1, 0], &[]),
        ] {
            let moved = transpose(dims, perm);
            assert_eq!(moved.extent, extent, "{dims:?} {perm:?}");
            assert_eq!(moved.reads_one_run(), extent.len() < 2, "{dims:?} {perm:?}");
        }
    }
}
