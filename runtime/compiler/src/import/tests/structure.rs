use super::onnx_build::{BOOL, FLOAT, INT64, f32s, graph, i64s, int, model, node, subgraph, untyped, value};
use super::{f32_tensor, floats, run};
use crate::compile::{CompileError, CompileOptions, compile};
use crate::import::{Dim, Model, graph as import};
use crate::tensor::HostTensor;
use tract_onnx::pb::TensorProto;

#[test]
fn shape_arithmetic_vanishes() {
    // y = Reshape(x, Concat(Shape(x)[:1], [-1]))
    let nodes = vec![
        node("Shape", &["x"], &["shape"], vec![]),
        node("Gather", &["shape", "zero"], &["batch"], vec![int("axis", 0)]),
        node("Unsqueeze", &["batch", "zeros"], &["lead"], vec![]),
        node("Concat", &["lead", "rest"], &["wanted"], vec![int("axis", 0)]),
        node("Reshape", &["x", "wanted"], &["r"], vec![]),
        node("Relu", &["r"], &["y"], vec![]),
    ];
    let constants = vec![i64s("zero", &[], &[0]), i64s("zeros", &[1], &[0]), i64s("rest", &[1], &[-1])];
    let bytes = model(13, graph(nodes, vec![value("x", FLOAT, &["2", "3", "2"])], vec![untyped("y")], constants));
    let imported = import(&bytes, &super::ImportOptions::default()).unwrap();
    assert_eq!(imported.value(imported.outputs[0]).dims, [2, 6]);
    assert_eq!(imported.nodes.len(), 2, "{:?}", imported.nodes);
}

#[test]
fn nodes_may_stand_in_any_order() {
    let nodes = vec![node("Relu", &["a"], &["y"], vec![]), node("Neg", &["x"], &["a"], vec![])];
    let bytes = model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], vec![untyped("y")], vec![]));
    assert_eq!(floats(&run(&bytes, &[f32_tensor("x", &[2], &[1.0, -2.0])]).unwrap()[0]), [0.0, 2.0]);
}

fn branches(then: i64, other: i64) -> Vec<tract_onnx::pb::AttributeProto> {
    let branch = |factor: i64| {
        let constant = f32s("f", &[], &[factor as f32]);
        graph(vec![node("Mul", &["x", "f"], &["r"], vec![])], vec![], vec![untyped("r")], vec![constant])
    };
    vec![subgraph("then_branch", branch(then)), subgraph("else_branch", branch(other))]
}

#[test]
fn a_constant_condition_takes_its_branch() {
    let nodes = vec![
        node("Size", &["x"], &["n"], vec![]),
        node("Greater", &["n", "limit"], &["c"], vec![]),
        node("If", &["c"], &["y"], branches(2, 3)),
    ];
    let bytes = |limit| {
        model(
            13,
            graph(
                nodes.clone(),
                vec![value("x", FLOAT, &["2"])],
                vec![untyped("y")],
                vec![i64s("limit", &[], &[limit])],
            ),
        )
    };
    for (limit, want) in [(1, [2.0, 4.0]), (2, [3.0, 6.0])] {
        assert_eq!(floats(&run(&bytes(limit), &[f32_tensor("x", &[2], &[1.0, 2.0])]).unwrap()[0]), want);
    }
}

#[test]
fn an_open_condition_selects() {
    let inputs = vec![value("x", FLOAT, &["2"]), value("c", BOOL, &[])];
    let bytes = model(13, graph(vec![node("If", &["c"], &["y"], branches(2, 3))], inputs, vec![untyped("y")], vec![]));
    for (condition, want) in [(1, [2.0, 4.0]), (0, [3.0, 6.0])] {
        let c = HostTensor { name: "c".to_owned(), dtype: mote_abi::DType::Bool, dims: vec![], bytes: vec![condition] };
        assert_eq!(floats(&run(&bytes, &[f32_tensor("x", &[2], &[1.0, 2.0]), c]).unwrap()[0]), want);
    }
}

#[test]
fn outputs_may_be_inputs_constants_and_twice_the_same() {
    let nodes = vec![
        node("Identity", &["x"], &["same"], vec![]),
        node("Relu", &["x"], &["a"], vec![]),
        node("Identity", &["a"], &["b"], vec![]),
        node("Shape", &["x"], &["s"], vec![]),
    ];
    let outputs = ["same", "a", "b", "s"].map(untyped).to_vec();
    let bytes = model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], outputs, vec![]));
    let made = run(&bytes, &[f32_tensor("x", &[2], &[1.0, -2.0])]).unwrap();
    let names: Vec<_> = made.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["same", "a", "b", "s"]);
    assert_eq!(floats(&made[0]), [1.0, -2.0]);
    assert_eq!(floats(&made[1]), [1.0, 0.0]);
    assert_eq!(floats(&made[2]), [1.0, 0.0]);
    assert_eq!(made[3].bytes, 2_i64.to_le_bytes());
}

