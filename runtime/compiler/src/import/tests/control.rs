//! Functions, loops and scans.

use prost::Message;
use tract_onnx::pb::{AttributeProto, NodeProto, attribute_proto::AttributeType};

use super::onnx_build::{
    BOOL, FLOAT, INT64, attribute, f32s, float, graph, i64s as ints_tensor, int, ints, model, node, subgraph, untyped,
    value,
};
use super::{ImportOptions, answer, compile_with, f32_tensor, floats, i64s, run};
use crate::compile::CompileError;
use crate::error::{ImportError, Reason};
use crate::tensor::HostTensor;

/// A length-delimited field of a protobuf message.
fn field(number: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut len = body.len();
    while len >= 0x80 {
        bytes.push(len as u8 | 0x80);
        len >>= 7;
    }
    bytes.push(len as u8);
    bytes.extend(body);
    bytes
}

struct Function {
    name: &'static str,
    inputs: &'static [&'static str],
    outputs: &'static [&'static str],
    attributes: &'static [&'static str],
    defaults: Vec<AttributeProto>,
    nodes: Vec<NodeProto>,
}

impl Function {
    /// As field 25 of a model.
    fn bytes(&self) -> Vec<u8> {
        let texts = |number, list: &[&str]| list.iter().flat_map(|text| field(number, text.as_bytes())).collect();
        let sets = [field(9, &[0x0a, 0, 0x10, 13]), field(9, &[0x0a, 1, b'f', 0x10, 1])].concat();
        let parts: [Vec<u8>; 8] = [
            field(1, self.name.as_bytes()),
            texts(4, self.inputs),
            texts(5, self.outputs),
            texts(6, self.attributes),
            self.nodes.iter().flat_map(|node| field(7, &node.encode_to_vec())).collect(),
            sets,
            field(10, b"f"),
            self.defaults.iter().flat_map(|a| field(11, &a.encode_to_vec())).collect(),
        ];
        let mut bytes = field(25 & 15, &parts.concat());
        // Field 25 needs two bytes of tag.
        bytes.splice(..1, [0xca, 0x01]);
        bytes
    }
}

fn call(name: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { domain: "f".to_owned(), ..node(name, inputs, outputs, attributes) }
}

fn refers(name: &str, to: &str) -> AttributeProto {
    AttributeProto { ref_attr_name: to.to_owned(), ..attribute(name, AttributeType::Float) }
}

fn with_functions(nodes: Vec<NodeProto>, functions: &[Function]) -> Vec<u8> {
    let main = graph(nodes, vec![value("x", FLOAT, &["2"])], vec![untyped("y")], vec![]);
    let mut bytes = model(13, main);
    bytes.extend(field(8, &[0x0a, 1, b'f', 0x10, 1]));
    bytes.extend(functions.iter().flat_map(Function::bytes));
    bytes
}

/// LeakyRelu by a reference, and a second function that calls it twice.
fn leaky() -> [Function; 2] {
    let leak = Function {
        name: "Leak",
        inputs: &["a", "offset"],
        outputs: &["b"],
        attributes: &[],
        defaults: vec![float("slope", 0.5)],
        nodes: vec![node("LeakyRelu", &["a"], &["b"], vec![refers("alpha", "slope")])],
    };
    let twice = Function {
        name: "Twice",
        inputs: &["a"],
        outputs: &["c"],
        attributes: &["slope"],
        defaults: vec![],
        nodes: vec![
            call("Leak", &["a"], &["b"], vec![refers("slope", "slope")]),
            call("Leak", &["b", ""], &["c"], vec![]),
        ],
    };
    [leak, twice]
}

#[test]
fn functions_are_written_out() {
    let x = f32_tensor("x", &[2], &[1.0, -8.0]);
    for (attributes, want) in [(vec![], -2.0), (vec![float("slope", 0.25)], -1.0)] {
        let bytes = with_functions(vec![call("Twice", &["x"], &["y"], attributes)], &leaky());
        assert_eq!(floats(&run(&bytes, std::slice::from_ref(&x)).unwrap()[0]), [1.0, want]);
    }
}

