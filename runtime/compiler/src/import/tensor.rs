//! Stored tensors: from the file's forms to little-endian row-major bytes.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use mote_abi::DType;
use tract_onnx::pb::TensorProto;

use crate::error::{ExternalError, TensorError};

/// Element type here of an ONNX element type.
pub(crate) fn dtype(onnx: i32) -> Option<DType> {
    Some(match onnx {
        1 => DType::F32,
        2 => DType::U8,
        3 => DType::I8,
        4 => DType::U16,
        5 => DType::I16,
        6 => DType::I32,
        7 => DType::I64,
        9 => DType::Bool,
        10 => DType::F16,
        11 => DType::F64,
        12 => DType::U32,
        13 => DType::U64,
        16 => DType::BF16,
        _ => return None,
    })
}

/// ONNX code of strings, which are indices here.
const STRING: i32 = 8;

/// Whether elements of an ONNX element type are strings.
pub(crate) fn is_text(onnx: i32) -> bool {
    onnx == STRING
}

/// Shape and elements of a stored tensor of strings.
pub(crate) fn words(proto: &TensorProto) -> Result<(Vec<usize>, Vec<&str>), TensorError> {
    let bad_shape = || TensorError::Shape(proto.dims.clone());
    let dims: Vec<usize> =
        proto.dims.iter().map(|&d| usize::try_from(d)).collect::<Result<_, _>>().map_err(|_| bad_shape())?;
    let count = dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).ok_or_else(bad_shape)?;
    if count != proto.string_data.len() {
        return Err(TensorError::Length { need: count, got: proto.string_data.len() });
    }
    let words = proto.string_data.iter().map(|word| std::str::from_utf8(word)).collect::<Result<_, _>>();
    Ok((dims, words.map_err(|_| TensorError::Field)?))
}

/// A stored tensor: type, shape, bytes.
pub(crate) type Stored = (DType, Vec<usize>, Arc<[u8]>);

/// Reads a stored tensor; external data is looked up in `folder`.
pub(crate) fn read(proto: &TensorProto, folder: Option<&Path>) -> Result<Stored, TensorError> {
    let dtype = dtype(proto.data_type).ok_or(TensorError::Type(proto.data_type))?;
    let bad_shape = || TensorError::Shape(proto.dims.clone());
    let dims: Vec<usize> =
        proto.dims.iter().map(|&d| usize::try_from(d)).collect::<Result<_, _>>().map_err(|_| bad_shape())?;
    // An empty axis must not hide others whose product overflows.
    dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d.max(1))).ok_or_else(bad_shape)?;
    let count: usize = dims.iter().product();
    let stored_bytes =
        count.checked_mul(dtype.size() as usize).filter(|&n| n <= super::door::MAX_FILE_BYTES).ok_or_else(bad_shape)?;
    let bytes = if proto.data_location.unwrap_or(0) == 1 {
        external(proto, folder, stored_bytes)?
    } else {
        internal(proto, dtype, count, stored_bytes)?
    };
    let bytes = match dtype {
        DType::Bool => bytes.into_iter().map(|b| u8::from(b != 0)).collect(),
        _ => bytes,
    };
    Ok((dtype, dims, bytes.into()))
}

/// The bytes as the file's element type stores them.
fn internal(proto: &TensorProto, dtype: DType, count: usize, stored_bytes: usize) -> Result<Vec<u8>, TensorError> {
    let fields = [
        proto.raw_data.len(),
        proto.float_data.len(),
        proto.int32_data.len(),
        proto.int64_data.len(),
        proto.double_data.len(),
        proto.uint64_data.len(),
    ];
    if fields.iter().filter(|&&len| len > 0).count() > 1 || !proto.external_data.is_empty() {
        return Err(TensorError::Field);
    }
    if !proto.raw_data.is_empty() || count == 0 {
        let got = fields.iter().sum();
        return if got == stored_bytes {
            Ok(proto.raw_data.clone())
        } else {
            Err(TensorError::Length { need: stored_bytes, got })
        };
    }
    let typed = match dtype {
        DType::F32 => fields[1],
        DType::F64 => fields[4],
        DType::I64 => fields[3],
        DType::U32 | DType::U64 => fields[5],
        _ => fields[2],
    };
    if typed != fields.iter().sum::<usize>() {
        return Err(TensorError::Field);
    }
    if typed != count {
        return Err(TensorError::Length { need: count, got: typed });
    }
    let narrow = |len: usize| proto.int32_data.iter().flat_map(|v| v.to_le_bytes().into_iter().take(len)).collect();
    Ok(match dtype {
        DType::F32 => proto.float_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::F64 => proto.double_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::I64 => proto.int64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::U64 => proto.uint64_data.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::U32 => proto.uint64_data.iter().flat_map(|v| (*v as u32).to_le_bytes()).collect(),
        _ => narrow(dtype.size() as usize),
    })
}

