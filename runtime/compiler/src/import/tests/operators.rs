use tract_onnx::pb::{AttributeProto, TensorProto};

use super::onnx_build::{f32s, float, i64s, int, ints, node, text};
use super::{f32_tensor, floats, one_node, run};

/// One operator over `x`: the names of its inputs, its attributes and constants, what goes in and what comes out.
struct Case {
    op: &'static str,
    opset: i64,
    inputs: &'static [&'static str],
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
    x: (&'static [usize], Vec<f32>),
    y: (&'static [usize], Vec<f32>),
}

fn check(cases: Vec<Case>) {
    for case in cases {
        let title = format!("{} {:?}", case.op, case.attributes.iter().map(|a| &a.name).collect::<Vec<_>>());
        let bytes = one_node(case.opset, node(case.op, case.inputs, &["y"], case.attributes), case.x.0, case.constants);
        let outputs = run(&bytes, &[f32_tensor("x", case.x.0, &case.x.1)]).unwrap_or_else(|e| panic!("{title}: {e}"));
        assert_eq!(outputs[0].dims, case.y.0, "{title}");
        let got = floats(&outputs[0]);
        let close = got.iter().zip(&case.y.1).all(|(g, w)| (g - w).abs() <= 1e-5 * (1.0 + w.abs()));
        assert!(close && got.len() == case.y.1.len(), "{title}: {got:?}, not {:?}", case.y.1);
    }
}

fn count(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32).collect()
}

#[test]
fn convolutions_pad_as_stated() {
    let ones = |dims: &[i64]| f32s("w", dims, &vec![1.0; dims.iter().product::<i64>() as usize]);
    let conv = |attributes, dims: &[i64], x: (&'static [usize], Vec<f32>), y| Case {
        op: "Conv",
        opset: 13,
        inputs: &["x", "w"],
        attributes,
        constants: vec![ones(dims)],
        x,
        y,
    };
    check(vec![
        conv(vec![], &[1, 1, 2, 2], (&[1, 1, 3, 3], count(9)), (&[1, 1, 2, 2], vec![8.0, 12.0, 20.0, 24.0])),
        conv(
            vec![text("auto_pad", "SAME_UPPER")],
            &[1, 1, 2, 2],
            (&[1, 1, 2, 2], count(4)),
            (&[1, 1, 2, 2], vec![6.0, 4.0, 5.0, 3.0]),
        ),
        conv(
            vec![text("auto_pad", "SAME_LOWER")],
            &[1, 1, 2, 2],
            (&[1, 1, 2, 2], count(4)),
            (&[1, 1, 2, 2], vec![0.0, 1.0, 2.0, 6.0]),
        ),
        conv(
            vec![ints("pads", &[1, 0]), ints("strides", &[2])],
            &[1, 1, 2],
            (&[1, 1, 4], count(4)),
            (&[1, 1, 2], vec![0.0, 3.0]),
        ),
        conv(
            vec![int("group", 2), ints("dilations", &[2])],
            &[2, 1, 2],
            (&[1, 2, 3], count(6)),
            (&[1, 2, 1], vec![2.0, 8.0]),
        ),
    ]);
}

#[test]
fn transposed_convolutions_spread() {
    let transposed = |attributes, y| Case {
        op: "ConvTranspose",
        opset: 11,
        inputs: &["x", "w"],
        attributes,
        constants: vec![f32s("w", &[1, 1, 3], &[1.0, 2.0, 3.0])],
        x: (&[1, 1, 2], vec![1.0, 10.0]),
        y,
    };
    check(vec![
        transposed(vec![], (&[1, 1, 4], vec![1.0, 12.0, 23.0, 30.0])),
        transposed(vec![ints("strides", &[2])], (&[1, 1, 5], vec![1.0, 2.0, 13.0, 20.0, 30.0])),
        transposed(vec![ints("pads", &[1, 1])], (&[1, 1, 2], vec![12.0, 23.0])),
        transposed(
            vec![ints("strides", &[2]), ints("output_padding", &[1])],
            (&[1, 1, 6], vec![1.0, 2.0, 13.0, 20.0, 30.0, 0.0]),
        ),
        transposed(vec![ints("output_shape", &[3])], (&[1, 1, 3], vec![12.0, 23.0, 30.0])),
    ]);
}

