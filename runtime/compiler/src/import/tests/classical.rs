//! Operators of ai.onnx.ml that no recorded case reaches: maps, names of columns, strings that may not leave.

use mote_abi::DType;
use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto};

use super::onnx_build::{
    FLOAT, INT64, attribute, f32s, floats as float_list, graph, int, ints, node, text, untyped, value,
};
use super::{f32_tensor, floats, run};
use crate::compile::{CompileError, CompileOptions, compile};
use crate::error::ImportError;
use crate::tensor::HostTensor;

const STRING: i32 = 8;

fn texts(name: &str, words: &[&str]) -> AttributeProto {
    let strings = words.iter().map(|word| word.as_bytes().to_vec()).collect();
    AttributeProto { strings, ..attribute(name, AttributeType::Strings) }
}

fn ml(op: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    NodeProto { domain: "ai.onnx.ml".to_owned(), ..node(op, inputs, outputs, attributes) }
}

fn model(version: i64, graph: GraphProto) -> Vec<u8> {
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.to_owned(), version };
    let opset_import = vec![set("", 17), set("ai.onnx.ml", version)];
    ModelProto { ir_version: 9, opset_import, graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
}

fn meta(bytes: &[u8]) -> mote_plan::Meta {
    compile(bytes, &CompileOptions { name: "test".to_owned(), ..CompileOptions::default() }).unwrap().meta
}

#[test]
fn a_map_of_scores_is_columns_with_names() {
    let zip = ml("ZipMap", &["x"], &["z"], vec![texts("classlabels_strings", &["cat", "dog"])]);
    let bytes = model(1, graph(vec![zip], vec![value("x", FLOAT, &["2", "2"])], vec![untyped("z")], vec![]));
    let scores = [0.1, 0.9, 0.7, 0.3];
    assert_eq!(floats(&run(&bytes, &[f32_tensor("x", &[2, 2], &scores)]).unwrap()[0]), scores);
    let columns = &meta(&bytes).columns;
    assert_eq!((columns[0].tensor.as_str(), &columns[0].names[..]), ("z", &["cat".to_owned(), "dog".to_owned()][..]));
}

/// Bytes of a ValueInfoProto whose type is a map, which the generated code cannot write.
fn map_input(name: &str, key: u8, element: u8) -> Vec<u8> {
    let nested = |field: u8, inner: &[u8]| [&[field << 3 | 2, inner.len() as u8], inner].concat();
    let tensor = nested(1, &[1 << 3, element]);
    let map = [&[1 << 3, key][..], &nested(2, &tensor)].concat();
    [nested(1, name.as_bytes()), nested(2, &nested(5, &map))].concat()
}

/// A model file with one more input of its graph: protobuf joins what is said twice of one message.
fn with_map(bytes: &[u8], input: &[u8]) -> Vec<u8> {
    let field = [&[11 << 3 | 2, input.len() as u8], input].concat();
    [bytes, &[7 << 3 | 2, field.len() as u8], &field].concat()
}

#[test]
fn maps_are_rows_of_named_columns() {
    let vectorizer = ml("DictVectorizer", &["m"], &["v"], vec![texts("string_vocabulary", &["age", "height", "mass"])]);
    let double = node("Add", &["v", "v"], &["y"], vec![]);
    let bytes = model(1, graph(vec![vectorizer, double], vec![], vec![value("y", FLOAT, &["1", "3"])], vec![]));
    let bytes = with_map(&bytes, &map_input("m", STRING as u8, FLOAT as u8));
    let y = run(&bytes, &[f32_tensor("m", &[1, 3], &[1.0, 2.0, 3.0])]).unwrap();
    assert_eq!(floats(&y[0]), [2.0, 4.0, 6.0]);
    assert_eq!(meta(&bytes).columns[0].names, ["age", "height", "mass"]);

    let sparse = |form: &str| {
        let cast = ml("CastMap", &["m"], &["y"], vec![text("map_form", form), int("max_map", 2)]);
        let bytes = model(1, graph(vec![cast], vec![], vec![value("y", FLOAT, &["1", "2"])], vec![]));
        with_map(&bytes, &map_input("m", INT64 as u8, FLOAT as u8))
    };
    let y = run(&sparse("SPARSE"), &[f32_tensor("m", &[1, 2], &[1.0, 2.0])]).unwrap();
    assert_eq!(floats(&y[0]), [1.0, 2.0]);
    let refused = run(&sparse("DENSE"), &[]).unwrap_err();
    assert!(matches!(refused, CompileError::Import(ImportError::InputType { .. })), "{refused}");
}

