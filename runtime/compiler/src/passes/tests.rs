//! Graphs before and after, and random graphs whose outputs must not change.

use mote_abi::DType;
use mote_abi::op::{Binary, Pool, Reduce, Unary};
use mote_engine::Arena;
use mote_plan::{AlignedBytes, Kind, Meta, Plan};
use proptest::prelude::*;

use super::run;
use crate::graph::{Clamp, Graph, Op, ValueId, Window};
use crate::lower::{self, Core, EntryGraph, Target};

/// A graph in the making, images as ONNX has them: `[N, C, H, W]`.
struct Sketch {
    graph: Graph,
    noise: u64,
}

impl Sketch {
    fn new(dims: &[usize]) -> (Self, ValueId) {
        let mut sketch = Self { graph: Graph::default(), noise: 1 };
        let x = sketch.graph.computed("x", DType::F32, dims.to_vec());
        sketch.graph.inputs.push(x);
        (sketch, x)
    }

    fn finish(mut self, outputs: &[ValueId]) -> Graph {
        for (i, id) in outputs.iter().enumerate() {
            self.graph.values[id.0 as usize].name = format!("y{i}");
        }
        self.graph.outputs = outputs.to_vec();
        self.graph
    }

    fn dims(&self, x: ValueId) -> Vec<usize> {
        self.graph.value(x).dims.clone()
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        noise(&mut self.noise, count)
    }

    fn constant(&mut self, dims: &[usize]) -> ValueId {
        let floats = self.floats(dims.iter().product());
        let bytes: Vec<u8> = floats.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.graph.constant("k", DType::F32, dims.to_vec(), bytes)
    }

    fn node(&mut self, op: Op, inputs: &[ValueId], dims: Vec<usize>) -> ValueId {
        let inputs: Vec<_> = inputs.iter().copied().map(Some).collect();
        self.graph.node("n", op, &inputs, DType::F32, dims)
    }

    fn unary(&mut self, op: Unary, x: ValueId) -> ValueId {
        let dims = self.dims(x);
        self.node(Op::Unary { op, alpha: 0.0, beta: 6.0 }, &[x], dims)
    }

    fn binary(&mut self, op: Binary, a: ValueId, b: ValueId) -> ValueId {
        let dims = self.dims(a);
        self.node(Op::Binary(op), &[a, b], dims)
    }

    fn permute(&mut self, x: ValueId, perm: &[usize]) -> ValueId {
        let dims = perm.iter().map(|&axis| self.dims(x)[axis]).collect();
        self.node(Op::Transpose { perm: perm.to_vec() }, &[x], dims)
    }

    fn reshape(&mut self, x: ValueId, dims: &[usize]) -> ValueId {
        self.node(Op::Reshape, &[x], dims.to_vec())
    }

    /// A node over `[N, H, W, C]` between two transposes, as importers write it.
    fn image_node(&mut self, op: Op, x: ValueId, weights: &[ValueId], window: &Window, channels: usize) -> ValueId {
        let image = self.permute(x, &[0, 2, 3, 1]);
        let from = self.dims(image);
        let side = |axis: usize| {
            let all = from[axis + 1] + window.pad[axis] + window.pad[axis + 2];
            (all - (window.kernel[axis] - 1) * window.dilation[axis] - 1) / window.stride[axis] + 1
        };
        let dims = vec![from[0], side(0), side(1), channels];
        let y = self.node(op, &[&[image], weights].concat(), dims);
        self.permute(y, &[0, 3, 1, 2])
    }

    fn conv(&mut self, x: ValueId, channels: usize, groups: usize, window: Window) -> ValueId {
        let [height, width] = window.kernel;
        let w = self.constant(&[channels, height, width, self.dims(x)[1] / groups]);
        let b = self.constant(&[channels]);
        self.image_node(Op::Conv { window, groups, clamp: Clamp::NONE }, x, &[w, b], &window, channels)
    }

