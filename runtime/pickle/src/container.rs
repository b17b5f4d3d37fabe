//! What is around the pickle: joblib compresses the whole file, pickle arrays included.

use std::borrow::Cow;
use std::io::Read;

use crate::error::ReadError;
use crate::limits::Limits;

enum Wrapping {
    Zlib,
    Gzip,
    Lz4,
    Other(&'static str),
}

/// Beginnings of compressed files; zlib has none but a checksum over its first two bytes.
static MAGICS: [(&[u8], Wrapping); 7] = [
    (&[0x1f, 0x8b], Wrapping::Gzip),
    (&[0x04, 0x22, 0x4d, 0x18], Wrapping::Lz4),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], Wrapping::Other("xz")),
    (&[0x5d, 0, 0], Wrapping::Other("lzma")),
    (b"BZh", Wrapping::Other("bzip2")),
    (&[0x28, 0xb5, 0x2f, 0xfd], Wrapping::Other("zstd")),
    (b"ZF0x", Wrapping::Other("joblib's form of before 0.10")),
];

/// Whether a file begins like a pickle or joblib file, compressed or not.
pub fn recognises(bytes: &[u8]) -> bool {
    let binary = matches!(bytes, [0x80, 2..=5, ..]);
    binary || wrapping(bytes).is_some() || first_global(bytes)
}

/// Text pickles of an object begin with the global that rebuilds it.
fn first_global(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"(").unwrap_or(bytes);
    [&b"ccopy_reg\n"[..], b"ccopyreg\n", b"cnumpy", b"csklearn."].iter().any(|start| bytes.starts_with(start))
}

fn wrapping(bytes: &[u8]) -> Option<&'static Wrapping> {
    // RFC 1950: method 8, and both bytes as one number divide by 31.
    if let [first @ (0x18 | 0x28 | 0x38 | 0x48 | 0x58 | 0x68 | 0x78), second, ..] = bytes
        && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31)
    {
        return Some(&Wrapping::Zlib);
    }
    MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, wrapping)| wrapping)
}

/// The pickle in a file.
pub(crate) fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, ReadError> {
    let plain = match wrapping(bytes) {
        None => Cow::Borrowed(bytes),
        Some(Wrapping::Zlib) => unpack(flate2::read::ZlibDecoder::new(bytes), "zlib", limits)?.into(),
        Some(Wrapping::Gzip) => unpack(flate2::read::MultiGzDecoder::new(bytes), "gzip", limits)?.into(),
        Some(Wrapping::Lz4) => unpack(lz4_flex::frame::FrameDecoder::new(bytes), "lz4", limits)?.into(),
        Some(Wrapping::Other(name)) => return Err(ReadError::Compression(name)),
    };
    if plain.len() > limits.bytes {
        return Err(ReadError::Limit { at: limits.bytes, what: "bytes", limit: limits.bytes });
    }
    Ok(plain)
}

fn unpack(reader: impl Read, name: &'static str, limits: &Limits) -> Result<Vec<u8>, ReadError> {
    let mut plain = Vec::new();
    let most = limits.bytes as u64 + 1;
    reader.take(most).read_to_end(&mut plain).map_err(|_| ReadError::Broken(name))?;
    Ok(plain)
}
