//! Every field of every message of an ONNX file: read, skipped because it only documents, or refused.

/// A message type with every field of it: number, name, what is done with it.
pub(super) struct Message {
    pub(super) name: &'static str,
    pub(super) fields: &'static [(u32, &'static str, Field)],
}

/// What is done with a field.
pub(super) enum Field {
    /// A number or truth value.
    Number,
    /// Numbers, packed or one by one.
    Numbers,
    /// A number of a fixed set.
    Of(&'static [u64]),
    /// Four or eight bytes per element, packed or one by one.
    Fixed4,
    Fixed8,
    /// UTF-8.
    Text,
    /// Any bytes; documentation that nothing here depends on, or data.
    Bytes,
    /// A nested message.
    Nested(&'static Message),
    /// Known and refused.
    Refused,
    /// Refused unless empty.
    Empty,
}

use Field::{Bytes, Empty, Fixed4, Fixed8, Nested, Number, Numbers, Of, Refused, Text};

/// f32 u8 i8 u16 i16 i32 i64 string bool f16 f64 u32 u64 bf16.
const ELEMENT_TYPES: &[u64] = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16];
/// f i s t g and their lists, sparse tensors and types.
const ATTRIBUTE_TYPES: &[u64] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13];

pub(super) static MODEL: Message = Message {
    name: "ModelProto",
    fields: &[
        (1, "ir_version", Number),
        (2, "producer_name", Text),
        (3, "producer_version", Text),
        (4, "domain", Text),
        (5, "model_version", Number),
        (6, "doc_string", Text),
        (7, "graph", Nested(&GRAPH)),
        (8, "opset_import", Nested(&OPSET)),
        (14, "metadata_props", Nested(&STRING_PAIR)),
        (20, "training_info", Empty),
        (25, "functions", Nested(&FUNCTION)),
        (26, "configuration", Refused),
    ],
};

static FUNCTION: Message = Message {
    name: "FunctionProto",
    fields: &[
        (1, "name", Text),
        (2, "since_version", Number),
        (3, "status", Number),
        (4, "input", Text),
        (5, "output", Text),
        (6, "attribute", Text),
        (7, "node", Nested(&NODE)),
        (8, "doc_string", Text),
        (9, "opset_import", Nested(&OPSET)),
        (10, "domain", Text),
        (11, "attribute_proto", Nested(&ATTRIBUTE)),
        (12, "value_info", Bytes),
        (13, "overload", Empty),
        (14, "metadata_props", Nested(&STRING_PAIR)),
    ],
};

static OPSET: Message = Message { name: "OperatorSetIdProto", fields: &[(1, "domain", Text), (2, "version", Number)] };

static STRING_PAIR: Message =
    Message { name: "StringStringEntryProto", fields: &[(1, "key", Text), (2, "value", Text)] };

static GRAPH: Message = Message {
    name: "GraphProto",
    fields: &[
        (1, "node", Nested(&NODE)),
        (2, "name", Text),
        (5, "initializer", Nested(&TENSOR)),
        (10, "doc_string", Text),
        (11, "input", Nested(&VALUE_INFO)),
        (12, "output", Nested(&VALUE_INFO)),
        // Recorded shapes are never believed, so nothing here depends on them.
        (13, "value_info", Bytes),
        (14, "quantization_annotation", Bytes),
        (15, "sparse_initializer", Nested(&SPARSE)),
        (16, "metadata_props", Nested(&STRING_PAIR)),
    ],
};

static NODE: Message = Message {
    name: "NodeProto",
    fields: &[
        (1, "input", Text),
        (2, "output", Text),
        (3, "name", Text),
        (4, "op_type", Text),
        (5, "attribute", Nested(&ATTRIBUTE)),
        (6, "doc_string", Text),
        (7, "domain", Text),
        (8, "overload", Empty),
        (9, "metadata_props", Nested(&STRING_PAIR)),
        (10, "device_configurations", Refused),
    ],
};

static ATTRIBUTE: Message = Message {
    name: "AttributeProto",
    fields: &[
        (1, "name", Text),
        (2, "f", Fixed4),
        (3, "i", Number),
        (4, "s", Bytes),
        (5, "t", Nested(&TENSOR)),
        (6, "g", Nested(&GRAPH)),
        (7, "floats", Fixed4),
        (8, "ints", Numbers),
        (9, "strings", Bytes),
        (10, "tensors", Nested(&TENSOR)),
        (11, "graphs", Nested(&GRAPH)),
        (13, "doc_string", Text),
        // The type of an optional, which nothing here depends on.
        (14, "tp", Bytes),
        (15, "type_protos", Refused),
        (20, "type", Of(ATTRIBUTE_TYPES)),
        (21, "ref_attr_name", Text),
        (22, "sparse_tensor", Nested(&SPARSE)),
        (23, "sparse_tensors", Refused),
    ],
};

static TENSOR: Message = Message {
    name: "TensorProto",
    fields: &[
        (1, "dims", Numbers),
        (2, "data_type", Of(ELEMENT_TYPES)),
        (3, "segment", Refused),
        (4, "float_data", Fixed4),
        (5, "int32_data", Numbers),
        (6, "string_data", Text),
        (7, "int64_data", Numbers),
        (8, "name", Text),
        (9, "raw_data", Bytes),
        (10, "double_data", Fixed8),
        (11, "uint64_data", Numbers),
        (12, "doc_string", Text),
        (13, "external_data", Nested(&STRING_PAIR)),
        (14, "data_location", Of(&[0, 1])),
        (16, "metadata_props", Nested(&STRING_PAIR)),
    ],
};

static SPARSE: Message = Message {
    name: "SparseTensorProto",
    fields: &[(1, "values", Nested(&TENSOR)), (2, "indices", Nested(&TENSOR)), (3, "dims", Numbers)],
};

static VALUE_INFO: Message = Message {
    name: "ValueInfoProto",
    fields: &[
        (1, "name", Text),
        (2, "type", Nested(&TYPE)),
        (3, "doc_string", Text),
        (4, "metadata_props", Nested(&STRING_PAIR)),
    ],
};

// Maps and sequences are recognised here and judged where the value is used, so that the message can name it.
static TYPE: Message = Message {
    name: "TypeProto",
    fields: &[
        (1, "tensor_type", Nested(&TENSOR_TYPE)),
        (4, "sequence_type", Bytes),
        (5, "map_type", Bytes),
        (6, "denotation", Text),
        (8, "sparse_tensor_type", Bytes),
        (9, "optional_type", Bytes),
    ],
};

static TENSOR_TYPE: Message =
    Message { name: "TypeProto.Tensor", fields: &[(1, "elem_type", Number), (2, "shape", Nested(&SHAPE))] };

static SHAPE: Message = Message { name: "TensorShapeProto", fields: &[(1, "dim", Nested(&DIMENSION))] };

static DIMENSION: Message = Message {
    name: "TensorShapeProto.Dimension",
    fields: &[(1, "dim_value", Number), (2, "dim_param", Text), (3, "denotation", Text)],
};