    fn normalise(&mut self, x: ValueId) -> ValueId {
        let channels = self.dims(x)[1];
        let (scale, shift) = (self.constant(&[channels, 1, 1]), self.constant(&[1, channels, 1, 1]));
        let y = self.binary(Binary::Mul, x, scale);
        self.binary(Binary::Add, y, shift)
    }

    fn pool(&mut self, x: ValueId, op: Pool, window: Window) -> ValueId {
        let channels = self.dims(x)[1];
        self.image_node(Op::Pool { window, op }, x, &[], &window, channels)
    }

    fn mean(&mut self, x: ValueId) -> ValueId {
        let dims = self.dims(x);
        self.node(Op::Reduce { op: Reduce::Mean, axes: vec![2, 3] }, &[x], vec![dims[0], dims[1], 1, 1])
    }

    fn concat(&mut self, axis: usize, parts: &[ValueId]) -> ValueId {
        let mut dims = self.dims(parts[0]);
        dims[axis] = parts.iter().map(|&part| self.dims(part)[axis]).sum();
        self.node(Op::Concat { axis }, parts, dims)
    }

    fn pad(&mut self, x: ValueId, value: f32) -> ValueId {
        let dims = self.dims(x);
        let wide = vec![dims[0], dims[1], dims[2] + 1, dims[3] + 2];
        self.node(Op::Pad { before: vec![0, 0, 1, 1], value: value.to_le_bytes().to_vec() }, &[x], wide)
    }
}

fn window(size: usize, stride: usize, pad: usize) -> Window {
    Window { kernel: [size; 2], stride: [stride; 2], dilation: [1; 2], pad: [pad; 4] }
}

/// Numbers in -1..1 by a multiplicative congruence.
fn noise(state: &mut u64, count: usize) -> Vec<f32> {
    let next = |_| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 40) as f32) / 8_388_608.0 - 1.0
    };
    (0..count).map(next).collect()
}

/// Outputs of two calls in one arena, by the engine.
fn outputs(graph: &Graph, target: Target) -> Vec<Vec<f32>> {
    let entry = EntryGraph { batch: 1, graph: graph.clone() };
    let lowered = lower::plan(&[entry], &Meta::default(), target).unwrap();
    let bytes = AlignedBytes::copy_of(&lowered.plan);
    let plan = Plan::view(&bytes).unwrap();
    let facts = &lowered.report.entries[0];
    assert!(u64::from(facts.arena_bytes) >= facts.live_bytes);
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    let (mut state, mut all) = (7, Vec::new());
    for _call in 0..2 {
        for i in 0..graph.inputs.len() {
            let input = mote_engine::input_mut(&plan, 0, i, &mut arena).unwrap();
            let floats = noise(&mut state, input.len() / 4);
            input.copy_from_slice(&floats.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
        }
        mote_engine::run(&plan, 0, &mut arena).unwrap();
        for i in 0..graph.outputs.len() {
            let output = mote_engine::output(&plan, 0, i, &arena).unwrap();
            all.push(output.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect());
        }
    }
    all
}

/// Runs a graph as it is and after the passes, padded and unpadded, and answers what the passes made.
fn check(graph: Graph) -> Graph {
    let before = outputs(&graph, Target::Mcu(Core::Generic));
    assert_eq!(before, outputs(&graph, Target::Wasm), "halos change nothing");
    let facts = |graph: &Graph, ids: &[ValueId]| -> Vec<_> {
        ids.iter().map(|&id| (graph.value(id).name.clone(), graph.value(id).dims.clone())).collect()
    };
    let io = (facts(&graph, &graph.inputs), facts(&graph, &graph.outputs));
    let rewritten = run(graph);
    assert_eq!(io, (facts(&rewritten, &rewritten.inputs), facts(&rewritten, &rewritten.outputs)));
    let after = outputs(&rewritten, Target::Wasm);
    assert_eq!(after, outputs(&rewritten, Target::Mcu(Core::Generic)), "halos change nothing");
    for (want, got) in before.iter().zip(&after) {
        let size = want.iter().fold(1e-3_f32, |size, x| if x.abs() > size { x.abs() } else { size });
        for (a, b) in want.iter().zip(got) {
            assert!((a - b).abs() <= 1e-5 * size, "{a} became {b} of {size}");
        }
    }
    rewritten
}

fn ops(graph: &Graph) -> Vec<&'static str> {
    let name = |op: &Op| match op {
        Op::Conv { clamp: Clamp::NONE, .. } => "conv",
        Op::Conv { .. } => "conv+clamp",
        Op::Pool { .. } => "pool",
        Op::Unary { .. } => "unary",
        Op::Binary(_) => "binary",
        Op::Reduce { .. } => "reduce",
        Op::Transpose { .. } => "transpose",
        Op::Reshape => "reshape",
        Op::Concat { .. } => "concat",
        Op::Pad { .. } => "pad",
        _ => "other",
    };
    graph.nodes.iter().map(|node| name(&node.op)).collect()
}

