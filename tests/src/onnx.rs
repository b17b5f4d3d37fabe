//! Writes small ONNX files, sound or not, field by field (`onnx.proto` of the ONNX project).

use crate::protobuf::Message;

/// Element types of the format.
pub mod element {
    /// float
    pub const F32: u64 = 1;
    /// int64
    pub const I64: u64 = 7;
    /// string
    pub const STRING: u64 = 8;
}

/// A model of one graph.
#[must_use]
pub fn model(opset: u64, graph: &Message) -> Vec<u8> {
    Message::default().number(1, 8).bytes(7, graph).bytes(8, Message::default().number(2, opset)).0
}

/// A graph of nodes, constants, inputs and outputs.
#[must_use]
pub fn graph(nodes: &[Message], constants: &[Message], inputs: &[Message], outputs: &[Message]) -> Message {
    let lists = [(1, nodes), (5, constants), (11, inputs), (12, outputs)];
    let fields = lists.into_iter().flat_map(|(number, list)| list.iter().map(move |each| (number, each)));
    fields.fold(Message::default(), |graph, (number, each)| graph.bytes(number, each))
}

/// A node of the standard domain.
#[must_use]
pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Message]) -> Message {
    let node = inputs.iter().fold(Message::default(), |node, name| node.bytes(1, name));
    let node = outputs.iter().fold(node, |node, name| node.bytes(2, name)).bytes(4, operator);
    attributes.iter().fold(node, |node, attribute| node.bytes(5, attribute))
}

/// An attribute that is an integer.
#[must_use]
pub fn int(name: &str, value: i64) -> Message {
    Message::default().bytes(1, name).number(3, value.cast_unsigned()).number(20, 2)
}

/// An attribute that is a list of integers.
#[must_use]
pub fn ints(name: &str, values: &[i64]) -> Message {
    let list = values.iter().fold(Message::default().bytes(1, name), |list, v| list.number(8, v.cast_unsigned()));
    list.number(20, 7)
}

/// An attribute that is a text.
#[must_use]
pub fn text(name: &str, value: &str) -> Message {
    Message::default().bytes(1, name).bytes(4, value).number(20, 3)
}

/// A tensor whose data is still missing.
#[must_use]
pub fn tensor(name: &str, element: u64, dims: &[i64]) -> Message {
    let dims = dims.iter().fold(Message::default(), |tensor, dim| tensor.number(1, dim.cast_unsigned()));
    dims.number(2, element).bytes(8, name)
}

/// A tensor of f32.
#[must_use]
pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(name, element::F32, dims).bytes(9, raw)
}

/// A tensor of i64.
#[must_use]
pub fn integers(name: &str, dims: &[i64], values: &[i64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(name, element::I64, dims).bytes(9, raw)
}

/// A tensor whose data lies in another file.
#[must_use]
pub fn external(name: &str, dims: &[i64], keys: &[(&str, &str)]) -> Message {
    let tensor = keys.iter().fold(tensor(name, element::F32, dims), |tensor, (key, value)| {
        tensor.bytes(13, Message::default().bytes(1, key).bytes(2, value))
    });
    tensor.number(14, 1)
}

/// An input or output of an element type and shape; a dimension that is not a number is a name.
#[must_use]
pub fn value(name: &str, element: u64, dims: &[&str]) -> Message {
    let shape = dims.iter().fold(Message::default(), |shape, dim| {
        let dim = match dim.parse() {
            Ok(size) => Message::default().number(1, size),
            Err(_) => Message::default().bytes(2, dim),
        };
        shape.bytes(1, dim)
    });
    let tensor = Message::default().number(1, element).bytes(2, shape);
    Message::default().bytes(1, name).bytes(2, Message::default().bytes(1, tensor))
}

/// An output without a type.
#[must_use]
pub fn untyped(name: &str) -> Message {
    Message::default().bytes(1, name)
}
