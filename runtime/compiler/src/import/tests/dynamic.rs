//! Nodes whose number of results depends on data.

use tract_onnx::pb::{NodeProto, TensorProto};

use super::onnx_build::{FLOAT, f32s, graph, i64s as ints_tensor, int, ints, model, node, untyped, value};
use super::{ImportOptions, answer, compile_with, f32_tensor, floats, i64s};
use crate::compile::{CompileError, Compiled};
use crate::error::{ImportError, Reason};
use mote_engine::Fault;

fn compiled(
    nodes: Vec<NodeProto>,
    dims: &[usize],
    outputs: &[&str],
    constants: Vec<TensorProto>,
    bound: Option<(&str, usize)>,
) -> Result<Compiled, CompileError> {
    let shape: Vec<String> = dims.iter().map(ToString::to_string).collect();
    let shape: Vec<&str> = shape.iter().map(String::as_str).collect();
    let outputs = outputs.iter().map(|name| untyped(name)).collect();
    let bytes = model(18, graph(nodes, vec![value("x", FLOAT, &shape)], outputs, constants));
    let bounds = bound.into_iter().map(|(name, bound)| (name.to_owned(), bound)).collect();
    let import = ImportOptions { bounds, ..ImportOptions::default() };
    compile_with(&bytes, &[f32_tensor("x", dims, &vec![0.0; dims.iter().product()])], import)
}

fn refusal(made: Result<Compiled, CompileError>) -> Reason {
    match made {
        Err(CompileError::Import(ImportError::Refused(refusals))) => refusals.first.reason,
        other => panic!("not refused as a node: {other:?}"),
    }
}

#[test]
fn positions_are_padded_and_counted() {
    let nodes = vec![node("NonZero", &["x"], &["y"], vec![])];
    let compiled = compiled(nodes, &[2, 3], &["y"], vec![], Some(("y", 3))).unwrap();
    let run = |x: &[f32]| answer(&compiled, &[f32_tensor("x", &[2, 3], x)]);
    let made = run(&[0.0, 5.0, 0.0, 0.0, 0.0, 7.0]).unwrap();
    assert_eq!((made[0].dims.as_slice(), i64s(&made[0])), (&[2, 3][..], vec![0, 1, 0, 1, 2, 0]));
    assert_eq!((made[1].name.as_str(), i64s(&made[1])), ("y.count", vec![2]));
    assert_eq!(i64s(&run(&[0.0; 6]).unwrap()[1]), [0]);
    assert_eq!(run(&[1.0; 6]).unwrap_err(), Fault::BoundExceeded);
}

#[test]
fn the_count_of_constants_is_known() {
    let constant = f32s("c", &[5], &[3.0, 1.0, 3.0, 0.0, 1.0]);
    let nodes = vec![
        node("NonZero", &["c"], &["at"], vec![]),
        node("Unique", &["c"], &["u", "first", "which", "counts"], vec![int("sorted", 0)]),
        node("Greater", &["c", "limit"], &["chosen"], vec![]),
        node("Compress", &["x", "chosen"], &["y"], vec![int("axis", 0)]),
    ];
    let outputs = ["at", "u", "first", "which", "counts", "y"];
    let made = compiled(nodes, &[5], &outputs, vec![constant, f32s("limit", &[], &[2.0])], None).unwrap();
    let made = answer(&made, &[f32_tensor("x", &[5], &[1.0, 2.0, 3.0, 4.0, 5.0])]).unwrap();
    assert_eq!((made[0].dims.as_slice(), i64s(&made[0])), (&[1, 4][..], vec![0, 1, 2, 4]));
    assert_eq!(floats(&made[1]), [3.0, 1.0, 0.0]);
    assert_eq!([&made[2], &made[3], &made[4]].map(i64s), [vec![0, 1, 3], vec![0, 1, 0, 2, 1], vec![2, 2, 1]]);
    assert_eq!(floats(&made[5]), [1.0, 3.0]);
    assert_eq!(made.len(), 6);
}

