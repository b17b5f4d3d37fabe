//! The first look at a model file: the raw protobuf tags, before anything is allocated from them.
//!
//! The generated decoder drops fields that it does not know, so a file could say something that nobody reads. Here every
//! field of every message is named: read, skipped because it only documents, or refused.

/// Largest file. protobuf itself ends at 2 GiB.
pub const MAX_FILE_BYTES: usize = (1 << 31) - 1;
/// Deepest nesting of messages: a graph in an attribute of a node adds three.
pub const MAX_NESTING: usize = 40;
/// Most messages and strings. Each costs up to about 400 bytes once decoded.
pub const MAX_MESSAGES: usize = 1 << 20;
/// Most numbers stored in variable length, which grow up to eightfold when decoded.
pub const MAX_VARINTS: usize = 1 << 24;

/// Why the bytes are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DoorError {
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More than [`MAX_FILE_BYTES`].
    #[error("the file has {bytes} bytes, more than 2 GiB")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
    },
    /// A message ends before its fields do.
    #[error("{message} ends early at byte {offset}: not an ONNX file, or cut off")]
    Truncated {
        /// Message type.
        message: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// A number of more than 64 bits.
    #[error("{message} holds an overlong number at byte {offset}: not an ONNX file")]
    Varint {
        /// Message type.
        message: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// A field that this reader does not know.
    #[error("{message} has an unknown field {field} at byte {offset}")]
    UnknownField {
        /// Message type.
        message: &'static str,
        /// Field number.
        field: u32,
        /// Byte in the file.
        offset: usize,
    },
    /// A field that this reader knows and does not support.
    #[error("{message}.{field} at byte {offset} is not supported")]
    Unsupported {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// A field in the wrong encoding.
    #[error("{message}.{field} at byte {offset} has the wrong encoding: not an ONNX file")]
    Encoding {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// An enumeration value outside the supported set.
    #[error("{message}.{field} at byte {offset} has the unsupported value {value}")]
    Value {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// The value.
        value: u64,
        /// Byte in the file.
        offset: usize,
    },
    /// Text that is not UTF-8.
    #[error("{message}.{field} at byte {offset} is not UTF-8")]
    Text {
        /// Message type.
        message: &'static str,
        /// Field name.
        field: &'static str,
        /// Byte in the file.
        offset: usize,
    },
    /// Messages nested deeper than [`MAX_NESTING`].
    #[error("messages are nested more than {MAX_NESTING} deep at byte {offset}")]
    Nesting {
        /// Byte in the file.
        offset: usize,
    },
    /// More than [`MAX_MESSAGES`] messages or [`MAX_VARINTS`] numbers.
    #[error("more parts than a model may have, reached at byte {offset}")]
    TooMany {
        /// Byte in the file.
        offset: usize,
    },
}

/// Checks the bytes of a model file.
///
/// # Errors
/// The first thing that is not supported, with its byte offset.
pub(super) fn check(bytes: &[u8]) -> Result<(), DoorError> {
    if bytes.is_empty() {
        return Err(DoorError::Empty);
    }
    if bytes.len() > MAX_FILE_BYTES {
        return Err(DoorError::TooLarge { bytes: bytes.len() });
    }
    let mut walk = Walk { messages: 0, varints: 0 };
    walk.message(&MODEL, Cursor { bytes, base: 0, at: 0, message: MODEL.name }, 0)
}

struct Message {
    name: &'static str,
    fields: &'static [(u32, &'static str, Field)],
}

enum Field {
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

/// f32 u8 i8 u16 i16 i32 i64 bool f16 f64 u32 u64 bf16.
const ELEMENT_TYPES: &[u64] = &[1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16];
/// f i s t g and their lists, without sparse tensors and types.
const ATTRIBUTE_TYPES: &[u64] = &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

static MODEL: Message = Message {
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
        (25, "functions", Refused),
        (26, "configuration", Refused),
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
        (15, "sparse_initializer", Refused),
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
        (14, "tp", Refused),
        (15, "type_protos", Refused),
        (20, "type", Of(ATTRIBUTE_TYPES)),
        (21, "ref_attr_name", Empty),
        (22, "sparse_tensor", Refused),
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
        (6, "string_data", Refused),
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

struct Walk {
    messages: usize,
    varints: usize,
}

/// A position in one message. `base` is where the message begins in the file.
struct Cursor<'a> {
    bytes: &'a [u8],
    base: usize,
    at: usize,
    message: &'static str,
}

impl Cursor<'_> {
    fn offset(&self) -> usize {
        self.base + self.at
    }

    fn varint(&mut self) -> Result<u64, DoorError> {
        let start = self.offset();
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(DoorError::Truncated { message: self.message, offset: start })?;
            self.at += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DoorError::Varint { message: self.message, offset: start })
    }

    fn take(&mut self, len: u64) -> Result<&[u8], DoorError> {
        let truncated = DoorError::Truncated { message: self.message, offset: self.offset() };
        let len = usize::try_from(len).map_err(|_| truncated)?;
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len()).ok_or(truncated)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }
}

impl Walk {
    fn message(&mut self, schema: &'static Message, mut cursor: Cursor<'_>, depth: usize) -> Result<(), DoorError> {
        if depth > MAX_NESTING {
            return Err(DoorError::Nesting { offset: cursor.base });
        }
        while cursor.at < cursor.bytes.len() {
            let offset = cursor.offset();
            let key = cursor.varint()?;
            let number = u32::try_from(key >> 3).unwrap_or(u32::MAX);
            let (_, name, field) = schema
                .fields
                .iter()
                .find(|(n, ..)| *n == number)
                .ok_or(DoorError::UnknownField { message: schema.name, field: number, offset })?;
            let place = Place { message: schema.name, field: name, offset };
            match key & 7 {
                0 => {
                    let value = cursor.varint()?;
                    self.number(field, value, place)?;
                }
                1 => {
                    cursor.take(8)?;
                    place.expect(matches!(field, Fixed8))?;
                }
                2 => {
                    let len = cursor.varint()?;
                    let base = cursor.offset();
                    let body = cursor.take(len)?;
                    self.body(field, body, base, place, depth)?;
                }
                5 => {
                    cursor.take(4)?;
                    place.expect(matches!(field, Fixed4))?;
                }
                _ => return Err(place.encoding()),
            }
        }
        Ok(())
    }

