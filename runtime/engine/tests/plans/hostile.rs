//! Plans that pass `Plan::view` and mean nothing: the engine answers a fault or a result, and never panics.

use mote_abi::op;
use mote_engine::{Arena, run};
use mote_plan::step::{self, Step};
use mote_plan::{AlignedBytes, Halo, Kind, Plan};
use proptest::prelude::*;

use crate::scene::Scene;
use crate::{dynamic, quantized};

/// A Plan that holds a step of every kind.
fn every_kind() -> AlignedBytes {
    let mut s = Scene::new();
    let halo = Halo { top: 1, left: 1, bottom: 1, right: 1 };
    let x = s.constant(&[1, 4, 4, 4], &[0.5_f32; 64]);
    let w = s.constant(&[1, 36, 8], &[0.25_f32; 288]);
    let bias = s.constant(&[8], &[1.0_f32; 8]);
    let image = s.with_halo::<f32>(&[1, 4, 4, 8], halo);
    let same = s.with_halo::<f32>(&[1, 4, 4, 4], halo);
    let conv = step::Conv { kernel: [3; 2], stride: [1; 2], dilation: [1; 2], pad: [1; 2], low: 0.0, high: 6.0 };
    let group = step::ConvGroup {
        kernel: [3; 2],
        stride: [1; 2],
        dilation: [1; 2],
        pad: [1; 2],
        low: 0.0,
        high: 6.0,
        groups: 4,
    };
    let pool = step::Pool {
        kernel: [2; 2],
        stride: [2; 2],
        dilation: [1; 2],
        pad: [0; 2],
        pad_end: [0; 2],
        op: op::Pool::Average,
    };
    s.bare(Kind::Halo, &[], &[image]);
    s.step(Kind::Fill, &[], &[same], &step::Fill { element: [0x3f80_0000, 0] });
    s.step(Kind::Conv, &[x, w, bias, image], &[image], &conv);
    s.step(Kind::Conv, &[x, w, bias], &[image], &conv);
    let (dw, db) = (s.constant(&[1, 9, 4], &[0.5_f32; 36]), s.constant(&[4], &[0.5_f32; 4]));
    s.step(Kind::Depthwise, &[x, dw, db], &[same], &conv);
    s.step(Kind::ConvGroup, &[x, dw, db], &[same], &group);
    s.step(Kind::ConvTranspose, &[x, dw, db], &[same], &group);
    let small = s.tensor::<f32>(&[1, 2, 2, 4]);
    s.step(Kind::Pool, &[same], &[small], &pool);
    s.step(Kind::Unary, &[same], &[same], &step::Unary { op: op::Unary::Mish, alpha: 1.0, beta: 1.0 });
    s.step(Kind::Binary, &[small, db], &[small], &step::Binary { op: op::Binary::Pow });
    let ints = s.constant(&[2, 3], &[1_i64, 2, 0, 1, 1, 2]);
    let sums = s.tensor::<i64>(&[2, 3]);
    s.step(Kind::Binary, &[ints, ints], &[sums], &step::Binary { op: op::Binary::Add });
    s.step(Kind::Unary, &[sums], &[sums], &step::Unary { op: op::Unary::Neg, alpha: 0.0, beta: 0.0 });
    let truth = s.tensor::<bool>(&[2, 3]);
    s.step(Kind::Binary, &[ints, sums], &[truth], &step::Binary { op: op::Binary::Less });
    s.bare(Kind::Select, &[truth, ints, sums], &[sums]);
    let (a, b, product) =
        (s.constant(&[1, 2, 3], &[1.0_f32; 6]), s.constant(&[2, 3, 2], &[1.0_f32; 12]), s.tensor::<f32>(&[2, 2, 2]));
    s.bare(Kind::MatMul, &[a, b], &[product]);
    let line = s.tensor::<f32>(&[2, 1, 2]);
    s.step(Kind::Reduce, &[product], &[line], &step::Reduce { op: op::Reduce::LogSumExp, axes: 2 });
    let soft = s.tensor::<f32>(&[2, 2, 2]);
    s.step(Kind::Softmax, &[product], &[soft], &step::Softmax { axis: 2, log: 0 });
    let moved = step::Copy {
        rank: 3,
        extent: [2, 2, 2, 1, 1, 1, 1, 1],
        from: 7,
        from_stride: [-4, -2, -1, 0, 0, 0, 0, 0],
        to: 0,
        to_stride: [1, 2, 4, 0, 0, 0, 0, 0],
    };
    let copied = s.tensor::<f32>(&[2, 2, 2]);
    s.step(Kind::Copy, &[soft], &[copied], &moved);
    let bytes = s.tensor::<u8>(&[2, 2, 2]);
    s.bare(Kind::Cast, &[copied], &[bytes]);
    let gathered = s.tensor::<f32>(&[1, 2, 2, 3]);
    s.step(Kind::Gather, &[a, ints], &[gathered], &step::Axis { axis: 2 });
    let picked = s.tensor::<i64>(&[2, 3]);
    s.step(Kind::GatherElements, &[ints, ints], &[picked], &step::Axis { axis: 1 });
    s.step(Kind::ScatterElements, &[picked, ints, ints], &[picked], &step::Scatter { axis: 1, reduction: 1 });
    let tuples = s.constant(&[2, 2], &[1_i64, 2, 0, 1]);
    let (chosen, updates) = (s.tensor::<i64>(&[2]), s.constant(&[2], &[5_i64, 6]));
    s.step(Kind::GatherNd, &[ints, tuples], &[chosen], &step::GatherNd { batch_dims: 0 });
    s.step(Kind::ScatterNd, &[picked, tuples, updates], &[picked], &step::Scatter { axis: 0, reduction: 0 });
    let taps = [s.constant(&[2], &[0_i32, 1]), s.constant(&[2], &[1_i32, 2]), s.constant(&[2], &[0.5_f32, 0.25])];
    let resized = s.tensor::<f32>(&[1, 2, 2]);
    s.step(Kind::Lerp, &[a, taps[0], taps[1], taps[2]], &[resized], &step::Axis { axis: 2 });
    let volume = s.constant(&[1, 1, 1, 2, 3], &[1.0_f32, 5.0, 2.0, 0.5, 3.0, 4.0]);
    let places = s.tensor::<i64>(&[1, 1, 1, 2, 2]);
    let windows = step::ArgPool { kernel: [1, 1, 2], stride: [1; 3], dilation: [1; 3], pad: [0; 3] };
    s.step(Kind::ArgPool, &[volume], &[places], &windows);
    let (picture, points) = (s.constant(&[1, 1, 2, 3, 1], &[0.5_f32; 6]), s.constant(&[1, 2, 2], &[0.5_f32; 4]));
    let sampled = s.tensor::<f32>(&[1, 2, 1]);
    let sampling = step::GridSample {
        filter: op::Filter::Linear,
        outside: op::Outside::Mirror,
        coordinates: op::Coordinates::Edges,
    };
    s.step(Kind::GridSample, &[picture, points], &[sampled], &sampling);
    let (boxes, images) = (s.constant(&[1, 4], &[0.0_f32, 0.0, 2.0, 2.0]), s.constant(&[1], &[0_i64]));
    let (photo, cells) = (s.constant(&[1, 2, 2, 2], &[0.5_f32; 8]), s.tensor::<f32>(&[1, 1, 2, 2]));
    let align = step::RoiAlign { max: 0, half_pixel: 1, samples: 0, scale: 1.0 };
    s.step(Kind::RoiAlign, &[photo, boxes, images], &[cells], &align);
    let boxes = s.constant(&[1, 5], &[0.0_f32, 0.0, 0.0, 2.0, 2.0]);
    s.step(Kind::MaxRoiPool, &[photo, boxes], &[cells], &step::MaxRoiPool { scale: 1.0 });
    let best = s.tensor::<i64>(&[2, 1]);
    s.step(Kind::ArgReduce, &[ints], &[best], &step::ArgReduce { axis: 1, max: 1, last: 0 });
    s.step(Kind::CumSum, &[ints], &[sums], &step::CumSum { axis: 1, exclusive: 1, reverse: 1 });
    let (top, order) = (s.tensor::<i64>(&[2, 2]), s.tensor::<i64>(&[2, 2]));
    s.step(Kind::TopK, &[ints], &[top, order], &step::TopK { axis: 1, largest: 1 });
    let recurrent = step::Recurrent { reverse: 0, clip: 3.0, variant: 1, activations: [26, 21, 21] };
    quantized::every_kind(&mut s);
    dynamic::every_kind(&mut s);
    let (sequence, states) = (s.constant(&[2, 1, 3], &[0.5_f32; 6]), s.tensor::<f32>(&[2, 1, 2]));
    let (rw, rr, rb) = (s.constant(&[1, 3, 8], &[0.1_f32; 24]), s.constant(&[1, 2, 8], &[0.1_f32; 16]), bias);
    let (h, c, scratch) = (s.tensor::<f32>(&[1, 2]), s.tensor::<f32>(&[1, 2]), s.tensor::<f32>(&[1, 16]));
    s.step(Kind::Lstm, &[sequence, rw, rr, rb], &[states, h, c, scratch], &recurrent);
    s.step(Kind::Gru, &[sequence, rw, rr, rb, rb], &[states, h, scratch], &recurrent);
    let rows = s.constant(&[2, 2], &[0.5_f32, 3.0, 1.5, 0.0]);
    let nodes = [s.constant(&[3], &[0x0100_0001_u32, 1, 2]), s.constant(&[3], &[2_u32, 1, 0])];
    let (values, roots) = (s.constant(&[3], &[1.0_f32, 5.0, 0.0]), s.constant(&[1], &[0_u32]));
    let (targets, scores) = (s.constant(&[2], &[1_u32, 0]), s.constant(&[2], &[7.0_f32, 8.0]));
    let scored = s.tensor::<f32>(&[2, 2]);
    let trees = step::Trees { aggregate: op::Aggregate::Sum, depth: 1 };
    s.step(Kind::Trees, &[rows, nodes[0], nodes[1], values, roots, targets, scores], &[scored], &trees);
    let keys = s.constant(&[3], &[-1_i64, 1, 4]);
    let positions = s.tensor::<i32>(&[2, 3]);
    s.bare(Kind::Find, &[ints, keys], &[positions]);
    let plain = step::Recurrent { variant: 0, ..recurrent };
    s.step(Kind::Rnn, &[sequence, rw, rr, rb], &[states, h, scratch], &plain);
    let distances = s.tensor::<f32>(&[2, 2]);
    s.bare(Kind::SquareDistance, &[rows, rows], &[distances]);
    let pairs = s.constant(&[2, 3], &[0.9_f32, 0.5, 0.2, 0.1, 0.6, 0.7]);
    let (coupled, room) = (s.tensor::<f32>(&[2, 3]), s.tensor::<f32>(&[4, 3]));
    s.bare(Kind::Couple, &[pairs], &[coupled, room]);
    let products = s.tensor::<i64>(&[2, 3]);
    s.step(Kind::CumProd, &[ints], &[products], &step::CumSum { axis: 1, exclusive: 0, reverse: 1 });
    let squares = s.constant(&[2, 2, 2], &[0.0_f32, 1.0, 2.0, 3.0, f32::NAN, 1.0, 1.0, 0.0]);
    let (volumes, matrix) = (s.tensor::<f32>(&[2]), s.tensor::<f32>(&[2, 2]));
    s.bare(Kind::Det, &[squares], &[volumes, matrix]);
    s.plan()
}

