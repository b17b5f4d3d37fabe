//! NumPy arrays as typed, row-major elements.

use crate::dtype::{Dtype, Kind};
use crate::error::ReadError;
use crate::number::half;
use crate::value::ValueId;

/// Most dimensions of an array.
const MAX_RANK: usize = 8;

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Shape, outermost first.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub data: Data,
}

/// Elements by their kind; all widths of a kind are widened exactly.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Booleans and integers.
    Int(Vec<i64>),
    /// Floating-point numbers.
    Float(Vec<f64>),
    /// Text.
    Text(Vec<String>),
    /// Fields of records, each with the shape of the whole.
    Record(Vec<(String, Array)>),
    /// Objects, to be looked at with [`crate::Node::items`].
    Object(Objects),
}

/// Elements of an array of objects.
#[derive(Clone, Debug, PartialEq)]
pub struct Objects(pub(crate) Vec<ValueId>);

/// Order of the elements in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Last index fastest.
    C,
    /// First index fastest.
    Fortran,
}

impl Array {
    /// Number of elements.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// An array of what the file stores as bytes.
    pub(crate) fn decode(
        dtype: &Dtype,
        shape: Vec<usize>,
        order: Order,
        bytes: &[u8],
        at: usize,
    ) -> Result<Self, ReadError> {
        if byte_count(dtype, &shape, at)? != bytes.len() {
            return Err(ReadError::Array { at, what: "length" });
        }
        let data = match dtype.kind {
            Kind::Record => Data::Record(columns(dtype, &shape, order, bytes, at)?),
            Kind::Object => return Err(ReadError::Array { at, what: "kind" }),
            _ => arrange(elements(dtype, bytes, 0, dtype.size, at)?, &shape, order),
        };
        Ok(Self { shape, data })
    }

    pub(crate) fn of_objects(
        shape: Vec<usize>,
        order: Order,
        items: Vec<ValueId>,
        at: usize,
    ) -> Result<Self, ReadError> {
        if element_count(&shape, at)? != items.len() {
            return Err(ReadError::Array { at, what: "length" });
        }
        let items = if order == Order::Fortran { transposed(&items, &shape) } else { items };
        Ok(Self { shape, data: Data::Object(Objects(items)) })
    }
}

/// Number of elements of a shape.
pub(crate) fn element_count(shape: &[usize], at: usize) -> Result<usize, ReadError> {
    // An empty axis must not hide others whose product overflows.
    let bound = shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d.max(1)));
    let bound = bound.filter(|_| shape.len() <= MAX_RANK).ok_or(ReadError::Array { at, what: "shape" })?;
    Ok(if shape.contains(&0) { 0 } else { bound })
}

/// Number of bytes of a shape.
pub(crate) fn byte_count(dtype: &Dtype, shape: &[usize], at: usize) -> Result<usize, ReadError> {
    element_count(shape, at)?.checked_mul(dtype.size).ok_or(ReadError::Array { at, what: "shape" })
}

fn columns(
    dtype: &Dtype,
    shape: &[usize],
    order: Order,
    bytes: &[u8],
    at: usize,
) -> Result<Vec<(String, Array)>, ReadError> {
    let column = |(name, offset, field): &(String, usize, Dtype)| {
        let data = arrange(elements(field, bytes, *offset, dtype.size, at)?, shape, order);
        Ok((name.clone(), Array { shape: shape.to_vec(), data }))
    };
    dtype.fields.iter().map(column).collect()
}

/// Reads one element every `stride` bytes, from `offset` on.
fn elements(dtype: &Dtype, bytes: &[u8], offset: usize, stride: usize, at: usize) -> Result<Data, ReadError> {
    let parts = bytes.chunks_exact(stride.max(1)).map(|item| &item[offset..offset + dtype.size]);
    Ok(match dtype.kind {
        Kind::Float => Data::Float(parts.map(|item| float(item, dtype.big_endian)).collect()),
        Kind::Bool => Data::Int(parts.map(|item| i64::from(item[0] != 0)).collect()),
        Kind::Int => Data::Int(parts.map(|item| integer(item, dtype.big_endian)).collect()),
        Kind::Unsigned => {
            let value = |item: &[u8]| i64::try_from(unsigned(item, dtype.big_endian)).ok();
            let values: Option<Vec<i64>> = parts.map(value).collect();
            Data::Int(values.ok_or(ReadError::Array { at, what: "integer beyond 63 bits" })?)
        }
        Kind::Text => {
            let texts: Option<Vec<String>> = parts.map(|item| utf32(item, dtype.big_endian)).collect();
            Data::Text(texts.ok_or(ReadError::Text { at, what: "UTF-32 text" })?)
        }
        Kind::Bytes => {
            let text = |item: &[u8]| String::from_utf8(trimmed(item).to_vec()).ok();
            let texts: Option<Vec<String>> = parts.map(text).collect();
            Data::Text(texts.ok_or(ReadError::Text { at, what: "UTF-8 text" })?)
        }
        Kind::Object | Kind::Record => return Err(ReadError::Array { at, what: "kind" }),
    })
}

