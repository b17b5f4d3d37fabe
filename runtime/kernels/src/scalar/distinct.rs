//! Lists whose length depends on data: positions of what is not zero, distinct parts of a tensor.

use core::cmp::Ordering;

use crate::error::{KernelError, Result};
use crate::layout::{Around, Layout, expect_len};
use crate::memory::{Load, one};
use crate::number::Number;

/// Writes the positions of the elements that are not zero into the columns of `positions [rank, n]`, in row-major order, and
/// answers how many there are. What does not fit is counted only; columns that nothing fills are 0.
///
/// # Errors
/// Slices of other lengths than the layout says.
pub fn non_zero<W: Number, X: Load<W> + ?Sized>(x: &X, layout: &Layout, positions: &mut [i64]) -> Result<usize> {
    expect_len(x.count(), layout.count())?;
    let columns = positions.len().checked_div(layout.rank()).unwrap_or(0);
    expect_len(positions.len(), columns.saturating_mul(layout.rank()))?;
    positions.fill(0);
    let mut found = 0;
    for i in 0..x.count() {
        let value: W = one(x, i);
        if value == W::ZERO {
            continue;
        }
        if found < columns {
            let mut rest = i;
            for (axis, len) in (0..layout.rank()).rev().zip(layout.lens().rev()) {
                if let Some(to) = positions.get_mut(axis.wrapping_mul(columns).wrapping_add(found)) {
                    *to = rest.checked_rem(len).unwrap_or(0) as i64;
                }
                rest = rest.checked_div(len).unwrap_or(0);
            }
        }
        found += 1;
    }
    Ok(found)
}

/// Where [`unique`] writes.
#[derive(Debug)]
pub struct Distinct<'a> {
    /// Position of the first part of each kind; kinds beyond its length are counted only.
    pub first: &'a mut [i64],
    /// Kind of each part.
    pub which: &'a mut [i64],
    /// Number of parts of each kind.
    pub counts: &'a mut [i64],
    /// As long as the axis.
    pub scratch: &'a mut [i64],
}

/// Finds the distinct parts of a dense tensor along one axis and answers how many kinds there are. Parts compare element by
/// element; NaN is larger than every number and equal to NaN, -0.0 equals 0.0. Kinds are numbered in ascending order where
/// `sorted`, else as they are met.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn unique<W: Number, X: Load<W> + ?Sized>(
    sorted: bool,
    shape: &Around,
    x: &X,
    to: &mut Distinct<'_>,
) -> Result<usize> {
    expect_len(x.count(), shape.count())?;
    expect_len(to.which.len(), shape.len)?;
    expect_len(to.scratch.len(), shape.len)?;
    expect_len(to.first.len(), to.counts.len())?;
    if shape.count() == 0 && shape.len != 0 {
        return Err(KernelError::Shape);
    }
    let parts = Parts { x, shape };
    for (i, slot) in to.scratch.iter_mut().enumerate() {
        *slot = i as i64;
    }
    sort(&parts, to.scratch);
    to.first.fill(0);
    to.counts.fill(0);
    // Equal parts are neighbours, the first of them in front.
    let (mut kinds, mut representative) = (0_usize, 0);
    for i in 0..to.scratch.len() {
        let part = at(to.scratch, i);
        if i == 0 || parts.compare::<W>(representative, part) != Ordering::Equal {
            representative = part;
            kinds += 1;
            put(to.first, kinds - 1, part);
        }
        put(to.which, part, if sorted { kinds - 1 } else { representative });
    }
    if !sorted {
        number_as_met(to);
    }
    for &kind in to.which.iter() {
        if let Some(count) = usize::try_from(kind).ok().and_then(|kind| to.counts.get_mut(kind)) {
            *count += 1;
        }
    }
    Ok(kinds)
}

/// Turns the representative of each part into the number of its kind.
fn number_as_met(to: &mut Distinct<'_>) {
    let mut kinds = 0;
    for part in 0..to.which.len() {
        let representative = at(to.which, part);
        if representative == part {
            put(to.first, kinds, part);
            put(to.scratch, part, kinds);
            kinds += 1;
        }
        // A representative stands before all others of its kind, so it has its number by now.
        let kind = at(to.scratch, representative);
        put(to.which, part, kind);
    }
}

fn at(list: &[i64], i: usize) -> usize {
    list.get(i).and_then(|&value| usize::try_from(value).ok()).unwrap_or(0)
}

fn put(list: &mut [i64], i: usize, value: usize) {
    if let Some(to) = list.get_mut(i) {
        *to = value as i64;
    }
}

/// The parts of a tensor along an axis.
struct Parts<'a, X: ?Sized> {
    x: &'a X,
    shape: &'a Around,
}

