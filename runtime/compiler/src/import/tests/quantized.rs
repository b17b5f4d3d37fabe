#![allow(clippy::disallowed_methods, reason = "the reference")]

use mote_abi::DType;
use tract_onnx::pb::{NodeProto, TensorProto};

use super::onnx_build::{FLOAT, f32s, float, graph, int, ints, model, node, untyped, value};
use super::{f32_tensor, floats, run};
use crate::compile::{CompileOptions, compile};
use crate::graph::{Graph, Op};
use crate::tensor::HostTensor;

const UINT8: i32 = 2;
const INT8: i32 = 3;
const INT32: i32 = 6;

fn ints_of(name: &str, data_type: i32, dims: &[i64], values: &[i32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        data_type,
        dims: dims.to_vec(),
        int32_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// Scale and zero point of a name: `<name>_s`, `<name>_z`.
fn linear(name: &str, scale: f32, data_type: i32, zero: i32) -> [TensorProto; 2] {
    [f32s(&format!("{name}_s"), &[], &[scale]), ints_of(&format!("{name}_z"), data_type, &[], &[zero])]
}

fn dequantize(x: &str, by: &str) -> NodeProto {
    let [scale, zero] = [format!("{by}_s"), format!("{by}_z")];
    node("DequantizeLinear", &[x, &scale, &zero], &[&format!("{x}_f")], vec![])
}

fn quantize(x: &str, by: &str, y: &str) -> NodeProto {
    let [scale, zero] = [format!("{by}_s"), format!("{by}_z")];
    node("QuantizeLinear", &[x, &scale, &zero], &[y], vec![])
}

fn bytes(name: &str, dtype: DType, dims: &[usize], bytes: &[u8]) -> HostTensor {
    HostTensor { name: name.to_owned(), dtype, dims: dims.to_vec(), bytes: bytes.to_vec() }
}

fn file(nodes: Vec<NodeProto>, x: (i32, &[&str]), constants: Vec<TensorProto>) -> Vec<u8> {
    model(21, graph(nodes, vec![value("x", x.0, x.1)], vec![untyped("y")], constants))
}

fn compiled(file: &[u8]) -> Graph {
    let options = CompileOptions { name: "q".to_owned(), ..CompileOptions::default() };
    compile(file, &options).unwrap().entries.remove(0).graph
}

fn names(graph: &Graph) -> Vec<String> {
    let short = |op: &Op| format!("{op:?}").split([' ', '(']).next().unwrap().to_owned();
    graph.nodes.iter().map(|node| short(&node.op)).collect()
}

/// A convolution between a dequantization and a quantization, with an activation.
fn convolution(weights: i32, zero: i32) -> Vec<u8> {
    let nodes = vec![
        dequantize("x", "x"),
        dequantize("w", "w"),
        node("DequantizeLinear", &["b", "b_s"], &["b_f"], vec![]),
        node("Conv", &["x_f", "w_f", "b_f"], &["c"], vec![ints("pads", &[1, 1, 1, 1])]),
        node("Relu", &["c"], &["r"], vec![]),
        quantize("r", "y", "y"),
    ];
    let w: Vec<i32> = (0..2 * 3 * 9).map(|i| i * 37 % 200 - if weights == INT8 { 100 } else { 0 }).collect();
    let mut constants = vec![ints_of("w", weights, &[2, 3, 3, 3], &w), ints_of("b", INT32, &[2], &[100, -2000])];
    constants.push(f32s("b_s", &[], &[0.02 * 0.01]));
    constants.extend(linear("x", 0.02, UINT8, 120));
    constants.extend(linear("w", 0.01, weights, zero));
    constants.extend(linear("y", 0.3, UINT8, 0));
    file(nodes, (UINT8, &["1", "3", "4", "4"]), constants)
}

#[test]
fn a_convolution_between_quantizations_is_one_of_integers() {
    let x: Vec<u8> = (0..48).map(|i| (i * 91 % 256) as u8).collect();
    for (weights, zero) in [(INT8, 0), (UINT8, 128), (UINT8, 90)] {
        let file = convolution(weights, zero);
        let graph = compiled(&file);
        assert_eq!(names(&graph), ["Transpose", "QConv", "Transpose"]);
        let conv = &graph.nodes[1];
        let operands: Vec<DType> = conv.inputs.iter().flatten().map(|&id| graph.value(id).dtype).collect();
        let plain = [DType::U8, DType::I8, DType::I32, DType::F32];
        assert_eq!(operands[..4], plain);
        assert_eq!(operands.len() > 4, zero == 90, "zero points of weights are left out where they are 0");
        let Op::QConv(settings) = &conv.op else { unreachable!() };
        assert_eq!((settings.x_zero, settings.to.zero, settings.to.low), (120, 0, 0));
        let y = run(&file, &[bytes("x", DType::U8, &[1, 3, 4, 4], &x)]).unwrap().remove(0);
        assert_eq!(y.bytes, expected_convolution(&x, weights, zero), "{weights} {zero}");
    }
}

/// The same in f64, output by output.
fn expected_convolution(x: &[u8], weights: i32, zero: i32) -> Vec<u8> {
    let w = |i: usize| f64::from(i as i32 * 37 % 200 - if weights == INT8 { 100 } else { 0 } - zero) * 0.01;
    let mut y = Vec::new();
    for co in 0..2 {
        for (row, column) in (0..4_usize).flat_map(|row| (0..4_usize).map(move |column| (row, column))) {
            let mut sum = [100.0, -2000.0][co] * 0.02 * 0.01;
            for (ci, ky, kx) in (0..27).map(|i| (i / 9, i / 3 % 3, i % 3)) {
                let (from_row, from_column) = ((row + ky).wrapping_sub(1), (column + kx).wrapping_sub(1));
                if from_row < 4 && from_column < 4 {
                    let value = f64::from(x[(ci * 4 + from_row) * 4 + from_column]) - 120.0;
                    sum += value * 0.02 * w((co * 3 + ci) * 9 + ky * 3 + kx);
                }
            }
            let steps = (sum / 0.3_f32 as f64).round();
            y.push(if steps < 0.0 {
                0
            } else if steps > 255.0 {
                255
            } else {
                steps as u8
            });
        }
    }
    y
}

#[test]
fn a_function_of_one_tensor_is_a_table() {
    let nodes = vec![
        dequantize("x", "x"),
        node("Sigmoid", &["x_f"], &["s"], vec![]),
        node("Mul", &["x_f", "s"], &["m"], vec![]),
        node("Reshape", &["m", "shape"], &["r"], vec![]),
        quantize("r", "y", "y"),
    ];
    let mut constants = vec![super::onnx_build::i64s("shape", &[2], &[2, 2])];
    constants.extend(linear("x", 0.05, INT8, 3));
    constants.extend(linear("y", 0.025, INT8, -117));
    let file = file(nodes, (INT8, &["4"]), constants);
    assert_eq!(names(&compiled(&file)), ["Lookup", "Reshape"]);
    let x = [-128_i8, 3, 23, 127].map(i8::cast_unsigned);
    let y = run(&file, &[bytes("x", DType::I8, &[4], &x)]).unwrap().remove(0);
    // 20 steps of 0.05 are 1, whose product with its sigmoid is 0.731: 29 steps of 0.025. The largest is beyond the type.
    assert_eq!(y.bytes, [-117_i8, -117, -88, 127].map(i8::cast_unsigned));
}

#[test]
fn sums_pools_and_movement_stay_in_integers() {
    let nodes = vec![
        dequantize("x", "x"),
        node("MaxPool", &["x_f"], &["p"], vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])]),
        quantize("p", "x", "pq"),
        dequantize("pq", "x"),
        node("Add", &["pq_f", "pq_f"], &["a"], vec![]),
        quantize("a", "y", "aq"),
        dequantize("aq", "y"),
        node("Concat", &["pq_f", "aq_f"], &["c"], vec![int("axis", 1)]),
        quantize("c", "y", "y"),
    ];
    let mut constants = linear("x", 0.5, UINT8, 10).to_vec();
    constants.extend(linear("y", 1.0, UINT8, 20));
    let file = file(nodes, (UINT8, &["1", "1", "4", "4"]), constants);
    let graph = compiled(&file);
    let floating = graph.nodes.iter().flat_map(|node| &node.outputs).filter(|&&id| graph.value(id).dtype == DType::F32);
    assert_eq!(floating.count(), 0, "{:?}", names(&graph));
    let x: Vec<u8> = (0..16).map(|i| 10 + 2 * i).collect();
    let y = run(&file, &[bytes("x", DType::U8, &[1, 1, 4, 4], &x)]).unwrap().remove(0);
    // The largest stand for 5, 7, 13 and 15, and beside them is what they are doubled.
    assert_eq!((y.dims, y.bytes), (vec![1, 2, 2, 2], vec![25, 27, 33, 35, 30, 34, 46, 50]));
}

