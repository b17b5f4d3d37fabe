//! Operators that carry a state from call to call, on numbers computed by hand.
#![allow(clippy::disallowed_methods, reason = "the reference")]

use tract_onnx::pb::{AttributeProto, TensorProto};

use super::onnx_build::{f32s, int, node, text};
use super::{f32_tensor, floats, one_node, run};
use crate::compile::CompileError;
use crate::error::{ImportError, Reason};

/// Output and state of one operator over x.
fn answers(
    op: &str,
    inputs: &[&str],
    attributes: Vec<AttributeProto>,
    constants: Vec<TensorProto>,
    x: (&[usize], &[f32]),
) -> Result<(Vec<f32>, Vec<f32>), CompileError> {
    let bytes = one_node(27, node(op, inputs, &["y", "state"], attributes), x.0, constants);
    let outputs = run(&bytes, &[f32_tensor("x", x.0, x.1)])?;
    Ok((floats(&outputs[0]), floats(&outputs[1])))
}

#[test]
fn a_causal_convolution_sees_the_past() {
    let constants =
        || vec![f32s("w", &[1, 1, 2], &[10.0, 1.0]), f32s("b", &[1], &[100.0]), f32s("p", &[1, 1, 1], &[5.0])];
    let x: (&[usize], &[f32]) = (&[1, 1, 3], &[1.0, 2.0, 3.0]);
    for (inputs, y) in [
        (&["x", "w"][..], [1.0, 12.0, 23.0]),
        (&["x", "w", "b"], [101.0, 112.0, 123.0]),
        (&["x", "w", "", "p"], [51.0, 12.0, 23.0]),
        (&["x", "w", "b", "p"], [151.0, 112.0, 123.0]),
    ] {
        let unused = |c: &TensorProto| inputs.contains(&c.name.as_str());
        let constants = constants().into_iter().filter(unused).collect();
        let (got, state) = answers("CausalConvWithState", inputs, vec![], constants, x).unwrap();
        assert_eq!((&got[..], &state[..]), (&y[..], &[3.0][..]), "{inputs:?}");
    }
    let (got, _) =
        answers("CausalConvWithState", &["x", "w"], vec![text("activation", "silu")], constants()[..1].to_vec(), x)
            .unwrap();
    assert!((got[0] - 1.0 / (1.0 + (-1.0_f64).exp()) as f32).abs() < 1e-6, "{got:?}");
}

/// One head whose keys and values have one element; x is the queries.
fn linear(rule: &str, inputs: &[&str]) -> Result<(Vec<f32>, Vec<f32>), CompileError> {
    let constants = vec![
        f32s("k", &[1, 2, 1], &[1.0, 2.0]),
        f32s("v", &[1, 2, 1], &[5.0, 7.0]),
        f32s("decay", &[1, 2, 1], &[-std::f32::consts::LN_2; 2]),
        f32s("rate", &[1, 2, 1], &[0.5; 2]),
    ];
    let constants = constants.into_iter().filter(|c| inputs.contains(&c.name.as_str())).collect();
    let attributes = vec![int("q_num_heads", 1), int("kv_num_heads", 1), text("update_rule", rule)];
    answers("LinearAttention", inputs, attributes, constants, (&[1, 2, 1], &[2.0, 3.0]))
}

#[test]
fn linear_attention_updates_its_state_by_every_rule() {
    let all = ["x", "k", "v", "", "decay", "rate"];
    for (rule, inputs, y, state) in [
        ("linear", &all[..3], [10.0, 57.0], 19.0),
        ("gated", &all[..5], [10.0, 49.5], 16.5),
        ("delta", &["x", "k", "v", "", "", "rate"], [5.0, 13.5], 4.5),
        // Half of the state, 1.25, then half of 7 - 2 * 1.25, twice.
        ("gated_delta", &all, [5.0, 17.25], 5.75),
    ] {
        let (got, last) = linear(rule, inputs).unwrap();
        let close = got.iter().zip(y).all(|(g, w)| (g - w).abs() < 1e-5) && (last[0] - state).abs() < 1e-5;
        assert!(close, "{rule}: {got:?} {last:?}");
    }
}

#[test]
fn gates_that_do_not_go_with_the_rule_are_refused() {
    type Expected = fn(&Reason) -> bool;
    let cases: [(&str, &[&str], Expected); 3] = [
        ("linear", &["x", "k", "v", "", "decay"], |r| matches!(r, Reason::Input(4))),
        ("gated", &["x", "k", "v"], |r| matches!(r, Reason::MissingInput(4))),
        ("cubic", &["x", "k", "v"], |r| matches!(r, Reason::AttributeValue { name: "update_rule", .. })),
    ];
    for (rule, inputs, expected) in cases {
        match linear(rule, inputs) {
            Err(CompileError::Import(ImportError::Refused(all))) => assert!(expected(&all.first.reason), "{rule}"),
            other => panic!("{rule}: {other:?}"),
        }
    }
}
