//! Sequences and optionals.

use tract_onnx::pb::NodeProto;

use super::onnx_build::{BOOL, FLOAT, INT64, graph, i64s as ints_tensor, int, model, node, subgraph, untyped, value};
use super::{f32_tensor, floats, i64s, run};
use crate::compile::CompileError;
use crate::error::ImportError;
use crate::tensor::HostTensor;

fn made(nodes: Vec<NodeProto>, outputs: &[&str]) -> Result<Vec<HostTensor>, CompileError> {
    let constants = vec![
        ints_tensor("one", &[], &[1]),
        ints_tensor("two", &[], &[2]),
        ints_tensor("last", &[], &[-1]),
        ints_tensor("parts", &[2], &[1, 3]),
    ];
    let outputs = outputs.iter().map(|name| untyped(name)).collect();
    let bytes = model(18, graph(nodes, vec![value("x", FLOAT, &["4"])], outputs, constants));
    run(&bytes, &[f32_tensor("x", &[4], &[1.0, 2.0, 3.0, 4.0])])
}

#[test]
fn sequences_vanish() {
    let nodes = vec![
        node("SplitToSequence", &["x", "parts"], &["s"], vec![]),
        node("SequenceAt", &["s", "last"], &["long"], vec![]),
        node("SplitToSequence", &["x"], &["slices"], vec![int("keepdims", 0)]),
        node("SequenceErase", &["slices", "one"], &["three"], vec![]),
        node("SequenceAt", &["slices", "last"], &["four"], vec![]),
        node("SequenceInsert", &["three", "four", "one"], &["again"], vec![]),
        node("SequenceLength", &["again"], &["length"], vec![]),
        node("ConcatFromSequence", &["again"], &["stacked"], vec![int("axis", 0), int("new_axis", 1)]),
        node("SplitToSequence", &["x", "two"], &["pairs"], vec![]),
        node("ConcatFromSequence", &["pairs"], &["joined"], vec![int("axis", 0)]),
    ];
    let made = made(nodes, &["long", "length", "stacked", "joined"]).unwrap();
    assert_eq!(floats(&made[0]), [2.0, 3.0, 4.0]);
    assert_eq!(i64s(&made[1]), [4]);
    assert_eq!(floats(&made[2]), [1.0, 4.0, 3.0, 4.0]);
    assert_eq!(floats(&made[3]), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn a_loop_may_carry_a_sequence() {
    let body = graph(
        vec![node("Add", &["h", "h"], &["next"], vec![]), node("SequenceInsert", &["s", "next"], &["longer"], vec![])],
        vec![value("i", INT64, &[]), value("go", BOOL, &[]), value("h", FLOAT, &["4"]), untyped("s")],
        ["go", "next", "longer"].map(untyped).to_vec(),
        vec![],
    );
    let nodes = vec![
        node("SequenceEmpty", &[], &["none"], vec![]),
        node("Loop", &["two", "", "x", "none"], &["", "all"], vec![subgraph("body", body)]),
        node("ConcatFromSequence", &["all"], &["y"], vec![int("axis", 0)]),
    ];
    let made = made(nodes, &["y"]).unwrap();
    assert_eq!(floats(&made[0]), [2.0, 4.0, 6.0, 8.0, 4.0, 8.0, 12.0, 16.0]);
}

#[test]
fn a_body_runs_over_a_sequence() {
    let body = graph(
        vec![node("Mul", &["e", "whole"], &["r"], vec![])],
        vec![value("e", FLOAT, &[]), value("whole", FLOAT, &["4"])],
        vec![untyped("r")],
        vec![],
    );
    let nodes = vec![
        node("SplitToSequence", &["x", "two"], &["s"], vec![]),
        node("SequenceAt", &["s", "one"], &["half"], vec![]),
        node("SequenceMap", &["s", "half"], &["products"], vec![subgraph("body", body)]),
        node("ConcatFromSequence", &["products"], &["y"], vec![int("axis", 0)]),
    ];
    assert_eq!(floats(&made(nodes, &["y"]).unwrap()[0]), [3.0, 8.0, 9.0, 16.0]);
}

#[test]
fn optionals_are_there_or_not() {
    let nodes = vec![
        node("Optional", &["x"], &["o"], vec![]),
        node("OptionalHasElement", &["o"], &["there"], vec![]),
        node("OptionalHasElement", &[], &["nothing"], vec![]),
        node("OptionalGetElement", &["o"], &["e"], vec![]),
        node("Relu", &["e"], &["y"], vec![]),
    ];
    let made = made(nodes, &["there", "nothing", "y"]).unwrap();
    assert_eq!((&made[0].bytes[..], &made[1].bytes[..]), (&[1][..], &[0][..]));
    assert_eq!(floats(&made[2]), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn what_does_not_vanish_is_refused() {
    let split = || node("SplitToSequence", &["x", "two"], &["s"], vec![]);
    let output = made(vec![split()], &["s"]);
    assert!(matches!(output, Err(CompileError::Import(ImportError::OutputForm { .. }))), "{output:?}");
    for reader in [
        node("Relu", &["s"], &["y"], vec![]),
        node("SequenceAt", &["s", "two"], &["y"], vec![]),
        node("SequenceAt", &["x", "one"], &["y"], vec![]),
        node("SequenceAt", &["s"], &["y"], vec![]),
        node("ConcatFromSequence", &["s"], &["y"], vec![]),
    ] {
        let title = format!("{reader:?}");
        let refused = made(vec![split(), reader], &["y"]);
        assert!(matches!(refused, Err(CompileError::Import(ImportError::Refused(_)))), "{title}");
    }
}
