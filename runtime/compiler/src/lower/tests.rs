//! Steps against plain loops, and what every Plan must be.

use mote_abi::DType;
use mote_abi::op::{Binary, Unary};
use mote_engine::Arena;
use mote_plan::{AlignedBytes, Kind, Meta, Plan, Region};

use super::{Core, EntryGraph, LowerError, Lowered, Target, plan};
use crate::graph::{Clamp, Graph, Op, Recurrent, ValueId, Window};

fn floats(graph: &mut Graph, dims: &[usize], scale: f32) -> ValueId {
    let count: usize = dims.iter().product();
    let bytes: Vec<u8> = (0..count).flat_map(|i| (((i * 7 % 11) as f32 - 5.0) * scale).to_le_bytes()).collect();
    graph.constant("k", DType::F32, dims.to_vec(), bytes)
}

fn input(graph: &mut Graph, dims: &[usize]) -> ValueId {
    let id = graph.computed(format!("x{}", graph.inputs.len()), DType::F32, dims.to_vec());
    graph.inputs.push(id);
    id
}

fn lowered(graph: Graph, target: Target) -> Result<Lowered, LowerError> {
    plan(&[EntryGraph { batch: 1, graph }], &Meta::default(), target)
}

/// Outputs with input i holding `i + 1, i + 2, ..` tenths.
fn run(graph: &Graph) -> Vec<Vec<f32>> {
    let lowered = lowered(graph.clone(), Target::Wasm).unwrap();
    let bytes = AlignedBytes::copy_of(&lowered.plan);
    let plan = Plan::view(&bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    for i in 0..graph.inputs.len() {
        let input = mote_engine::input_mut(&plan, 0, i, &mut arena).unwrap();
        for (j, raw) in input.as_chunks_mut().0.iter_mut().enumerate() {
            *raw = ((i + j + 1) as f32 / 10.0).to_le_bytes();
        }
    }
    mote_engine::run(&plan, 0, &mut arena).unwrap();
    let output =
        |i| mote_engine::output(&plan, 0, i, &arena).unwrap().as_chunks().0.iter().map(|&x| f32::from_le_bytes(x));
    (0..graph.outputs.len()).map(|i| output(i).collect()).collect()
}

#[test]
fn products_broadcast() {
    for (a, b, y) in [
        (&[2, 3][..], &[3, 4][..], &[2, 4][..]),
        (&[5, 2, 3], &[3, 4], &[5, 2, 4]),
        (&[2, 3], &[5, 3, 4], &[5, 2, 4]),
        (&[5, 2, 3], &[5, 3, 4], &[5, 2, 4]),
        (&[2, 1, 2, 3], &[1, 5, 3, 4], &[2, 5, 2, 4]),
        (&[2, 5, 2, 3], &[5, 3, 4], &[2, 5, 2, 4]),
    ] {
        let mut graph = Graph::default();
        let (x0, x1) = (input(&mut graph, a), input(&mut graph, b));
        let z = graph.node("y", Op::MatMul, &[Some(x0), Some(x1)], DType::F32, y.to_vec());
        graph.outputs = vec![z];
        let got = run(&graph).remove(0);
        let stack = &y[..y.len() - 2];
        let mut want = Vec::new();
        for at in 0..stack.iter().product() {
            for (row, column) in (0..2).flat_map(|row| (0..4).map(move |column| (row, column))) {
                let left = |k: usize| (offset(at, stack, &a[..a.len() - 2]) * 6 + row * 3 + k + 1) as f32 / 10.0;
                let right = |k: usize| (offset(at, stack, &b[..b.len() - 2]) * 12 + k * 4 + column + 2) as f32 / 10.0;
                want.push((0..3).fold(0.0, |sum: f32, k| sum + left(k) * right(k)));
            }
        }
        assert_eq!(got, want, "{a:?} {b:?}");
    }
}

/// Index of a broadcast operand's matrix for the i-th of the stack.
fn offset(mut i: usize, stack: &[usize], own: &[usize]) -> usize {
    let (mut offset, mut step) = (0, 1);
    for (axis, &dim) in stack.iter().enumerate().rev() {
        let at = i % dim;
        i /= dim;
        if let Some(&dim) = (axis + own.len()).checked_sub(stack.len()).and_then(|axis| own.get(axis)) {
            offset += if dim == 1 { 0 } else { at * step };
            step *= dim;
        }
    }
    offset
}

#[test]
fn a_grouped_convolution_adds_its_residual() {
    for groups in [1, 2, 4] {
        let window = Window { kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pad: [1; 4] };
        let make = |fused: bool| {
            let mut graph = Graph::default();
            let (x, r) = (input(&mut graph, &[1, 4, 5, 4]), input(&mut graph, &[1, 4, 5, 4]));
            let w = floats(&mut graph, &[4, 3, 3, 4 / groups], 0.1);
            let clamp = Clamp { low: -0.5, high: 2.0 };
            let dims = vec![1, 4, 5, 4];
            let y = if fused {
                let op = Op::Conv { window, groups, clamp };
                graph.node("y", op, &[Some(x), Some(w), None, Some(r)], DType::F32, dims)
            } else {
                let op = Op::Conv { window, groups, clamp: Clamp::NONE };
                let c = graph.node("c", op, &[Some(x), Some(w)], DType::F32, dims.clone());
                let sum = graph.node("s", Op::Binary(Binary::Add), &[Some(c), Some(r)], DType::F32, dims.clone());
                let op = Op::Unary { op: Unary::Clamp, alpha: -0.5, beta: 2.0 };
                graph.node("y", op, &[Some(sum)], DType::F32, dims)
            };
            graph.outputs = vec![y];
            run(&graph)
        };
        assert_eq!(make(true), make(false), "{groups}");
    }
}

#[test]
fn recurrent_cells_follow_the_order_of_arithmetic() {
    let (steps, batch, size, hidden) = (3, 2, 3, 5);
    let settings = Recurrent {
        reverse: false,
        clip: f32::INFINITY,
        variant: true,
        activations: [Unary::Clamp, Unary::Abs, Unary::Abs],
    };
    for gates in [3, 4] {
        let mut graph = Graph::default();
        let x = input(&mut graph, &[steps, batch, size]);
        let (w, r) =
            (floats(&mut graph, &[gates * hidden, size], 0.1), floats(&mut graph, &[gates * hidden, hidden], 0.1));
        let b = floats(&mut graph, &[gates * hidden], 0.2);
        let lstm = gates == 4;
        let last = if lstm { None } else { Some(floats(&mut graph, &[gates * hidden], 0.0)) };
        let state = |graph: &mut Graph, name: &str| graph.computed(name, DType::F32, vec![batch, hidden]);
        let y = graph.computed("y", DType::F32, vec![steps, batch, hidden]);
        let h = state(&mut graph, "h");
        let mut outputs = vec![y, h];
        if lstm {
            outputs.push(state(&mut graph, "c"));
        }
        let inputs = vec![Some(x), Some(w), Some(r), Some(b), last];
        let op = if lstm { Op::Lstm(settings) } else { Op::Gru(settings) };
        graph.nodes.push(crate::graph::Node { name: "rnn".into(), op, inputs, outputs: outputs.clone() });
        graph.outputs = outputs;
        let got = run(&graph);
        assert_eq!(got[0][(steps - 1) * batch * hidden..], got[1][..], "the last output is the state");
        assert!(got.iter().flatten().all(|x| x.is_finite()));
        assert!(got[0].iter().any(|&x| x != 0.0));
    }
}

#[test]
fn entries_share_their_weights() {
    let entry = |batch: u32| {
        let mut graph = Graph::default();
        let x = input(&mut graph, &[1, 1, batch as usize, 100]);
        let w = floats(&mut graph, &[100, 1, 1, 100], 0.1);
        let window = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0; 4] };
        let op = Op::Conv { window, groups: 1, clamp: Clamp::NONE };
        let y = graph.node("y", op, &[Some(x), Some(w)], DType::F32, vec![1, 1, batch as usize, 100]);
        graph.outputs = vec![y];
        EntryGraph { batch, graph }
    };
    let lowered = plan(&[entry(1), entry(8)], &Meta::default(), Target::Wasm).unwrap();
    assert!(lowered.plan.len() < 60_000, "{}", lowered.plan.len());
    let bytes = AlignedBytes::copy_of(&lowered.plan);
    let plan = Plan::view(&bytes).unwrap();
    assert_eq!(plan.entries().map(|entry| (entry.batch, entry.macs)).collect::<Vec<_>>(), [(1, 10_000), (8, 80_000)]);
}

