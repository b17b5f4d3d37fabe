use mote_abi::op::Reduce as R;
use mote_engine::Fault;
use mote_plan::{Kind, step};

use crate::scene::{Item, Scene, one};

fn reduce<T: Item>(op: R, axes: u32, x: (&[u32], &[T]), dims: &[u32]) -> Result<Vec<T>, Fault> {
    one(|s| vec![s.constant(x.0, x.1)], Kind::Reduce, &step::Reduce { op, axes }, dims)
}

#[test]
fn reductions() {
    let x: Vec<f32> = (1..=12).map(|v| v as f32).collect();
    let x: (&[u32], &[f32]) = (&[2, 3, 2], &x);
    assert_eq!(reduce(R::Sum, 0b010, x, &[2, 1, 2]).unwrap(), [9.0, 12.0, 27.0, 30.0]);
    assert_eq!(reduce(R::Mean, 0b101, x, &[1, 3, 1]).unwrap(), [4.5, 6.5, 8.5]);
    assert_eq!(reduce(R::Max, 0b111, x, &[1, 1, 1]).unwrap(), [12.0]);
    assert_eq!(reduce(R::Min, 0b001, x, &[1, 3, 2]).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(reduce(R::Prod, 0b100, x, &[2, 3, 1]).unwrap(), [2.0, 12.0, 30.0, 56.0, 90.0, 132.0]);
    assert_eq!(reduce(R::Sum, 0, x, &[2, 3, 2]).unwrap(), x.1);
    assert_eq!(reduce(R::Sum, 0b010, x, &[2, 3, 2]), Err(Fault::MalformedPlan));
    assert_eq!(reduce::<f32>(R::L1, 1, (&[2], &[-3.0, 4.0]), &[1]).unwrap(), [7.0]);
    assert_eq!(reduce::<f32>(R::L2, 1, (&[2], &[-3.0, 4.0]), &[1]).unwrap(), [5.0]);
    assert_eq!(reduce::<f64>(R::SumSquare, 1, (&[2], &[-3.0, 4.0]), &[1]).unwrap(), [25.0]);
    assert_eq!(reduce::<f64>(R::LogSum, 1, (&[2], &[0.5, 0.5]), &[1]).unwrap(), [0.0]);
    let log_sum_exp = reduce::<f32>(R::LogSumExp, 1, (&[2], &[1000.0, 1000.0]), &[1]).unwrap()[0];
    assert!((log_sum_exp - 1_000.693_1).abs() < 1e-3);
    let nothing = reduce::<f32>(R::LogSumExp, 1, (&[2], &[f32::NEG_INFINITY; 2]), &[1]).unwrap();
    assert_eq!(nothing, [f32::NEG_INFINITY]);
    assert!(reduce::<f32>(R::Max, 1, (&[5], &[1.0, f32::NAN, 2.0, 3.0, 4.0]), &[1]).unwrap()[0].is_nan());
    assert_eq!(reduce::<i32>(R::Mean, 1, (&[3], &[1, 2, 5]), &[1]).unwrap(), [2]);
    assert_eq!(reduce::<u64>(R::Max, 1, (&[2], &[u64::MAX, 1]), &[1]).unwrap(), [u64::MAX]);
    assert_eq!(reduce::<u64>(R::Min, 1, (&[2], &[u64::MAX, 1]), &[1]).unwrap(), [1]);
    assert_eq!(reduce::<bool>(R::Max, 1, (&[3], &[false, true, false]), &[1]).unwrap(), [true]);
    assert_eq!(reduce::<i32>(R::L2, 1, (&[1], &[1]), &[1]), Err(Fault::MalformedPlan));
}

/// The order of `ORDER.md`, written down once more.
fn ordered_sum(x: impl ExactSizeIterator<Item = f32>) -> f32 {
    let whole = x.len() - x.len() % 4;
    let (mut lanes, mut tail) = ([0.0_f32; 4], Vec::new());
    for (i, v) in x.enumerate() {
        if i < whole { lanes[i % 4] += v } else { tail.push(v) }
    }
    tail.iter().fold((lanes[0] + lanes[2]) + (lanes[1] + lanes[3]), |acc, v| acc + v)
}

#[test]
fn sums_follow_the_order() {
    for [a, b, c] in [[3, 5, 7], [2, 9, 16], [1, 1, 33], [4, 6, 3], [5, 50, 2]] {
        let x: Vec<f32> = (0..a * b * c).map(|i| 1.0 / (i as f32 + 0.3)).collect();
        let at = |i: u32, j: u32, k: u32| x[((i * b + j) * c + k) as usize];
        let middle = reduce(R::Sum, 0b010, (&[a, b, c], &x), &[a, 1, c]).unwrap();
        for i in 0..a {
            for k in 0..c {
                assert_eq!(middle[(i * c + k) as usize], ordered_sum((0..b as usize).map(|j| at(i, j as u32, k))));
            }
        }
        let outer = reduce(R::Sum, 0b101, (&[a, b, c], &x), &[1, b, 1]).unwrap();
        for j in 0..b {
            let line = (0..(a * c) as usize).map(|n| at(n as u32 / c, j, n as u32 % c));
            assert_eq!(outer[j as usize], ordered_sum(line), "{a} {b} {c}");
        }
    }
}

#[test]
fn running_products() {
    fn run<T: Item>(x: &[T], exclusive: u32, reverse: u32) -> Vec<T> {
        let params = step::CumSum { axis: 0, exclusive, reverse };
        one(|s| vec![s.constant(&[3], x)], Kind::CumProd, &params, &[3]).unwrap()
    }
    assert_eq!(run(&[2.0_f32, 3.0, 4.0], 0, 0), [2.0, 6.0, 24.0]);
    assert_eq!(run(&[2.0_f64, 3.0, 4.0], 1, 1), [12.0, 4.0, 1.0]);
    assert_eq!(run(&[200_u8, 3, 2], 0, 0), [200, 88, 176]);
}

#[test]
fn softmaxes() {
    let x = [1.0_f32, 2.0, 3.0, -1.0, 0.0, 1.0];
    let run = |axis, log| {
        one::<f32, _>(|s| vec![s.constant(&[2, 3], &x)], Kind::Softmax, &step::Softmax { axis, log }, &[2, 3]).unwrap()
    };
    let close = |got: &[f32], want: &[f64]| got.iter().zip(want).all(|(g, w)| (f64::from(*g) - w).abs() < 1e-6);
    let rows = [0.090_030_57, 0.244_728_47, 0.665_240_96];
    assert!(close(&run(1, 0), &[rows, rows].concat()));
    assert!(close(&run(1, 1), &[rows.map(f64::ln), rows.map(f64::ln)].concat()));
    let (high, low) = (0.880_797_08, 0.119_202_92);
    assert!(close(&run(0, 0), &[high, high, high, low, low, low]));
    let x = [0.0_f64, core::f64::consts::LN_2];
    let half_done =
        one::<f64, _>(|s| vec![s.constant(&[2], &x)], Kind::Softmax, &step::Softmax { axis: 0, log: 0 }, &[2]);
    let off =
        half_done.unwrap().iter().zip([1.0 / 3.0, 2.0 / 3.0]).fold(0.0, |worst: f64, (g, w)| worst + (g - w).abs());
    assert!(off < 1e-15, "{off}");
}

#[test]
fn extremes() {
    let x: (&[u32], &[f32]) = (&[2, 4], &[1.0, 3.0, 3.0, 0.0, f32::NAN, 9.0, f32::NAN, 9.0]);
    let run = |max, last| {
        one::<i64, _>(|s| vec![s.constant(x.0, x.1)], Kind::ArgReduce, &step::ArgReduce { axis: 1, max, last }, &[2, 1])
            .unwrap()
    };
    assert_eq!(run(1, 0), [1, 0]);
    assert_eq!(run(1, 1), [2, 2]);
    assert_eq!(run(0, 0), [3, 0]);
    let unsigned = |s: &mut Scene| vec![s.constant(&[3], &[1, u64::MAX, 5])];
    assert_eq!(
        one::<i64, _>(unsigned, Kind::ArgReduce, &step::ArgReduce { axis: 0, max: 1, last: 0 }, &[1]).unwrap(),
        [1]
    );
}

#[test]
fn running_sums() {
    let run = |exclusive, reverse| {
        let params = step::CumSum { axis: 0, exclusive, reverse };
        one::<i32, _>(|s| vec![s.constant(&[3, 2], &[1, 2, 3, 4, 5, 6])], Kind::CumSum, &params, &[3, 2]).unwrap()
    };
    assert_eq!(run(0, 0), [1, 2, 4, 6, 9, 12]);
    assert_eq!(run(1, 0), [0, 0, 1, 2, 4, 6]);
    assert_eq!(run(0, 1), [9, 12, 8, 10, 5, 6]);
    assert_eq!(run(1, 1), [8, 10, 5, 6, 0, 0]);
}

fn top_k<T: Item>(x: (&[u32], &[T]), axis: u32, largest: u32, dims: &[u32]) -> Result<(Vec<T>, Vec<i64>), Fault> {
    let mut scene = Scene::new();
    let x = scene.constant(x.0, x.1);
    let (values, indices) = (scene.tensor::<T>(dims), scene.tensor::<i64>(dims));
    scene.step(Kind::TopK, &[x], &[values, indices], &step::TopK { axis, largest });
    let ran = scene.run()?;
    Ok((ran.storage(values), ran.storage(indices)))
}

#[test]
fn the_first_in_order() {
    let x: (&[u32], &[f32]) = (&[6], &[2.0, 7.0, 7.0, -1.0, 2.0, 5.0]);
    assert_eq!(top_k(x, 0, 1, &[4]).unwrap(), (vec![7.0, 7.0, 5.0, 2.0], vec![1, 2, 5, 0]));
    assert_eq!(top_k(x, 0, 0, &[3]).unwrap(), (vec![-1.0, 2.0, 2.0], vec![3, 0, 4]));
    assert_eq!(top_k(x, 0, 1, &[0]).unwrap(), (vec![], vec![]));
    assert_eq!(top_k(x, 0, 1, &[7]), Err(Fault::MalformedPlan));
    let columns: (&[u32], &[i64]) = (&[3, 2], &[1, 9, 5, 8, 3, 7]);
    assert_eq!(top_k(columns, 0, 1, &[2, 2]).unwrap(), (vec![5, 9, 3, 8], vec![1, 0, 2, 1]));
    let (values, indices) = top_k::<f32>((&[3], &[1.0, f32::NAN, 2.0]), 0, 1, &[2]).unwrap();
    assert!(values[0].is_nan() && indices == [1, 2], "NaN is larger than every number");
    let all: Vec<f32> = (0..200).map(|i| ((i * 7919) % 53) as f32).collect();
    let mut expected: Vec<(f32, i64)> = all.iter().copied().zip(0..).collect();
    expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let (values, indices) = top_k::<f32>((&[200], &all), 0, 1, &[90]).unwrap();
    assert_eq!(values.into_iter().zip(indices).collect::<Vec<_>>(), expected[..90]);
}

#[test]
fn interpolations() {
    let build = |s: &mut Scene| {
        let x = s.constant(&[1, 3, 2], &[0.0_f32, 10.0, 4.0, 20.0, 8.0, 40.0]);
        vec![x, s.constant(&[2], &[0_i32, 1]), s.constant(&[2], &[1_i32, 2]), s.constant(&[2], &[0.25_f32, 0.5])]
    };
    let y: Vec<f32> = one(build, Kind::Lerp, &step::Axis { axis: 1 }, &[1, 2, 2]).unwrap();
    assert_eq!(y, [1.0, 12.5, 6.0, 30.0]);
}