/// Runs each step on its own, so that one fault does not hide the next, and then the entry.
fn run_all(bytes: &[u8]) -> Vec<(Kind, Result<(), mote_engine::Fault>)> {
    let Ok(plan) = Plan::view(bytes) else { return Vec::new() };
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes().min(1 << 20) as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    let steps = (0..plan.step_count()).filter_map(|i| plan.step(i));
    let results = steps.map(|step| (step.kind, mote_engine::step(&plan, &step, &mut arena))).collect();
    let _ = run(&plan, 0, &mut arena);
    results
}

#[test]
fn every_kind_runs() {
    let results = run_all(&every_kind());
    for kind in Kind::ALL {
        assert!(results.iter().any(|(k, result)| k == kind && result.is_ok()), "{kind:?} in {results:?}");
    }
    let refused: Vec<_> = results.iter().filter(|(_, result)| result.is_err()).collect();
    assert_eq!(refused.len(), 1, "only the residual that is its own output: {refused:?}");
}

/// Where the bytes that steps and tensors are made of begin and end.
fn tables(bytes: &[u8]) -> (usize, usize) {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    (word(20), word(60))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn damaged_plans_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..6)
    ) {
        let mut bytes = every_kind();
        let (from, to) = tables(&bytes);
        for (index, value, how) in damage {
            let at = from + index.index(to - from);
            bytes[at] = match how {
                0 => value,
                1 => value % 9,
                _ => bytes[at].wrapping_add(value % 5).wrapping_sub(2),
            };
        }
        run_all(&bytes);
    }

    #[test]
    fn exchanged_operands_never_panic(
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8)
    ) {
        let mut bytes = every_kind();
        let plan = Plan::view(&bytes).unwrap();
        // The operands of every step, as positions of ids in the Plan.
        let places: Vec<usize> = (0..plan.step_count())
            .flat_map(|i| {
                let (at, step) = (plan.step_offset(i).unwrap() as usize, plan.step(i).unwrap());
                let ids = Step::inputs(&step).count() + step.outputs().count();
                (0..ids).map(move |id| at + 8 + 4 * id)
            })
            .collect();
        for (a, b) in swaps {
            let (a, b) = (places[a.index(places.len())], places[b.index(places.len())]);
            for i in 0..4 {
                bytes.swap(a + i, b + i);
            }
        }
        run_all(&bytes);
    }
}