#[test]
fn pools_round_and_count_as_stated() {
    let pool = |op, attributes, y| Case {
        op,
        opset: 19,
        inputs: &["x"],
        attributes,
        constants: vec![],
        x: (&[1, 1, 4], vec![1.0, 5.0, 2.0, 8.0]),
        y,
    };
    let window = |size: i64, stride: i64| vec![ints("kernel_shape", &[size]), ints("strides", &[stride])];
    let with = |mut base: Vec<AttributeProto>, more: Vec<AttributeProto>| {
        base.extend(more);
        base
    };
    check(vec![
        pool("MaxPool", window(2, 2), (&[1, 1, 2], vec![5.0, 8.0])),
        pool("MaxPool", with(window(3, 2), vec![int("ceil_mode", 1)]), (&[1, 1, 2], vec![5.0, 8.0])),
        pool("MaxPool", window(3, 2), (&[1, 1, 1], vec![5.0])),
        pool("AveragePool", with(window(2, 2), vec![ints("pads", &[1, 1])]), (&[1, 1, 3], vec![1.0, 3.5, 8.0])),
        pool(
            "AveragePool",
            with(window(2, 2), vec![ints("pads", &[1, 1]), int("count_include_pad", 1)]),
            (&[1, 1, 3], vec![0.5, 3.5, 4.0]),
        ),
        pool("LpPool", with(window(2, 2), vec![int("p", 1)]), (&[1, 1, 2], vec![6.0, 10.0])),
    ]);
}

#[test]
fn softmax_changed_its_meaning_in_operator_set_13() {
    let log2 = std::f32::consts::LN_2;
    let case = |opset, y| Case {
        op: "Softmax",
        opset,
        inputs: &["x"],
        attributes: vec![],
        constants: vec![],
        x: (&[1, 2, 2], vec![0.0, log2, 0.0, log2]),
        y: (&[1, 2, 2], y),
    };
    let (third, sixth) = (1.0 / 3.0, 1.0 / 6.0);
    check(vec![case(12, vec![sixth, third, sixth, third]), case(13, vec![third, 2.0 * third, third, 2.0 * third])]);
}

#[test]
fn slices_follow_numpy() {
    let slice = |starts: &[i64], ends: &[i64], steps: &[i64], y| Case {
        op: "Slice",
        opset: 13,
        inputs: &["x", "starts", "ends", "", "steps"],
        attributes: vec![],
        constants: vec![i64s("starts", &[1], starts), i64s("ends", &[1], ends), i64s("steps", &[1], steps)],
        x: (&[5], count(5)),
        y,
    };
    check(vec![
        slice(&[1], &[i64::MAX], &[2], (&[2], vec![1.0, 3.0])),
        slice(&[-1], &[i64::MIN], &[-1], (&[5], vec![4.0, 3.0, 2.0, 1.0, 0.0])),
        slice(&[3], &[0], &[-2], (&[2], vec![3.0, 1.0])),
        slice(&[-3], &[-1], &[1], (&[2], vec![2.0, 3.0])),
    ]);
}

#[test]
fn pads_reflect_repeat_and_cut() {
    let pad = |mode: &str, pads: &[i64], y| Case {
        op: "Pad",
        opset: 19,
        inputs: &["x", "pads", "value"],
        attributes: vec![text("mode", mode)],
        constants: vec![i64s("pads", &[2], pads), f32s("value", &[], &[9.0])],
        x: (&[3], vec![1.0, 2.0, 3.0]),
        y,
    };
    check(vec![
        pad("constant", &[1, 2], (&[6], vec![9.0, 1.0, 2.0, 3.0, 9.0, 9.0])),
        pad("constant", &[-1, 1], (&[3], vec![2.0, 3.0, 9.0])),
        pad("edge", &[2, 1], (&[6], vec![1.0, 1.0, 1.0, 2.0, 3.0, 3.0])),
        pad("reflect", &[2, 2], (&[7], vec![3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 1.0])),
        pad("wrap", &[1, 1], (&[5], vec![3.0, 1.0, 2.0, 3.0, 1.0])),
    ]);
}