#[test]
fn an_inverted_residual_block_is_three_convolutions() {
    let (mut s, x) = Sketch::new(&[1, 8, 6, 5]);
    let mut y = s.conv(x, 24, 1, window(1, 1, 0));
    y = s.normalise(y);
    y = s.unary(Unary::Clamp, y);
    y = s.conv(y, 24, 24, window(3, 1, 1));
    y = s.normalise(y);
    y = s.unary(Unary::Clamp, y);
    y = s.conv(y, 8, 1, window(1, 1, 0));
    y = s.normalise(y);
    y = s.binary(Binary::Add, x, y);
    let y = s.conv(y, 8, 1, window(1, 1, 0));
    let after = check(s.finish(&[y]));
    assert_eq!(ops(&after), ["transpose", "conv+clamp", "conv+clamp", "conv", "conv", "transpose"]);
    assert_eq!(after.nodes[3].inputs.len(), 4, "the sum is a residual");
}

#[test]
fn a_residual_block_clamps_after_the_sum() {
    let (mut s, x) = Sketch::new(&[1, 4, 6, 6]);
    let a = s.conv(x, 8, 1, window(3, 2, 1));
    let a = s.normalise(a);
    let a = s.unary(Unary::Clamp, a);
    let a = s.conv(a, 8, 1, window(3, 1, 1));
    let b = s.conv(x, 8, 1, window(1, 2, 0));
    let y = s.binary(Binary::Add, a, b);
    let y = s.unary(Unary::Clamp, y);
    let y = s.mean(y);
    let y = s.reshape(y, &[1, 8]);
    let after = check(s.finish(&[y]));
    assert_eq!(ops(&after), ["transpose", "conv+clamp", "conv", "conv+clamp", "pool", "reshape"]);
}

#[test]
fn squeeze_and_excitation_needs_no_transpose() {
    let (mut s, x) = Sketch::new(&[1, 8, 4, 4]);
    let y = s.conv(x, 8, 8, window(3, 1, 1));
    let gate = s.mean(y);
    let gate = s.conv(gate, 8, 1, window(1, 1, 0));
    let gate = s.unary(Unary::Sigmoid, gate);
    let y = s.binary(Binary::Mul, y, gate);
    let y = s.conv(y, 4, 1, window(1, 1, 0));
    let after = check(s.finish(&[y]));
    assert_eq!(ops(&after), ["transpose", "conv", "pool", "conv", "unary", "binary", "conv", "transpose"]);
}

#[test]
fn zero_padding_becomes_part_of_the_window() {
    for (value, want) in
        [(0.0, &["transpose", "conv", "transpose"][..]), (1.0, &["transpose", "pad", "conv", "transpose"])]
    {
        let (mut s, x) = Sketch::new(&[1, 3, 5, 5]);
        let y = s.pad(x, value);
        let y = s.conv(y, 4, 1, window(3, 2, 0));
        assert_eq!(ops(&check(s.finish(&[y]))), want, "{value}");
    }
}

