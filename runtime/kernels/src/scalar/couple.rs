//! Probabilities of classes from those of pairs.

use crate::error::{KernelError, Result};
use crate::layout::expect_len;

/// Rounds of the iteration at most.
const ROUNDS: usize = 100;

/// Probabilities `y [N, C]` of classes from `pairs [N, C (C - 1) / 2]`, the probability of the first of each pair of classes
/// i < j: the second method of Wu, Lin and Weng (2004) as libsvm iterates it, to an error of 0.005 / C or for 100 rounds.
/// `scratch` holds `C * C + C` numbers.
///
/// # Errors
/// Slices of other lengths than the shape says.
pub fn couple([rows, classes]: [usize; 2], pairs: &[f32], y: &mut [f32], scratch: &mut [f32]) -> Result {
    let count = classes.saturating_mul(classes.saturating_sub(1)) / 2;
    expect_len(pairs.len(), rows.saturating_mul(count))?;
    expect_len(y.len(), rows.saturating_mul(classes))?;
    expect_len(scratch.len(), classes.saturating_mul(classes.saturating_add(1)))?;
    let (q, qp) = scratch.split_at_mut_checked(classes * classes).ok_or(KernelError::Shape)?;
    for row in 0..rows {
        let pairs = pairs.get(row * count..(row + 1) * count).ok_or(KernelError::Shape)?;
        let p = y.get_mut(row * classes..(row + 1) * classes).ok_or(KernelError::Shape)?;
        p.iter_mut().for_each(|p| *p = 1.0 / classes as f32);
        fill(classes, pairs, q);
        for _ in 0..ROUNDS {
            if step(classes, q, qp, p) {
                break;
            }
        }
    }
    Ok(())
}

/// `q[i][i] = sum r[j][i]^2, q[i][j] = -r[j][i] r[i][j]`, where `r[i][j]` is the probability of i against j.
fn fill(classes: usize, pairs: &[f32], q: &mut [f32]) {
    q.iter_mut().for_each(|q| *q = 0.0);
    let at = |i: usize, j: usize| i * classes + j;
    for i in 0..classes {
        for j in 0..classes {
            let (low, high) = if i < j { (i, j) } else { (j, i) };
            // Pairs (low, ..) begin after those of all lower classes.
            let pair = low * (2 * classes).saturating_sub(low + 1) / 2 + high.saturating_sub(low + 1);
            let Some(&first) = pairs.get(pair).filter(|_| i != j) else { continue };
            let second = 1.0 - first;
            let against = if i < j { second } else { first };
            if let Some(q) = q.get_mut(at(i, i)) {
                *q += against * against;
            }
            if let Some(q) = q.get_mut(at(i, j)) {
                *q = -second * first;
            }
        }
    }
}

/// One round over all classes; true where the probabilities were good before.
fn step(classes: usize, q: &[f32], qp: &mut [f32], p: &mut [f32]) -> bool {
    let row = |i: usize| q.iter().skip(i * classes).take(classes);
    let mut pqp = 0.0;
    for (i, (qp, &share)) in qp.iter_mut().zip(&*p).enumerate() {
        *qp = row(i).zip(&*p).fold(0.0, |acc, (&q, &p)| acc + q * p);
        pqp += share * *qp;
    }
    let largest = qp.iter().fold(0.0_f32, |largest, qp| {
        let error = (qp - pqp).abs();
        if error > largest { error } else { largest }
    });
    if largest < 0.005 / classes as f32 {
        return true;
    }
    for i in 0..classes {
        let (Some(&diagonal), Some(&share)) = (q.get(i * classes + i), qp.get(i)) else { return true };
        let difference = (pqp - share) / diagonal;
        if let Some(p) = p.get_mut(i) {
            *p += difference;
        }
        let scale = 1.0 + difference;
        pqp = (pqp + difference * (difference * diagonal + 2.0 * share)) / scale / scale;
        for ((qp, p), &q) in qp.iter_mut().zip(p.iter_mut()).zip(row(i)) {
            *qp = (*qp + difference * q) / scale;
            *p /= scale;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_classes_keep_their_probability() {
        let mut y = [0.0; 4];
        couple([2, 2], &[0.7, 0.1], &mut y, &mut [0.0; 6]).unwrap();
        for (got, want) in y.iter().zip([0.7, 0.3, 0.1, 0.9]) {
            assert!((got - want).abs() < 0.01, "{y:?}");
        }
    }

    #[test]
    fn consistent_pairs_give_the_classes_back() {
        let want = [0.5_f32, 0.3, 0.2];
        let pairs = [(0, 1), (0, 2), (1, 2)].map(|(i, j): (usize, usize)| want[i] / (want[i] + want[j]));
        let mut y = [0.0; 3];
        couple([1, 3], &pairs, &mut y, &mut [0.0; 12]).unwrap();
        for (got, want) in y.iter().zip(want) {
            assert!((got - want).abs() < 0.005, "{y:?}");
        }
    }

    #[test]
    fn wrong_lengths_are_refused() {
        assert!(couple([1, 3], &[0.5; 2], &mut [0.0; 3], &mut [0.0; 12]).is_err());
        assert!(couple([1, 3], &[0.5; 3], &mut [0.0; 3], &mut [0.0; 11]).is_err());
        assert!(couple([1, 0], &[], &mut [], &mut []).is_ok());
    }
}
