//! npz archives: a zip of npy files, named by array.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::npy::{self, Header};
use super::{Array, TensorError};

/// Bytes of arrays that one file may unfold to: a zip of a few kilobytes can claim petabytes.
pub(crate) const MAX_BYTES: u64 = 256 << 20;

/// More arrays than any model has inputs.
const MAX_ARRAYS: usize = 4096;

/// Every array of an archive. Sizes are checked from the headers before any data is unfolded.
pub(crate) fn read(source: impl Read + Seek) -> Result<Vec<(String, Array)>, TensorError> {
    let mut archive = ZipArchive::new(source)?;
    let got = archive.len();
    if got > MAX_ARRAYS {
        return Err(TensorError::TooMany { limit: MAX_ARRAYS, got });
    }
    let mut total: u64 = 0;
    for index in 0..got {
        let mut member = archive.by_index(index)?;
        let name = array_name(&member.name()?);
        total = total.saturating_add(Header::read(&name, &mut member)?.data_bytes());
    }
    if total > MAX_BYTES {
        return Err(TensorError::TooLarge { limit: MAX_BYTES, got: total });
    }
    let mut arrays = Vec::with_capacity(got);
    for index in 0..got {
        let mut member = archive.by_index(index)?;
        let name = array_name(&member.name()?);
        let array = Header::read(&name, &mut member)?.read_data(&name, &mut member)?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

fn array_name(member: &str) -> String {
    member.strip_suffix(".npy").unwrap_or(member).into()
}

/// One array in an npy file.
pub(crate) fn read_single(name: &str, source: &mut impl Read) -> Result<Array, TensorError> {
    let header = Header::read(name, source)?;
    let got = header.data_bytes();
    if got > MAX_BYTES {
        return Err(TensorError::TooLarge { limit: MAX_BYTES, got });
    }
    header.read_data(name, source)
}

/// Every array of the npz file at `path`.
pub(crate) fn read_file(path: &Path) -> Result<Vec<(String, Array)>, TensorError> {
    read(BufReader::new(File::open(path)?))
}

/// Writes arrays under their names. Equal arrays give equal bytes.
pub(crate) fn write_file(path: &Path, arrays: &[(String, Array)]) -> Result<(), TensorError> {
    let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
    for (name, array) in arrays {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(array.data.len() as u64 >= u64::from(u32::MAX));
        archive.start_file(format!("{name}.npy"), options)?;
        npy::write(array, &mut archive)?;
    }
    archive.finish()?.flush()?;
    Ok(())
}

/// Writes the only array as npy.
pub(crate) fn write_single(path: &Path, arrays: &[(String, Array)]) -> Result<(), TensorError> {
    let [(_, array)] = arrays else { return Err(TensorError::OutputCount { got: arrays.len() }) };
    let mut sink = BufWriter::new(File::create(path)?);
    npy::write(array, &mut sink)?;
    sink.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use mote_abi::DType;

    use super::*;

    #[test]
    fn names_survive_with_slashes_and_dots() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npz");
        let arrays = vec![
            ("save_infer_model/scale_0.tmp_1".into(), Array { dtype: DType::F32, dims: vec![1], data: vec![0; 4] }),
            ("label:0".into(), Array { dtype: DType::I64, dims: vec![], data: vec![7; 8] }),
        ];
        write_file(&path, &arrays).unwrap();
        assert_eq!(read_file(&path).unwrap(), arrays);
    }

    /// A compressed member of zeros behind a header with the given shape.
    fn bomb(shape: &str, zeros: usize) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        archive.start_file("x.npy", options).unwrap();
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape},), }}");
        archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
        archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(&vec![0; zeros]).unwrap();
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn bombs_are_refused_by_their_header() {
        let limit = MAX_BYTES;
        let claimed = read(Cursor::new(bomb("1099511627776", 1 << 16)));
        assert!(matches!(claimed, Err(TensorError::TooLarge { limit: l, got: 0x100_0000_0000 }) if l == limit));
        let hidden = read(Cursor::new(bomb("16", 1 << 20)));
        assert!(matches!(hidden, Err(TensorError::NpyLength { needed: 16, got: 17, .. })));
        assert!(matches!(read(Cursor::new(b"PK\x03\x04".to_vec())), Err(TensorError::Zip(_))));
    }
}