impl<X: ?Sized> Parts<'_, X> {
    fn compare<W: Number>(&self, a: usize, b: usize) -> Ordering
    where
        X: Load<W>,
    {
        let Around { outer, len, inner } = *self.shape;
        for row in 0..outer {
            let start = |part: usize| row.wrapping_mul(len).wrapping_add(part).wrapping_mul(inner);
            for i in 0..inner {
                let element = |part: usize| one::<W>(self.x, start(part).wrapping_add(i));
                let order = compare(element(a), element(b), self.x.is_u64());
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
        Ordering::Equal
    }

    /// Ascending, the earlier of equal parts first.
    fn order<W: Number>(&self, a: usize, b: usize) -> Ordering
    where
        X: Load<W>,
    {
        self.compare(a, b).then(a.cmp(&b))
    }
}

fn compare<W: Number>(a: W, b: W, is_u64: bool) -> Ordering {
    let (a, b) = if W::INTEGER && is_u64 { (a.flip(), b.flip()) } else { (a, b) };
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Heap sort: no allocation, and a bound on comparisons that does not depend on the data.
fn sort<W: Number, X: Load<W> + ?Sized>(parts: &Parts<'_, X>, list: &mut [i64]) {
    for top in (0..list.len() / 2).rev() {
        sink(parts, list, top);
    }
    for end in (1..list.len()).rev() {
        exchange(list, 0, end);
        sink(parts, list.get_mut(..end).unwrap_or(&mut []), 0);
    }
}

fn sink<W: Number, X: Load<W> + ?Sized>(parts: &Parts<'_, X>, list: &mut [i64], mut slot: usize) {
    loop {
        let mut last = slot;
        for child in [2 * slot + 1, 2 * slot + 2] {
            if child < list.len() && parts.order::<W>(at(list, child), at(list, last)) == Ordering::Greater {
                last = child;
            }
        }
        if last == slot {
            return;
        }
        exchange(list, slot, last);
        slot = last;
    }
}

fn exchange(list: &mut [i64], a: usize, b: usize) {
    let (left, right) = (at(list, a), at(list, b));
    put(list, a, right);
    put(list, b, left);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn positions_beyond_the_room_are_counted() {
        let x = [0.0_f32, 1.0, -0.0, f32::NAN, 0.0, 2.0];
        let layout = Layout::dense(&[2, 3]).unwrap();
        for (room, want) in [(4, vec![0, 1, 1, 0, 1, 0, 2, 0]), (2, vec![0, 1, 1, 0])] {
            let mut positions = vec![7; 2 * room];
            assert_eq!(non_zero::<f32, [f32]>(&x, &layout, &mut positions), Ok(3));
            assert_eq!(positions, want);
        }
    }

    fn run(sorted: bool, shape: Around, x: &[f32], room: usize) -> (usize, [Vec<i64>; 3]) {
        let [mut first, mut counts] = [vec![9; room], vec![9; room]];
        let [mut which, mut scratch] = [vec![9; shape.len], vec![9; shape.len]];
        let mut to = Distinct { first: &mut first, which: &mut which, counts: &mut counts, scratch: &mut scratch };
        let kinds = unique::<f32, [f32]>(sorted, &shape, x, &mut to).unwrap();
        (kinds, [first, which, counts])
    }

    #[test]
    fn kinds_are_numbered_in_order_or_as_met() {
        let x = [2.0, 1.0, f32::NAN, 1.0, 3.0, -0.0, 0.0, f32::NAN];
        let line = Around { outer: 1, len: 8, inner: 1 };
        let (kinds, [first, which, counts]) = run(true, line, &x, 8);
        assert_eq!((kinds, &first[..5], &counts[..5]), (5, &[5, 1, 0, 4, 2][..], &[2, 2, 1, 1, 2][..]));
        assert_eq!(which, [2, 1, 4, 1, 3, 0, 0, 4]);
        let (kinds, [first, which, counts]) = run(false, line, &x, 3);
        assert_eq!((kinds, first, counts), (5, vec![0, 1, 2], vec![1, 2, 2]));
        assert_eq!(which, [0, 1, 2, 1, 3, 4, 4, 2]);
    }

    #[test]
    fn parts_compare_element_by_element() {
        // Columns of a 2x4 matrix.
        let x = [1.0, 0.0, 1.0, 1.0, 5.0, 9.0, 4.0, 5.0];
        let (kinds, [first, which, _]) = run(true, Around { outer: 2, len: 4, inner: 1 }, &x, 4);
        assert_eq!((kinds, &first[..3], which), (3, &[1, 2, 0][..], vec![2, 0, 1, 2]));
    }
}
