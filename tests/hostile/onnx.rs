//! Model files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileError, CompileOptions, ImportError, States, TensorError, compile};
use mote_plan::StatePair;
use mote_tests::onnx::{
    element, external, floats, graph, int, integers, ints, model, node, tensor, text, untyped, value,
};
use mote_tests::{evidence, protobuf::Message};

use crate::{Attack, named};

/// The name of the error that compiling ends in.
fn end(bytes: &[u8], options: &CompileOptions) -> Option<String> {
    Some(match compile(bytes, options).err()? {
        CompileError::Import(ImportError::Door(error)) => named("Door", &error),
        CompileError::Import(ImportError::Refused(refusals)) => named("Reason", &refusals.first.reason),
        CompileError::Import(ImportError::Tensor { reason: TensorError::External { reason, .. }, .. }) => {
            named("External", &reason)
        }
        CompileError::Import(ImportError::Tensor { reason, .. }) => named("Tensor", &reason),
        CompileError::Import(error) => named("Import", &error),
        CompileError::Lower(error) => named("Lower", &error),
        error => named("Compile", &error),
    })
}

/// The same for given input shapes.
pub(crate) fn refusal(bytes: &[u8], input_shapes: BTreeMap<String, Vec<usize>>) -> Option<String> {
    let import = ImportOptions { input_shapes, ..ImportOptions::default() };
    end(bytes, &CompileOptions { import, ..named_model() })
}

fn named_model() -> CompileOptions {
    CompileOptions { name: "hostile".to_owned(), ..CompileOptions::default() }
}

pub(crate) fn attacks() -> Vec<Attack> {
    [files(), graphs(), nodes(), tensors(), orders()].into_iter().flatten().collect()
}

fn file(name: &'static str, error: &'static str, bytes: Vec<u8>) -> Attack {
    Attack::new(name, error, move || end(&bytes, &named_model()))
}

fn ordered(name: &'static str, error: &'static str, bytes: Vec<u8>, options: CompileOptions) -> Attack {
    Attack::new(name, error, move || end(&bytes, &options))
}

/// A sound model of `nodes` from `x [1, 2]` to `y`.
fn of(nodes: &[Message], constants: &[Message]) -> Vec<u8> {
    model(13, &graph(nodes, constants, &[value("x", element::F32, &["1", "2"])], &[untyped("y")]))
}

fn relu(from: &str, to: &str) -> Message {
    node("Relu", &[from], &[to], &[])
}

