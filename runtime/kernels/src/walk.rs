use crate::error::{KernelError, Result};
use crate::layout::{Layout, MAX_RANK, count};

/// The common rows of N tensors of equal extents: neighbouring axes that all of them store without gaps become one, and
/// the innermost of what remains is the row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<const N: usize> {
    axes: [Joint<N>; MAX_RANK],
    start: [usize; N],
}

#[derive(Clone, Copy, Debug)]
struct Joint<const N: usize> {
    len: usize,
    strides: [isize; N],
}

impl<const N: usize> Walk<N> {
    /// Lines the layouts up. Each must stay inside a slice of the length beside it.
    #[inline(never)]
    pub(crate) fn new(tensors: [(&Layout, usize); N]) -> Result<Self> {
        let mut axes = [Joint { len: 1, strides: [0; N] }; MAX_RANK];
        let mut start = [0; N];
        for (i, (layout, len)) in tensors.into_iter().enumerate() {
            layout.fits(len)?;
            if let Some(start) = start.get_mut(i) {
                *start = layout.start;
            }
            for (joint, axis) in axes.iter_mut().zip(&layout.axes) {
                if i > 0 && joint.len != axis.len {
                    return Err(KernelError::Shape);
                }
                joint.len = axis.len;
                if let Some(stride) = joint.strides.get_mut(i) {
                    *stride = axis.stride;
                }
            }
        }
        Ok(Self { axes: merge(axes), start })
    }

    /// Number of elements.
    pub(crate) fn count(&self) -> usize {
        count(self.axes.iter().map(|axis| axis.len))
    }

    /// Elements of a row.
    pub(crate) fn row_len(&self) -> usize {
        self.axes[MAX_RANK - 1].len
    }

    /// Distance between neighbours of a row, for each tensor.
    pub(crate) fn steps(&self) -> [isize; N] {
        self.axes[MAX_RANK - 1].strides
    }

    /// The first element of every row, row-major.
    pub(crate) fn rows(&self) -> Rows<'_, N> {
        let [outer @ .., _] = &self.axes;
        let left = if self.row_len() == 0 { 0 } else { count(outer.iter().map(|axis| axis.len)) };
        Rows { outer, index: [0; MAX_RANK - 1], at: self.start, left }
    }
}

/// See [`Walk::rows`].
pub(crate) struct Rows<'w, const N: usize> {
    outer: &'w [Joint<N>; MAX_RANK - 1],
    index: [usize; MAX_RANK - 1],
    at: [usize; N],
    left: usize,
}

impl<const N: usize> Iterator for Rows<'_, N> {
    type Item = [usize; N];

    // One copy for all kernels: the guest pays for code, not for a call per row.
    #[inline(never)]
    fn next(&mut self) -> Option<[usize; N]> {
        self.left = self.left.checked_sub(1)?;
        let here = self.at;
        for (index, joint) in self.index.iter_mut().zip(self.outer).rev() {
            *index += 1;
            let wraps = *index >= joint.len;
            let back = if wraps { joint.len } else { 0 };
            for (at, &stride) in self.at.iter_mut().zip(&joint.strides) {
                let stride = stride.cast_unsigned();
                *at = at.wrapping_add(stride).wrapping_sub(back.wrapping_mul(stride));
            }
            if !wraps {
                break;
            }
            *index = 0;
        }
        Some(here)
    }
}

fn merge<const N: usize>(axes: [Joint<N>; MAX_RANK]) -> [Joint<N>; MAX_RANK] {
    let mut merged = [Joint { len: 1, strides: [0; N] }; MAX_RANK];
    let mut top = MAX_RANK;
    for axis in axes.iter().rev().filter(|axis| axis.len != 1) {
        match merged.get_mut(top) {
            Some(inner) if continues(axis, inner) => inner.len = inner.len.saturating_mul(axis.len),
            _ => {
                top = top.saturating_sub(1);
                if let Some(slot) = merged.get_mut(top) {
                    *slot = *axis;
                }
            }
        }
    }
    merged
}

fn continues<const N: usize>(outer: &Joint<N>, inner: &Joint<N>) -> bool {
    outer.strides.iter().zip(&inner.strides).all(|(&outer, &inner_step)| {
        isize::try_from(inner.len).ok().and_then(|len| inner_step.checked_mul(len)) == Some(outer)
    })
}
