//! Fourier transforms, windows, mel filters.
#![allow(clippy::disallowed_methods, reason = "the reference")]

use tract_onnx::pb::{AttributeProto, TensorProto};

use super::onnx_build::{f32s, i64s, int, node};
use super::{f32_tensor, floats, one_node, run};

/// One operator over `x`.
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

#[test]
fn transforms_follow_the_definition() {
    let dft =
        |opset, inputs, attributes, constants, x, y| Case { op: "DFT", opset, inputs, attributes, constants, x, y };
    let root = 3.0_f32.sqrt() / 2.0;
    check(vec![
        // Along the rows of a column of numbers.
        dft(17, &["x"], vec![], vec![], (&[1, 2, 1], vec![3.0, 1.0]), (&[1, 2, 2], vec![4.0, 0.0, 2.0, 0.0])),
        dft(
            20,
            &["x"],
            vec![int("onesided", 1)],
            vec![],
            (&[4, 1], vec![1.0, 2.0, 3.0, 5.0]),
            (&[3, 2], vec![11.0, 0.0, -2.0, 3.0, -3.0, 0.0]),
        ),
        dft(
            20,
            &["x"],
            vec![int("inverse", 1), int("onesided", 1)],
            vec![],
            (&[3, 2], vec![11.0, 0.0, -2.0, 3.0, -3.0, 0.0]),
            (&[4, 1], vec![1.0, 2.0, 3.0, 5.0]),
        ),
        dft(
            20,
            &["x"],
            vec![int("inverse", 1)],
            vec![],
            (&[3, 2], vec![3.0, 0.0, 0.0, 0.0, 0.0, 3.0]),
            (&[3, 2], vec![1.0, 1.0, 1.0 + root, -0.5, 1.0 - root, -0.5]),
        ),
        // A longer line is cut, a shorter one filled with zeros; the axis is an input.
        dft(
            20,
            &["x", "length", "axis"],
            vec![],
            vec![i64s("length", &[], &[3]), i64s("axis", &[], &[0])],
            (&[2, 2, 1], vec![1.0, 2.0, 1.0, 4.0]),
            (&[3, 2, 2], vec![2.0, 0.0, 6.0, 0.0, 0.5, -root, 0.0, -4.0 * root, 0.5, root, 0.0, 4.0 * root]),
        ),
    ]);
}

#[test]
fn signals_are_cut_into_frames() {
    check(vec![
        Case {
            op: "STFT",
            opset: 17,
            inputs: &["x", "step", "window"],
            attributes: vec![],
            constants: vec![i64s("step", &[], &[1]), f32s("window", &[2], &[1.0, 0.5])],
            x: (&[1, 4, 1], vec![1.0, 2.0, 4.0, 8.0]),
            y: (&[1, 3, 2, 2], vec![2.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0]),
        },
        Case {
            op: "STFT",
            opset: 17,
            inputs: &["x", "step", "", "length"],
            attributes: vec![int("onesided", 0)],
            constants: vec![i64s("step", &[], &[2]), i64s("length", &[], &[2])],
            x: (&[1, 5, 1], vec![1.0, 2.0, 4.0, 8.0, 100.0]),
            y: (&[1, 2, 2, 2], vec![3.0, 0.0, -1.0, 0.0, 12.0, 0.0, -4.0, 0.0]),
        },
    ]);
}

#[test]
fn tables_are_constants() {
    let window = |op, attributes, y| Case {
        op,
        opset: 17,
        inputs: &["size"],
        attributes,
        constants: vec![i64s("size", &[], &[4])],
        x: (&[1], vec![0.0]),
        y: (&[4], y),
    };
    check(vec![
        window("HannWindow", vec![], vec![0.0, 0.5, 1.0, 0.5]),
        window("HannWindow", vec![int("periodic", 0)], vec![0.0, 0.75, 0.75, 0.0]),
        window("HammingWindow", vec![], vec![2.0 / 23.0, 25.0 / 46.0, 1.0, 25.0 / 46.0]),
        window("BlackmanWindow", vec![], vec![0.0, 0.34, 1.0, 0.34]),
        Case {
            op: "MelWeightMatrix",
            opset: 17,
            inputs: &["mels", "length", "rate", "low", "high"],
            attributes: vec![],
            constants: vec![
                i64s("mels", &[], &[3]),
                i64s("length", &[], &[16]),
                i64s("rate", &[], &[8000]),
                f32s("low", &[], &[100.0]),
                f32s("high", &[], &[3000.0]),
            ],
            x: (&[1], vec![0.0]),
            y: (
                &[9, 3],
                vec![
                    1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
                ],
            ),
        },
    ]);
}