#[test]
fn resize_places_pixels_as_stated() {
    let resize = |attributes, scale, y| Case {
        op: "Resize",
        opset: 19,
        inputs: &["x", "", "scales"],
        attributes,
        constants: vec![f32s("scales", &[1], &[scale])],
        x: (&[4], vec![1.0, 2.0, 3.0, 4.0]),
        y,
    };
    check(vec![
        resize(vec![], 2.0, (&[8], vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0])),
        resize(vec![text("mode", "linear")], 2.0, (&[8], vec![1.0, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.0])),
        resize(
            vec![text("mode", "linear"), text("coordinate_transformation_mode", "align_corners")],
            1.75,
            (&[7], vec![1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]),
        ),
        resize(vec![text("mode", "linear"), int("antialias", 1)], 0.5, (&[2], vec![1.625, 3.375])),
    ]);
}

#[test]
fn products_broadcast() {
    let weights = f32s("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let gemm = |attributes, bias: TensorProto, y| Case {
        op: "Gemm",
        opset: 13,
        inputs: &["x", "w", "b"],
        attributes,
        constants: vec![weights.clone(), bias],
        x: (&[2, 2], vec![1.0, 0.0, 0.0, 1.0]),
        y: (&[2, 2], y),
    };
    let mut cases = vec![
        gemm(vec![], f32s("b", &[2], &[10.0, 20.0]), vec![11.0, 22.0, 13.0, 24.0]),
        gemm(vec![int("transB", 1)], f32s("b", &[], &[1.0]), vec![2.0, 4.0, 3.0, 5.0]),
        gemm(
            vec![float("alpha", 2.0), float("beta", 0.5)],
            f32s("b", &[2, 1], &[10.0, 20.0]),
            vec![7.0, 9.0, 16.0, 18.0],
        ),
    ];
    cases.push(Case {
        op: "MatMul",
        opset: 13,
        inputs: &["x", "w"],
        attributes: vec![],
        constants: vec![f32s("w", &[2], &[1.0, 10.0])],
        x: (&[2, 1, 2], count(4)),
        y: (&[2, 1], vec![10.0, 32.0]),
    });
    cases.push(Case {
        op: "MatMul",
        opset: 13,
        inputs: &["x", "x"],
        attributes: vec![],
        constants: vec![],
        x: (&[2, 2], vec![1.0, 1.0, 0.0, 1.0]),
        y: (&[2, 2], vec![1.0, 2.0, 0.0, 1.0]),
    });
    let einsum = |equation: &str, constants, y| Case {
        op: "Einsum",
        opset: 12,
        inputs: &["x", "w"],
        attributes: vec![text("equation", equation)],
        constants,
        x: (&[2, 2], count(4)),
        y,
    };
    cases.push(einsum("ij,kj->ki", vec![weights.clone()], (&[2, 2], vec![2.0, 8.0, 4.0, 18.0])));
    cases.push(einsum("...i,ij", vec![weights.clone()], (&[2, 2], vec![3.0, 4.0, 11.0, 16.0])));
    cases.push(einsum("ii,ij->j", vec![weights], (&[2], vec![9.0, 12.0])));
    check(cases);
}

