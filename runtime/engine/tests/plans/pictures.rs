use mote_abi::op;
use mote_engine::Fault;
use mote_plan::{Halo, Kind, TensorId, step};

use crate::scene::{Scene, one};

const FREE: (f32, f32) = (f32::NEG_INFINITY, f32::INFINITY);

fn conv(kernel: u32, stride: u32, pad: u32, (low, high): (f32, f32)) -> step::Conv {
    step::Conv { kernel: [kernel; 2], stride: [stride; 2], dilation: [1; 2], pad: [pad; 2], low, high }
}

fn group(kernel: u32, stride: u32, pad: u32, groups: u32) -> step::ConvGroup {
    let (low, high) = FREE;
    step::ConvGroup { kernel: [kernel; 2], stride: [stride; 2], dilation: [1; 2], pad: [pad; 2], low, high, groups }
}

/// A 3x3 box filter in the first of eight columns.
fn box_filter() -> Vec<f32> {
    (0..72).map(|i| if i % 8 == 0 { 1.0 } else { 0.0 }).collect()
}

#[test]
fn a_box_filter_counts_neighbours() {
    let build = |s: &mut Scene| {
        let x = s.constant(&[1, 3, 3, 1], &[1.0_f32; 9]);
        vec![x, s.constant(&[1, 9, 8], &box_filter()), s.constant(&[8], &[0.5_f32; 8])]
    };
    let y: Vec<f32> = one(build, Kind::Conv, &conv(3, 1, 1, FREE), &[1, 3, 3, 1]).unwrap();
    assert_eq!(y, [4.5, 6.5, 4.5, 6.5, 9.5, 6.5, 4.5, 6.5, 4.5]);
    let y: Vec<f32> = one(build, Kind::Conv, &conv(3, 1, 1, (0.0, 6.0)), &[1, 3, 3, 1]).unwrap();
    assert_eq!(y, [4.5, 6.0, 4.5, 6.0, 6.0, 6.0, 4.5, 6.0, 4.5]);
    assert_eq!(one::<f32, _>(build, Kind::Conv, &conv(2, 1, 1, FREE), &[1, 3, 3, 1]), Err(Fault::MalformedPlan));
    assert_eq!(one::<f32, _>(build, Kind::Conv, &conv(3, 0, 1, FREE), &[1, 3, 3, 1]), Err(Fault::MalformedPlan));
}