    fn number(&mut self, field: &Field, value: u64, place: Place) -> Result<(), DoorError> {
        match field {
            Number => Ok(()),
            Numbers => self.count_varints(1, place),
            Of(set) if set.contains(&value) => Ok(()),
            Of(_) => Err(DoorError::Value { message: place.message, field: place.field, value, offset: place.offset }),
            Refused => Err(place.unsupported()),
            _ => Err(place.encoding()),
        }
    }

    fn body(&mut self, field: &Field, body: &[u8], base: usize, place: Place, depth: usize) -> Result<(), DoorError> {
        match field {
            Nested(schema) => {
                self.count_message(place)?;
                self.message(schema, Cursor { bytes: body, base, at: 0, message: schema.name }, depth + 1)
            }
            Text => {
                self.count_message(place)?;
                let Place { message, field, offset } = place;
                std::str::from_utf8(body).map(drop).map_err(|_| DoorError::Text { message, field, offset })
            }
            Bytes => self.count_message(place),
            Numbers => {
                // A number ends at each byte without the continuation bit.
                self.count_varints(body.iter().filter(|&&b| b < 0x80).count(), place)
            }
            Fixed4 => place.expect(body.len().is_multiple_of(4)),
            Fixed8 => place.expect(body.len().is_multiple_of(8)),
            Refused => Err(place.unsupported()),
            Empty => {
                if body.is_empty() {
                    Ok(())
                } else {
                    Err(place.unsupported())
                }
            }
            Number | Of(_) => Err(place.encoding()),
        }
    }

    fn count_message(&mut self, place: Place) -> Result<(), DoorError> {
        self.messages += 1;
        if self.messages > MAX_MESSAGES { Err(DoorError::TooMany { offset: place.offset }) } else { Ok(()) }
    }

    fn count_varints(&mut self, count: usize, place: Place) -> Result<(), DoorError> {
        self.varints += count;
        if self.varints > MAX_VARINTS { Err(DoorError::TooMany { offset: place.offset }) } else { Ok(()) }
    }
}

/// Where a field stands, for messages.
#[derive(Clone, Copy)]
struct Place {
    message: &'static str,
    field: &'static str,
    offset: usize,
}

impl Place {
    fn expect(self, right: bool) -> Result<(), DoorError> {
        if right { Ok(()) } else { Err(self.encoding()) }
    }

    fn encoding(self) -> DoorError {
        DoorError::Encoding { message: self.message, field: self.field, offset: self.offset }
    }

    fn unsupported(self) -> DoorError {
        DoorError::Unsupported { message: self.message, field: self.field, offset: self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_field_and_the_byte() {
        let graph_with = |node: &[u8]| [&[0x3a, node.len() as u8 + 2, 0x0a, node.len() as u8], node].concat();
        let cases: Vec<(Vec<u8>, DoorError)> = vec![
            (vec![], DoorError::Empty),
            (vec![0x3a, 5, 0], DoorError::Truncated { message: "ModelProto", offset: 2 }),
            (vec![0x08], DoorError::Truncated { message: "ModelProto", offset: 1 }),
            (vec![0xf8, 0x07, 1], DoorError::UnknownField { message: "ModelProto", field: 127, offset: 0 }),
            (
                vec![0x3a, 4, 0x7a, 2, 0, 0],
                DoorError::Unsupported { message: "GraphProto", field: "sparse_initializer", offset: 2 },
            ),
            (vec![0xca, 0x01, 0], DoorError::Unsupported { message: "ModelProto", field: "functions", offset: 0 }),
            (vec![0x12, 1, 0xff], DoorError::Text { message: "ModelProto", field: "producer_name", offset: 0 }),
            (vec![0x0a, 0], DoorError::Encoding { message: "ModelProto", field: "ir_version", offset: 0 }),
            ([0x08].into_iter().chain([0xff; 10]).collect(), DoorError::Varint { message: "ModelProto", offset: 1 }),
            // A node with an attribute of type SPARSE_TENSOR.
            (
                graph_with(&[0x2a, 3, 0xa0, 0x01, 11]),
                DoorError::Value { message: "AttributeProto", field: "type", value: 11, offset: 6 },
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(check(&bytes), Err(expected), "{bytes:?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        // attribute.g -> node -> attribute -> g ...
        let mut bytes = Vec::new();
        for level in 0..60 {
            let tag = [0x32, 0x2a, 0x0a][level % 3];
            let mut outer = vec![tag];
            let mut len = bytes.len();
            while len >= 0x80 {
                outer.push(len as u8 | 0x80);
                len >>= 7;
            }
            outer.push(len as u8);
            outer.extend(bytes);
            bytes = outer;
        }
        // The outermost is a node: part of the model's graph.
        let wrap = |tag: u8, body: Vec<u8>| {
            let mut out = vec![tag, body.len() as u8 | 0x80, (body.len() >> 7) as u8];
            out.extend(body);
            out
        };
        let bytes = wrap(0x3a, bytes);
        assert!(matches!(check(&bytes), Err(DoorError::Nesting { .. })), "{:?}", check(&bytes));
    }
}