#[test]
fn numbers_that_somebody_reads_are_scaled_sums() {
    let nodes = vec![
        dequantize("x", "x"),
        dequantize("w", "w"),
        node("Gemm", &["x_f", "w_f", "b"], &["y"], vec![int("transB", 1)]),
    ];
    let mut constants = vec![ints_of("w", INT8, &[2, 3], &[1, 2, 3, -4, 5, -6]), f32s("b", &[2], &[0.5, -0.25])];
    constants.extend(linear("x", 0.5, INT8, -1));
    constants.extend(linear("w", 0.25, INT8, 0));
    let file = file(nodes, (INT8, &["1", "3"]), constants);
    assert_eq!(names(&compiled(&file)).iter().filter(|name| *name == "QConv").count(), 1);
    let y = run(&file, &[bytes("x", DType::I8, &[1, 3], &[0, 1, 2])]).unwrap().remove(0);
    // Differences 1, 2, 3: sums 14 and -12, units of an eighth.
    assert_eq!(floats(&y), [14.0 / 8.0 + 0.5, -12.0 / 8.0 - 0.25]);
}

#[test]
fn dynamic_quantization_multiplies_in_integers() {
    let nodes = vec![
        node("DynamicQuantizeLinear", &["x"], &["q", "s", "z"], vec![]),
        node("MatMulInteger", &["q", "w", "z", "w_z"], &["sums"], vec![]),
        node("Cast", &["sums"], &["f"], vec![int("to", 1)]),
        node("Mul", &["s", "w_s"], &["scale"], vec![]),
        node("Mul", &["f", "scale"], &["y"], vec![]),
    ];
    let w = [130, 120, 140, 128, 100, 255];
    let mut constants = vec![ints_of("w", UINT8, &[3, 2], &w)];
    constants.extend(linear("w", 0.1, UINT8, 125));
    let file = file(nodes, (FLOAT, &["2", "3"]), constants);
    let graph = compiled(&file);
    assert!(names(&graph).contains(&"QConv".to_owned()), "{:?}", names(&graph));
    let x = [1.0, -0.5, 2.0, 0.25, 0.0, -1.0];
    let got = floats(&run(&file, &[f32_tensor("x", &[2, 3], &x)]).unwrap()[0]);
    for row in 0..2 {
        for column in 0..2 {
            let exact: f32 = (0..3).map(|k| x[row * 3 + k] * (w[k * 2 + column] - 125) as f32 * 0.1).sum();
            assert!((got[row * 2 + column] - exact).abs() < 0.15, "{got:?}");
        }
    }
    assert_eq!(floats(&run(&file, &[f32_tensor("x", &[2, 3], &[0.0; 6])]).unwrap()[0]), [0.0; 4]);
}

