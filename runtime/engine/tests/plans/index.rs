use mote_abi::op;
use mote_engine::Fault;
use mote_plan::{Kind, TensorId, step};

use crate::scene::{Item, Scene, one};

#[test]
fn gathers() {
    let x = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let axis = |axis| step::Axis { axis };
    let rows = |s: &mut Scene| vec![s.constant(&[3, 2], &x), s.constant(&[2], &[2_i64, -3])];
    assert_eq!(one::<f32, _>(rows, Kind::Gather, &axis(0), &[2, 2]).unwrap(), [5.0, 6.0, 1.0, 2.0]);
    let columns = |s: &mut Scene| vec![s.constant(&[3, 2], &x), s.constant(&[1, 1], &[1_i32])];
    assert_eq!(one::<f32, _>(columns, Kind::Gather, &axis(1), &[3, 1, 1]).unwrap(), [2.0, 4.0, 6.0]);
    let outside = |s: &mut Scene| vec![s.constant(&[3, 2], &x), s.constant(&[1], &[3_i64])];
    assert_eq!(one::<f32, _>(outside, Kind::Gather, &axis(0), &[1, 2]), Err(Fault::IndexOutOfRange));
    let far = |s: &mut Scene| vec![s.constant(&[3, 2], &x), s.constant(&[1], &[i64::MIN])];
    assert_eq!(one::<f32, _>(far, Kind::Gather, &axis(0), &[1, 2]), Err(Fault::IndexOutOfRange));
}

#[test]
fn gathers_of_elements() {
    let build = |s: &mut Scene| vec![s.constant(&[2, 2], &[1_u16, 2, 3, 4]), s.constant(&[2, 2], &[0_i64, 0, -1, 0])];
    let y: Vec<u16> = one(build, Kind::GatherElements, &step::Axis { axis: 1 }, &[2, 2]).unwrap();
    assert_eq!(y, [1, 1, 4, 3]);
    // The index tensor may be shorter along the other axes.
    let short = |s: &mut Scene| {
        vec![s.constant(&[3, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9]), s.constant(&[2, 3], &[1, 2, 0, 2, 0, 0])]
    };
    let y: Vec<i32> = one(short, Kind::GatherElements, &step::Axis { axis: 0 }, &[2, 3]).unwrap();
    assert_eq!(y, [4, 8, 3, 7, 2, 3]);
}

#[test]
fn gathers_of_tuples() {
    let data = [0_u8, 1, 2, 3, 4, 5, 6, 7];
    let elements = |s: &mut Scene| vec![s.constant(&[2, 2, 2], &data), s.constant(&[2, 2], &[0_i64, 1, -1, 0])];
    let y: Vec<u8> = one(elements, Kind::GatherNd, &step::GatherNd { batch_dims: 0 }, &[2, 2]).unwrap();
    assert_eq!(y, [2, 3, 4, 5]);
    let batched = |s: &mut Scene| vec![s.constant(&[2, 2, 2], &data), s.constant(&[2, 1], &[1_i64, 0])];
    let y: Vec<u8> = one(batched, Kind::GatherNd, &step::GatherNd { batch_dims: 1 }, &[2, 2]).unwrap();
    assert_eq!(y, [2, 3, 4, 5]);
}

fn scatter<T: Item>(
    kind: Kind,
    reduction: u32,
    axis: u32,
    inputs: impl FnOnce(&mut Scene) -> Vec<TensorId>,
    dims: &[u32],
) -> Result<Vec<T>, Fault> {
    one(inputs, kind, &step::Scatter { axis, reduction }, dims)
}

#[test]
fn scatters_of_elements() {
    fn build<T: Item>(x: &[T], updates: &[T]) -> impl FnOnce(&mut Scene) -> Vec<TensorId> {
        |s| vec![s.constant(&[1, 5], x), s.constant(&[1, 3], &[1_i64, -1, 1]), s.constant(&[1, 3], updates)]
    }
    let x = [1.0_f32, 2.0, 3.0, 4.0, 5.0];
    let run = |reduction, updates: &[f32]| {
        scatter::<f32>(Kind::ScatterElements, reduction, 1, build(&x, updates), &[1, 5]).unwrap()
    };
    assert_eq!(run(0, &[7.0, 8.0, 9.0]), [1.0, 9.0, 3.0, 4.0, 8.0]);
    assert_eq!(run(op::Binary::Add.code(), &[7.0, 8.0, 9.0]), [1.0, 18.0, 3.0, 4.0, 13.0]);
    assert_eq!(run(op::Binary::Mul.code(), &[2.0, 0.5, 3.0]), [1.0, 12.0, 3.0, 4.0, 2.5]);
    assert_eq!(run(op::Binary::Max.code(), &[7.0, 1.0, 1.0]), [1.0, 7.0, 3.0, 4.0, 5.0]);
    assert_eq!(run(op::Binary::Min.code(), &[7.0, 1.0, 1.0]), [1.0, 1.0, 3.0, 4.0, 1.0]);
    let refused = scatter::<f32>(Kind::ScatterElements, op::Binary::Sub.code(), 1, build(&x, &x[..3]), &[1, 5]);
    assert_eq!(refused, Err(Fault::MalformedPlan));
    let unsigned = build(&[1_u64, u64::MAX, 3, 4, 5], &[7, 8, 9]);
    let y = scatter::<u64>(Kind::ScatterElements, op::Binary::Max.code(), 1, unsigned, &[1, 5]).unwrap();
    assert_eq!(y, [1, u64::MAX, 3, 4, 8]);
    let bytes = build(&[1_u8, 2, 3, 4, 250], &[7, 8, 9]);
    let y = scatter::<u8>(Kind::ScatterElements, op::Binary::Add.code(), 1, bytes, &[1, 5]).unwrap();
    assert_eq!(y, [1, 18, 3, 4, 2]);
}

#[test]
fn scatters_of_tuples() {
    let build = |s: &mut Scene| {
        let x = s.constant(&[4, 2], &[1_i32, 1, 2, 2, 3, 3, 4, 4]);
        vec![x, s.constant(&[2, 1], &[2_i64, 0]), s.constant(&[2, 2], &[9_i32, 8, 7, 6])]
    };
    assert_eq!(scatter::<i32>(Kind::ScatterNd, 0, 0, build, &[4, 2]).unwrap(), [7, 6, 2, 2, 9, 8, 4, 4]);
    assert_eq!(scatter::<i32>(Kind::ScatterNd, 0, 1, build, &[4, 2]), Err(Fault::MalformedPlan));
    let outside = |s: &mut Scene| {
        let x = s.constant(&[2], &[1.0_f64, 2.0]);
        vec![x, s.constant(&[1, 1], &[2_i64]), s.constant(&[1], &[9.0_f64])]
    };
    assert_eq!(scatter::<f64>(Kind::ScatterNd, 0, 0, outside, &[2]), Err(Fault::IndexOutOfRange));
}