#[test]
fn normalisations_use_the_stated_statistics() {
    let per_channel = |name: &str, values: &[f32]| f32s(name, &[values.len() as i64], values);
    check(vec![
        Case {
            op: "BatchNormalization",
            opset: 15,
            inputs: &["x", "s", "b", "m", "v"],
            attributes: vec![float("epsilon", 0.0)],
            constants: vec![
                per_channel("s", &[2.0, 1.0]),
                per_channel("b", &[0.0, 1.0]),
                per_channel("m", &[1.0, 0.0]),
                per_channel("v", &[4.0, 0.25]),
            ],
            x: (&[1, 2, 2], vec![1.0, 3.0, 1.0, 2.0]),
            y: (&[1, 2, 2], vec![0.0, 2.0, 3.0, 5.0]),
        },
        Case {
            op: "LayerNormalization",
            opset: 17,
            inputs: &["x", "s"],
            attributes: vec![float("epsilon", 0.0)],
            constants: vec![per_channel("s", &[1.0, 2.0])],
            x: (&[1, 2], vec![1.0, 3.0]),
            y: (&[1, 2], vec![-1.0, 2.0]),
        },
        Case {
            op: "LpNormalization",
            opset: 22,
            inputs: &["x"],
            attributes: vec![int("p", 1)],
            constants: vec![],
            x: (&[2, 2], vec![1.0, -3.0, 0.0, 0.0]),
            y: (&[2, 2], vec![0.25, -0.75, 0.0, 0.0]),
        },
    ]);
}

#[test]
fn recurrent_layers_run_both_ways() {
    // One unit that adds: h = tanh(x + h).
    let rnn = |direction: &str, gates: usize, y| Case {
        op: "RNN",
        opset: 14,
        inputs: &["x", "w", "r"],
        attributes: vec![text("direction", direction), int("hidden_size", 1)],
        constants: vec![
            f32s("w", &[gates as i64, 1, 1], &vec![1.0; gates]),
            f32s("r", &[gates as i64, 1, 1], &vec![1.0; gates]),
        ],
        x: (&[2, 1, 1], vec![0.5, 0.25]),
        y,
    };
    // tanh(0.5), tanh(0.25 + that); tanh(0.5 + tanh(0.25)), tanh(0.25).
    let forward = [0.46211716, 0.61200273];
    let reverse = [0.63210771, 0.24491866];
    check(vec![
        rnn("forward", 1, (&[2, 1, 1, 1], forward.to_vec())),
        rnn("reverse", 1, (&[2, 1, 1, 1], reverse.to_vec())),
        rnn("bidirectional", 2, (&[2, 2, 1, 1], vec![forward[0], reverse[0], forward[1], reverse[1]])),
    ]);
}

#[test]
fn operands_are_laid_against_each_other_as_before_operator_set_7() {
    let add = |attributes, b: TensorProto, y: Vec<f32>| Case {
        op: "Add",
        opset: 6,
        inputs: &["x", "b"],
        attributes,
        constants: vec![b],
        x: (&[2, 3], count(6)),
        y: (&[2, 3], y),
    };
    check(vec![
        add(vec![], f32s("b", &[2, 3], &[1.0; 6]), vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        add(vec![int("broadcast", 1)], f32s("b", &[3], &[10.0, 20.0, 30.0]), vec![10.0, 21.0, 32.0, 13.0, 24.0, 35.0]),
        add(
            vec![int("broadcast", 1), int("axis", 0)],
            f32s("b", &[2], &[10.0, 20.0]),
            vec![10.0, 11.0, 12.0, 23.0, 24.0, 25.0],
        ),
        Case {
            op: "PRelu",
            opset: 6,
            inputs: &["x", "b"],
            attributes: vec![],
            constants: vec![f32s("b", &[2], &[0.5, 0.25])],
            x: (&[1, 2, 2], vec![-2.0, 2.0, -4.0, 4.0]),
            y: (&[1, 2, 2], vec![-1.0, 2.0, -1.0, 4.0]),
        },
    ]);
    let unlaid = one_node(6, node("Add", &["x", "b"], &["y"], vec![]), &[2, 3], vec![f32s("b", &[3], &[0.0; 3])]);
    assert!(run(&unlaid, &[f32_tensor("x", &[2, 3], &count(6))]).is_err());
}