#[test]
fn operators_of_onnx_runtime_are_what_they_stand_for() {
    let of = |op: &str, inputs: &[&str], attributes| NodeProto {
        domain: "com.microsoft".to_owned(),
        ..node(op, inputs, &["y"], attributes)
    };
    let x = [8_u8, 10, 12, 30];
    let cases = [
        (of("QLinearAdd", &["x", "x_s", "x_z", "x", "x_s", "x_z", "y_s", "y_z"], vec![]), [18, 20, 22, 40]),
        (of("QLinearMul", &["x", "x_s", "x_z", "x", "x_s", "x_z", "y_s", "y_z"], vec![]), [21, 20, 21, 120]),
        (of("QLinearLeakyRelu", &["x", "x_s", "x_z", "y_s", "y_z"], vec![float("alpha", 3.0)]), [17, 20, 21, 30]),
        (of("QLinearSigmoid", &["x", "x_s", "x_z", "y_s", "y_z"], vec![]), [20, 20, 21, 21]),
        (of("QLinearConcat", &["y_s", "y_z", "x", "x_s", "x_z"], vec![int("axis", 0)]), [19, 20, 21, 30]),
    ];
    for (node, want) in cases {
        let mut constants = linear("x", 0.5, UINT8, 10).to_vec();
        constants.extend(linear("y", 1.0, UINT8, 20));
        let file = file(vec![node.clone()], (UINT8, &["4"]), constants);
        let graph = compiled(&file);
        assert!(graph.nodes.iter().all(|n| matches!(n.op, Op::QBinary(_) | Op::Lookup)), "{:?}", names(&graph));
        let y = run(&file, &[bytes("x", DType::U8, &[4], &x)]).unwrap().remove(0);
        assert_eq!(y.bytes, want, "{}", node.op_type);
    }
}

