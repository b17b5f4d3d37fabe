use super::onnx_build::{FLOAT, f32s, graph, i64s, int, model, node, text, untyped, value};
use super::{f32_tensor, one_node, run};
use crate::compile::CompileError;
use crate::error::{ImportError, Reason};
use tract_onnx::pb::{NodeProto, TensorProto};

fn refused(bytes: &[u8], dims: &[usize]) -> ImportError {
    let count = dims.iter().product();
    match run(bytes, &[f32_tensor("x", dims, &vec![0.0; count])]) {
        Err(CompileError::Import(error)) => error,
        other => panic!("not refused by the import: {other:?}"),
    }
}

#[test]
fn nothing_is_ignored() {
    type Expected = fn(&Reason) -> bool;
    let cases: Vec<(i64, NodeProto, Vec<TensorProto>, Expected)> = vec![
        (
            13,
            node("Relu", &["x"], &["y"], vec![int("alpha", 1)]),
            vec![],
            |r| matches!(r, Reason::Attribute(a) if a == "alpha"),
        ),
        (13, node("Nope", &["x"], &["y"], vec![]), vec![], |r| matches!(r, Reason::Operator)),
        (13, node("Gelu", &["x"], &["y"], vec![]), vec![], |r| matches!(r, Reason::Version(13))),
        (
            13,
            NodeProto { domain: "ai.acme".to_owned(), ..node("Relu", &["x"], &["y"], vec![]) },
            vec![],
            |r| matches!(r, Reason::Domain(d) if d == "ai.acme"),
        ),
        (13, node("Relu", &["x", "x"], &["y"], vec![]), vec![], |r| matches!(r, Reason::Input(1))),
        (13, node("Add", &["x"], &["y"], vec![]), vec![], |r| matches!(r, Reason::MissingInput(1))),
        (
            13,
            node("AveragePool", &["x"], &["y", "i"], vec![super::onnx_build::ints("kernel_shape", &[1])]),
            vec![],
            |r| matches!(r, Reason::Output(1)),
        ),
        (13, node("Reshape", &["x", "s"], &["y"], vec![]), vec![i64s("s", &[1], &[-2])], |r| {
            matches!(r, Reason::Value { got: -2, .. })
        }),
        (13, node("Softmax", &["x"], &["y"], vec![int("axis", 3)]), vec![], |r| {
            matches!(r, Reason::Axis { axis: 3, rank: 3 })
        }),
        (13, node("Softmax", &["x"], &["y"], vec![text("axis", "1")]), vec![], |r| {
            matches!(r, Reason::AttributeType("axis"))
        }),
        (13, node("MatMul", &["x", "w"], &["y"], vec![]), vec![f32s("w", &[3, 1], &[0.0; 3])], |r| {
            matches!(r, Reason::Shapes(..))
        }),
        (13, node("Add", &["x", "w"], &["y"], vec![]), vec![i64s("w", &[1], &[0])], |r| matches!(r, Reason::Types(..))),
        (13, node("Expand", &["x", "s"], &["y"], vec![]), vec![i64s("s", &[3], &[1 << 60, 1, 1])], |r| {
            matches!(r, Reason::TooLarge(_))
        }),
        (13, node("LSTM", &["x", "x", "x"], &["y"], vec![]), vec![], |r| matches!(r, Reason::Shapes(..))),
    ];
    for (opset, node, constants, expected) in cases {
        let title = format!("{node:?}");
        let ImportError::Refused(refusals) = refused(&one_node(opset, node, &[1, 1, 2], constants), &[1, 1, 2]) else {
            panic!("{title}: not refused as a node")
        };
        assert!(expected(&refusals.first.reason), "{title}: {:?}", refusals.first.reason);
    }
}

#[test]
fn every_refusal_is_listed() {
    let nodes = vec![
        node("Nope", &["x"], &["a"], vec![]),
        node("Relu", &["a"], &["b"], vec![]),
        node("Mystery", &["b"], &["c"], vec![]),
        node("Relu", &["c"], &["d"], vec![int("odd", 1)]),
        node("Add", &["x", "d"], &["y"], vec![]),
    ];
    let bytes = model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], vec![untyped("y")], vec![]));
    let ImportError::Refused(refusals) = refused(&bytes, &[2]) else { panic!("not refused as nodes") };
    assert_eq!(refusals.first.op, "Nope");
    let others: Vec<_> = refusals.others.iter().map(|r| r.node.as_str()).collect();
    assert_eq!(others, ["c", "d"]);
    assert!(refusals.to_string().contains("attribute `odd`"));
}

#[test]
fn contradictory_graphs_are_refused() {
    let with = |nodes| model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], vec![untyped("y")], vec![]));
    let relu = |from: &str, to: &str| node("Relu", &[from], &[to], vec![]);
    let cyclic = refused(&with(vec![relu("y", "a"), relu("a", "y")]), &[2]);
    assert!(matches!(cyclic, ImportError::Cyclic { ref node } if node == "a"), "{cyclic}");
    let missing = refused(&with(vec![relu("nowhere", "y")]), &[2]);
    assert!(matches!(missing, ImportError::MissingValue { ref value, .. } if value == "nowhere"), "{missing}");
    let twice = refused(&with(vec![relu("x", "y"), relu("x", "y")]), &[2]);
    assert!(matches!(twice, ImportError::DuplicateValue { ref value } if value == "y"), "{twice}");
    let old = refused(&model(29, graph(vec![relu("x", "y")], vec![], vec![], vec![])), &[2]);
    assert!(matches!(old, ImportError::Opset { version: 29, .. }), "{old}");
    let typed =
        model(13, graph(vec![relu("x", "y")], vec![value("x", FLOAT, &["2"])], vec![value("y", 7, &["2"])], vec![]));
    assert!(matches!(refused(&typed, &[2]), ImportError::OutputType { .. }));
}

#[test]
fn given_shapes_must_fit() {
    let input = |dims: &[&str]| {
        let relu = node("Relu", &["x"], &["y"], vec![]);
        model(13, graph(vec![relu], vec![value("x", FLOAT, dims)], vec![untyped("y")], vec![]))
    };
    assert!(matches!(refused(&input(&["3"]), &[2]), ImportError::InputShape { .. }));
    assert!(matches!(refused(&input(&["n", "n"]), &[2, 3]), ImportError::DimConflict { first: 2, second: 3, .. }));
    assert!(matches!(refused(&input(&["1152921504606846976"]), &[2]), ImportError::InputShape { .. }));
    let unbound = match run(&input(&["1", "n"]), &[]) {
        Err(CompileError::Import(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(unbound.hint().unwrap(), "give it a size with --dim n=SIZE");
}
