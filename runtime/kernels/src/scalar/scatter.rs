//! Updates at positions given by index tensors.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::layout::{Layout, count, expect_len};
use crate::memory::{Ints, IntsMut, Load, Store, one};
use crate::number::Number;
use crate::scalar::binary::{max, min};
use crate::scalar::gather::{Indices, Tuples, along_axis};

/// What happens to an element that is updated. Updates are applied in their row-major order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// The update takes its place.
    Replace,
    /// The sum of both does.
    Add,
    /// The product of both does.
    Mul,
    /// The larger of both does.
    Max,
    /// The smaller of both does.
    Min,
}

impl Update {
    /// The update of a step's reduction code.
    ///
    /// # Errors
    /// A code other than 0, Add, Mul, Max and Min.
    pub fn from_code(code: u32) -> Result<Self> {
        match op::Binary::from_code(code) {
            None if code == 0 => Ok(Self::Replace),
            Some(op::Binary::Add) => Ok(Self::Add),
            Some(op::Binary::Mul) => Ok(Self::Mul),
            Some(op::Binary::Max) => Ok(Self::Max),
            Some(op::Binary::Min) => Ok(Self::Min),
            _ => Err(KernelError::Unsupported),
        }
    }

    fn apply<W: Number>(self, old: W, update: W) -> W {
        match self {
            Self::Replace => update,
            Self::Add => old.add(update),
            Self::Mul => old.mul(update),
            Self::Max => max(old, update),
            Self::Min => min(old, update),
        }
    }
}

/// Updates and the tensor they go into, of one type. Where the data is another tensor, y holds a copy of it by now.
#[derive(Debug)]
#[expect(missing_docs, reason = "named after the element type")]
pub enum Pair<'a> {
    F32(&'a [f32], &'a mut [f32]),
    F64(&'a [f64], &'a mut [f64]),
    Ints(Ints<'a>, IntsMut<'a>),
}

impl Pair<'_> {
    /// Number of updates and of elements.
    fn counts(&self) -> [usize; 2] {
        match self {
            Self::F32(updates, y) => [updates.len(), y.len()],
            Self::F64(updates, y) => [updates.len(), y.len()],
            Self::Ints(updates, y) => [updates.count(), y.count()],
        }
    }

    #[inline(never)]
    fn update(&mut self, update: Update, i: usize, at: usize) {
        match self {
            Self::F32(updates, y) => store(*updates, &mut **y, i, at, |old, new| update.apply(old, new)),
            Self::F64(updates, y) => store(*updates, &mut **y, i, at, |old, new| update.apply(old, new)),
            Self::Ints(updates, y) => {
                // u64 compares as i64 once the sign bit is inverted.
                let flips = updates.is_u64() && matches!(update, Update::Max | Update::Min);
                store(updates, y, i, at, |old: i64, new| {
                    if flips { update.apply(old.flip(), new.flip()).flip() } else { update.apply(old, new) }
                });
            }
        }
    }
}

fn store<W: Number, X, Y>(updates: &X, y: &mut Y, i: usize, at: usize, apply: impl Fn(W, W) -> W)
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    let value = apply(one(y, at), one(updates, i));
    y.store(at, 0, &[value]);
}

/// ONNX ScatterND.
///
/// # Errors
/// Contradicting shapes, or an index outside its axis.
pub fn scatter_nd(
    update: Update,
    indices: &[i64],
    indices_layout: &Layout,
    pair: &mut Pair<'_>,
    y_layout: &Layout,
) -> Result {
    let tuples = Tuples::new(y_layout, indices_layout, 0)?;
    let [updates, elements] = pair.counts();
    expect_len(elements, y_layout.count())?;
    expect_len(indices.len(), indices_layout.count())?;
    expect_len(updates, count([tuples.count, tuples.run].into_iter()))?;
    if updates == 0 {
        return Ok(());
    }
    for tuple in 0..tuples.count {
        let at = tuples.at(y_layout, indices, tuple)?;
        for i in 0..tuples.run {
            pair.update(update, tuple * tuples.run + i, at + i);
        }
    }
    Ok(())
}

/// ONNX ScatterElements.
///
/// # Errors
/// Contradicting shapes, or an index outside the axis.
pub fn scatter_elements(
    update: Update,
    axis: usize,
    indices: Indices<'_>,
    updates_layout: &Layout,
    pair: &mut Pair<'_>,
    y_layout: &Layout,
) -> Result {
    let [updates, elements] = pair.counts();
    expect_len(indices.len(), updates)?;
    along_axis(y_layout, elements, updates_layout, updates, axis, |line, i, stride, len| {
        let at = line.wrapping_add(indices.position(i, len)?.wrapping_mul(stride));
        pair.update(update, i, at);
        Ok(())
    })
}
