//! Operators over element types other than f32: f64, every integer, bool.
#![allow(clippy::disallowed_methods, reason = "the reference")]

use mote_abi::DType;
use tract_onnx::pb::AttributeProto;

use super::onnx_build::{float, graph, i64s, int, ints, model, node, text, untyped, value};
use super::run;
use crate::tensor::HostTensor;

/// Numbers of one type as bytes.
trait Numbers {
    const DTYPE: DType;
    const CODE: i32;
    fn bytes(values: &[Self]) -> Vec<u8>
    where
        Self: Sized;
}

macro_rules! numbers {
    ($($ty:ty, $dtype:ident, $code:literal;)*) => {$(
        impl Numbers for $ty {
            const DTYPE: DType = DType::$dtype;
            const CODE: i32 = $code;
            fn bytes(values: &[Self]) -> Vec<u8> {
                values.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
        }
    )*};
}

numbers! {
    f32, F32, 1;
    f64, F64, 11;
    u8, U8, 2;
    i8, I8, 3;
    u16, U16, 4;
    i16, I16, 5;
    i32, I32, 6;
    i64, I64, 7;
    u32, U32, 12;
    u64, U64, 13;
}

/// An operand: its shape, type and bytes.
struct Operand(Vec<usize>, DType, i32, Vec<u8>);

fn of<T: Numbers>(dims: &[usize], values: &[T]) -> Operand {
    Operand(dims.to_vec(), T::DTYPE, T::CODE, T::bytes(values))
}

/// Runs one operator over computed operands.
fn answer(op: &str, opset: i64, attributes: Vec<AttributeProto>, operands: &[Operand]) -> Result<HostTensor, String> {
    let names: Vec<String> = (0..operands.len()).map(|i| format!("x{i}")).collect();
    let (mut inputs, mut given) = (Vec::new(), Vec::new());
    for (name, Operand(dims, dtype, code, bytes)) in names.iter().zip(operands) {
        let text: Vec<String> = dims.iter().map(ToString::to_string).collect();
        inputs.push(value(name, *code, &text.iter().map(String::as_str).collect::<Vec<_>>()));
        given.push(HostTensor { name: name.clone(), dtype: *dtype, dims: dims.clone(), bytes: bytes.clone() });
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let nodes = vec![node(op, &names, &["y"], attributes)];
    let file = model(opset, graph(nodes, inputs, vec![untyped("y")], vec![]));
    run(&file, &given).map(|mut outputs| outputs.remove(0)).map_err(|e| e.to_string())
}

fn check<T: Numbers>(op: &str, opset: i64, attributes: Vec<AttributeProto>, operands: &[Operand], want: &[T]) {
    let got = answer(op, opset, attributes, operands).unwrap_or_else(|e| panic!("{op}: {e}"));
    assert_eq!(got.dtype, T::DTYPE, "{op}");
    assert_eq!(got.bytes, T::bytes(want), "{op} answers {:?}", got.bytes);
}

fn check_f64(op: &str, opset: i64, attributes: Vec<AttributeProto>, operands: &[Operand], want: &[f64]) {
    let got = answer(op, opset, attributes, operands).unwrap_or_else(|e| panic!("{op}: {e}"));
    assert_eq!(got.dtype, DType::F64, "{op}");
    let got: Vec<f64> = got.bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
    let close = got.iter().zip(want).all(|(g, w)| (g - w).abs() <= 1e-13 * w.abs());
    assert!(close && got.len() == want.len(), "{op}: {got:?}, not {want:?}");
}

#[test]
fn activations_of_f64_keep_its_digits() {
    let x = || [of(&[2], &[-0.7_f64, 1.3])];
    let e = f64::exp;
    let both = |f: &dyn Fn(f64) -> f64| [f(-0.7), f(1.3)];
    check_f64("Sigmoid", 13, vec![], &x(), &both(&|v| 1.0 / (1.0 + e(-v))));
    check_f64("Tanh", 13, vec![], &x(), &both(&f64::tanh));
    check_f64("Softplus", 1, vec![], &x(), &both(&|v| (1.0 + e(v)).ln()));
    check_f64("Elu", 6, vec![float("alpha", 0.5)], &x(), &[0.5 * (e(-0.7) - 1.0), 1.3]);
    check_f64("Mish", 18, vec![], &x(), &both(&|v| v * (1.0 + e(v)).ln().tanh()));
    check_f64("Swish", 24, vec![float("alpha", 2.0)], &x(), &both(&|v| v / (1.0 + e(-2.0 * v))));
    check_f64("LeakyRelu", 16, vec![float("alpha", 0.25)], &x(), &[-0.175, 1.3]);
    check_f64("Relu", 14, vec![], &x(), &[0.0, 1.3]);
    let sum = e(-0.7) + e(1.3);
    check_f64("Softmax", 13, vec![], &x(), &[e(-0.7) / sum, e(1.3) / sum]);
    check_f64("LogSoftmax", 13, vec![], &x(), &[-0.7 - sum.ln(), 1.3 - sum.ln()]);
    check_f64("Hardmax", 13, vec![], &x(), &[0.0, 1.0]);
    check_f64("Clip", 6, vec![float("min", -0.5), float("max", 1.0)], &x(), &[-0.5, 1.0]);
}

#[test]
fn products_and_norms_are_computed_in_f64() {
    let (a, third) = ([1.0, 1.0 / 3.0, 2.0, 0.1], 1.0 / 3.0);
    let matrix = || of(&[2, 2], &a);
    check_f64(
        "MatMul",
        13,
        vec![],
        &[matrix(), matrix()],
        &[1.0 + third * 2.0, third + third * 0.1, 2.0 + 0.2, 2.0 * third + 0.1 * 0.1],
    );
    let gemm = [matrix(), matrix(), of(&[2], &[0.25_f64, 0.5])];
    check_f64(
        "Gemm",
        13,
        vec![int("transB", 1), float("alpha", 2.0)],
        &gemm,
        &[
            2.0 * (1.0 + third * third) + 0.25,
            2.0 * (2.0 + third * 0.1) + 0.5,
            2.0 * (2.0 + 0.1 * third) + 0.25,
            2.0 * (4.0 + 0.1 * 0.1) + 0.5,
        ],
    );
    check_f64("LpNormalization", 22, vec![int("p", 1)], &[of(&[1, 2], &[third, -1.0])], &[0.25, -0.75]);
    let layer = [of(&[1, 2], &[0.1_f64, 0.3]), of(&[2], &[1.0_f64, 2.0])];
    check_f64("LayerNormalization", 17, vec![float("epsilon", 0.0)], &layer, &[-1.0, 2.0]);
    check_f64("Det", 22, vec![], &[of(&[1, 2, 2], &a)], &[0.1 - 2.0 * third]);
    check_f64(
        "LRN",
        13,
        vec![int("size", 3), float("alpha", 3.0), float("beta", 1.0)],
        &[of(&[1, 3, 1], &[1.0_f64, 2.0, 3.0])],
        &[1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0],
    );
}

#[test]
fn integers_wrap_in_their_own_width() {
    check("Add", 14, vec![], &[of(&[2], &[200_u8, 1]), of(&[2], &[100_u8, 2])], &[44_u8, 3]);
    check("Mul", 14, vec![], &[of(&[1], &[300_i16]), of(&[1], &[300_i16])], &[24_464_i16]);
    check("MatMul", 13, vec![], &[of(&[1, 2], &[200_u8, 3]), of(&[2, 1], &[2_u8, 5])], &[159_u8]);
    check("Gemm", 13, vec![], &[of(&[1, 2], &[-2_i64, 3]), of(&[2, 1], &[7_i64, 5]), of(&[1], &[10_i64])], &[11_i64]);
}

#[test]
fn running_products_start_where_they_are_told() {
    let product = |attributes: Vec<AttributeProto>, want: &[u32]| {
        let nodes = vec![node("CumProd", &["x", "axis"], &["y"], attributes)];
        let file = model(
            26,
            graph(nodes, vec![value("x", u32::CODE, &["3"])], vec![untyped("y")], vec![i64s("axis", &[], &[0])]),
        );
        let x = HostTensor { name: "x".to_owned(), dtype: DType::U32, dims: vec![3], bytes: u32::bytes(&[2, 3, 5]) };
        assert_eq!(run(&file, &[x]).unwrap()[0].bytes, u32::bytes(want));
    };
    product(vec![], &[2, 6, 30]);
    product(vec![int("reverse", 1)], &[30, 15, 5]);
    product(vec![int("exclusive", 1)], &[1, 2, 6]);
}

#[test]
fn shifts_of_signed_integers_keep_the_sign() {
    let shift = |direction, x: &[i8], by: &[i8], want: &[i8]| {
        check("BitShift", 28, vec![text("direction", direction)], &[of(&[x.len()], x), of(&[by.len()], by)], want);
    };
    shift("RIGHT", &[-128, -1, 64, -5, 5], &[3, 7, 1, 8, -1], &[-16, -1, 32, -1, 0]);
    shift("LEFT", &[1, -1, 64, 3], &[7, 1, 1, 8], &[-128, -2, -128, 0]);
}

#[test]
fn powers_of_mixed_types() {
    let pow = |base: Operand, exponent: Operand| answer("Pow", 15, vec![], &[base, exponent]).unwrap().bytes;
    assert_eq!(pow(of(&[3], &[3_i64, -2, 10]), of(&[3], &[20.0_f32, 3.0, 0.5])), i64::bytes(&[3_486_784_401, -8, 3]));
    assert_eq!(pow(of(&[2], &[2_i32, -1]), of(&[2], &[10_i64, 3])), i32::bytes(&[1024, -1]));
    assert_eq!(pow(of(&[2], &[-1.0_f32, 0.5]), of(&[2], &[16_777_217_i64, 2])), f32::bytes(&[-1.0, 0.25]));
}

#[test]
fn bits_change_their_meaning_alone() {
    let cast = |to: i64, x: Operand| answer("BitCast", 26, vec![int("to", to)], &[x]);
    assert_eq!(cast(6, of(&[2], &[1.0_f32, -0.0])).unwrap().bytes, i32::bytes(&[0x3f80_0000, i32::MIN]));
    assert_eq!(cast(11, of(&[1], &[0x3ff0_0000_0000_0000_i64])).unwrap().bytes, f64::bytes(&[1.0]));
    // An output without a type is answered as it is computed.
    assert_eq!(cast(10, of(&[1], &[0x3c00_u16])).unwrap().bytes, f32::bytes(&[1.0]));
    assert!(cast(7, of(&[1], &[1.0_f32])).is_err());
    assert!(cast(9, of(&[1], &[2_u8])).is_err());
}

#[test]
fn reductions_of_integers_truncate() {
    let reduce = |op, x: Operand| answer(op, 13, vec![ints("axes", &[0])], &[x]).unwrap().bytes;
    assert_eq!(reduce("ReduceL2", of(&[2], &[3_i32, -5])), i32::bytes(&[5]));
    assert_eq!(reduce("ReduceLogSum", of(&[2], &[50_u64, 50])), u64::bytes(&[4]));
    assert_eq!(reduce("ReduceMean", of(&[2], &[-3_i8, -4])), i8::bytes(&[-3]));
}

#[test]
fn einsum_joins_any_number_of_operands() {
    let operands = [of(&[2], &[1_i32, 2]), of(&[2, 2], &[1_i32, 2, 3, 4]), of(&[2], &[5_i32, 6])];
    check("Einsum", 12, vec![text("equation", "i,ij,j->")], &operands, &[95_i32]);
    check("Einsum", 12, vec![text("equation", "i,ij,j->ji")], &operands, &[5_i32, 30, 12, 48]);
}

#[test]
fn sequences_are_reversed_by_computed_lengths() {
    let operands = [of(&[3, 2], &[1_i32, 2, 3, 4, 5, 6]), of(&[2], &[2_i64, 3])];
    check("ReverseSequence", 10, vec![], &operands, &[3_i32, 6, 1, 4, 5, 2]);
}

#[test]
fn caches_are_written_where_their_rows_say() {
    let operands = |from: &[i64]| [of(&[2, 3, 1], &[0_u8; 6]), of(&[2, 2, 1], &[1_u8, 2, 3, 4]), of(&[2], from)];
    check("TensorScatter", 24, vec![], &operands(&[0, 1]), &[1_u8, 2, 0, 0, 3, 4]);
    check("TensorScatter", 24, vec![text("mode", "circular")], &operands(&[2, 4]), &[2_u8, 0, 1, 0, 3, 4]);
}

#[test]
fn losses_ignore_and_weigh() {
    let x = || of(&[2, 2], &[-0.5_f64, -1.5, -2.0, -0.25]);
    let loss = |attributes, target: &[i64], want: &[f64]| {
        let operands = [x(), of(&[2], target), of(&[2], &[1.0_f64, 4.0])];
        check_f64("NegativeLogLikelihoodLoss", 13, attributes, &operands, want);
    };
    loss(vec![], &[0, 1], &[(0.5 + 0.25 * 4.0) / 5.0]);
    loss(vec![text("reduction", "none"), int("ignore_index", -1)], &[-1, 1], &[0.0, 1.0]);
    loss(vec![text("reduction", "sum")], &[1, 1], &[6.0 + 1.0]);
    let scores = [of(&[1, 2], &[0.0_f64, 0.0]), of(&[1], &[1_i32])];
    check_f64("SoftmaxCrossEntropyLoss", 13, vec![], &scores, &[2.0_f64.ln()]);
}

#[test]
fn statistics_of_a_batch_may_be_computed() {
    let batch = [
        of(&[2, 1, 2], &[1.0_f64, 3.0, 5.0, 7.0]),
        of(&[1], &[2.0_f64]),
        of(&[1], &[1.0_f64]),
        of(&[1], &[4.0_f64]),
        of(&[1], &[5.0_f64]),
    ];
    let r = 5.0_f64.sqrt();
    let want = [-3.0, -1.0, 1.0, 3.0].map(|v| v / r * 2.0 + 1.0);
    let exact = || vec![float("epsilon", 0.0)];
    check_f64("BatchNormalization", 15, exact(), &batch, &want);
    let mut training = exact();
    training.push(int("training_mode", 1));
    check_f64("BatchNormalization", 15, training, &batch, &want);
}

#[test]
fn random_numbers_are_refused_as_such() {
    let refused = answer("Bernoulli", 15, vec![], &[of(&[1], &[0.5_f32])]).unwrap_err();
    assert!(refused.contains("random"), "{refused}");
}
