use mote_engine::Fault;
use mote_plan::{Halo, Kind, step};

use crate::scene::{Item, Scene, one};

fn cast<A: Item, B: Item>(values: &[A]) -> Vec<B> {
    let dims = [values.len() as u32];
    let mut scene = Scene::new();
    let (x, y) = (scene.constant(&dims, values), scene.tensor::<B>(&dims));
    scene.bare(Kind::Cast, &[x], &[y]);
    scene.run().unwrap().storage(y)
}

#[test]
fn casts_truncate_saturate_and_wrap() {
    assert_eq!(cast::<f32, i32>(&[1.9, -1.9, 3e9, -3e9, f32::NAN]), [1, -1, i32::MAX, i32::MIN, 0]);
    assert_eq!(cast::<f32, u8>(&[-1.0, 255.5, 300.0]), [0, 255, 255]);
    assert_eq!(cast::<f64, u64>(&[1e20, -1.0, 9.9]), [u64::MAX, 0, 9]);
    assert_eq!(cast::<f32, bool>(&[0.0, -0.0, 0.1, f32::NAN]), [false, false, true, true]);
    assert_eq!(cast::<i32, i8>(&[300, -129]), [44, 127]);
    assert_eq!(cast::<u64, i64>(&[u64::MAX]), [-1]);
    assert_eq!(cast::<u64, f32>(&[u64::MAX]), [18_446_744_073_709_551_616.0]);
    assert_eq!(cast::<u64, bool>(&[1 << 40, 0]), [true, false]);
    assert_eq!(cast::<i64, f32>(&[(1 << 24) + 1, -3]), [16_777_216.0, -3.0]);
    assert_eq!(cast::<i64, u64>(&[-1]), [u64::MAX]);
    assert_eq!(cast::<bool, f32>(&[true, false]), [1.0, 0.0]);
    assert_eq!(cast::<i16, bool>(&[256, 0]), [true, false]);
    assert_eq!(cast::<f64, f32>(&[1e300, 0.1]), [f32::INFINITY, 0.1]);
    let long: Vec<u8> = (0..100).collect();
    assert_eq!(cast::<u8, f32>(&long), long.iter().map(|&v| f32::from(v)).collect::<Vec<_>>());
}

#[test]
fn copies_move_boxes() {
    let x: Vec<i16> = (0..24).collect();
    let params = step::Copy {
        rank: 3,
        extent: [3, 2, 4, 1, 1, 1, 1, 1],
        from: 0,
        from_stride: [4, 12, 1, 0, 0, 0, 0, 0],
        to: 0,
        to_stride: [8, 4, 1, 0, 0, 0, 0, 0],
    };
    let y: Vec<i16> = one(|s| vec![s.constant(&[2, 3, 4], &x)], Kind::Copy, &params, &[3, 2, 4]).unwrap();
    assert_eq!(y[..8], [0, 1, 2, 3, 12, 13, 14, 15]);

    let flip = step::Copy {
        rank: 1,
        extent: [5, 1, 1, 1, 1, 1, 1, 1],
        from: 4,
        from_stride: [-1; 8],
        to: 0,
        to_stride: [1; 8],
    };
    let y: Vec<u64> = one(|s| vec![s.constant(&[5], &[1_u64, 2, 3, 4, 5])], Kind::Copy, &flip, &[5]).unwrap();
    assert_eq!(y, [5, 4, 3, 2, 1]);

    let repeat = step::Copy { from: 2, from_stride: [0; 8], ..flip };
    let y: Vec<u8> = one(|s| vec![s.constant(&[5], &[1_u8, 2, 3, 4, 5])], Kind::Copy, &repeat, &[5]).unwrap();
    assert_eq!(y, [3; 5]);

    let beyond = step::Copy { from: 3, ..flip };
    let y = one::<u8, _>(|s| vec![s.constant(&[5], &[1_u8, 2, 3, 4, 5])], Kind::Copy, &beyond, &[5]);
    assert_eq!(y, Err(Fault::MalformedPlan));
}

#[test]
fn fills_reach_the_halo_and_halos_leave_the_image() {
    let halo = Halo { top: 1, left: 2, bottom: 0, right: 1 };
    let mut scene = Scene::new();
    let (filled, bordered) = (scene.with_halo::<f32>(&[2, 2, 2, 1], halo), scene.with_halo::<i16>(&[1, 2, 1, 2], halo));
    scene.step(Kind::Fill, &[], &[filled], &step::Fill { element: [1.5_f32.to_bits(), 0] });
    scene.step(Kind::Fill, &[], &[bordered], &step::Fill { element: [0x0102, 0] });
    scene.bare(Kind::Halo, &[], &[bordered]);
    let ran = scene.run().unwrap();
    assert_eq!(ran.storage::<f32>(filled), [1.5; 30]);
    let row = [0, 0, 0, 0, 0x0102, 0x0102, 0, 0];
    assert_eq!(ran.storage::<i16>(bordered), [[0; 8], row, row].concat());
}

#[test]
fn selections_broadcast() {
    fn select<T: Item>(a: &[T], b: &[T]) -> Vec<T> {
        let mut scene = Scene::new();
        let condition = scene.constant(&[2, 1], &[true, false]);
        let inputs = [condition, scene.constant(&[1, 3], a), scene.constant(&[], b)];
        let y = scene.tensor::<T>(&[2, 3]);
        scene.bare(Kind::Select, &inputs, &[y]);
        scene.run().unwrap().storage(y)
    }
    assert_eq!(select::<f32>(&[1.0, 2.0, 3.0], &[9.0]), [1.0, 2.0, 3.0, 9.0, 9.0, 9.0]);
    assert_eq!(select::<i64>(&[1, 2, 3], &[9]), [1, 2, 3, 9, 9, 9]);
    assert_eq!(select::<u8>(&[1, 2, 3], &[9]), [1, 2, 3, 9, 9, 9]);
    assert_eq!(select::<i16>(&[1, 2, 3], &[9]), [1, 2, 3, 9, 9, 9]);
}