#[test]
fn parts_are_chosen_by_a_computed_condition() {
    let nodes = vec![
        node("Greater", &["x", "limit"], &["chosen"], vec![]),
        node("Compress", &["x", "chosen"], &["y"], vec![]),
        node("Unique", &["x"], &["u", "", "which"], vec![]),
    ];
    let bounds = Some(("y", 2));
    let limit = f32s("limit", &[], &[2.0]);
    assert!(matches!(refusal(compiled(nodes.clone(), &[4], &["y"], vec![limit.clone()], bounds)), Reason::Unbounded));
    let made = compiled(nodes[..2].to_vec(), &[4], &["y"], vec![limit], bounds).unwrap();
    let made = answer(&made, &[f32_tensor("x", &[4], &[1.0, 7.0, 2.0, 9.0])]).unwrap();
    assert_eq!((floats(&made[0]), i64s(&made[1])), (vec![7.0, 9.0], vec![2]));
    let made = compiled(nodes[2..].to_vec(), &[4], &["u", "which"], vec![], Some(("u", 3))).unwrap();
    let made = answer(&made, &[f32_tensor("x", &[4], &[9.0, 7.0, 9.0, 8.0])]).unwrap();
    assert_eq!((floats(&made[0]), i64s(&made[1]), i64s(&made[2])), (vec![7.0, 8.0, 9.0], vec![2, 0, 2, 1], vec![3]));
}

/// Boxes from x, scores constant, and whatever reads the list of chosen boxes.
fn suppression(readers: Vec<NodeProto>, outputs: &[&str]) -> Result<Compiled, CompileError> {
    let mut nodes = vec![node("NonMaxSuppression", &["x", "scores", "most", "iou", "score"], &["chosen"], vec![])];
    nodes.extend(readers);
    let constants = vec![
        f32s("scores", &[1, 2, 3], &[0.9, 0.8, 0.1, 0.2, 0.3, 0.7]),
        ints_tensor("most", &[1], &[3]),
        f32s("iou", &[1], &[0.5]),
        f32s("score", &[1], &[0.25]),
        ints_tensor("two", &[1], &[2]),
        ints_tensor("three", &[1], &[3]),
        ints_tensor("one_axis", &[1], &[1]),
        ints_tensor("zero_axis", &[1], &[0]),
        ints_tensor("flat", &[1], &[-1]),
    ];
    compiled(nodes, &[1, 3, 4], outputs, constants, Some(("chosen", 5)))
}

/// Two boxes of which the second nearly covers the first, and one apart.
const BOXES: [f32; 12] = [0.0, 0.0, 1.0, 1.0, 0.0, 0.1, 1.0, 1.1, 0.0, 5.0, 1.0, 6.0];

#[test]
fn what_follows_may_treat_boxes_one_by_one() {
    let readers = [
        node("Slice", &["chosen", "two", "three", "one_axis"], &["column"], vec![]),
        node("Reshape", &["column", "flat"], &["at"], vec![]),
        node("Gather", &["x", "at"], &["boxes"], vec![int("axis", 1)]),
        node("Mul", &["boxes", "boxes"], &["squares"], vec![]),
        node("ReduceMax", &["squares"], &["y"], vec![int("keepdims", 0), ints("axes", &[])]),
    ];
    let readers = readers[..4].to_vec();
    let made = suppression(readers, &["chosen", "squares"]).unwrap();
    let made = answer(&made, &[f32_tensor("x", &[1, 3, 4], &BOXES)]).unwrap();
    assert_eq!(i64s(&made[0])[..9], [0, 0, 0, 0, 1, 2, 0, 1, 1]);
    assert_eq!(made[1].dims, [1, 5, 4]);
    assert_eq!(floats(&made[1])[4..8], [0.0, 25.0, 1.0, 36.0]);
    let counts: Vec<_> = made[2..].iter().map(|count| (count.name.as_str(), i64s(count))).collect();
    assert_eq!(counts, [("chosen.count", vec![3]), ("squares.count", vec![3])]);
}

#[test]
fn what_follows_must_not_mix_boxes_with_padding() {
    let cast = node("Cast", &["chosen"], &["f"], vec![int("to", 1)]);
    let readers = [
        vec![node("Shape", &["chosen"], &["y"], vec![])],
        vec![cast.clone(), node("ReduceSum", &["f", "zero_axis"], &["y"], vec![])],
        vec![cast.clone(), node("Softmax", &["f"], &["y"], vec![int("axis", 0)])],
        vec![node("Concat", &["chosen", "chosen"], &["y"], vec![int("axis", 0)])],
        vec![node("Reshape", &["chosen", "flat"], &["y"], vec![])],
        vec![node("Slice", &["chosen", "zero_axis", "two", "zero_axis"], &["y"], vec![])],
        vec![cast, node("NonZero", &["f"], &["y"], vec![])],
    ];
    for reader in readers {
        let title = format!("{:?}", reader.last());
        assert!(matches!(refusal(suppression(reader, &["y"])), Reason::Padded | Reason::Unbounded), "{title}");
    }
}