#[test]
fn products_of_bytes_take_every_form() {
    let microsoft = |op: &str, inputs: &[&str], attributes| NodeProto {
        domain: "com.microsoft".to_owned(),
        ..node(op, inputs, &["y"], attributes)
    };
    // Differences of x from 10: 1, 2, 3; columns of w: 1, 2, 3 and -4, 5, -6; sums 14 and -12, in units of 1/8.
    let x = [11_u8, 12, 13];
    let bias = [6, 4];
    let gemm = ["x", "x_s", "x_z", "wt", "w_s", "w_z", "b", "y_s", "y_z"];
    let mul = ["x", "x_s", "x_z", "w", "w_s", "w_z", "y_s", "y_z"];
    let cases = [
        (microsoft("QGemm", &gemm, vec![int("transB", 1)]), vec![(20.0 / 8.0 / 0.25) as i8 as u8, -4_i8 as u8]),
        (node("QLinearMatMul", &mul, &["y"], vec![]), vec![7, -6_i8 as u8]),
    ];
    for (node, want) in cases {
        let mut constants = vec![
            ints_of("wt", INT8, &[2, 3], &[1, 2, 3, -4, 5, -6]),
            ints_of("w", INT8, &[3, 2], &[1, -4, 2, 5, 3, -6]),
            ints_of("b", INT32, &[2], &bias),
        ];
        constants.extend(linear("x", 0.5, UINT8, 10));
        constants.extend(linear("w", 0.25, INT8, 0));
        constants.extend(linear("y", 0.25, INT8, 0));
        let used = |constant: &TensorProto| node.input.contains(&constant.name);
        let file = file(vec![node.clone()], (UINT8, &["1", "3"]), constants.into_iter().filter(used).collect());
        let y = run(&file, &[bytes("x", DType::U8, &[1, 3], &x)]).unwrap().remove(0);
        assert_eq!(y.bytes, want, "{}", node.op_type);
    }
    let inputs = ["x", "w", "x_s", "w_s", "x_z", "w_z", "bias"];
    let mut constants =
        vec![ints_of("w", UINT8, &[3, 2], &[101, 96, 102, 105, 103, 94]), f32s("bias", &[2], &[0.5, -0.25])];
    constants.extend(linear("x", 0.5, UINT8, 10));
    constants.extend(linear("w", 0.25, UINT8, 100));
    let file = file(vec![microsoft("MatMulIntegerToFloat", &inputs, vec![])], (UINT8, &["1", "3"]), constants);
    let y = run(&file, &[bytes("x", DType::U8, &[1, 3], &x)]).unwrap().remove(0);
    assert_eq!(floats(&y), [14.0 / 8.0 + 0.5, -12.0 / 8.0 - 0.25]);
}

#[test]
fn averages_of_bytes_stay_in_integers() {
    let pool = NodeProto {
        domain: "com.microsoft".to_owned(),
        ..node(
            "QLinearAveragePool",
            &["x", "x_s", "x_z", "y_s", "y_z"],
            &["y"],
            vec![ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])],
        )
    };
    let mut constants = linear("x", 0.5, UINT8, 10).to_vec();
    constants.extend(linear("y", 1.0, INT8, -20));
    let file = file(vec![pool], (UINT8, &["1", "1", "2", "4"]), constants);
    assert!(names(&compiled(&file)).contains(&"QPool".to_owned()));
    let y = run(&file, &[bytes("x", DType::U8, &[1, 1, 2, 4], &[10, 12, 14, 250, 16, 18, 20, 255])]).unwrap().remove(0);
    // Means 4 and 124.75 of distances, halved: 2 and 62.375.
    assert_eq!(y.bytes, [-18_i8, 42].map(i8::cast_unsigned));
}

#[test]
fn what_has_no_exact_form_is_refused() {
    let with = |op: &str, inputs: &[&str], attributes, constants: Vec<TensorProto>| {
        let file = file(vec![node(op, inputs, &["y"], attributes)], (FLOAT, &["4"]), constants);
        run(&file, &[f32_tensor("x", &[4], &[0.0; 4])]).unwrap_err().to_string()
    };
    let scale = || vec![f32s("s", &[], &[1.0])];
    let narrow = with("QuantizeLinear", &["x", "s"], vec![int("output_dtype", 22)], scale());
    assert!(narrow.contains("ONNX element type 22 is not supported"), "{narrow}");
    let wide = with("QuantizeLinear", &["x", "s"], vec![int("output_dtype", 6)], scale());
    assert!(wide.contains("element type i32 is not supported"), "{wide}");
    let mixed = [scale(), vec![ints_of("z", INT8, &[], &[0])]].concat();
    let mixed = with("QuantizeLinear", &["x", "s", "z"], vec![int("output_dtype", 2)], mixed);
    assert!(mixed.contains("operands have types i8 and u8"), "{mixed}");
    let short = with("QuantizeLinear", &["x", "s"], vec![int("axis", 0)], vec![f32s("s", &[3], &[1.0; 3])]);
    assert!(short.contains("do not agree"), "{short}");
    let float = with("DequantizeLinear", &["x", "s"], vec![], scale());
    assert!(float.contains("element type f32 is not supported"), "{float}");
}