#[test]
fn half_precision_weights_are_widened() {
    let half = TensorProto {
        name: "w".to_owned(),
        data_type: 10,
        dims: vec![1],
        raw_data: vec![0, 0x3e],
        ..TensorProto::default()
    };
    let nodes = vec![node("Mul", &["x", "w"], &["y"], vec![])];
    let bytes = model(13, graph(nodes, vec![value("x", FLOAT, &["1"])], vec![untyped("y")], vec![half]));
    assert_eq!(floats(&run(&bytes, &[f32_tensor("x", &[1], &[2.0])]).unwrap()[0]), [3.0]);
}

fn batched() -> Vec<u8> {
    let constants = vec![f32s("w", &[2, 1], &[1.0, 10.0])];
    let inputs = vec![value("x", FLOAT, &["rows", "2"]), value("w", FLOAT, &["2", "1"])];
    model(13, graph(vec![node("MatMul", &["x", "w"], &["y"], vec![])], inputs, vec![untyped("y")], constants))
}

#[test]
fn the_signature_lists_what_a_caller_provides() {
    let inputs = Model::read(&batched()).unwrap().inputs().unwrap();
    assert_eq!(inputs.len(), 1);
    assert_eq!(inputs[0].dims, Some(vec![Dim::Named("rows".to_owned()), Dim::Fixed(2)]));
}

#[test]
fn batch_sizes_share_one_plan() {
    let options = CompileOptions { name: "m".to_owned(), entry_batches: vec![1, 8], ..CompileOptions::default() };
    let compiled = compile(&batched(), &options).unwrap();
    let shapes: Vec<_> =
        compiled.entries.iter().map(|e| (e.batch, e.graph.value(e.graph.inputs[0]).dims.clone())).collect();
    assert_eq!(shapes, [(1, vec![1, 2]), (8, vec![8, 2])]);
    assert_eq!(compiled.meta.source.len(), 64);
    assert_eq!(compile(&batched(), &options).unwrap().plan, compiled.plan);
    let single = compile(&batched(), &CompileOptions { name: "m".to_owned(), ..CompileOptions::default() }).unwrap();
    assert_eq!(single.entries[0].batch, 1);
}

#[test]
fn a_fixed_model_has_no_batches() {
    let relu = node("Relu", &["x"], &["y"], vec![]);
    let fixed = model(13, graph(vec![relu], vec![value("x", INT64, &["2"])], vec![untyped("y")], vec![]));
    let options = CompileOptions { name: "m".to_owned(), entry_batches: vec![2], ..CompileOptions::default() };
    assert!(matches!(compile(&fixed, &options), Err(CompileError::NoBatchDim)));
    let unnamed = CompileOptions { name: "a b".to_owned(), ..CompileOptions::default() };
    assert!(matches!(compile(&fixed, &unnamed), Err(CompileError::Name(_))));
}

#[test]
fn a_counted_loop_is_written_out() {
    // h = h + x, three times; every h is an output too.
    let body = graph(
        vec![
            node("Add", &["h", "x"], &["next"], vec![]),
            node("Identity", &["go"], &["on"], vec![]),
            node("Identity", &["next"], &["each"], vec![]),
        ],
        vec![value("i", INT64, &[]), value("go", BOOL, &[]), value("h", FLOAT, &["2"])],
        ["on", "next", "each"].map(untyped).to_vec(),
        vec![],
    );
    let nodes = vec![node("Loop", &["trips", "", "x"], &["last", "all"], vec![subgraph("body", body)])];
    let outputs = ["last", "all"].map(untyped).to_vec();
    let bytes = model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], outputs, vec![i64s("trips", &[], &[3])]));
    let made = run(&bytes, &[f32_tensor("x", &[2], &[1.0, -2.0])]).unwrap();
    assert_eq!(floats(&made[0]), [4.0, -8.0]);
    assert_eq!((made[1].dims.as_slice(), floats(&made[1])), (&[3, 2][..], vec![2.0, -4.0, 3.0, -6.0, 4.0, -8.0]));
}

#[test]
fn a_scan_runs_over_slices() {
    // Running sum from the end.
    let body = graph(
        vec![node("Add", &["h", "s"], &["next"], vec![]), node("Identity", &["next"], &["each"], vec![])],
        vec![value("h", FLOAT, &[]), value("s", FLOAT, &[])],
        ["next", "each"].map(untyped).to_vec(),
        vec![],
    );
    let attributes =
        vec![subgraph("body", body), int("num_scan_inputs", 1), super::onnx_build::ints("scan_input_directions", &[1])];
    let nodes = vec![node("Scan", &["zero", "x"], &["last", "all"], attributes)];
    let outputs = ["last", "all"].map(untyped).to_vec();
    let bytes = model(13, graph(nodes, vec![value("x", FLOAT, &["3"])], outputs, vec![f32s("zero", &[], &[0.0])]));
    let made = run(&bytes, &[f32_tensor("x", &[3], &[1.0, 2.0, 4.0])]).unwrap();
    assert_eq!((floats(&made[0]), floats(&made[1])), (vec![7.0], vec![4.0, 6.0, 7.0]));
}