#[test]
fn functions_that_cannot_be_written_out_are_refused() {
    let again = |inner: &'static str| Function {
        name: "Again",
        inputs: &["a"],
        outputs: &["b"],
        attributes: &[],
        defaults: vec![],
        nodes: vec![call(inner, &["a"], &["b"], vec![])],
    };
    let reason = |bytes: &[u8]| match run(bytes, &[f32_tensor("x", &[2], &[0.0; 2])]) {
        Err(CompileError::Import(ImportError::Refused(refusals))) => refusals.first.reason,
        other => panic!("{other:?}"),
    };
    let again_and_again = with_functions(vec![call("Again", &["x"], &["y"], vec![])], &[again("Again")]);
    assert!(matches!(reason(&again_and_again), Reason::Form(_)));
    let odd = with_functions(vec![call("Leak", &["x"], &["y"], vec![int("odd", 1)])], &leaky());
    assert!(matches!(reason(&odd), Reason::Attribute(name) if name == "odd"));
    let many = with_functions(vec![call("Leak", &["x", "x", "x"], &["y"], vec![])], &leaky());
    assert!(matches!(reason(&many), Reason::Input(2)));
    let outside = with_functions(vec![node("LeakyRelu", &["x"], &["y"], vec![refers("alpha", "slope")])], &[]);
    assert!(matches!(reason(&outside), Reason::Attribute(name) if name == "alpha"));
    let twice = with_functions(vec![node("Relu", &["x"], &["y"], vec![])], &[again("Leak"), again("Leak")]);
    assert!(matches!(
        run(&twice, &[f32_tensor("x", &[2], &[0.0; 2])]),
        Err(CompileError::Import(ImportError::DuplicateFunction { .. }))
    ));
}

/// A loop that doubles h while it is below the limit, and lists every h.
fn doubling(outputs: &[&str]) -> Vec<u8> {
    let body = graph(
        vec![
            node("Add", &["h", "h"], &["next"], vec![]),
            node("Less", &["next", "limit"], &["on"], vec![]),
            node("Identity", &["next"], &["each"], vec![]),
        ],
        vec![value("i", INT64, &[]), value("go", BOOL, &[]), value("h", FLOAT, &[])],
        ["on", "next", "each"].map(untyped).to_vec(),
        vec![],
    );
    let nodes = vec![
        node("Less", &["x", "limit"], &["start"], vec![]),
        node("Loop", &["most", "start", "x"], outputs, vec![subgraph("body", body)]),
    ];
    let named = outputs.iter().map(|name| untyped(name)).collect();
    let inputs = vec![value("x", FLOAT, &[]), value("limit", FLOAT, &[])];
    model(13, graph(nodes, inputs, named, vec![ints_tensor("most", &[], &[i64::MAX])]))
}

fn bounded(name: &str, bound: usize) -> ImportOptions {
    ImportOptions { bounds: [(name.to_owned(), bound)].into(), ..ImportOptions::default() }
}

#[test]
fn a_loop_with_a_computed_end_runs_to_its_bound() {
    let given = |x, limit| [f32_tensor("x", &[], &[x]), f32_tensor("limit", &[], &[limit])];
    let bytes = doubling(&["last", "all"]);
    let compiled = compile_with(&bytes, &given(0.0, 0.0), bounded("all", 4)).unwrap();
    for (x, limit, last, all, count) in [
        (1.0, 7.0, 8.0, [2.0, 4.0, 8.0, 0.0], 3),
        (9.0, 7.0, 9.0, [0.0; 4], 0),
        (1.0, 16.0, 16.0, [2.0, 4.0, 8.0, 16.0], 4),
    ] {
        let made = answer(&compiled, &given(x, limit)).unwrap();
        assert_eq!((floats(&made[0]), floats(&made[1])), (vec![last], all.to_vec()), "{x} {limit}");
        assert_eq!((made[2].name.as_str(), i64s(&made[2])), ("all.count", vec![count]));
    }
    assert_eq!(answer(&compiled, &given(1.0, 17.0)).unwrap_err(), mote_engine::Fault::BoundExceeded);
}

#[test]
fn a_loop_with_a_computed_end_needs_a_bound() {
    let given = [f32_tensor("x", &[], &[1.0]), f32_tensor("limit", &[], &[1.0])];
    let error = run(&doubling(&["last"]), &given).unwrap_err();
    assert_eq!(error.hint().unwrap(), "say how many it has at most with --bound last=COUNT");
    let unknown = compile_with(&doubling(&["last"]), &given, bounded("first", 4));
    assert!(matches!(unknown, Err(CompileError::Import(ImportError::Refused(_)))));
    let relu = model(
        13,
        graph(vec![node("Relu", &["x"], &["y"], vec![])], vec![value("x", FLOAT, &["2"])], vec![untyped("y")], vec![]),
    );
    let unused = compile_with(&relu, &[f32_tensor("x", &[2], &[0.0; 2])], bounded("y", 4));
    assert!(matches!(unused, Err(CompileError::Import(ImportError::UnknownBound { .. }))), "{unused:?}");
}

