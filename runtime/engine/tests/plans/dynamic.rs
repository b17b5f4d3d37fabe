//! Fourier transforms, and lists whose length depends on data.

use mote_engine::Fault;
use mote_plan::{Kind, TensorId, step};

use crate::scene::{Item, Scene};

/// Steps of every kind of this file.
pub(crate) fn every_kind(s: &mut Scene) {
    let line = s.constant(&[1, 3, 1], &[1.0_f32, 2.0, 4.0]);
    transform::<f32>(s, line, &[1.0, 0.0, -0.5, -0.866, -0.5, 0.866]);
    let x = s.constant(&[2, 2], &[0_i64, 3, 3, 0]);
    non_zero(s, x, 2);
    unique(s, x, [2, 2]);
    suppress(s, 3);
    let count = s.constant(&[1], &[2_i64]);
    bound(s, count, 2);
}

fn transform<T: Item>(s: &mut Scene, line: TensorId, turns: &[T; 6]) -> TensorId {
    let turns = s.constant(&[3, 2], turns);
    let (y, scratch) = (s.tensor::<T>(&[1, 2, 2]), s.tensor::<T>(&[2, 3, 2]));
    s.step(Kind::Dft, &[line, turns], &[y, scratch], &step::Dft { inverse: 0 });
    y
}

fn non_zero(s: &mut Scene, x: TensorId, room: u32) -> [TensorId; 2] {
    let made = [s.tensor::<i64>(&[2, room]), s.tensor::<i64>(&[])];
    s.bare(Kind::NonZero, &[x], &made);
    made
}

fn unique(s: &mut Scene, x: TensorId, [room, len]: [u32; 2]) -> [TensorId; 5] {
    let made = [room, len, room].map(|len| s.tensor::<i64>(&[len]));
    let [first, which, counts] = made;
    let made = [first, which, counts, s.tensor::<i64>(&[]), s.tensor::<i64>(&[len])];
    s.step(Kind::Unique, &[x], &made, &step::Unique { axis: 1, sorted: 1 });
    made
}

/// Three boxes of which the second covers most of the first.
fn suppress(s: &mut Scene, room: u32) -> [TensorId; 2] {
    let boxes = s.constant(&[1, 3, 4], &[0.0_f32, 0.0, 1.0, 1.0, 0.0, 0.1, 1.0, 1.1, 0.0, 5.0, 1.0, 6.0]);
    let scores = s.constant(&[1, 1, 3], &[0.5_f32, 0.75, 0.25]);
    let (chosen, count, scratch) = (s.tensor::<i64>(&[room, 3]), s.tensor::<i64>(&[]), s.tensor::<i64>(&[3]));
    let params = step::Suppression { per_class: 3, iou: 0.5, score: 0.0, center: 0 };
    s.step(Kind::NonMaxSuppression, &[boxes, scores], &[chosen, count, scratch], &params);
    [chosen, count]
}

fn bound(s: &mut Scene, x: TensorId, limit: u32) -> TensorId {
    let y = s.tensor::<i64>(&[1]);
    s.step(Kind::Bound, &[x], &[y], &step::Bound { limit });
    y
}

#[test]
fn transforms_of_either_precision() {
    let mut s = Scene::new();
    let (narrow, wide) = (s.constant(&[1, 2, 1], &[1.0_f32, 2.0]), s.constant(&[1, 2, 1], &[1.0_f64, 2.0]));
    let narrow = transform::<f32>(&mut s, narrow, &[1.0, 0.0, -0.5, -0.75, -0.5, 0.75]);
    let wide = transform::<f64>(&mut s, wide, &[1.0, 0.0, -0.5, -0.75, -0.5, 0.75]);
    let ran = s.run().unwrap();
    assert_eq!(ran.storage::<f32>(narrow), [3.0, 0.0, 0.0, -1.5]);
    assert_eq!(ran.storage::<f64>(wide), [3.0, 0.0, 0.0, -1.5]);
}

#[test]
fn lists_are_padded_and_counted() {
    let mut s = Scene::new();
    let x = s.constant(&[2, 2], &[0.0_f32, 3.0, 3.0, f32::NAN]);
    let [positions, count] = non_zero(&mut s, x, 4);
    let [first, which, counts, kinds, _] = unique(&mut s, x, [3, 2]);
    let [chosen, kept] = suppress(&mut s, 3);
    let ran = s.run().unwrap();
    assert_eq!((ran.storage::<i64>(positions), ran.storage::<i64>(count)), (vec![0, 1, 1, 0, 1, 0, 1, 0], vec![3]));
    assert_eq!((ran.storage::<i64>(first), ran.storage::<i64>(which)), (vec![0, 1, 0], vec![0, 1]));
    assert_eq!((ran.storage::<i64>(counts), ran.storage::<i64>(kinds)), (vec![1, 1, 0], vec![2]));
    assert_eq!((ran.storage::<i64>(chosen), ran.storage::<i64>(kept)), (vec![0, 0, 1, 0, 0, 2, 0, 0, 0], vec![2]));
}

#[test]
fn too_many_results_end_the_run() {
    for (limit, want) in [(2, Ok(())), (1, Err(Fault::BoundExceeded))] {
        let mut s = Scene::new();
        let count = s.constant(&[1], &[2_i64]);
        bound(&mut s, count, limit);
        assert_eq!(s.run().map(|_| ()), want);
    }
}
