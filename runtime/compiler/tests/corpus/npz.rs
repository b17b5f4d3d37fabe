//! Reads the arrays of an `.npz` file: a zip of `.npy` members.

use std::io::Read;
use std::path::Path;

use mote_abi::DType;
use mote_compiler::HostTensor;

/// Every array of the file; a member of a type without a counterpart here is left out.
pub(crate) fn read(path: &Path) -> Vec<HostTensor> {
    let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let mut tensors = Vec::new();
    for i in 0..archive.len() {
        let mut member = archive.by_index(i).unwrap();
        let name = member.name().unwrap().trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        tensors.extend(array(name, &bytes));
    }
    tensors
}

fn array(name: String, npy: &[u8]) -> Option<HostTensor> {
    assert_eq!(&npy[..6], b"\x93NUMPY", "{name}");
    let (length, start) = match npy[6] {
        1 => (u16::from_le_bytes([npy[8], npy[9]]) as usize, 10),
        _ => (u32::from_le_bytes([npy[8], npy[9], npy[10], npy[11]]) as usize, 12),
    };
    let header = std::str::from_utf8(&npy[start..start + length]).unwrap();
    let dtype = dtype(between(header, "'descr': '", "'"))?;
    assert!(header.contains("'fortran_order': False"), "{name}: {header}");
    let dims = between(header, "'shape': (", ")").split(',').filter(|d| !d.trim().is_empty());
    let dims: Vec<usize> = dims.map(|d| d.trim().parse().unwrap()).collect();
    let bytes = npy[start + length..].to_vec();
    assert_eq!(bytes.len(), dims.iter().product::<usize>() * dtype.size() as usize, "{name}");
    Some(HostTensor { name, dtype, dims, bytes })
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
        _ => return None,
    })
}