#[test]
fn layers_of_a_perceptron_meet() {
    let (mut s, x) = Sketch::new(&[3, 10]);
    let mut y = x;
    for width in [16, 16, 4] {
        let from = s.dims(y)[1];
        let w = s.constant(&[width, 1, 1, from]);
        let rows = s.reshape(y, &[1, 1, 3, from]);
        let op = Op::Conv { window: window(1, 1, 0), groups: 1, clamp: Clamp::NONE };
        let product = s.node(op, &[rows, w], vec![1, 1, 3, width]);
        let flat = s.reshape(product, &[3, width]);
        let bias = s.constant(&[width]);
        let sum = s.binary(Binary::Add, flat, bias);
        y = s.unary(Unary::Clamp, sum);
    }
    let after = check(s.finish(&[y]));
    assert_eq!(ops(&after), ["reshape", "conv+clamp", "conv+clamp", "conv+clamp", "reshape"]);
}

#[test]
fn weights_follow_the_order_of_flattened_images() {
    let (mut s, x) = Sketch::new(&[2, 3, 6, 5]);
    let y = s.conv(x, 4, 1, window(3, 1, 1));
    let flat = s.reshape(y, &[1, 1, 2, 120]);
    let w = s.constant(&[7, 1, 1, 120]);
    let op = Op::Conv { window: window(1, 1, 0), groups: 1, clamp: Clamp::NONE };
    let product = s.node(op, &[flat, w], vec![1, 1, 2, 7]);
    let y = s.reshape(product, &[2, 7]);
    assert_eq!(ops(&check(s.finish(&[y]))), ["transpose", "conv", "reshape", "conv", "reshape"]);
}

#[test]
fn joined_parts_are_made_in_place() {
    let (mut s, x) = Sketch::new(&[1, 4, 3, 3]);
    let parts: Vec<_> = [2, 6].map(|channels| s.conv(x, channels, 1, window(1, 1, 0))).to_vec();
    let rows: Vec<_> = parts
        .iter()
        .map(|&part| {
            let image = s.permute(part, &[0, 2, 3, 1]);
            let count: usize = s.dims(image).iter().product();
            s.reshape(image, &[1, count / 2, 2])
        })
        .collect();
    let y = s.concat(1, &rows);
    let after = check(s.finish(&[y]));
    let entry = EntryGraph { batch: 1, graph: after };
    let report = lower::plan(&[entry], &Meta::default(), Target::Wasm).unwrap().report;
    let kinds: Vec<_> = report.entries[0].steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [Kind::Copy, Kind::Conv, Kind::Conv], "one copy of the input, none of the parts");
}

#[test]
fn element_wise_chains_stay_in_one_buffer() {
    let (mut s, x) = Sketch::new(&[1, 100]);
    let a = s.unary(Unary::Tanh, x);
    let b = s.unary(Unary::Sigmoid, a);
    let c = s.binary(Binary::Add, b, b);
    let y = s.unary(Unary::Exp, c);
    let entry = EntryGraph { batch: 1, graph: check(s.finish(&[y])) };
    let report = lower::plan(&[entry], &Meta::default(), Target::Wasm).unwrap().report;
    let facts = &report.entries[0];
    assert_eq!(facts.buffers.len(), 2, "the input and the rest: {:?}", facts.buffers);
    assert_eq!(u64::from(facts.arena_bytes), facts.live_bytes);
}

#[test]
fn an_input_is_never_an_output() {
    let (mut s, x) = Sketch::new(&[2, 6]);
    let y = s.reshape(x, &[3, 4]);
    let z = s.reshape(y, &[12]);
    let after = check(s.finish(&[y, z, x]));
    let entry = EntryGraph { batch: 1, graph: after };
    let lowered = lower::plan(&[entry], &Meta::default(), Target::Wasm).unwrap();
    assert_eq!(lowered.report.entries[0].steps.iter().filter(|step| step.kind == Kind::Copy).count(), 3);
}