#[test]
fn a_loop_that_never_runs_gives_empty_results() {
    let body = graph(
        vec![node("Add", &["h", "x"], &["next"], vec![]), node("Identity", &["next"], &["each"], vec![])],
        vec![value("i", INT64, &[]), value("go", BOOL, &[]), value("h", FLOAT, &["2"])],
        ["go", "next", "each"].map(untyped).to_vec(),
        vec![],
    );
    let nodes = vec![node("Loop", &["trips", "", "x"], &["last", "all"], vec![subgraph("body", body)])];
    let outputs = ["last", "all"].map(untyped).to_vec();
    let bytes =
        model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], outputs, vec![ints_tensor("trips", &[], &[0])]));
    let made = run(&bytes, &[f32_tensor("x", &[2], &[1.0, 2.0])]).unwrap();
    assert_eq!((floats(&made[0]), made[1].dims.as_slice()), (vec![1.0, 2.0], &[0, 2][..]));
}

#[test]
fn what_might_not_run_must_not_fault() {
    // Both branches run, so an index that only one condition allows must not end the run.
    let branch = |nodes| graph(nodes, vec![], vec![untyped("r")], vec![]);
    let gather = branch(vec![node("Gather", &["x", "at"], &["r"], vec![])]);
    let other = graph(
        vec![node("Gather", &["x", "two"], &["r"], vec![])],
        vec![],
        vec![untyped("r")],
        vec![ints_tensor("two", &[2], &[1, -1])],
    );
    let choose = |then, other| {
        let nodes =
            vec![node("If", &["c"], &["y"], vec![subgraph("then_branch", then), subgraph("else_branch", other)])];
        let inputs = vec![value("x", FLOAT, &["3"]), value("at", INT64, &["2"]), value("c", BOOL, &[])];
        model(13, graph(nodes, inputs, vec![untyped("y")], vec![]))
    };
    let tensor = |name: &str, dtype, dims: &[usize], bytes| HostTensor {
        name: name.to_owned(),
        dtype,
        dims: dims.to_vec(),
        bytes,
    };
    let given = [
        f32_tensor("x", &[3], &[1.0, 2.0, 3.0]),
        tensor("at", mote_abi::DType::I64, &[2], vec![0; 16]),
        tensor("c", mote_abi::DType::Bool, &[], vec![0]),
    ];
    let error = run(&choose(gather, other.clone()), &given).unwrap_err();
    let CompileError::Import(ImportError::Refused(refusals)) = error else { panic!("{error}") };
    assert!(matches!(refusals.first.reason, Reason::Conditional { .. }), "{refusals}");
    // A constant index inside the axis is harmless.
    assert_eq!(floats(&run(&choose(other.clone(), other), &given).unwrap()[0]), [2.0, 3.0]);
}

#[test]
fn scans_of_operator_set_8_have_a_batch_axis() {
    let body = graph(
        vec![node("Add", &["h", "s"], &["next"], vec![]), node("Identity", &["next"], &["each"], vec![])],
        vec![value("h", FLOAT, &["1"]), value("s", FLOAT, &["1"])],
        ["next", "each"].map(untyped).to_vec(),
        vec![],
    );
    let scan = |extra: Vec<AttributeProto>| {
        let attributes = [vec![subgraph("body", body.clone()), int("num_scan_inputs", 1)], extra].concat();
        let nodes = vec![node("Scan", &["", "zero", "x"], &["last", "all"], attributes)];
        let outputs = ["last", "all"].map(untyped).to_vec();
        let zero = f32s("zero", &[2, 1], &[0.0, 10.0]);
        model(8, graph(nodes, vec![value("x", FLOAT, &["2", "2", "1"])], outputs, vec![zero]))
    };
    let x = [f32_tensor("x", &[2, 2, 1], &[1.0, 2.0, 3.0, 4.0])];
    for (extra, all) in [(vec![], [1.0, 3.0, 13.0, 17.0]), (vec![ints("directions", &[1])], [2.0, 3.0, 14.0, 17.0])] {
        let made = run(&scan(extra), &x).unwrap();
        assert_eq!((made[1].dims.as_slice(), floats(&made[1])), (&[2, 2, 1][..], all.to_vec()));
        assert_eq!(floats(&made[0]), [3.0, 17.0]);
    }
}
