//! Selections by index tensors.

use crate::error::{KernelError, Result};
use crate::layout::{Around, Layout, count, expect_len};
use crate::scalar::movement::{Line, move_line};
use crate::walk::Walk;

/// A dense index tensor.
#[derive(Clone, Copy, Debug)]
pub enum Indices<'a> {
    /// 32-bit indices.
    I32(&'a [i32]),
    /// 64-bit indices.
    I64(&'a [i64]),
}

impl Indices<'_> {
    /// Number of indices.
    pub fn len(&self) -> usize {
        match self {
            Self::I32(indices) => indices.len(),
            Self::I64(indices) => indices.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The i-th index as a position on an axis; negative ones count from the end.
    ///
    /// # Errors
    /// An index outside the axis.
    pub(crate) fn position(&self, i: usize, axis_len: usize) -> Result<usize> {
        let index = match self {
            Self::I32(indices) => indices.get(i).map(|&index| i64::from(index)),
            Self::I64(indices) => indices.get(i).copied(),
        };
        let index = index.ok_or(KernelError::Shape)?;
        let from_start = if index < 0 { index.saturating_add(axis_len as i64) } else { index };
        usize::try_from(from_start).ok().filter(|&at| at < axis_len).ok_or(KernelError::IndexOutOfRange)
    }
}

/// ONNX Gather for elements of `size` bytes: y has the indices' shape in place of the axis.
///
/// # Errors
/// Contradicting shapes, or an index outside the axis.
pub fn gather(size: usize, shape: &Around, x: &[u8], indices: Indices<'_>, y: &mut [u8]) -> Result {
    expect_len(x.len(), shape.count().saturating_mul(size))?;
    expect_len(y.len(), Around { len: indices.len(), ..*shape }.count().saturating_mul(size))?;
    if y.is_empty() {
        return Ok(());
    }
    let mut to = 0;
    for outer in 0..shape.outer {
        for i in 0..indices.len() {
            let at = (outer * shape.len + indices.position(i, shape.len)?) * shape.inner;
            move_line(size, x, Line::run(at), y, Line::run(to), shape.inner);
            to += shape.inner;
        }
    }
    Ok(())
}

/// ONNX GatherElements for elements of `size` bytes: every output element has its own index along the axis.
///
/// # Errors
/// Contradicting shapes, or an index outside the axis.
pub fn gather_elements(
    size: usize,
    x: &[u8],
    x_layout: &Layout,
    axis: usize,
    indices: Indices<'_>,
    y: &mut [u8],
    y_layout: &Layout,
) -> Result {
    let elements = |bytes: usize| bytes.checked_div(size).unwrap_or(0);
    expect_len(indices.len(), elements(y.len()))?;
    along_axis(x_layout, elements(x.len()), y_layout, elements(y.len()), axis, |line, i, stride, len| {
        let at = line.wrapping_add(indices.position(i, len)?.wrapping_mul(stride));
        move_line(size, x, Line::run(at), y, Line::run(i), 1);
        Ok(())
    })
}

/// Walks the elements of a dense tensor beside the lines of another one that run along an axis: calls with the line's first
/// element in `x`, the element's number, and the distance and count of the line's elements.
pub(crate) fn along_axis(
    x: &Layout,
    x_len: usize,
    index: &Layout,
    index_len: usize,
    axis: usize,
    mut visit: impl FnMut(usize, usize, usize, usize) -> Result,
) -> Result {
    let Around { len, inner, .. } = x.around(axis)?;
    x.fits(x_len)?;
    if x.rank() != index.rank() {
        return Err(KernelError::Shape);
    }
    // x seen with the index tensor's extents: the axis stands still, the others must be long enough.
    let mut lines = *x;
    let unused = lines.axes.len() - x.rank();
    for (i, (line, other)) in lines.axes.iter_mut().zip(&index.axes).enumerate() {
        if i == unused + axis {
            line.stride = 0;
        } else if other.len > line.len {
            return Err(KernelError::Shape);
        }
        line.len = other.len;
    }
    let walk = Walk::new([(&lines, x_len.max(1)), (index, index_len)])?;
    let [x_step, index_step] = walk.steps();
    for [mut x_at, mut at] in walk.rows() {
        for _ in 0..walk.row_len() {
            visit(x_at, at, inner, len)?;
            (x_at, at) = (x_at.wrapping_add_signed(x_step), at.wrapping_add_signed(index_step));
        }
    }
    Ok(())
}

/// How ONNX GatherND and ScatterND read a dense index tensor `[.., depth]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuples {
    /// Elements of the index tensor for one tuple.
    depth: usize,
    /// Tuples.
    pub(crate) count: usize,
    /// Elements that one tuple selects.
    pub(crate) run: usize,
    /// Tuples and x elements of one batch.
    per_batch: [usize; 2],
    batch_dims: usize,
}

impl Tuples {
    pub(crate) fn new(x: &Layout, indices: &Layout, batch_dims: usize) -> Result<Self> {
        let depth = indices.lens().next_back().ok_or(KernelError::Shape)?;
        let leading = indices.rank() - 1;
        let selected = batch_dims.saturating_add(depth);
        let same_batch = x.lens().take(batch_dims).eq(indices.lens().take(batch_dims));
        if batch_dims > leading || selected > x.rank() || !same_batch {
            return Err(KernelError::Shape);
        }
        Ok(Self {
            depth,
            count: count(indices.lens().take(leading)),
            run: count(x.lens().skip(selected)),
            per_batch: [count(indices.lens().take(leading).skip(batch_dims)), count(x.lens().skip(batch_dims))],
            batch_dims,
        })
    }

    /// The first element that a tuple selects.
    pub(crate) fn at(&self, x: &Layout, indices: &[i64], tuple: usize) -> Result<usize> {
        let mut at = 0_usize;
        for (i, len) in x.lens().skip(self.batch_dims).take(self.depth).enumerate() {
            let position = Indices::I64(indices).position(tuple * self.depth + i, len)?;
            at = at.wrapping_mul(len).wrapping_add(position);
        }
        let batch = tuple.checked_div(self.per_batch[0]).unwrap_or(0);
        Ok(batch.wrapping_mul(self.per_batch[1]).wrapping_add(at.wrapping_mul(self.run)))
    }
}

/// ONNX GatherND for elements of `size` bytes.
///
/// # Errors
/// Contradicting shapes, or an index outside its axis.
pub fn gather_nd(
    size: usize,
    x: &[u8],
    x_layout: &Layout,
    indices: &[i64],
    indices_layout: &Layout,
    batch_dims: usize,
    y: &mut [u8],
) -> Result {
    let tuples = Tuples::new(x_layout, indices_layout, batch_dims)?;
    expect_len(x.len(), x_layout.count().saturating_mul(size))?;
    expect_len(indices.len(), indices_layout.count())?;
    expect_len(y.len(), count([tuples.count, tuples.run, size].into_iter()))?;
    if y.is_empty() {
        return Ok(());
    }
    for tuple in 0..tuples.count {
        let at = tuples.at(x_layout, indices, tuple)?;
        move_line(size, x, Line::run(at), y, Line::run(tuple * tuples.run), tuples.run);
    }
    Ok(())
}
