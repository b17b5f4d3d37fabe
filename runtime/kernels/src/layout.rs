use crate::error::{KernelError, Result};

/// Most dimensions of a tensor.
pub const MAX_RANK: usize = 8;

/// Where the elements of one tensor lie in its slice: extents, distances and the first element, all in elements.
/// Axes are kept aligned at the last one, so that two layouts line up as numpy broadcasts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(crate) axes: [Axis; MAX_RANK],
    rank: usize,
    pub(crate) start: usize,
}

/// One axis: its length and the distance between neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) len: usize,
    pub(crate) stride: isize,
}

const UNUSED: Axis = Axis { len: 1, stride: 0 };

impl Layout {
    /// A layout with explicit strides.
    ///
    /// # Errors
    /// More than 8 dimensions, or strides of another length.
    pub fn strided(dims: &[u32], strides: &[i32], start: u32) -> Result<Self> {
        Self::new(dims, strides.iter().map(|&stride| stride as isize), start)
    }

    /// A layout whose strides are distances in storage.
    ///
    /// # Errors
    /// More than 8 dimensions, or strides of another length.
    pub fn stored(dims: &[u32], strides: &[u32], start: u32) -> Result<Self> {
        // What does not fit reaches outside every slice.
        let signed = strides.iter().map(|&stride| isize::try_from(stride).unwrap_or(isize::MAX));
        Self::new(dims, signed, start)
    }

    fn new(
        dims: &[u32],
        strides: impl ExactSizeIterator<Item = isize> + DoubleEndedIterator,
        start: u32,
    ) -> Result<Self> {
        if dims.len() > MAX_RANK || dims.len() != strides.len() {
            return Err(KernelError::Shape);
        }
        let mut layout = Self { axes: [UNUSED; MAX_RANK], rank: dims.len(), start: start as usize };
        for (axis, (&len, stride)) in layout.axes.iter_mut().rev().zip(dims.iter().zip(strides).rev()) {
            *axis = Axis { len: len as usize, stride };
        }
        Ok(layout)
    }

    /// A row-major layout without gaps.
    ///
    /// # Errors
    /// More than 8 dimensions, or more elements than a slice can have.
    pub fn dense(dims: &[u32]) -> Result<Self> {
        let mut layout = Self::strided(dims, [0; MAX_RANK].get(..dims.len()).ok_or(KernelError::Shape)?, 0)?;
        let empty = dims.contains(&0);
        let mut step: i32 = 1;
        for axis in layout.axes.iter_mut().rev().take(dims.len()) {
            axis.stride = step as isize;
            step = match i32::try_from(axis.len) {
                Ok(len) if !empty => step.checked_mul(len).ok_or(KernelError::Shape)?,
                _ if empty => 0,
                _ => return Err(KernelError::Shape),
            };
        }
        Ok(layout)
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The extents, outermost first.
    pub fn lens(&self) -> impl DoubleEndedIterator<Item = usize> + Clone + '_ {
        self.used().iter().map(|axis| axis.len)
    }

    /// The extent of one axis.
    ///
    /// # Errors
    /// No such axis.
    pub fn len(&self, axis: usize) -> Result<usize> {
        self.used().get(axis).map(|axis| axis.len).ok_or(KernelError::Shape)
    }

    /// Number of elements.
    pub fn count(&self) -> usize {
        count(self.lens())
    }

    /// Number of elements before, along and after an axis of a dense tensor.
    ///
    /// # Errors
    /// No such axis.
    pub fn around(&self, axis: usize) -> Result<Around> {
        let (before, rest) = self.used().split_at_checked(axis).ok_or(KernelError::Shape)?;
        let (axis, after) = rest.split_first().ok_or(KernelError::Shape)?;
        let extent = |axes: &[Axis]| count(axes.iter().map(|axis| axis.len));
        Ok(Around { outer: extent(before), len: axis.len, inner: extent(after) })
    }

    /// Whether both have the same extents.
    pub fn same_lens(&self, other: &Self) -> bool {
        self.rank == other.rank && self.lens().eq(other.lens())
    }

    /// Refuses a layout that reaches outside a slice of so many elements.
    ///
    /// # Errors
    /// An element before the first or after the last.
    pub fn fits(&self, len: usize) -> Result {
        if self.axes.iter().any(|axis| axis.len == 0) {
            return Ok(());
        }
        let (mut low, mut high) = (self.start as i64, self.start as i64);
        for axis in &self.axes {
            let reach = (axis.len as i64).saturating_sub(1).saturating_mul(axis.stride as i64);
            if reach < 0 {
                low = low.saturating_add(reach);
            } else {
                high = high.saturating_add(reach);
            }
        }
        if low < 0 || high >= len as i64 {
            return Err(KernelError::Shape);
        }
        Ok(())
    }

    /// This tensor repeated along its axes of length 1 until it has the extents of `to`.
    ///
    /// # Errors
    /// An axis whose length is neither 1 nor that of `to`.
    pub fn broadcast(&self, to: &Self) -> Result<Self> {
        if self.rank > to.rank {
            return Err(KernelError::Shape);
        }
        let mut wide = Self { rank: to.rank, ..*self };
        for (axis, target) in wide.axes.iter_mut().zip(&to.axes) {
            if axis.len == 1 {
                *axis = Axis { len: target.len, stride: 0 };
            } else if axis.len != target.len {
                return Err(KernelError::Shape);
            }
        }
        Ok(wide)
    }

    pub(crate) fn used(&self) -> &[Axis] {
        self.axes.get(MAX_RANK.saturating_sub(self.rank)..).unwrap_or(&[])
    }
}

/// A dense tensor seen from one axis: `outer x len x inner` elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// Elements over the axes before.
    pub outer: usize,
    /// Elements along the axis.
    pub len: usize,
    /// Elements over the axes after.
    pub inner: usize,
}

impl Around {
    /// Number of elements.
    pub fn count(&self) -> usize {
        count([self.outer, self.len, self.inner].into_iter())
    }

    /// The first element of every line along the axis, outer before inner. Empty where there are no elements.
    pub(crate) fn lines(&self) -> impl Iterator<Item = usize> + use<> {
        let Self { outer, inner, len } = *self;
        let outer = if len == 0 { 0 } else { outer };
        (0..outer).flat_map(move |o| (0..inner).map(move |i| o.wrapping_mul(len.wrapping_mul(inner)).wrapping_add(i)))
    }
}

/// The product, saturating; 0 wins over overflow.
pub(crate) fn count(lens: impl Iterator<Item = usize> + Clone) -> usize {
    if lens.clone().any(|len| len == 0) {
        return 0;
    }
    lens.fold(1, usize::saturating_mul)
}

/// Refuses a slice that holds another number of elements than the shape says.
pub(crate) fn expect_len(got: usize, want: usize) -> Result {
    if got == want { Ok(()) } else { Err(KernelError::Shape) }
}
