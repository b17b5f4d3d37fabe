//! The npy format, versions 1 to 3 (NEP 1): one array behind a Python dictionary literal.

use std::io::{Read, Write};

use mote_abi::DType;

use super::{Array, TensorError};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Headers are padded to a multiple of this.
const HEADER_ALIGN: usize = 64;

/// The longest header that is read; numpy's own limit is 10,000 characters.
const MAX_HEADER: usize = 16 * 1024;

/// More axes than any array of numpy has.
const MAX_AXES: usize = 64;

/// What stands before the data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dtype: DType,
    pub(super) dims: Vec<usize>,
    order: Order,
    bytes: ByteOrder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    RowMajor,
    ColumnMajor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

impl Header {
    /// Reads the header and nothing after it.
    pub(super) fn read(name: &str, source: &mut impl Read) -> Result<Self, TensorError> {
        let bad = || TensorError::NpyHeader { name: name.into() };
        let mut start = [0; 8];
        source.read_exact(&mut start).map_err(|_| bad())?;
        let [magic @ .., major, _minor] = start;
        if &magic != MAGIC {
            return Err(bad());
        }
        let length = match major {
            1 => {
                let mut raw = [0; 2];
                source.read_exact(&mut raw).map_err(|_| bad())?;
                usize::from(u16::from_le_bytes(raw))
            }
            2 | 3 => {
                let mut raw = [0; 4];
                source.read_exact(&mut raw).map_err(|_| bad())?;
                u32::from_le_bytes(raw) as usize
            }
            _ => return Err(bad()),
        };
        if length > MAX_HEADER {
            return Err(bad());
        }
        let mut text = vec![0; length];
        source.read_exact(&mut text).map_err(|_| bad())?;
        let text = String::from_utf8(text).map_err(|_| bad())?;
        let (descr, fortran, dims) = dictionary(&text).ok_or_else(bad)?;
        let (dtype, bytes) = element_type(name, descr)?;
        let order = if fortran { Order::ColumnMajor } else { Order::RowMajor };
        Ok(Self { dtype, dims, order, bytes })
    }

    /// Bytes of data that follow; `u64::MAX` where the shape overflows.
    pub(super) fn data_bytes(&self) -> u64 {
        let size = u64::from(self.dtype.size());
        self.dims.iter().try_fold(size, |bytes, &dim| bytes.checked_mul(dim as u64)).unwrap_or(u64::MAX)
    }