#[test]
fn a_constant_output_lies_in_the_plan() {
    let mut graph = Graph::default();
    let k = floats(&mut graph, &[2, 2], 1.0);
    let y = graph.node("y", Op::Reshape, &[Some(k)], DType::F32, vec![4]);
    graph.outputs = vec![y];
    let lowered = lowered(graph.clone(), Target::Wasm).unwrap();
    let bytes = AlignedBytes::copy_of(&lowered.plan);
    let plan = Plan::view(&bytes).unwrap();
    let output = plan.entry(0).unwrap().outputs().next().unwrap();
    assert_eq!(plan.tensor(output).unwrap().region, Region::Const);
    assert_eq!(run(&graph), [[-5.0, 2.0, -2.0, 5.0]]);
}

#[test]
fn padded_images_are_written_by_their_makers() {
    let make = || {
        let mut graph = Graph::default();
        let x = input(&mut graph, &[1, 6, 6, 4]);
        let window = |size, pad| Window { kernel: [size; 2], stride: [1, 1], dilation: [1, 1], pad: [pad; 4] };
        let mut y = x;
        for (size, groups) in [(1, 1), (3, 4), (1, 1), (3, 1)] {
            let w = floats(&mut graph, &[4, size, size, 4 / groups], 0.1);
            let op = Op::Conv { window: window(size, size / 2), groups, clamp: Clamp::NONE };
            y = graph.node("c", op, &[Some(y), Some(w)], DType::F32, vec![1, 6, 6, 4]);
        }
        graph.outputs = vec![y];
        graph
    };
    let kinds = |target| -> Vec<Kind> {
        let report = lowered(make(), target).unwrap().report;
        report.entries[0].steps.iter().map(|step| step.kind).filter(|&kind| kind != Kind::Halo).collect()
    };
    let want = [Kind::Conv, Kind::Depthwise, Kind::Conv, Kind::Conv];
    assert_eq!(kinds(Target::Wasm), want);
    assert_eq!(kinds(Target::Mcu(Core::Generic)), want);
    let bytes = AlignedBytes::copy_of(&lowered(make(), Target::Wasm).unwrap().plan);
    let plan = Plan::view(&bytes).unwrap();
    let padded = (0..plan.tensor_count()).filter_map(|i| plan.tensor(mote_plan::TensorId(i))).filter(|t| !t.is_dense());
    assert_eq!(padded.count(), 2, "the operands of both 3x3 convolutions");
}

