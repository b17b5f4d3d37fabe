//! Non-maximum suppression.

use core::cmp::Ordering;

use crate::error::Result;
use crate::layout::{count, expect_len};

/// What is suppressed, and in which tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suppression {
    /// Batches, classes and boxes.
    pub extents: [usize; 3],
    /// Most boxes kept per batch and class.
    pub per_class: usize,
    /// A box that overlaps a better one by more than this is dropped.
    pub iou: f32,
    /// A box is looked at where its score is above this; NaN where every box is.
    pub score: f32,
    /// Boxes are `x, y` of the center, width and height, rather than `y, x` of two opposite corners.
    pub center: bool,
}

/// Keeps the best of overlapping boxes: rows of batch, class and box in `chosen [n, 3]`, by class and falling score, and
/// answers how many there are. What does not fit is counted only; rows that nothing fills are 0. Of equal scores the
/// earlier box comes first; a NaN is better than every number. `scratch` has room for every box.
///
/// # Errors
/// Slices of other lengths than the extents say.
pub fn suppress(
    step: &Suppression,
    boxes: &[f32],
    scores: &[f32],
    chosen: &mut [i64],
    scratch: &mut [i64],
) -> Result<usize> {
    let [batches, classes, spatial] = step.extents;
    expect_len(boxes.len(), count([batches, spatial, 4].into_iter()))?;
    expect_len(scores.len(), count(step.extents.into_iter()))?;
    expect_len(scratch.len(), spatial)?;
    chosen.fill(0);
    let (boxes, _) = boxes.as_chunks::<4>();
    let mut rows = chosen.as_chunks_mut::<3>().0.iter_mut();
    let mut found = 0;
    for batch in 0..batches {
        let boxes = part(boxes, batch, spatial);
        for class in 0..classes {
            let scores = part(scores, batch.wrapping_mul(classes).wrapping_add(class), spatial);
            for &kept in kept(step, boxes, scores, scratch) {
                found += 1;
                if let Some(row) = rows.next() {
                    *row = [batch as i64, class as i64, kept];
                }
            }
        }
    }
    Ok(found)
}

fn part<T>(of: &[T], index: usize, len: usize) -> &[T] {
    of.get(index.wrapping_mul(len)..).and_then(|rest| rest.get(..len)).unwrap_or(&[])
}

/// The boxes of one class that are kept, in the front of the scratch list.
fn kept<'a>(step: &Suppression, boxes: &[[f32; 4]], scores: &[f32], scratch: &'a mut [i64]) -> &'a [i64] {
    let mut candidates = 0;
    for (i, &score) in scores.iter().enumerate() {
        if step.score.is_nan() || score > step.score {
            put(scratch, candidates, i as i64);
            candidates += 1;
        }
    }
    sort(scores, scratch.get_mut(..candidates).unwrap_or(&mut []));
    let corners =
        |i: i64| usize::try_from(i).ok().and_then(|i| boxes.get(i)).map(|edges| Box::new(*edges, step.center));
    let mut kept = 0;
    for next in 0..candidates {
        if kept >= step.per_class {
            break;
        }
        let candidate = scratch.get(next).copied().unwrap_or(0);
        let better = scratch.get(..kept).unwrap_or(&[]);
        let Some(own) = corners(candidate) else { continue };
        let dropped = better.iter().filter_map(|&i| corners(i)).any(|other| own.overlap(&other) > step.iou);
        if !dropped {
            put(scratch, kept, candidate);
            kept += 1;
        }
    }
    scratch.get(..kept).unwrap_or(&[])
}

fn put(list: &mut [i64], i: usize, value: i64) {
    if let Some(to) = list.get_mut(i) {
        *to = value;
    }
}

/// Smallest and largest x and y.
#[derive(Clone, Copy)]
struct Box {
    low: [f32; 2],
    high: [f32; 2],
}

impl Box {
    fn new([a, b, c, d]: [f32; 4], center: bool) -> Self {
        if center {
            let half = [c / 2.0, d / 2.0];
            return Self { low: [a - half[0], b - half[1]], high: [a + half[0], b + half[1]] };
        }
        let sorted = |a: f32, b: f32| if a >= b { (b, a) } else { (a, b) };
        let ((y_low, y_high), (x_low, x_high)) = (sorted(a, c), sorted(b, d));
        Self { low: [x_low, y_low], high: [x_high, y_high] }
    }

    fn area(&self) -> f32 {
        (self.high[0] - self.low[0]) * (self.high[1] - self.low[1])
    }