/// Up to eight bytes as a number.
fn unsigned(item: &[u8], big_endian: bool) -> u64 {
    let push = |value: u64, &byte: &u8| value << 8 | u64::from(byte);
    if big_endian { item.iter().fold(0, push) } else { item.iter().rev().fold(0, push) }
}

fn integer(item: &[u8], big_endian: bool) -> i64 {
    let unused = 64 - 8 * item.len() as u32;
    (unsigned(item, big_endian) << unused).cast_signed() >> unused
}

fn float(item: &[u8], big_endian: bool) -> f64 {
    let bits = unsigned(item, big_endian);
    match item.len() {
        2 => half(bits as u16),
        4 => f64::from(f32::from_bits(bits as u32)),
        _ => f64::from_bits(bits),
    }
}

fn trimmed(item: &[u8]) -> &[u8] {
    let end = item.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &item[..end]
}

fn utf32(item: &[u8], big_endian: bool) -> Option<String> {
    let codes = item.chunks_exact(4).map(|code| unsigned(code, big_endian) as u32);
    let text: String = codes.map(char::from_u32).collect::<Option<_>>()?;
    Some(text.trim_end_matches('\0').to_owned())
}

fn arrange(data: Data, shape: &[usize], order: Order) -> Data {
    if order == Order::C || shape.len() < 2 {
        return data;
    }
    match data {
        Data::Int(values) => Data::Int(transposed(&values, shape)),
        Data::Float(values) => Data::Float(transposed(&values, shape)),
        Data::Text(values) => Data::Text(transposed(&values, shape)),
        other => other,
    }
}

/// Row-major elements of what has its first index fastest.
fn transposed<T: Clone>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut index = vec![0; shape.len()];
    let mut out = Vec::with_capacity(values.len());
    while out.len() < values.len() {
        let place = index.iter().zip(shape).rev().fold(0, |place, (&i, &extent)| place * extent + i);
        out.push(values[place].clone());
        for (i, &extent) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < extent {
                break;
            }
            *i = 0;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(dtype: &str, shape: &[usize], order: Order, bytes: &[u8]) -> Result<Array, ReadError> {
        Array::decode(&Dtype::parse(dtype, 0)?, shape.to_vec(), order, bytes, 0)
    }

    #[test]
    fn every_kind_of_element() {
        for (dtype, bytes, want) in [
            ("i2", &[0xfe, 0xff, 3, 0][..], Data::Int(vec![-2, 3])),
            (">i2", &[0xff, 0xfe, 0, 3], Data::Int(vec![-2, 3])),
            ("u1", &[200, 1], Data::Int(vec![200, 1])),
            ("b1", &[1, 0], Data::Int(vec![1, 0])),
            ("f4", &[0, 0, 0xc0, 0x3f, 0, 0, 0, 0x80], Data::Float(vec![1.5, -0.0])),
            (">f8", &[0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Data::Float(vec![1.5, 0.0])),
            ("U2", &[97, 0, 0, 0, 0, 0, 0, 0, 97, 0, 0, 0, 98, 0, 0, 0], Data::Text(vec!["a".into(), "ab".into()])),
            ("S2", b"a\0ab", Data::Text(vec!["a".into(), "ab".into()])),
        ] {
            assert_eq!(decode(dtype, &[2], Order::C, bytes).unwrap().data, want, "{dtype}");
        }
    }

    #[test]
    fn fortran_order_is_turned() {
        let got = decode("u1", &[2, 3], Order::Fortran, &[1, 4, 2, 5, 3, 6]).unwrap();
        assert_eq!(got.data, Data::Int(vec![1, 2, 3, 4, 5, 6]));
    }

    #[test]
    fn lengths_are_not_believed() {
        for shape in [&[3][..], &[usize::MAX, 2], &[0, usize::MAX, usize::MAX], &[1; 9]] {
            assert!(decode("u1", shape, Order::C, &[1, 2]).is_err(), "{shape:?}");
        }
        assert!(decode("u8", &[1], Order::C, &[0xff; 8]).is_err());
        assert!(decode("U1", &[1], Order::C, &[0, 0xd8, 0, 0]).is_err());
    }

    #[test]
    fn types_that_are_not_read() {
        for dtype in ["", "f16", "c8", "M8[ns]", "U99999999", "V0", "f+8", "f8,f8", "\u{e4}8"] {
            assert!(Dtype::parse(dtype, 0).is_err(), "{dtype}");
        }
    }
}
