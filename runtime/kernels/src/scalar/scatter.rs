//! Updates at positions given by index tensors.

use mote_abi::op;

use crate::error::{KernelError, Result};
use crate::layout::{Layout, count, expect_len};
use crate::memory::{BLOCK, Load, Store};
use crate::number::Number;
use crate::scalar::binary::apply;
use crate::scalar::gather::{Indices, Tuples, along_axis};

/// What happens to an element that is updated. Updates are applied in their row-major order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update(Option<op::Binary>);

impl Update {
    /// The update of a step's reduction code: 0 replaces.
    ///
    /// # Errors
    /// A code other than 0, Add, Mul, Max and Min.
    pub fn from_code(code: u32) -> Result<Self> {
        match op::Binary::from_code(code) {
            None if code == 0 => Ok(Self(None)),
            Some(op @ (op::Binary::Add | op::Binary::Mul | op::Binary::Max | op::Binary::Min)) => Ok(Self(Some(op))),
            _ => Err(KernelError::Unsupported),
        }
    }

    fn write<W: Number, Y: Load<W> + Store<W> + ?Sized>(self, y: &mut Y, at: usize, update: W) -> Result {
        let mut value = [update];
        if let Some(op) = self.0 {
            y.load(at, 0, &mut value);
            apply(op, &mut value, &[update])?;
        }
        y.store(at, 0, &value);
        Ok(())
    }
}

/// ONNX ScatterND; `x` is `None` where y already holds the data.
///
/// # Errors
/// Contradicting shapes, or an index outside its axis.
#[expect(clippy::too_many_arguments, reason = "the operands of the operator")]
pub fn scatter_nd<W: Number, X, Y>(
    update: Update,
    x: Option<&X>,
    indices: &[i64],
    indices_layout: &Layout,
    updates: &X,
    y: &mut Y,
    y_layout: &Layout,
) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    let tuples = Tuples::new(y_layout, indices_layout, 0)?;
    expect_len(y.count(), y_layout.count())?;
    expect_len(indices.len(), indices_layout.count())?;
    expect_len(updates.count(), count([tuples.count, tuples.run].into_iter()))?;
    assign(x, y)?;
    if updates.count() == 0 {
        return Ok(());
    }
    for tuple in 0..tuples.count {
        let at = tuples.at(y_layout, indices, tuple)?;
        for i in 0..tuples.run {
            let mut value = [W::ZERO];
            updates.load(tuple * tuples.run + i, 0, &mut value);
            update.write(y, at + i, value[0])?;
        }
    }
    Ok(())
}

/// ONNX ScatterElements; `x` is `None` where y already holds the data.
///
/// # Errors
/// Contradicting shapes, or an index outside the axis.
#[expect(clippy::too_many_arguments, reason = "the operands of the operator")]
pub fn scatter_elements<W: Number, X, Y>(
    update: Update,
    axis: usize,
    x: Option<&X>,
    indices: Indices<'_>,
    updates: &X,
    updates_layout: &Layout,
    y: &mut Y,
    y_layout: &Layout,
) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    expect_len(indices.len(), updates.count())?;
    assign(x, y)?;
    along_axis(y_layout, y.count(), updates_layout, updates.count(), axis, |line, i, stride, len| {
        let mut value = [W::ZERO];
        updates.load(i, 0, &mut value);
        let at = line.wrapping_add(indices.position(i, len)?.wrapping_mul(stride));
        update.write(y, at, value[0])
    })
}

fn assign<W: Number, X, Y>(x: Option<&X>, y: &mut Y) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    let Some(x) = x else { return Ok(()) };
    expect_len(x.count(), y.count())?;
    let mut block = [W::ZERO; BLOCK];
    for at in (0..x.count()).step_by(BLOCK) {
        let (used, _) = block.split_at_mut((x.count() - at).min(BLOCK));
        x.load(at, 1, used);
        y.store(at, 1, used);
    }
    Ok(())
}