#[test]
fn strings_are_compared_selected_and_moved() {
    let keys = vec![texts("keys_strings", &["red", "blue"]), float_list("values_floats", &[1.0, 2.0])];
    let nodes = vec![
        node("Concat", &["x", "x"], &["twice"], vec![int("axis", 0)]),
        ml("LabelEncoder", &["twice"], &["y"], keys),
    ];
    let bytes = model(2, graph(nodes, vec![value("x", STRING, &["2"])], vec![untyped("y")], vec![]));
    let meta = meta(&bytes);
    assert_eq!((&meta.words[..], &meta.texts[..]), (&["red".to_owned(), "blue".to_owned()][..], &["x".to_owned()][..]));
    let x = [-1_i32, 1].iter().flat_map(|v| v.to_le_bytes()).collect();
    let x = HostTensor { name: "x".to_owned(), dtype: DType::I32, dims: vec![2], bytes: x };
    assert_eq!(floats(&run(&bytes, &[x]).unwrap()[0]), [-0.0, 2.0, -0.0, 2.0]);
}

#[test]
fn strings_are_refused_where_numbers_are_meant() {
    let of = |nodes: Vec<NodeProto>| {
        let inputs = vec![value("x", STRING, &["2"]), value("w", STRING, &["2"])];
        let bytes = model(2, graph(nodes, inputs, vec![untyped("y")], vec![f32s("f", &[2], &[1.0, 2.0])]));
        compile(&bytes, &CompileOptions { name: "test".to_owned(), ..CompileOptions::default() })
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    for op in ["Add", "Concat", "Neg", "Equal"] {
        let inputs: &[&str] = if op == "Neg" {
            &["x"]
        } else if op == "Concat" {
            &["x", "f"]
        } else {
            &["x", "w"]
        };
        let axis = if op == "Concat" { vec![int("axis", 0)] } else { vec![] };
        let refused = of(vec![node(op, inputs, &["y"], axis)]);
        assert!(refused.contains("strings") || refused.contains("must be constant"), "{op}: {refused}");
    }
    let handed_on = of(vec![node("Identity", &["x"], &["y"], vec![])]);
    assert!(handed_on.contains("hands on strings"), "{handed_on}");
}

#[test]
fn trees_that_contradict_themselves_are_refused() {
    let given = |truth: i64, target: i64, weight: f32| {
        vec![
            ints("nodes_treeids", &[0, 0, 0]),
            ints("nodes_nodeids", &[0, 1, 2]),
            ints("nodes_featureids", &[0, 0, 0]),
            float_list("nodes_values", &[0.5, 0.0, 0.0]),
            texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
            ints("nodes_truenodeids", &[truth, 0, 0]),
            ints("nodes_falsenodeids", &[2, 0, 0]),
            ints("target_treeids", &[0, 0]),
            ints("target_nodeids", &[1, 2]),
            ints("target_ids", &[0, target]),
            float_list("target_weights", &[1.0, weight]),
            int("n_targets", 1),
        ]
    };
    let of = |attributes| {
        let trees = ml("TreeEnsembleRegressor", &["x"], &["y"], attributes);
        let bytes = model(3, graph(vec![trees], vec![value("x", FLOAT, &["2", "1"])], vec![untyped("y")], vec![]));
        run(&bytes, &[f32_tensor("x", &[2, 1], &[0.0, 1.0])]).map(|made| floats(&made[0]))
    };
    assert_eq!(of(given(1, 0, 3.0)).unwrap(), [1.0, 3.0]);
    for (truth, target, weight) in [(2, 0, 3.0), (7, 0, 3.0), (0, 0, 3.0), (1, 1, 3.0), (1, -1, 3.0), (1, 0, f32::NAN)]
    {
        assert!(of(given(truth, target, weight)).is_err(), "{truth} {target} {weight}");
    }
}
