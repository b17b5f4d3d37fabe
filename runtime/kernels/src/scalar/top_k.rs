//! The first elements in order along an axis.

use core::cmp::Ordering;

use crate::error::Result;
use crate::layout::{Around, expect_len};
use crate::memory::{Load, Store, one};
use crate::number::Number;

/// The `k` first elements along one axis of a dense tensor, in order, and their positions. Largest first, or smallest
/// first; a NaN is larger than every number; of equal elements (and of -0.0 and 0.0) the lower position comes first.
///
/// # Errors
/// Slices of other lengths than the shapes say, or more elements asked for than the axis has.
pub fn top_k<W: Number, X, Y>(
    largest: bool,
    shape: &Around,
    k: usize,
    x: &X,
    values: &mut Y,
    indices: &mut [i64],
) -> Result
where
    X: Load<W> + ?Sized,
    Y: Load<W> + Store<W> + ?Sized,
{
    let out = Around { len: k, ..*shape };
    expect_len(x.count(), shape.count())?;
    expect_len(values.count(), out.count())?;
    expect_len(indices.len(), out.count())?;
    if k > shape.len {
        return Err(crate::error::KernelError::Shape);
    }
    for (from, to) in shape.lines().zip(out.lines()) {
        let (first, step, is_u64) = (to, shape.inner, x.is_u64());
        let mut heap = Heap { values: &mut *values, indices: &mut *indices, first, step, largest, is_u64 };
        for i in 0..shape.len {
            let item = Item { value: one(x, from.wrapping_add(i.wrapping_mul(shape.inner))), index: i as i64 };
            if i < k {
                heap.write(i, item);
                heap.rise(i);
            } else if heap.compare(item, heap.read(0)) == Ordering::Less {
                heap.write(0, item);
                heap.sink(0, k);
            }
        }
        // Taking the last in order from the top, one by one, sorts the line.
        for end in (1..k).rev() {
            heap.swap(0, end);
            heap.sink(0, end);
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Item<W> {
    value: W,
    index: i64,
}

/// One output line as a heap whose top is the last in order.
struct Heap<'a, Y: ?Sized> {
    values: &'a mut Y,
    indices: &'a mut [i64],
    first: usize,
    step: usize,
    largest: bool,
    is_u64: bool,
}

impl<Y: ?Sized> Heap<'_, Y> {
    fn compare<W: Number>(&self, a: Item<W>, b: Item<W>) -> Ordering {
        let by_value = match (a.value.is_nan(), b.value.is_nan()) {
            (false, false) => self.order(a.value, b.value),
            (a_nan, b_nan) => a_nan.cmp(&b_nan),
        };
        let in_order = if self.largest { by_value.reverse() } else { by_value };
        in_order.then(a.index.cmp(&b.index))
    }

    fn order<W: Number>(&self, a: W, b: W) -> Ordering {
        let (a, b) = if W::INTEGER && self.is_u64 { (a.flip(), b.flip()) } else { (a, b) };
        a.partial_cmp(&b).unwrap_or(Ordering::Equal)
    }

    fn at(&self, slot: usize) -> usize {
        self.first.wrapping_add(slot.wrapping_mul(self.step))
    }

    fn read<W: Number>(&self, slot: usize) -> Item<W>
    where
        Y: Load<W>,
    {
        let at = self.at(slot);
        Item { value: one(self.values, at), index: self.indices.get(at).copied().unwrap_or(0) }
    }

    fn write<W: Number>(&mut self, slot: usize, item: Item<W>)
    where
        Y: Store<W>,
    {
        let at = self.at(slot);
        self.values.store(at, 0, &[item.value]);
        self.indices.store(at, 0, &[item.index]);
    }

    fn swap<W: Number>(&mut self, a: usize, b: usize)
    where
        Y: Load<W> + Store<W>,
    {
        let (left, right) = (self.read(a), self.read(b));
        self.write(a, right);
        self.write(b, left);
    }

    fn rise<W: Number>(&mut self, mut slot: usize)
    where
        Y: Load<W> + Store<W>,
    {
        while slot > 0 {
            let parent = (slot - 1) / 2;
            if self.compare::<W>(self.read(slot), self.read(parent)) != Ordering::Greater {
                return;
            }
            self.swap::<W>(slot, parent);
            slot = parent;
        }
    }

    fn sink<W: Number>(&mut self, mut slot: usize, end: usize)
    where
        Y: Load<W> + Store<W>,
    {
        loop {
            let mut last = slot;
            for child in [2 * slot + 1, 2 * slot + 2] {
                if child < end && self.compare::<W>(self.read(child), self.read(last)) == Ordering::Greater {
                    last = child;
                }
            }
            if last == slot {
                return;
            }
            self.swap::<W>(slot, last);
            slot = last;
        }
    }
}