/// Reads a range of a file inside the model's folder.
fn external(proto: &TensorProto, folder: Option<&Path>, stored_bytes: usize) -> Result<Vec<u8>, TensorError> {
    let mut location = String::new();
    let (mut offset, mut length) = (Some(0), Some(stored_bytes as u64));
    let mut unknown = None;
    for entry in &proto.external_data {
        match entry.key.as_str() {
            "location" => location.clone_from(&entry.value),
            "offset" => offset = entry.value.parse().ok(),
            "length" => length = entry.value.parse().ok(),
            "checksum" => {}
            other => unknown = Some(other.to_owned()),
        }
    }
    let fail = |reason| TensorError::External { location: location.clone(), reason };
    if let Some(key) = unknown {
        return Err(fail(ExternalError::Key(key)));
    }
    let folder = folder.ok_or_else(|| fail(ExternalError::NoFolder))?;
    let (offset, length) = offset.zip(length).ok_or_else(|| fail(ExternalError::Range))?;
    if length != stored_bytes as u64 {
        return Err(TensorError::Length { need: stored_bytes, got: usize::try_from(length).unwrap_or(usize::MAX) });
    }
    let path = inside(folder, &location).ok_or_else(|| fail(ExternalError::Path))?;
    read_range(&path, offset, stored_bytes).map_err(fail)
}

fn read_range(path: &Path, offset: u64, length: usize) -> Result<Vec<u8>, ExternalError> {
    use std::io::{Read, Seek, SeekFrom};
    let io = |source| ExternalError::Io { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    if offset.checked_add(length as u64).is_none_or(|end| end > size) {
        return Err(ExternalError::Range);
    }
    file.seek(SeekFrom::Start(offset)).map_err(io)?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// The path of a location below the folder; `None` where it is absolute, climbs out or follows a link out.
fn inside(folder: &Path, location: &str) -> Option<PathBuf> {
    let relative = Path::new(location);
    let plain = !location.is_empty()
        && !location.contains('\\')
        && relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !plain {
        return None;
    }
    let path = folder.join(relative);
    match (path.canonicalize(), folder.canonicalize()) {
        (Ok(real), Ok(root)) if !real.starts_with(&root) => None,
        _ => Some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_stay_inside_the_folder() {
        let folder = Path::new("/models/a");
        for bad in ["", "../w.bin", "/etc/passwd", "x/../../w.bin", "..\\w.bin"] {
            assert_eq!(inside(folder, bad), None, "{bad}");
        }
        assert_eq!(inside(folder, "data/w.bin"), Some(PathBuf::from("/models/a/data/w.bin")));
    }

    #[test]
    fn data_must_fit_the_shape() {
        let tensor = |dims: &[i64], floats: &[f32], raw: &[u8]| TensorProto {
            dims: dims.to_vec(),
            data_type: 1,
            float_data: floats.to_vec(),
            raw_data: raw.to_vec(),
            ..TensorProto::default()
        };
        assert_eq!(read(&tensor(&[2], &[1.0, 2.0], &[]), None).unwrap().2.len(), 8);
        assert!(matches!(read(&tensor(&[3], &[1.0], &[]), None), Err(TensorError::Length { need: 3, got: 1 })));
        assert!(matches!(read(&tensor(&[1], &[], &[0; 3]), None), Err(TensorError::Length { need: 4, got: 3 })));
        assert!(matches!(read(&tensor(&[1], &[1.0], &[0; 4]), None), Err(TensorError::Field)));
        assert!(matches!(read(&tensor(&[-1], &[], &[]), None), Err(TensorError::Shape(_))));
        assert!(matches!(read(&tensor(&[1 << 60, 1 << 60], &[], &[]), None), Err(TensorError::Shape(_))));
        let int = TensorProto { int32_data: vec![1], dims: vec![1], data_type: 1, ..TensorProto::default() };
        assert!(matches!(read(&int, None), Err(TensorError::Field)));
    }
}
