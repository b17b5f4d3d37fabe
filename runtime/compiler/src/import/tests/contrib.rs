//! Contributed operators against the standard ones that they stand for, and against numbers by hand.

use tract_onnx::pb::{NodeProto, TensorProto};

use super::onnx_build::{
    FLOAT, contributed, f32s, float, floats as floats_attribute, graph, i32s, int, ints, model, node, text, untyped,
    value,
};
use super::{f32_tensor, floats, numbers, run};
use crate::compile::CompileError;
use crate::error::{ImportError, Reason};

const ROWS: usize = 3;
const WIDTH: usize = 4;

/// The outputs `y` of nodes over `x [1, 3, 4]` and constants.
fn answer(nodes: Vec<NodeProto>, stored: &[TensorProto]) -> Result<Vec<f32>, CompileError> {
    let x = value("x", FLOAT, &["1", "3", "4"]);
    let bytes = model(20, graph(nodes, vec![x], vec![untyped("y")], stored.to_vec()));
    Ok(floats(&run(&bytes, &[f32_tensor("x", &[1, ROWS, WIDTH], &numbers(ROWS * WIDTH, 1))])?[0]))
}

fn check(fused: NodeProto, apart: Vec<NodeProto>, stored: &[TensorProto]) {
    let title = format!("{fused:?}");
    let (got, want) = (answer(vec![fused], stored).unwrap(), answer(apart, stored).unwrap());
    assert_eq!(got.len(), want.len(), "{title}");
    assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 2e-6), "{title}: {got:?}, not {want:?}");
}

#[test]
fn fused_operators_are_their_parts() {
    let w = |seed| f32s("w", &[4], &numbers(4, seed));
    let skip = f32s("s", &[1, 3, 4], &numbers(12, 2));
    let sum = || node("Add", &["x", "w"], &["t"], vec![]);
    check(
        contributed("BiasGelu", &["x", "w"], &["y"], vec![]),
        vec![sum(), node("Gelu", &["t"], &["y"], vec![])],
        &[w(3)],
    );
    let tanh = || vec![text("approximate", "tanh")];
    check(
        contributed("FastGelu", &["x", "w"], &["y"], vec![]),
        vec![sum(), node("Gelu", &["t"], &["y"], tanh())],
        &[w(3)],
    );
    let added = vec![sum(), node("Add", &["t", "s"], &["y"], vec![])];
    check(contributed("BiasAdd", &["x", "w", "s"], &["y"], vec![]), added, &[w(3), skip.clone()]);
    let normalised = vec![
        node("Add", &["x", "s"], &["t"], vec![]),
        node("LayerNormalization", &["t", "w", "b"], &["y"], vec![float("epsilon", 0.5)]),
    ];
    let stored = [w(3), f32s("b", &[4], &numbers(4, 4)), skip.clone()];
    let fused = contributed("SkipLayerNormalization", &["x", "s", "w", "b"], &["y"], vec![float("epsilon", 0.5)]);
    check(fused, normalised, &stored);
    let products = [f32s("w", &[1, 5, 4], &numbers(20, 5))];
    let turned = vec![
        node("Transpose", &["w"], &["t"], vec![ints("perm", &[0, 2, 1])]),
        node("MatMul", &["x", "t"], &["y"], vec![]),
    ];
    check(contributed("FusedMatMul", &["x", "w"], &["y"], vec![int("transB", 1)]), turned, &products);
}

#[test]
fn fused_convolutions_and_products_activate() {
    let conv = [f32s("w", &[2, 3, 1], &numbers(6, 2))];
    let apart = vec![
        node("Conv", &["x", "w"], &["t"], vec![]),
        node("HardSigmoid", &["t"], &["y"], vec![float("alpha", 0.25), float("beta", 0.75)]),
    ];
    let attributes = vec![text("activation", "HardSigmoid"), floats_attribute("activation_params", &[0.25, 0.75])];
    check(contributed("FusedConv", &["x", "w"], &["y"], attributes), apart, &conv);
    let unknown = contributed("FusedConv", &["x", "w"], &["y"], vec![text("activation", "Snake")]);
    let refused = answer(vec![unknown], &conv);
    let Err(CompileError::Import(ImportError::Refused(refusals))) = refused else { panic!("{refused:?}") };
    assert!(matches!(refusals.first.reason, Reason::AttributeValue { name: "activation", .. }));
}