#[test]
fn what_has_no_plan_is_refused_by_name() {
    let conv = |weight: &dyn Fn(&mut Graph) -> ValueId| {
        let mut graph = Graph::default();
        let x = input(&mut graph, &[1, 2, 2, 1]);
        let w = weight(&mut graph);
        let window = Window { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0; 4] };
        let op = Op::Conv { window, groups: 1, clamp: Clamp::NONE };
        let y = graph.node("conv", op, &[Some(x), Some(w)], DType::F32, vec![1, 2, 2, 1]);
        graph.outputs = vec![y];
        lowered(graph, Target::Wasm).map(|_| ()).unwrap_err()
    };
    let nan = |graph: &mut Graph| graph.constant("w", DType::F32, vec![1, 1, 1, 1], f32::NAN.to_le_bytes().to_vec());
    assert_eq!(conv(&nan), LowerError::NonFiniteWeight { tensor: "w".into() });
    let computed = |graph: &mut Graph| input(graph, &[1, 1, 1, 1]);
    assert_eq!(conv(&computed), LowerError::ComputedWeight { node: "conv".into(), operand: 1 });
    let wrong = |graph: &mut Graph| floats(graph, &[2, 1, 1, 1], 1.0);
    assert_eq!(conv(&wrong), LowerError::MalformedNode { node: "conv".into() });

    let mut graph = Graph::default();
    let x = graph.computed("x", DType::F32, vec![1 << 20, 1 << 20]);
    (graph.inputs, graph.outputs) = (vec![x], vec![]);
    assert_eq!(lowered(graph, Target::Wasm).unwrap_err(), LowerError::TensorTooLarge { tensor: "x".into() });
}

#[test]
fn a_tensor_of_no_elements_needs_no_step() {
    let mut graph = Graph::default();
    let x = input(&mut graph, &[0, 3]);
    let y = graph.node("y", Op::Unary { op: Unary::Abs, alpha: 0.0, beta: 0.0 }, &[Some(x)], DType::F32, vec![0, 3]);
    graph.outputs = vec![y];
    assert_eq!(run(&graph), [[0.0; 0]]);
}
