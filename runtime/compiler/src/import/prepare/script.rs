//! Writes the body of a function, node by node.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value as DimValue};
use tract_onnx::pb::{AttributeProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto};

use crate::import::function::Function;

/// ONNX codes of element types.
pub(super) const FLOAT: i32 = 1;
pub(super) const UINT8: i32 = 2;
const INT64: i32 = 7;

/// Operator set of the bodies.
const OPSET: i64 = 20;

/// A body in the making: values are named by their place in it.
pub(super) struct Script {
    input: String,
    nodes: Vec<NodeProto>,
}

impl Script {
    pub(super) fn new(input: &str) -> Self {
        Self { input: input.to_owned(), nodes: Vec::new() }
    }

    /// What callers give.
    pub(super) fn input(&self) -> String {
        self.input.clone()
    }

    /// Appends an operator and answers the name of its result.
    pub(super) fn add(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let output = format!("{} {}", self.input, self.nodes.len());
        self.nodes.push(NodeProto {
            op_type: op.to_owned(),
            name: output.clone(),
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.clone()],
            attribute,
            ..NodeProto::default()
        });
        output
    }

    pub(super) fn i64s(&mut self, values: &[i64]) -> String {
        let dims = vec![values.len() as i64];
        self.constant(TensorProto { data_type: INT64, dims, int64_data: values.to_vec(), ..TensorProto::default() })
    }

    pub(super) fn i64(&mut self, value: usize) -> String {
        let int64_data = vec![value as i64];
        self.constant(TensorProto { data_type: INT64, int64_data, ..TensorProto::default() })
    }

    pub(super) fn f32s(&mut self, dims: &[usize], values: &[f32]) -> String {
        let dims = dims.iter().map(|&n| n as i64).collect();
        self.constant(TensorProto { data_type: FLOAT, dims, float_data: values.to_vec(), ..TensorProto::default() })
    }

    fn constant(&mut self, tensor: TensorProto) -> String {
        let value = AttributeProto { t: Some(tensor), ..attribute("value", AttributeType::Tensor) };
        self.add("Constant", &[], vec![value])
    }

    /// The function that answers one value.
    pub(super) fn function(self, output: &str) -> Function {
        Function::of(self.input, output.to_owned(), self.nodes, OPSET)
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind as i32, ..AttributeProto::default() }
}

pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: value, ..attribute(name, AttributeType::Int) }
}

pub(super) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, AttributeType::Ints) }
}

pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: value.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

/// A value of a type and shape.
pub(super) fn described(name: &str, elem_type: i32, dims: &[usize]) -> ValueInfoProto {
    let dim = |&n: &usize| Dimension { value: Some(DimValue::DimValue(n as i64)), ..Dimension::default() };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = type_proto::Tensor { elem_type, shape: Some(shape) };
    let r#type = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..ValueInfoProto::default() }
}

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: value, ..attribute(name, AttributeType::Float) }
}
