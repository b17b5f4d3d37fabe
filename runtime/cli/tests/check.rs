//! Verbs that tell before anything is compiled.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use support::{Home, evidence};

#[test]
fn a_model_that_works_is_told_with_its_costs() {
    let home = Home::new();
    let told = home.json(&["check", &evidence("digits-cnn/model.onnx")]);
    assert_eq!(told["works"], true);
    assert!(told["operators"]["Conv"].as_u64().unwrap() > 0, "{told}");
    assert!(told["costs"]["plan_bytes"].as_u64() > told["costs"]["constant_bytes"].as_u64());
    assert!(told["costs"]["estimated_ms"]["cortex_m4f_100_mhz"].as_f64().unwrap() > 0.0);
    let text = home.mote(&["check", &evidence("digits-cnn/model.onnx")]);
    assert!(text.exit == 0 && text.stdout.contains("\nworks\n"), "{}", text.stdout);
}

#[test]
fn a_refused_model_is_told_with_every_node_and_what_helps() {
    let home = Home::new();
    // Relu, then two operators of which the standard has one, but later.
    let node = |op: &str, input: &str, output: &str| {
        [&[0x0a, 1], input.as_bytes(), &[0x12, 1], output.as_bytes(), &[0x22, op.len() as u8], op.as_bytes()].concat()
    };
    let field = |tag: u8, body: &[u8]| [&[tag, body.len() as u8], body].concat();
    let dim = field(0x0a, &[0x08, 2]);
    let kind = field(0x0a, &[&[0x08, 1], &field(0x12, &dim)[..]].concat());
    let x = [&field(0x0a, b"x")[..], &field(0x12, &kind)].concat();
    let y = field(0x0a, b"y");
    let graph = [
        field(0x0a, &node("Relu", "x", "a")),
        field(0x0a, &node("Gelu", "a", "b")),
        field(0x0a, &node("Nope", "b", "y")),
        field(0x5a, &x),
        field(0x62, &y),
    ]
    .concat();
    let model = [&[0x08, 8][..], &field(0x3a, &graph), &field(0x42, &[0x10, 19])].concat();
    std::fs::write(home.path("m.onnx"), model).unwrap();

    let answer = home.mote(&["check", &home.arg("m.onnx"), "--json"]);
    assert_eq!(answer.exit, 3, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stderr.contains("check.refused"), "{}", answer.stderr);
    let told: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    let refused: Vec<&str> =
        told["refused"].as_array().unwrap().iter().map(|r| r["operator"].as_str().unwrap()).collect();
    assert_eq!(refused, ["Gelu", "Nope"]);
    assert!(told["advice"][0].as_str().unwrap().contains("operator set 20"), "{told}");
}

#[test]
fn the_operators_are_listed() {
    let home = Home::new();
    let all = home.json(&["ops"]);
    assert!(all["operators"].as_array().unwrap().len() > 100);
    let some = home.mote(&["ops", "softmax"]);
    assert!(some.stdout.contains("| ai.onnx | Softmax | 1, 13 | axis |"), "{}", some.stdout);
    assert!(!some.stdout.contains("Conv"), "{}", some.stdout);
}
