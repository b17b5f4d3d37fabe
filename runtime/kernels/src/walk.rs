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

    /// Calls with the first element of every row, row-major, until one call fails.
    pub(crate) fn rows(&self, mut visit: impl FnMut([usize; N]) -> Result) -> Result {
        if self.count() == 0 {
            return Ok(());
        }
        let mut index = [0; MAX_RANK - 1];
        let mut at = self.start;
        'rows: loop {
            visit(at)?;
            for axis in (0..MAX_RANK - 1).rev() {
                let joint = &self.axes[axis];
                index[axis] += 1;
                for (at, &stride) in at.iter_mut().zip(&joint.strides) {
                    *at = at.wrapping_add_signed(stride);
                }
                if index[axis] < joint.len {
                    continue 'rows;
                }
                index[axis] = 0;
                for (at, &stride) in at.iter_mut().zip(&joint.strides) {
                    *at = at.wrapping_sub(joint.len.wrapping_mul(stride.cast_unsigned()));
                }
            }
            return Ok(());
        }
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
