//! Distances between rows.

use crate::error::Result;
use crate::layout::expect_len;
use crate::number::Number;

/// Square Euclidean distances `y [N, M]` between the rows of `a [N, F]` and `b [M, F]`: `acc = acc + d * d` over the
/// features ascending, from 0.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn square_distance<W: Number>([n, m, features]: [usize; 3], a: &[W], b: &[W], y: &mut [W]) -> Result {
    expect_len(a.len(), n.saturating_mul(features))?;
    expect_len(b.len(), m.saturating_mul(features))?;
    expect_len(y.len(), n.saturating_mul(m))?;
    let mut cells = y.iter_mut();
    for i in 0..n {
        for j in 0..m {
            let left = a.iter().skip(i * features).take(features);
            let right = b.iter().skip(j * features);
            let sum = left.zip(right).fold(W::ZERO, |acc, (&left, &right)| {
                let d = left.sub(right);
                acc.add(d.mul(d))
            });
            if let Some(y) = cells.next() {
                *y = sum;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_sums_of_squares() {
        let mut y = [0.0; 4];
        square_distance::<f32>([2, 2, 2], &[0.0, 0.0, 1.0, 2.0], &[3.0, 4.0, 1.0, 1.0], &mut y).unwrap();
        assert_eq!(y, [25.0, 2.0, 8.0, 1.0]);
        let mut y = [9.0_f64; 1];
        square_distance([1, 1, 0], &[], &[], &mut y).unwrap();
        assert_eq!(y, [0.0]);
        assert!(square_distance([1, 1, 1], &[], &[1.0], &mut y).is_err());
    }
}