/// Bytes that are no model.
fn files() -> Vec<Attack> {
    let good = evidence::models().remove(0).bytes();
    let in_model = |field, body: &[u8]| Message::default().bytes(field, body).0;
    let sparse = Message::default().bytes(1, "a").number(20, 11);
    let mut deep = Message::default();
    for _ in 0..30 {
        // attribute.g -> graph.node -> node.attribute
        deep = graph(&[Message::default().bytes(5, Message::default().bytes(6, deep))], &[], &[], &[]);
    }
    let strings = [0x12, 0].repeat((1 << 20) + 1);
    vec![
        file("empty-onnx", "Door.Empty", vec![]),
        file("truncated-onnx", "Door.Truncated", good[..good.len() / 2].to_vec()),
        file("onnx-length-beyond-file", "Door.Truncated", vec![0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        file("overlong-varint", "Door.Varint", [&[0x08], [0xff; 10].as_slice()].concat()),
        file("unknown-field", "Door.UnknownField", in_model(127, b"later")),
        file("functions-without-graph", "Import.NoGraph", in_model(25, b"")),
        file("wrong-wire-type", "Door.Encoding", in_model(1, b"8")),
        file("sparse-attribute", "Reason.Attribute", of(&[node("Relu", &["x"], &["y"], &[sparse])], &[])),
        file("onnx-broken-utf8", "Door.Text", in_model(2, b"\xff\xfe")),
        file("nested-graphs", "Door.Nesting", model(13, &deep)),
        file("million-strings", "Door.TooMany", strings),
        file("no-graph", "Import.NoGraph", Message::default().number(1, 8).0),
        file("future-opset", "Import.Opset", model(1 << 40, &graph(&[relu("x", "y")], &[], &[], &[]))),
        file("text-tensor", "Tensor.Length", of(&[relu("x", "y")], &[tensor("t", element::STRING, &[1])])),
    ]
}

/// Graphs that contradict themselves.
fn graphs() -> Vec<Attack> {
    let sequence = Message::default().bytes(1, "x").bytes(2, Message::default().bytes(4, b""));
    let with_input = |input: Message| model(13, &graph(&[relu("x", "y")], &[], &[input], &[untyped("y")]));
    let retyped =
        graph(&[relu("x", "y")], &[], &[value("x", element::F32, &["2"])], &[value("y", element::I64, &["2"])]);
    vec![
        file("cyclic-graph", "Import.Cyclic", of(&[relu("y", "a"), relu("a", "y")], &[])),
        file("self-feeding-node", "Import.Cyclic", of(&[relu("y", "y")], &[])),
        file("missing-value", "Import.MissingValue", of(&[relu("nowhere", "y")], &[])),
        file("value-made-twice", "Import.DuplicateValue", of(&[relu("x", "y"), relu("x", "y")], &[])),
        file("sequence-input", "Import.InputType", with_input(sequence)),
        file("open-dimensions", "Import.UnboundDim", with_input(value("x", element::F32, &["1", "n"]))),
        file(
            "input-of-2^60-elements",
            "Import.InputShape",
            with_input(value("x", element::F32, &["1152921504606846976"])),
        ),
        file("wrong-output-dtype", "Import.OutputType", model(13, &retyped)),
    ]
}

/// Nodes that are not what they seem.
fn nodes() -> Vec<Attack> {
    let one = |operator, inputs: &[&str], attributes: &[Message], constants: &[Message]| {
        of(&[node(operator, inputs, &["y"], attributes)], constants)
    };
    let foreign = relu("x", "y").bytes(7, "ai.acme");
    let two = floats("k", &[2], &[1.0, 2.0]);
    vec![
        file("unknown-operator", "Reason.Operator", one("Backdoor", &["x"], &[], &[])),
        file("unknown-domain", "Reason.Domain", of(&[foreign], &[])),
        file("operator-from-the-future", "Reason.Version", one("Gelu", &["x"], &[], &[])),
        file("unknown-attribute", "Reason.Attribute", one("Relu", &["x"], &[int("odd", 1)], &[])),
        file("attribute-of-wrong-type", "Reason.AttributeType", one("Softmax", &["x"], &[text("axis", "1")], &[])),
        file("missing-operand", "Reason.MissingInput", one("Add", &["x"], &[], &[])),
        file("too-many-operands", "Reason.Input", one("Relu", &["x", "x"], &[], &[])),
        file("wrong-dtype", "Reason.Types", one("Add", &["x", "k"], &[], &[integers("k", &[1], &[0])])),
        file("axis-outside", "Reason.Axis", one("Softmax", &["x"], &[int("axis", 9)], &[])),
        file(
            "shapes-that-disagree",
            "Reason.Shapes",
            one("MatMul", &["x", "k"], &[], &[floats("k", &[3, 1], &[0.0; 3])]),
        ),
        file("weights-of-one-axis", "Reason.Shapes", one("LSTM", &["x", "x", "x"], &[], &[])),
        file(
            "2^60-dimensions",
            "Reason.TooLarge",
            one("Expand", &["x", "s"], &[], &[integers("s", &[2], &[1 << 60, 2])]),
        ),
        file(
            "constant-bomb",
            "Reason.TooLarge",
            one("ConstantOfShape", &["s"], &[], &[integers("s", &[2], &[1 << 30, 1 << 30])]),
        ),
        file(
            "range-bomb",
            "Reason.Form",
            one(
                "Range",
                &["from", "to", "by"],
                &[],
                &[integers("from", &[], &[0]), integers("to", &[], &[1 << 31]), integers("by", &[], &[1])],
            ),
        ),
        file("negative-dimension", "Reason.Value", one("Reshape", &["x", "s"], &[], &[integers("s", &[1], &[-2])])),
        file(
            "constant-index-outside",
            "Reason.Value",
            one("Gather", &["k", "i"], &[], &[two, integers("i", &[1], &[7])]),
        ),
        file("kernel-of-no-size", "Reason.Shape", one("MaxPool", &["x"], &[ints("kernel_shape", &[0, 0])], &[])),
    ]
}

/// Stored tensors that lie.
fn tensors() -> Vec<Attack> {
    let with = |constant: Message| of(&[node("Add", &["x", "k"], &["y"], &[])], &[constant]);
    let outside = |name, error, location: &str, more: &[(&str, &str)]| {
        let keys = [&[("location", location)], more].concat();
        let import = ImportOptions { folder: Some(folder()), ..ImportOptions::default() };
        ordered(name, error, with(external("k", &[2], &keys)), CompileOptions { import, ..named_model() })
    };
    let image = value("x", element::F32, &["1", "1", "2", "2"]);
    let nan = floats("k", &[1, 1, 1, 1], &[f32::NAN]);
    let conv = graph(&[node("Conv", &["x", "k"], &["y"], &[])], &[nan], &[image], &[untyped("y")]);
    vec![
        file("short-initializer", "Tensor.Length", with(tensor("k", element::F32, &[2]).bytes(9, [0; 7]))),
        file("huge-initializer", "Tensor.Shape", with(tensor("k", element::F32, &[1 << 40, 1 << 40]))),
        file("negative-initializer", "Tensor.Shape", with(tensor("k", element::F32, &[-2]))),
        file("data-in-the-wrong-field", "Tensor.Field", with(tensor("k", element::F32, &[1]).number(7, 5))),
        file("external-without-a-folder", "External.NoFolder", with(external("k", &[2], &[("location", "w")]))),
        outside("external-path-traversal", "External.Path", "../../../../etc/passwd", &[]),
        outside("external-absolute-path", "External.Path", "/etc/passwd", &[]),
        outside("external-file-missing", "External.Io", "absent.bin", &[]),
        outside("external-offset-outside", "External.Range", "model.toml", &[("offset", "18446744073709551615")]),
        outside("external-unknown-key", "External.Key", "model.toml", &[("script", "run")]),
        file("nan-weight", "Lower.NonFiniteWeight", model(13, &conv)),
    ]
}

fn folder() -> PathBuf {
    evidence::models().remove(0).model.parent().unwrap().to_owned()
}

/// A sound model and orders that do not fit it.
fn orders() -> Vec<Attack> {
    let open =
        |dims: &[&str]| model(13, &graph(&[relu("x", "y")], &[], &[value("x", element::F32, dims)], &[untyped("y")]));
    let shaped = |input: &str, shape: &[usize]| {
        let input_shapes = BTreeMap::from([(input.to_owned(), shape.to_vec())]);
        CompileOptions { import: ImportOptions { input_shapes, ..ImportOptions::default() }, ..named_model() }
    };
    let dims = BTreeMap::from([("m".to_owned(), 4)]);
    let unknown = CompileOptions { import: ImportOptions { dims, ..ImportOptions::default() }, ..named_model() };
    let name = CompileOptions { name: "../../root".to_owned(), ..CompileOptions::default() };
    let pair = StatePair { output: "y".to_owned(), input: "z".to_owned() };
    vec![
        ordered("wrong-rank", "Import.InputShape", open(&["1", "n"]), shaped("x", &[1])),
        ordered("wrong-size", "Import.InputShape", open(&["1", "n"]), shaped("x", &[3, 2])),
        ordered("input-of-another-name", "Import.UnknownInput", open(&["n"]), shaped("z", &[1])),
        ordered("dimension-of-two-sizes", "Import.DimConflict", open(&["n", "n"]), shaped("x", &[2, 3])),
        ordered("dimension-of-another-name", "Import.UnknownDim", open(&["2"]), unknown),
        ordered("name-that-is-a-path", "Compile.Name", open(&["2"]), name),
        ordered(
            "state-of-nothing",
            "Compile.State",
            open(&["2"]),
            CompileOptions { state: States::Stated(vec![pair]), ..named_model() },
        ),
        ordered(
            "batch-of-zero",
            "Compile.ZeroBatch",
            open(&["n"]),
            CompileOptions { entry_batches: vec![0], ..named_model() },
        ),
        ordered(
            "batches-without-a-dimension",
            "Compile.NoBatchDim",
            open(&["2"]),
            CompileOptions { entry_batches: vec![1], ..named_model() },
        ),
    ]
}