    /// Intersection over union; 0 where there is none.
    fn overlap(&self, other: &Self) -> f32 {
        let larger = |a: f32, b: f32| if a < b { b } else { a };
        let smaller = |a: f32, b: f32| if b < a { b } else { a };
        let side = |axis: usize| smaller(self.high[axis], other.high[axis]) - larger(self.low[axis], other.low[axis]);
        let (width, height) = (side(0), side(1));
        let both = width * height;
        let (own, others) = (self.area(), other.area());
        let union = own + others - both;
        let real = width > 0.0 && height > 0.0 && both > 0.0 && own > 0.0 && others > 0.0 && union > 0.0;
        if real { both / union } else { 0.0 }
    }
}

/// Heap sort by falling score, the earlier of equal ones first.
fn sort(scores: &[f32], list: &mut [i64]) {
    for top in (0..list.len() / 2).rev() {
        sink(scores, list, top);
    }
    for end in (1..list.len()).rev() {
        exchange(list, 0, end);
        sink(scores, list.get_mut(..end).unwrap_or(&mut []), 0);
    }
}

fn sink(scores: &[f32], list: &mut [i64], mut slot: usize) {
    loop {
        let mut last = slot;
        for child in [2 * slot + 1, 2 * slot + 2] {
            if let (Some(&a), Some(&b)) = (list.get(child), list.get(last))
                && order(scores, a, b) == Ordering::Greater
            {
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
    if let (Some(&left), Some(&right)) = (list.get(a), list.get(b)) {
        put(list, a, right);
        put(list, b, left);
    }
}

fn order(scores: &[f32], a: i64, b: i64) -> Ordering {
    let score = |i: i64| usize::try_from(i).ok().and_then(|i| scores.get(i)).copied().unwrap_or(0.0);
    let (left, right) = (score(a), score(b));
    let by_score = right.partial_cmp(&left).unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()));
    by_score.then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    const STEP: Suppression = Suppression { extents: [1, 1, 6], per_class: 6, iou: 0.5, score: 0.0, center: false };

    /// The example of the ONNX specification: three overlapping pairs.
    fn boxes() -> Vec<f32> {
        [0.0, 0.1, -0.1, 10.0, 10.1, 100.0].iter().flat_map(|&x| [0.0, x, 1.0, x + 1.0]).collect()
    }

    fn run(step: &Suppression, boxes: &[f32], scores: &[f32], room: usize) -> (usize, Vec<i64>) {
        let (mut chosen, mut scratch) = (vec![7; 3 * room], vec![0; step.extents[2]]);
        let found = suppress(step, boxes, scores, &mut chosen, &mut scratch).unwrap();
        (found, chosen.chunks(3).map(|row| row[2]).collect())
    }

    #[test]
    fn the_best_of_overlapping_boxes_stays() {
        let scores = [0.9, 0.75, 0.6, 0.95, 0.5, 0.3];
        assert_eq!(run(&STEP, &boxes(), &scores, 4), (3, vec![3, 0, 5, 0]));
        assert_eq!(run(&Suppression { score: 0.4, ..STEP }, &boxes(), &scores, 2), (2, vec![3, 0]));
        assert_eq!(run(&Suppression { per_class: 1, ..STEP }, &boxes(), &scores, 1), (1, vec![3]));
        // What does not fit is counted.
        assert_eq!(run(&STEP, &boxes(), &scores, 1), (3, vec![3]));
    }

    #[test]
    fn corners_may_be_flipped_and_boxes_given_by_their_centers() {
        let scores = [0.9, 0.75, 0.6, 0.95, 0.5, 0.3];
        let flipped: Vec<f32> = boxes().chunks(4).flat_map(|b| [b[2], b[3], b[0], b[1]]).collect();
        assert_eq!(run(&STEP, &flipped, &scores, 3).1, [3, 0, 5]);
        let centers: Vec<f32> = boxes().chunks(4).flat_map(|b| [b[1] + 0.5, 0.5, 1.0, 1.0]).collect();
        assert_eq!(run(&Suppression { center: true, ..STEP }, &centers, &scores, 3).1, [3, 0, 5]);
    }

    #[test]
    fn equal_scores_keep_their_order_and_nan_comes_first() {
        let apart: Vec<f32> = (0..6).flat_map(|i| [0.0, 10.0 * i as f32, 1.0, 10.0 * i as f32 + 1.0]).collect();
        let scores = [0.5, f32::NAN, 0.5, 0.25, f32::NEG_INFINITY, 0.5];
        let all = Suppression { score: f32::NAN, ..STEP };
        assert_eq!(run(&all, &apart, &scores, 6).1, [1, 0, 2, 5, 3, 4]);
    }
}
