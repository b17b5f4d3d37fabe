//! Recorded tensors of every element type (`onnx.proto`, TensorProto).

use mote_abi::DType;

use crate::npz::Array;
use crate::protobuf::{self, Field, Message, Value};

/// ONNX codes of the half-precision types and of text.
const FLOAT16: u64 = 10;
const BFLOAT16: u64 = 16;
const STRING: u64 = 8;

/// A recorded tensor.
#[derive(Clone, Debug)]
pub enum Tensor {
    /// Of a type that has a counterpart here.
    Array(Array),
    /// Texts.
    Texts {
        /// Name of the input or output.
        name: String,
        /// Shape.
        dims: Vec<usize>,
        /// Row-major elements.
        texts: Vec<String>,
    },
    /// Something else: a sequence, or elements of a type without a counterpart.
    Foreign {
        /// Name of the input or output.
        name: String,
    },
}

impl Tensor {
    /// Reads the bytes of a TensorProto.
    #[must_use]
    pub fn read(name: &str, bytes: &[u8]) -> Self {
        let foreign = || Self::Foreign { name: name.to_owned() };
        protobuf::parse(bytes)
            .and_then(|fields| Proto::of(&fields))
            .and_then(|p| p.tensor(name))
            .unwrap_or_else(foreign)
    }

    /// Name of the input or output.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Array(array) => &array.name,
            Self::Texts { name, .. } | Self::Foreign { name } => name,
        }
    }

    /// Shape, where it has one.
    #[must_use]
    pub fn dims(&self) -> Option<&[usize]> {
        match self {
            Self::Array(array) => Some(&array.dims),
            Self::Texts { dims, .. } => Some(dims),
            Self::Foreign { .. } => None,
        }
    }

    /// The elements as numbers: strings by their place among the words of a model, -1 where they are none of them.
    #[must_use]
    pub fn numbered(&self, words: &[String]) -> Option<Array> {
        let (name, dims, texts) = match self {
            Self::Array(array) => return Some(array.clone()),
            Self::Texts { name, dims, texts } => (name.clone(), dims.clone(), texts),
            Self::Foreign { .. } => return None,
        };
        let number = |text: &String| words.iter().position(|word| word == text).map_or(-1, |place| place as i32);
        let bytes = texts.iter().flat_map(|text| number(text).to_le_bytes()).collect();
        Some(Array { name, dtype: DType::I32, dims, bytes })
    }

    /// A string that is none of the words of a model.
    #[must_use]
    pub fn stranger(&self, words: &[String]) -> Option<&str> {
        let Self::Texts { texts, .. } = self else { return None };
        texts.iter().find(|text| !words.contains(text)).map(String::as_str)
    }

    /// The bytes of a TensorProto, where its type has a counterpart in a model file.
    #[must_use]
    pub fn to_proto(&self) -> Option<Vec<u8>> {
        let dims = self.dims()?.iter().fold(Message::default(), |proto, &dim| proto.number(1, dim as u64));
        let proto = match self {
            Self::Array(array) => dims.number(2, code(array.dtype)?).bytes(9, &array.bytes),
            Self::Texts { texts, .. } => texts.iter().fold(dims.number(2, STRING), |proto, text| proto.bytes(6, text)),
            Self::Foreign { .. } => return None,
        };
        Some(proto.bytes(8, self.name()).0)
    }
}

/// The fields of a TensorProto that carry elements.
#[derive(Default)]
struct Proto {
    element: u64,
    dims: Vec<usize>,
    raw: Option<Vec<u8>>,
    /// float_data and double_data as bytes.
    fixed: Vec<u8>,
    /// int32_data, int64_data and uint64_data.
    numbers: Vec<u64>,
    texts: Vec<String>,
}

impl Proto {
    fn of(fields: &[Field]) -> Option<Self> {
        let mut proto = Self::default();
        for field in fields {
            match (field.number, &field.value) {
                (1, value) => proto.dims.extend(numbers(value)?.iter().map(|&dim| dim as usize)),
                (2, Value::Varint(element)) => proto.element = *element,
                (4 | 10, Value::Bytes(bytes)) => proto.fixed.extend_from_slice(bytes),
                (4, Value::Four(bytes)) => proto.fixed.extend_from_slice(bytes),
                (10, Value::Eight(bytes)) => proto.fixed.extend_from_slice(bytes),
                (5 | 7 | 11, value) => proto.numbers.extend(numbers(value)?),
                (6, Value::Bytes(text)) => proto.texts.push(String::from_utf8(text.clone()).ok()?),
                (8 | 12, Value::Bytes(_)) => {}
                (9, Value::Bytes(bytes)) => proto.raw = Some(bytes.clone()),
                _ => return None,
            }
        }
        Some(proto)
    }

    fn tensor(self, name: &str) -> Option<Tensor> {
        let count = self.dims.iter().try_fold(1_usize, |n, &dim| n.checked_mul(dim))?;
        let name = name.to_owned();
        if self.element == STRING {
            let fits = self.texts.len() == count;
            return fits.then_some(Tensor::Texts { name, dims: self.dims, texts: self.texts });
        }
        let dtype = dtype(self.element)?;
        let size = dtype.size() as usize;
        let bytes = match self.raw {
            Some(raw) => raw,
            None if !self.fixed.is_empty() => self.fixed,
            None => self.numbers.iter().flat_map(|v| v.to_le_bytes().into_iter().take(size)).collect(),
        };
        let fits = Some(bytes.len()) == count.checked_mul(size);
        fits.then_some(Tensor::Array(Array { name, dtype, dims: self.dims, bytes }))
    }
}

/// A number, or packed numbers.
fn numbers(value: &Value) -> Option<Vec<u64>> {
    match value {
        Value::Varint(number) => Some(vec![*number]),
        Value::Bytes(packed) => protobuf::varints(packed),
        _ => None,
    }
}

/// Codes of `TensorProto.DataType` and the names of element types here.
const CODES: [(u64, &str); 13] = [
    (1, "f32"),
    (2, "u8"),
    (3, "i8"),
    (4, "u16"),
    (5, "i16"),
    (6, "i32"),
    (7, "i64"),
    (9, "bool"),
    (FLOAT16, "f16"),
    (11, "f64"),
    (12, "u32"),
    (13, "u64"),
    (BFLOAT16, "bf16"),
];

fn dtype(element: u64) -> Option<DType> {
    CODES.iter().find(|(code, _)| *code == element).and_then(|(_, name)| DType::from_name(name))
}

fn code(dtype: DType) -> Option<u64> {
    CODES.iter().find(|(_, name)| *name == dtype.name()).map(|(code, _)| *code)
}