#[test]
fn equal_graphs_give_equal_bytes() {
    let make = || {
        let (mut s, x) = Sketch::new(&[1, 3, 8, 8]);
        let y = s.conv(x, 8, 1, window(3, 2, 1));
        let y = s.normalise(y);
        let z = s.pool(y, Pool::Max, window(3, 1, 1));
        let y = s.binary(Binary::Add, y, z);
        let entry = EntryGraph { batch: 1, graph: run(s.finish(&[y])) };
        lower::plan(&[entry], &Meta::default(), Target::Wasm).unwrap().plan
    };
    assert_eq!(make(), make());
}

/// One random operator over one or two of the values so far.
fn grow(s: &mut Sketch, pool: &mut Vec<ValueId>, (choice, first, second): (u8, u8, u8)) {
    let x = pool[usize::from(first) % pool.len()];
    let dims = s.dims(x);
    let same: Vec<_> = pool.iter().copied().filter(|&id| s.dims(id) == dims).collect();
    let other = same[usize::from(second) % same.len()];
    let image = dims.len() == 4 && dims[2] > 2 && dims[3] > 2;
    let size = usize::from(second) % 3 + 1;
    let y = match choice % 20 {
        0 | 1 if image => s.conv(x, usize::from(second) % 9 + 1, 1, window(size, usize::from(first) % 2 + 1, size / 2)),
        2 if image => s.conv(x, dims[1], dims[1], window(size, 1, size / 2)),
        3 if image => s.conv(x, dims[1] * 2, dims[1], window(3, 2, 1)),
        4 if image => s.pool(x, Pool::Max, window(3, 1, 1)),
        5 if image => s.pool(x, Pool::Average, window(2, 2, 0)),
        6 if dims.len() == 4 => s.normalise(x),
        7 if dims.len() == 4 => s.mean(x),
        8 if dims.len() == 4 => {
            let gate = s.mean(x);
            s.binary(Binary::Mul, x, gate)
        }
        9 if image => s.pad(x, f32::from(second % 2)),
        10 if dims.len() == 4 && dims[1] < 20 => s.concat(1, &[x, other]),
        11 => s.concat(0, &[x, other]),
        12 if dims.len() == 4 => s.permute(x, [&[0, 2, 3, 1], &[0, 1, 3, 2], &[1, 0, 2, 3]][size - 1]),
        13 if dims.len() == 4 => s.reshape(x, &[dims[0], dims[1], dims[2] * dims[3]]),
        14 if dims.len() == 4 => s.reshape(x, &[dims[0] * dims[1], dims[2], dims[3]]),
        15 => {
            let (start, step) = (vec![0; dims.len()], vec![1; dims.len()]);
            let half: Vec<usize> = dims.iter().map(|&dim| dim.div_ceil(2)).collect();
            s.node(Op::Slice { start, step }, &[x], half)
        }
        16 => s.node(Op::Softmax { axis: usize::from(second) % dims.len(), log: false }, &[x], dims),
        17 => s.binary(Binary::Add, x, other),
        18 => s.unary(Unary::Clamp, x),
        _ => s.unary(Unary::Tanh, x),
    };
    if s.graph.value(y).count() < 5000 {
        pool.push(y);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs_keep_their_outputs(choices in prop::collection::vec(any::<(u8, u8, u8)>(), 1..14), two in any::<bool>()) {
        let (mut s, x) = Sketch::new(&[1, 4, 6, 5]);
        let mut pool = vec![x];
        for choice in choices {
            grow(&mut s, &mut pool, choice);
        }
        let last = pool[pool.len() - 1];
        let mut outputs = vec![last];
        if two && pool.len() > 2 {
            outputs.push(pool[pool.len() / 2]);
        }
        outputs.retain(|&id| id != x);
        outputs.dedup();
        prop_assume!(!outputs.is_empty());
        check(s.finish(&outputs));
    }
}
