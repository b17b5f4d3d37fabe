//! Half precision is what a file stores and hands out; in between everything is f32.

use mote_abi::{DType, Half};
use tract_onnx::pb::TensorProto;

use super::onnx_build::{graph, i64s, int, model, node, untyped, value};
use super::run;
use crate::Weights;
use crate::compile::{CompileOptions, compile};
use crate::tensor::HostTensor;

const FLOAT16: i32 = 10;
const BFLOAT16: i32 = 16;

fn halves(format: Half, values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|&v| format.narrow(v).to_le_bytes()).collect()
}

fn stored(name: &str, dims: &[i64], values: &[f64]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type: FLOAT16,
        dims: dims.to_vec(),
        raw_data: halves(Half::Binary16, values),
        ..TensorProto::default()
    }
}

#[test]
fn inputs_and_outputs_keep_the_type_of_the_file() {
    for (code, dtype) in [(FLOAT16, DType::F16), (BFLOAT16, DType::BF16)] {
        let format = dtype.half().unwrap();
        let nodes = vec![node("Add", &["x", "x"], &["s"], vec![]), node("Sqrt", &["s"], &["y"], vec![])];
        let file = model(19, graph(nodes, vec![value("x", code, &["3"])], vec![value("y", code, &["3"])], vec![]));
        let bytes = halves(format, &[2.0, 8.0, 0.1]);
        let got = run(&file, &[HostTensor { name: "x".to_owned(), dtype, dims: vec![3], bytes }]).unwrap();
        assert_eq!(got[0].dtype, dtype);
        let tenth = f64::from(format.widen(format.narrow(0.1)));
        assert_eq!(got[0].bytes, halves(format, &[2.0, 4.0, (2.0 * tenth).sqrt()]));
    }
}

#[test]
fn a_cast_to_half_precision_rounds() {
    let nodes = vec![
        node("Cast", &["x"], &["h"], vec![int("to", FLOAT16.into())]),
        node("Cast", &["h"], &["y"], vec![int("to", 1)]),
    ];
    let file = model(19, graph(nodes, vec![value("x", 1, &["3"])], vec![untyped("y")], vec![]));
    let got = run(&file, &[super::f32_tensor("x", &[3], &[2049.0, 1e-9, 1e5])]).unwrap();
    assert_eq!(super::floats(&got[0]), [2048.0, 0.0, f32::INFINITY]);
}

#[test]
fn a_table_stays_half_where_rows_are_gathered_from_it() {
    let table: Vec<f64> = (0..4000).map(f64::from).collect();
    let nodes = vec![node("Gather", &["table", "i"], &["r"], vec![]), node("Neg", &["r"], &["y"], vec![])];
    let inputs = vec![value("i", super::onnx_build::INT64, &["2"])];
    let file = model(
        19,
        graph(nodes, inputs, vec![value("y", FLOAT16, &["2", "4"])], vec![stored("table", &[1000, 4], &table)]),
    );
    let compiled = compile(&file, &CompileOptions { name: "half".to_owned(), ..CompileOptions::default() }).unwrap();
    assert!(compiled.plan.len() < 2 * table.len() + 2000, "{} bytes", compiled.plan.len());
    let indices = HostTensor {
        name: "i".to_owned(),
        dtype: DType::I64,
        dims: vec![2],
        bytes: i64s("i", &[2], &[3, 1]).int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
    };
    let got = run(&file, &[indices]).unwrap();
    let want: Vec<f64> = (12..16).chain(4..8).map(|v| -f64::from(v)).collect();
    assert_eq!(got[0].bytes, halves(Half::Binary16, &want));
}

#[test]
fn weights_of_products_are_exact() {
    let nodes = vec![node("MatMul", &["x", "w"], &["y"], vec![])];
    let weights = vec![stored("w", &[2, 2], &[0.5, 1.5, -2.0, 3.0])];
    let file = model(
        19,
        graph(nodes, vec![value("x", FLOAT16, &["1", "2"])], vec![value("y", FLOAT16, &["1", "2"])], weights),
    );
    let x = HostTensor {
        name: "x".to_owned(),
        dtype: DType::F16,
        dims: vec![1, 2],
        bytes: halves(Half::Binary16, &[1.0, 0.25]),
    };
    assert_eq!(run(&file, &[x]).unwrap()[0].bytes, halves(Half::Binary16, &[0.0, 2.25]));
}

#[test]
fn weights_lie_half_in_the_plan_where_asked_and_exact() {
    let half: Vec<f32> = (0..1024).map(|i| f32::from((i % 256) as i16 - 128) / 64.0).collect();
    for (weights, small) in [(half.clone(), true), (half.iter().map(|w| w + 1e-6).collect(), false)] {
        let nodes = vec![node("MatMul", &["x", "w"], &["y"], vec![])];
        let stored = vec![super::onnx_build::f32s("w", &[32, 32], &weights)];
        let file = model(19, graph(nodes, vec![value("x", 1, &["1", "32"])], vec![untyped("y")], stored));
        let compiled = |weights| {
            let options = CompileOptions { name: "half".to_owned(), weights, ..CompileOptions::default() };
            compile(&file, &options).unwrap()
        };
        let (whole, kept) = (compiled(Weights::Whole), compiled(Weights::HalfWhereExact));
        assert_eq!(kept.plan.len() + 1024 < whole.plan.len(), small, "{} {}", kept.plan.len(), whole.plan.len());
        let x = super::f32_tensor("x", &[1, 32], &half[..32]);
        assert_eq!(super::answer(&kept, std::slice::from_ref(&x)).unwrap(), super::answer(&whole, &[x]).unwrap());
    }
}