#[test]
fn attention_projects_and_masks() {
    let w = f32s("w", &[4, 12], &numbers(48, 2));
    let parts = |mask: &str| {
        let slice = |from: i64, name: &str| {
            let name = name.to_owned();
            let (starts, ends) = (format!("f{from}"), format!("t{from}"));
            let constants =
                [super::onnx_build::i64s(&starts, &[1], &[from]), super::onnx_build::i64s(&ends, &[1], &[from + 4])];
            (node("Slice", &["p", &starts, &ends, "axis"], &[&name], vec![]), constants)
        };
        let mut nodes = vec![node("MatMul", &["x", "w"], &["p"], vec![])];
        let mut stored = vec![w.clone(), super::onnx_build::i64s("axis", &[1], &[2])];
        for (from, name) in [(0, "q"), (4, "k"), (8, "v")] {
            let (node, constants) = slice(from, name);
            nodes.push(node);
            stored.extend(constants);
        }
        let heads = vec![int("q_num_heads", 2), int("kv_num_heads", 2)];
        nodes.push(node("Attention", &["q", "k", "v", mask], &["y"], heads));
        (nodes, stored)
    };
    let compare = |integers: TensorProto, added: &[f32]| {
        let (nodes, mut stored) = parts("m");
        stored.push(f32s("m", &[1, added.len() as i64], added));
        let x = value("x", FLOAT, &["1", "3", "4"]);
        let bytes = model(23, graph(nodes, vec![x], vec![untyped("y")], stored));
        let want = floats(&run(&bytes, &[f32_tensor("x", &[1, ROWS, WIDTH], &numbers(12, 1))]).unwrap()[0]);
        let fused = contributed("Attention", &["x", "w", "", "mask"], &["y"], vec![int("num_heads", 2)]);
        let got = answer(vec![fused], &[w.clone(), integers]).unwrap();
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 2e-6), "{got:?}, not {want:?}");
    };
    compare(i32s("mask", &[1, 3], &[1, 0, 1]), &[0.0, -10_000.0, 0.0]);
    compare(i32s("mask", &[1], &[2]), &[0.0, 0.0, -10_000.0]);
    compare(i32s("mask", &[2], &[3, 1]), &[-10_000.0, 0.0, 0.0]);
}

#[test]
fn packed_weights_are_widened() {
    // Two columns of one block of four numbers each: 0 1 2 3 and 15 14 13 12, less 8, times 0.5 and 2.
    let stored = [
        TensorProto {
            name: "q".to_owned(),
            data_type: 2,
            dims: vec![2, 1, 8],
            raw_data: [[0x10, 0x32, 0, 0, 0, 0, 0, 0], [0xEF, 0xCD, 0, 0, 0, 0, 0, 0]].concat(),
            ..TensorProto::default()
        },
        f32s("scale", &[2], &[0.5, 2.0]),
    ];
    let attributes = vec![int("K", 4), int("N", 2), int("bits", 4), int("block_size", 16)];
    let got = answer(vec![contributed("MatMulNBits", &["x", "q", "scale"], &["y"], attributes)], &stored).unwrap();
    let w = [[-4.0_f32, 14.0], [-3.5, 12.0], [-3.0, 10.0], [-2.5, 8.0]];
    for (row, x) in numbers(12, 1).chunks(4).enumerate() {
        for column in 0..2 {
            let want: f32 = x.iter().zip(w).map(|(x, w)| x * w[column]).sum();
            assert!((got[row * 2 + column] - want).abs() < 1e-5, "{got:?}");
        }
    }
}

#[test]
fn embeddings_are_summed_and_tokens_counted() {
    let ids = TensorProto { name: "ids".to_owned(), ..i32s("ids", &[1, 2], &[1, 0]) };
    let stored = [
        ids,
        f32s("words", &[2, 2], &[1.0, 2.0, 3.0, 5.0]),
        f32s("places", &[4, 2], &[0.0, 0.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0]),
        f32s("g", &[2], &[1.0, 1.0]),
        f32s("b", &[2], &[0.0, 0.5]),
        i32s("mask", &[1, 2], &[1, 0]),
    ];
    let embed = contributed(
        "EmbedLayerNormalization",
        &["ids", "", "words", "places", "", "g", "b", "mask"],
        &["e", "count", "sum"],
        vec![float("epsilon", 0.0)],
    );
    // Rows of two numbers are normalised to -1 and 1, whatever they are.
    let mut tail = vec![embed.clone()];
    tail.push(node("Identity", &["e"], &["y"], vec![]));
    assert_eq!(answer(tail, &stored).unwrap(), [-1.0, 1.5, -1.0, 1.5]);
    let sum = vec![embed, node("Identity", &["sum"], &["y"], vec![])];
    assert_eq!(answer(sum, &stored).unwrap(), [3.0, 5.0, 2.0, 3.0]);
}
