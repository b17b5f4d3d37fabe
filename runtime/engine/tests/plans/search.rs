use mote_abi::op::Aggregate;
use mote_engine::Fault;
use mote_plan::{Kind, step};

use crate::scene::{Item, Scene, one};

/// `x1 <= 1 ? {1: 5} : {1: 7, 0: 8}` over the rows [0.5, 3], [1.5, 0].
fn stump<T: Item>(value: impl Fn(f32) -> T, dims: &[u32], depth: u32) -> Result<Vec<T>, Fault> {
    let floats = |all: &[f32]| all.iter().map(|&v| value(v)).collect::<Vec<T>>();
    let build = |s: &mut Scene| {
        vec![
            s.constant(&[2, 2], &floats(&[0.5, 3.0, 1.5, 0.0])),
            s.constant(&[3], &[0x0100_0001_u32, 1, 2]),
            s.constant(&[3], &[2_u32, 1, 0]),
            s.constant(&[3], &floats(&[1.0, 5.0, 0.0])),
            s.constant(&[1], &[0_u32]),
            s.constant(&[2], &[1_u32, 0]),
            s.constant(&[2], &floats(&[7.0, 8.0])),
        ]
    };
    one(build, Kind::Trees, &step::Trees { aggregate: Aggregate::Sum, depth }, dims)
}

#[test]
fn trees_score_rows() {
    assert_eq!(stump(|v| v, &[2, 2], 1).unwrap(), [8.0, 7.0, 0.0, 5.0]);
    assert_eq!(stump(f64::from, &[2, 2], 9).unwrap(), [8.0, 7.0, 0.0, 5.0]);
    assert_eq!(stump(|v| v, &[2, 2], 0), Err(Fault::MalformedPlan));
    assert_eq!(stump(|v| v, &[2, 1], 1), Err(Fault::MalformedPlan));
}

#[test]
fn keys_are_found() {
    fn find<T: Item>(x: &[T; 4], keys: &[T; 2]) -> Vec<i32> {
        let build = |s: &mut Scene| vec![s.constant(&[2, 2], x), s.constant(&[2], keys)];
        one(build, Kind::Find, &step::Axis { axis: 0 }, &[2, 2]).unwrap()
    }
    assert_eq!(find(&[1.0_f32, f32::NAN, -0.0, 2.0], &[0.0, 1.0]), [1, 2, 0, 2]);
    assert_eq!(find(&[1.0_f64, 0.5, -0.0, 2.0], &[0.0, 1.0]), [1, 2, 0, 2]);
    assert_eq!(find(&[-3_i8, 0, 4, 5], &[-3, 4]), [0, 2, 1, 2]);
}
