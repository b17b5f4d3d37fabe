//! What a file says beside its nodes: recorded shapes, initializers that are inputs too, data in other files, versions.

use prost::Message;
use tract_onnx::pb::{ModelProto, StringStringEntryProto, TensorProto};

use super::onnx_build::{FLOAT, f32s, graph, i64s, model, node, untyped, value};
use super::{ImportOptions, answer, compile_with, f32_tensor, floats, run};
use crate::compile::{CompileError, compile};
use crate::error::{ExternalError, ImportError, TensorError};

fn edited(bytes: &[u8], edit: impl FnOnce(&mut ModelProto)) -> Vec<u8> {
    let mut model = ModelProto::decode(bytes).unwrap();
    edit(&mut model);
    model.encode_to_vec()
}

fn relu() -> Vec<u8> {
    let nodes = vec![node("Relu", &["x"], &["a"], vec![]), node("Neg", &["a"], &["y"], vec![])];
    model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], vec![value("y", FLOAT, &["7", "rows"])], vec![]))
}

#[test]
fn recorded_shapes_are_not_believed() {
    let bytes = edited(&relu(), |model| {
        model.graph.as_mut().unwrap().value_info = vec![value("a", 7, &["3", "5"])];
    });
    let made = run(&bytes, &[f32_tensor("x", &[2], &[1.0, -1.0])]).unwrap();
    assert_eq!((made[0].dims.as_slice(), floats(&made[0])), (&[2][..], vec![-1.0, -0.0]));
}

#[test]
fn any_version_of_the_file_format_is_read() {
    for version in [3, 8, 13] {
        let bytes = edited(&relu(), |model| model.ir_version = version);
        assert!(run(&bytes, &[f32_tensor("x", &[2], &[1.0, -1.0])]).is_ok(), "{version}");
    }
}

#[test]
fn initializers_may_be_inputs() {
    let nodes = vec![node("Mul", &["x", "w"], &["y"], vec![])];
    let inputs = vec![value("w", FLOAT, &["2"]), value("x", FLOAT, &["2"])];
    let bytes = model(13, graph(nodes, inputs, vec![untyped("y")], vec![f32s("w", &[2], &[2.0, 3.0])]));
    assert_eq!(floats(&run(&bytes, &[f32_tensor("x", &[2], &[1.0, 1.0])]).unwrap()[0]), [2.0, 3.0]);
}

fn external(entries: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto { key: key.to_string(), value: value.to_string() };
    let weight = TensorProto {
        name: "w".to_owned(),
        data_type: FLOAT,
        dims: vec![2],
        data_location: Some(1),
        external_data: entries.iter().map(entry).collect(),
        ..TensorProto::default()
    };
    let nodes = vec![node("Mul", &["x", "w"], &["y"], vec![])];
    model(13, graph(nodes, vec![value("x", FLOAT, &["2"])], vec![untyped("y")], vec![weight]))
}

#[test]
fn weights_may_lie_in_another_file() {
    let folder = std::env::temp_dir().join(format!("mote-external-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("data")).unwrap();
    let weights: Vec<u8> = [9.0_f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    std::fs::write(folder.join("data/w.bin"), weights).unwrap();
    let x = [f32_tensor("x", &[2], &[1.0, 1.0])];
    let with = |entries: &[(&str, &str)]| {
        let import = ImportOptions { folder: Some(folder.clone()), ..ImportOptions::default() };
        compile_with(&external(entries), &x, import)
    };
    let made = with(&[("location", "data/w.bin"), ("offset", "4"), ("length", "8")]).unwrap();
    assert_eq!(floats(&answer(&made, &x).unwrap()[0]), [2.0, 3.0]);
    type Expected = fn(&ExternalError) -> bool;
    let cases: [(&[(&str, &str)], Expected); 5] = [
        (&[("location", "../w.bin")], |e| matches!(e, ExternalError::Path)),
        (&[("location", "/etc/hostname")], |e| matches!(e, ExternalError::Path)),
        (&[("location", "data/w.bin"), ("offset", "8")], |e| matches!(e, ExternalError::Range)),
        (&[("location", "data/w.bin"), ("offset", "-4")], |e| matches!(e, ExternalError::Range)),
        (&[("location", "data/none.bin")], |e| matches!(e, ExternalError::Io { .. })),
    ];
    for (entries, expected) in cases {
        match with(entries) {
            Err(CompileError::Import(ImportError::Tensor { reason: TensorError::External { reason, .. }, .. })) => {
                assert!(expected(&reason), "{entries:?}: {reason}");
            }
            other => panic!("{entries:?}: {other:?}"),
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
    let homeless = compile(
        &external(&[("location", "data/w.bin")]),
        &super::CompileOptions { name: "m".to_owned(), ..Default::default() },
    );
    assert!(homeless.is_err());
}

/// A `SparseTensorProto` of shape [2, 3].
fn sparse(positions: &TensorProto) -> Vec<u8> {
    let values = f32s("w", &[2], &[5.0, 7.0]);
    [field(1, &values.encode_to_vec()), field(2, &positions.encode_to_vec()), vec![0x1a, 2, 2, 3]].concat()
}

fn field(number: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut bytes);
    prost::encoding::encode_varint(body.len() as u64, &mut bytes);
    bytes.extend(body);
    bytes
}

#[test]
fn sparse_tensors_become_dense() {
    let add = node("Add", &["x", "w"], &["y"], vec![]);
    let bytes = |nodes| model(13, graph(nodes, vec![value("x", FLOAT, &["2", "3"])], vec![untyped("y")], vec![]));
    // As an initializer: one more field of the graph.
    let initializer = |positions: &TensorProto| {
        let mut bytes = bytes(vec![add.clone()]);
        let model = ModelProto::decode(&bytes[..]).unwrap();
        let whole = [model.graph.unwrap().encode_to_vec(), field(15, &sparse(positions))].concat();
        bytes = ModelProto { graph: None, ..ModelProto::decode(&bytes[..]).unwrap() }.encode_to_vec();
        bytes.extend(field(7, &whole));
        bytes
    };
    let x = [f32_tensor("x", &[2, 3], &[1.0; 6])];
    for positions in [i64s("", &[2], &[1, 5]), i64s("", &[2, 2], &[0, 1, 1, 2])] {
        let made = run(&initializer(&positions), &x).unwrap();
        assert_eq!(floats(&made[0]), [1.0, 6.0, 1.0, 1.0, 1.0, 8.0]);
    }
    for positions in
        [i64s("", &[2], &[1, 6]), i64s("", &[1], &[1]), i64s("", &[2, 2], &[0, 1, 0, 3]), i64s("", &[2], &[-1, 0])]
    {
        let refused = run(&initializer(&positions), &x);
        let expected =
            matches!(refused, Err(CompileError::Import(ImportError::Tensor { reason: TensorError::Sparse, .. })));
        assert!(expected, "{positions:?}: {refused:?}");
    }
}
