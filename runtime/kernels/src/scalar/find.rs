//! Positions of elements among keys.

use core::cmp::Ordering;

use crate::error::Result;
use crate::layout::expect_len;
use crate::memory::{Load, one};
use crate::number::Number;

/// Position of each element among ascending keys, and their number where it is none of them. Of equal keys the position of
/// any is answered; NaN is above all numbers and equal to itself, -0.0 is equal to 0.0.
///
/// # Errors
/// Slices of different lengths.
pub fn find<W: Number, X: Load<W> + ?Sized>(x: &X, keys: &X, y: &mut [i32]) -> Result {
    expect_len(y.len(), x.count())?;
    for (i, y) in y.iter_mut().enumerate() {
        let value = read(x, i);
        let (mut low, mut high, mut found) = (0, keys.count(), keys.count());
        while low < high {
            let middle = low + (high - low) / 2;
            match order(value, read(keys, middle)) {
                Ordering::Less => high = middle,
                Ordering::Greater => low = middle + 1,
                Ordering::Equal => {
                    found = middle;
                    break;
                }
            }
        }
        *y = found as i32;
    }
    Ok(())
}

fn order<W: Number>(a: W, b: W) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// One element; u64 with the sign bit inverted, which gives it the order of i64.
fn read<W: Number, X: Load<W> + ?Sized>(x: &X, at: usize) -> W {
    let value: W = one(x, at);
    if W::INTEGER && x.is_u64() { value.flip() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Ints;

    #[test]
    fn elements_are_found_among_keys() {
        let keys = [-2.0, 0.0, 1.5, f32::INFINITY, f32::NAN];
        let x = [-2.0, -0.0, 1.5, f32::NAN, 1.0, f32::NEG_INFINITY, f32::INFINITY];
        let mut y = [0; 7];
        find::<f32, [f32]>(&x, &keys, &mut y).unwrap();
        assert_eq!(y, [0, 1, 2, 4, 5, 5, 3]);
        let (keys, x) = (Ints::U64(&[1, u64::MAX]), Ints::U64(&[u64::MAX, 2, 1]));
        let mut y = [0; 3];
        find::<i64, Ints<'_>>(&x, &keys, &mut y).unwrap();
        assert_eq!(y, [1, 2, 0]);
        find::<i64, Ints<'_>>(&x, &Ints::U64(&[]), &mut y).unwrap();
        assert_eq!(y, [0, 0, 0]);
    }
}