#[test]
fn a_residual_is_added_before_the_clamp() {
    let mut scene = Scene::new();
    let x = scene.constant(&[1, 1, 2, 1], &[1.0_f32, 2.0]);
    let (w, b) = (scene.constant(&[1, 1, 8], &[3.0_f32; 8]), scene.constant(&[8], &[0.0_f32; 8]));
    let residual = scene.constant(&[1, 1, 2, 1], &[10.0_f32, -20.0]);
    let halo = Halo { top: 1, left: 1, bottom: 1, right: 1 };
    let y = scene.with_halo::<f32>(&[1, 1, 2, 1], halo);
    scene.step(Kind::Fill, &[], &[y], &step::Fill { element: [0, 0] });
    scene.step(Kind::Conv, &[x, w, b, residual], &[y], &conv(1, 1, 0, (0.0, 12.0)));
    let stored = scene.run().unwrap().storage::<f32>(y);
    assert_eq!(stored, [0.0, 0.0, 0.0, 0.0, 0.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn halos_change_no_result() {
    let values: Vec<f32> = (0..2 * 4 * 5 * 3).map(|i| ((i * 37) % 19) as f32 - 9.0).collect();
    let weights: Vec<f32> = (0..27 * 8).map(|i| ((i * 11) % 7) as f32 * 0.25 - 0.75).collect();
    let run = |halo: Halo| {
        let mut scene = Scene::new();
        let source = scene.constant(&[2, 4, 5, 3], &values);
        let x = scene.with_halo::<f32>(&[2, 4, 5, 3], halo);
        let (w, b) = (scene.constant(&[1, 27, 8], &weights), scene.constant(&[8], &[0.125_f32; 8]));
        let y = scene.tensor::<f32>(&[2, 2, 3, 8]);
        scene.bare(Kind::Halo, &[], &[x]);
        let identity = step::Unary { op: op::Unary::Clamp, alpha: FREE.0, beta: FREE.1 };
        scene.step(Kind::Unary, &[source], &[x], &identity);
        scene.step(Kind::Conv, &[x, w, b], &[y], &conv(3, 2, 1, FREE));
        scene.run().unwrap().storage::<f32>(y)
    };
    assert_eq!(run(Halo::NONE), run(Halo { top: 1, left: 1, bottom: 2, right: 1 }));
}

#[test]
fn depthwise_equals_as_many_groups_as_channels() {
    let values: Vec<f32> = (0..4 * 4 * 6).map(|i| ((i * 29) % 17) as f32 - 8.0).collect();
    let filters: Vec<f32> = (0..6 * 9).map(|i| ((i * 5) % 11) as f32 * 0.5 - 2.5).collect();
    let mut packed = vec![0.0_f32; 2 * 9 * 4];
    for channel in 0..6 {
        for tap in 0..9 {
            packed[(channel / 4 * 9 + tap) * 4 + channel % 4] = filters[channel * 9 + tap];
        }
    }
    let input = |s: &mut Scene| s.constant(&[1, 4, 4, 6], &values);
    let packed_step = |s: &mut Scene| vec![input(s), s.constant(&[2, 9, 4], &packed), s.constant(&[8], &[1.0_f32; 8])];
    let plain_step = |s: &mut Scene| vec![input(s), s.constant(&[6, 9, 1], &filters), s.constant(&[6], &[1.0_f32; 6])];
    let fast: Vec<f32> = one(packed_step, Kind::Depthwise, &conv(3, 1, 1, FREE), &[1, 4, 4, 6]).unwrap();
    let slow: Vec<f32> = one(plain_step, Kind::ConvGroup, &group(3, 1, 1, 6), &[1, 4, 4, 6]).unwrap();
    assert_eq!(fast, slow);
    let uneven = one::<f32, _>(plain_step, Kind::ConvGroup, &group(3, 1, 1, 4), &[1, 4, 4, 6]);
    assert_eq!(uneven, Err(Fault::MalformedPlan));
    assert_eq!(
        one::<f32, _>(plain_step, Kind::ConvGroup, &group(3, 1, 1, 0), &[1, 4, 4, 6]),
        Err(Fault::MalformedPlan)
    );
}

#[test]
fn a_transposed_convolution_spreads_each_input() {
    let build = |s: &mut Scene| -> Vec<TensorId> {
        let x = s.constant(&[1, 2, 2, 1], &[1.0_f32, 2.0, 3.0, 4.0]);
        vec![x, s.constant(&[1, 4, 1], &[1.0_f32, 10.0, 100.0, 1000.0]), s.constant(&[1], &[0.0_f32])]
    };
    let y: Vec<f32> = one(build, Kind::ConvTranspose, &group(2, 2, 0, 1), &[1, 4, 4, 1]).unwrap();
    let expected =
        [1.0, 10.0, 2.0, 20.0, 100.0, 1000.0, 200.0, 2000.0, 3.0, 30.0, 4.0, 40.0, 300.0, 3000.0, 400.0, 4000.0];
    assert_eq!(y, expected);
    let overlapping: Vec<f32> = one(build, Kind::ConvTranspose, &group(2, 1, 0, 1), &[1, 3, 3, 1]).unwrap();
    assert_eq!(overlapping, [1.0, 12.0, 20.0, 103.0, 1234.0, 2040.0, 300.0, 3400.0, 4000.0]);
}

#[test]
fn pools() {
    let x: Vec<f32> = (1..=9).map(|v| v as f32).collect();
    let run = |op, pad_end| {
        let params =
            step::Pool { kernel: [2; 2], stride: [2; 2], dilation: [1; 2], pad: [0; 2], pad_end: [pad_end; 2], op };
        one::<f32, _>(|s| vec![s.constant(&[1, 3, 3, 1], &x)], Kind::Pool, &params, &[1, 2, 2, 1]).unwrap()
    };
    assert_eq!(run(op::Pool::Max, 1), [5.0, 6.0, 8.0, 9.0]);
    assert_eq!(run(op::Pool::Average, 1), [3.0, 4.5, 7.5, 9.0]);
    assert_eq!(run(op::Pool::AverageWithPadding, 1), [3.0, 2.25, 3.75, 2.25]);
    // Rounding the output size up lets windows hang over; what lies beyond the padding counts for neither.
    assert_eq!(run(op::Pool::AverageWithPadding, 0), [3.0, 4.5, 7.5, 9.0]);
}