    /// Reads the data; the caller has checked [`Header::data_bytes`].
    pub(super) fn read_data(self, name: &str, source: &mut impl Read) -> Result<Array, TensorError> {
        let needed = self.data_bytes();
        let mut data = Vec::new();
        // One byte more shows that there is more than the shape needs.
        source.take(needed.saturating_add(1)).read_to_end(&mut data)?;
        let got = data.len() as u64;
        if got != needed {
            return Err(TensorError::NpyLength { name: name.into(), needed, got });
        }
        let size = self.dtype.size() as usize;
        if self.bytes == ByteOrder::Big {
            data.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        if self.dtype == DType::Bool {
            data.iter_mut().for_each(|bit| *bit = u8::from(*bit != 0));
        }
        if self.order == Order::ColumnMajor {
            data = row_major(&data, &self.dims, size);
        }
        Ok(Array { dtype: self.dtype, dims: self.dims, data })
    }
}

/// The three entries `descr`, `fortran_order` and `shape` of the header's dictionary, in any order.
fn dictionary(text: &str) -> Option<(&str, bool, Vec<usize>)> {
    let mut rest = text.trim().strip_prefix('{')?;
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    loop {
        rest = rest.trim_start();
        if let Some(end) = rest.strip_prefix('}') {
            return if end.trim().is_empty() { Some((descr?, fortran?, shape?)) } else { None };
        }
        let (key, after) = quoted(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        match key {
            "descr" => (descr, rest) = quoted(rest).map(|(word, rest)| (Some(word), rest))?,
            "fortran_order" => {
                let value = ["True", "False"].into_iter().find(|&word| rest.starts_with(word))?;
                fortran = Some(value == "True");
                rest = &rest[value.len()..];
            }
            "shape" => {
                let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
                shape = Some(tuple(inside)?);
                rest = after;
            }
            _ => return None,
        }
        rest = rest.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

fn tuple(inside: &str) -> Option<Vec<usize>> {
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some(Vec::new());
    }
    // Python 2 wrote long integers with an L.
    let dims: Option<Vec<usize>> = inside.split(',').map(|dim| dim.trim().trim_end_matches('L').parse().ok()).collect();
    dims.filter(|dims| dims.len() <= MAX_AXES)
}

fn element_type(name: &str, descr: &str) -> Result<(DType, ByteOrder), TensorError> {
    let unknown = || TensorError::NpyType { name: name.into(), descr: descr.into() };
    let mut letters = descr.chars();
    let bytes = match letters.next() {
        Some('<' | '|' | '=') => ByteOrder::Little,
        Some('>') => ByteOrder::Big,
        _ => return Err(unknown()),
    };
    let dtype = match letters.as_str() {
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "i1" => DType::I8,
        "u1" => DType::U8,
        "i2" => DType::I16,
        "u2" => DType::U16,
        "i4" => DType::I32,
        "u4" => DType::U32,
        "i8" => DType::I64,
        "u8" => DType::U64,
        "b1" => DType::Bool,
        // What numpy writes for the bfloat16 of ml_dtypes, having no name for it.
        "V2" => DType::BF16,
        _ => return Err(unknown()),
    };
    Ok((dtype, bytes))
}

fn descr(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::I8 => "|i1",
        DType::U8 => "|u1",
        DType::I16 => "<i2",
        DType::U16 => "<u2",
        DType::I32 => "<i4",
        DType::U32 => "<u4",
        DType::I64 => "<i8",
        DType::U64 => "<u8",
        DType::Bool => "|b1",
        DType::F16 => "<f2",
        DType::BF16 => "<V2",
    }
}

/// The same array with the last axis running fastest.
fn row_major(data: &[u8], dims: &[usize], size: usize) -> Vec<u8> {
    let mut strides = Vec::with_capacity(dims.len());
    let mut stride = 1;
    for &dim in dims {
        strides.push(stride);
        stride *= dim;
    }
    let mut out = Vec::with_capacity(data.len());
    let mut index = vec![0; dims.len()];
    for _ in 0..data.len() / size {
        let from: usize = index.iter().zip(&strides).map(|(i, stride)| i * stride).sum();
        out.extend_from_slice(&data[from * size..][..size]);
        for axis in (0..dims.len()).rev() {
            index[axis] += 1;
            if index[axis] < dims[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// Writes an array as npy, version 1.
pub(super) fn write(array: &Array, sink: &mut impl Write) -> std::io::Result<()> {
    let dims: Vec<String> = array.dims.iter().map(usize::to_string).collect();
    let comma = if dims.len() == 1 { "," } else { "" };
    let descr = descr(array.dtype);
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", dims.join(", "));
    let fixed = MAGIC.len() + 4 + 1;
    let padded = (fixed + header.len()).next_multiple_of(HEADER_ALIGN) - fixed;
    header = format!("{header:padded$}\n");
    sink.write_all(MAGIC)?;
    sink.write_all(&[1, 0])?;
    // At most 64 axes of 20 digits: far below 65,536.
    sink.write_all(&(header.len() as u16).to_le_bytes())?;
    sink.write_all(header.as_bytes())?;
    sink.write_all(&array.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Array, TensorError> {
        let mut source = bytes;
        Header::read("x", &mut source)?.read_data("x", &mut source)
    }

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&[1, 0]);
        bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        for dims in [vec![], vec![0], vec![3], vec![2, 3], vec![1, 2, 3, 4]] {
            for dtype in DType::ALL {
                let bytes = dims.iter().product::<usize>() * dtype.size() as usize;
                let top = if dtype == DType::Bool { 1 } else { 255 };
                let array = Array { dtype, dims: dims.clone(), data: (0..bytes).map(|i| i as u8 & top).collect() };
                let mut written = Vec::new();
                write(&array, &mut written).unwrap();
                assert_eq!((written.len() - bytes) % HEADER_ALIGN, 0);
                assert_eq!(read(&written).unwrap(), array);
            }
        }
    }

    #[test]
    fn column_major_and_big_endian_are_turned_around() {
        let header = "{'shape': (2, 3L), 'fortran_order': True, 'descr': '>i2'}";
        let array = read(&file(header, &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6])).unwrap();
        assert_eq!(array.dims, [2, 3]);
        assert_eq!(array.data, [1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);
    }

    #[test]
    fn damaged_headers_are_refused_by_name() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
        let table: [(&str, &[u8], fn(&TensorError) -> bool); 9] = [
            ("", &[], |e| matches!(e, TensorError::NpyHeader { .. })),
            ("{'descr': '<f4', 'shape': (1,)}", &[0; 4], |e| matches!(e, TensorError::NpyHeader { .. })),
            ("{'descr': '<f4'", &[0; 4], |e| matches!(e, TensorError::NpyHeader { .. })),
            (&good.replace("1,", "-1,"), &[0; 4], |e| matches!(e, TensorError::NpyHeader { .. })),
            (&good.replace("<f4", "<c8"), &[0; 8], |e| matches!(e, TensorError::NpyType { .. })),
            (&good.replace("<f4", "<U4"), &[0; 4], |e| matches!(e, TensorError::NpyType { .. })),
            (&good.replace("<f4", "|O"), &[0; 4], |e| matches!(e, TensorError::NpyType { .. })),
            (good, &[0; 3], |e| matches!(e, TensorError::NpyLength { needed: 4, got: 3, .. })),
            (good, &[0; 9], |e| matches!(e, TensorError::NpyLength { needed: 4, got: 5, .. })),
        ];
        for (header, data, expected) in table {
            let error = read(&file(header, data)).unwrap_err();
            assert!(expected(&error), "{header}: {error:?}");
        }
        let huge = "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }";
        assert_eq!(Header::read("x", &mut file(huge, &[]).as_slice()).unwrap().data_bytes(), u64::MAX);
    }
}
