//! Reads the arrays of an `.npz` file of this repository or the corpus: a zip of `.npy` members.

use std::io::Read;
use std::path::Path;

use mote_abi::DType;

/// A dense row-major array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Name of the member, without its ending.
    pub name: String,
    /// Element type.
    pub dtype: DType,
    /// Shape, outermost first.
    pub dims: Vec<usize>,
    /// Little-endian elements.
    pub bytes: Vec<u8>,
}

impl Array {
    /// The elements as f64, empty for a type of no floats.
    #[must_use]
    pub fn floats(&self) -> Vec<f64> {
        match self.dtype {
            DType::F32 => self.bytes.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
            DType::F64 => self.bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            dtype => {
                let Some(half) = dtype.half() else { return Vec::new() };
                self.bytes.as_chunks().0.iter().map(|b| half.widen(u16::from_le_bytes(*b)).into()).collect()
            }
        }
    }

    /// The bytes with every NaN written alike.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        canonical(self.dtype, &self.bytes)
    }
}

/// Elements with every NaN written alike.
#[must_use]
pub fn canonical(dtype: DType, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match dtype {
        DType::F32 => {
            for element in bytes.as_chunks_mut().0.iter_mut().filter(|b| f32::from_le_bytes(**b).is_nan()) {
                *element = 0x7fc0_0000_u32.to_le_bytes();
            }
        }
        DType::F64 => {
            for element in bytes.as_chunks_mut().0.iter_mut().filter(|b| f64::from_le_bytes(**b).is_nan()) {
                *element = 0x7ff8_0000_0000_0000_u64.to_le_bytes();
            }
        }
        _ => {
            if let Some(half) = dtype.half() {
                for element in bytes.as_chunks_mut().0.iter_mut().filter(|b| half.is_nan(u16::from_le_bytes(**b))) {
                    *element = half.quiet_nan().to_le_bytes();
                }
            }
        }
    }
    bytes
}

/// Every array of the file; a member of a type without a counterpart here is left out.
///
/// # Panics
/// If the file is not what numpy writes.
#[must_use]
pub fn read(path: &Path) -> Vec<Array> {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut arrays = Vec::new();
    for i in 0..archive.len() {
        let mut member = archive.by_index(i).unwrap();
        let name = member.name().unwrap().trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        arrays.extend(array(name, &bytes));
    }
    arrays
}

fn array(name: String, npy: &[u8]) -> Option<Array> {
    assert_eq!(&npy[..6], b"\x93NUMPY", "{name}");
    let (length, start) = match npy[6] {
        1 => (usize::from(u16::from_le_bytes([npy[8], npy[9]])), 10),
        _ => (u32::from_le_bytes([npy[8], npy[9], npy[10], npy[11]]) as usize, 12),
    };
    let header = std::str::from_utf8(&npy[start..start + length]).unwrap();
    let dtype = dtype(between(header, "'descr': '", "'"))?;
    assert!(header.contains("'fortran_order': False"), "{name}: {header}");
    let dims = between(header, "'shape': (", ")").split(',').filter(|d| !d.trim().is_empty());
    let dims: Vec<usize> = dims.map(|d| d.trim().parse().unwrap()).collect();
    let bytes = npy[start + length..].to_vec();
    assert_eq!(bytes.len(), dims.iter().product::<usize>() * dtype.size() as usize, "{name}");
    Some(Array { name, dtype, dims, bytes })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap() + before.len();
    &text[start..start + text[start..].find(after).unwrap()]
}

fn dtype(descr: &str) -> Option<DType> {
    Some(match descr {
        "<f4" => DType::F32,
        "<f8" => DType::F64,
        "|i1" => DType::I8,
        "|u1" => DType::U8,
        "<i2" => DType::I16,
        "<u2" => DType::U16,
        "<i4" => DType::I32,
        "<u4" => DType::U32,
        "<i8" => DType::I64,
        "<u8" => DType::U64,
        "|b1" => DType::Bool,
        "<f2" => DType::F16,
        "<V2" => DType::BF16,
        _ => return None,
    })
}
