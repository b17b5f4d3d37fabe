//! Inputs that are maps: a row of values, one column per key that the model asks for.

use prost::Message;
use tract_onnx::pb::{GraphProto, NodeProto};

use super::signature::{Dim, InputSpec, boundary_type};
use super::tensor;
use crate::error::ImportError;

/// The parts of a model file that say which inputs are maps; the generated decoder leaves them out.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Maps {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "11")]
    input: Vec<Input>,
}

#[derive(Clone, PartialEq, Message)]
struct Input {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    r#type: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor: Option<Tensor>,
    #[prost(message, optional, boxed, tag = "5")]
    map: Option<Box<Map>>,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    element: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Map {
    #[prost(int32, tag = "1")]
    key: i32,
    #[prost(message, optional, boxed, tag = "2")]
    value: Option<Box<Type>>,
}

impl Maps {
    /// Reads the bytes of a model file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, ImportError> {
        Self::decode(bytes).map_err(|_| ImportError::Decode)
    }

    /// The row that stands for an input that is a map, and the names of its columns.
    pub(super) fn row(&self, name: &str, graph: &GraphProto) -> Option<(InputSpec, Vec<String>)> {
        let input = self.graph.as_ref()?.input.iter().find(|input| input.name == name)?;
        let map = input.r#type.as_ref()?.map.as_ref()?;
        let element = map.value.as_ref()?.tensor.as_ref()?.element;
        let keys = keys(graph, name, map)?;
        let dims = Some(vec![Dim::Fixed(1), Dim::Fixed(keys.len())]);
        let spec =
            InputSpec { name: name.to_owned(), dtype: boundary_type(element)?, text: tensor::is_text(element), dims };
        Some((spec, keys))
    }
}

/// The keys that the only reader of a map asks for.
fn keys(graph: &GraphProto, name: &str, map: &Map) -> Option<Vec<String>> {
    let mut readers = graph.node.iter().filter(|node| node.input.iter().any(|input| input == name));
    let (reader, None) = (readers.next()?, readers.next()) else { return None };
    let keys = match reader.op_type.as_str() {
        "DictVectorizer" => vocabulary(reader, tensor::is_text(map.key)),
        "CastMap" => sparse(reader),
        _ => None,
    };
    keys.filter(|keys| !keys.is_empty())
}

fn vocabulary(node: &NodeProto, text: bool) -> Option<Vec<String>> {
    let name = if text { "string_vocabulary" } else { "int64_vocabulary" };
    let attribute = node.attribute.iter().find(|a| a.name == name)?;
    if text {
        attribute.strings.iter().map(|word| String::from_utf8(word.clone()).ok()).collect()
    } else {
        Some(attribute.ints.iter().map(ToString::to_string).collect())
    }
}

/// A sparse map has the keys 0, 1, .. below a stated number.
fn sparse(node: &NodeProto) -> Option<Vec<String>> {
    let attribute = |name: &str| node.attribute.iter().find(|a| a.name == name);
    if attribute("map_form")?.s != b"SPARSE" {
        return None;
    }
    let count = attribute("max_map").map_or(1, |a| a.i);
    (1..=MAX_KEYS).contains(&count).then(|| (0..count).map(|key| key.to_string()).collect())
}

/// Most keys of a sparse map: their names are written down.
const MAX_KEYS: i64 = 1 << 16;
