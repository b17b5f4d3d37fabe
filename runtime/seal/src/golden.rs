//! Golden vectors: the file a device tests a model with before it trusts it.
//!
//! The file is named by digest and length in the signed release ([`crate::Release::golden`]), so it needs
//! no signature of its own. Layout: `FORMAT.md`, "Golden vectors".

use core::fmt;

use mote_abi::DType;

use crate::canonical::{Map, Reader, required};
use crate::{Blob, Digest, Hasher, OpenError};

/// The format that [`Vectors::open`] reads.
const FORMAT: u64 = 1;

/// Real recorded inputs are kept up to this many bytes per vector; larger ones are generated.
pub const MAX_RECORDED: usize = 16 * 1024;

/// One call of the model and what must come out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Vector<'a> {
    /// Index in the Card's list of entries.
    pub entry: u32,
    /// All inputs.
    pub inputs: Inputs<'a>,
    /// [`OutputHasher`] over all outputs in the Card's order: the same on every host for strict and int8 code.
    pub digest: Digest,
    /// For fast code: the values, with a tolerance.
    pub expected: Option<Expected<'a>>,
}

/// The inputs of one call, concatenated in the Card's order, little-endian, without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs<'a> {
    /// Recorded.
    Recorded(&'a [u8]),
    /// Made where they are needed.
    Generated {
        /// By which rule.
        generator: Generator,
        /// From which seed.
        seed: u64,
    },
}

/// How inputs are generated. Both rules draw from SplitMix64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generator {
    /// f32 in -1..1, uniform: the top 24 bits of each draw as an integer, times 2^-23, minus 1. For models
    /// whose inputs are all f32.
    Units = 1,
    /// Bytes, uniform: each draw gives eight, little-endian. For models whose inputs are all u8 or i8.
    Bytes = 2,
}

/// Output values with the tolerance that was measured when the release was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected<'a> {
    /// All outputs, concatenated like the inputs; f32.
    pub outputs: &'a [u8],
    /// Part of the wanted value's magnitude that a value may be off.
    pub relative: f32,
    /// What it may be off beside that.
    pub absolute: f32,
}

/// Inputs were asked for in a length that they do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongInputLength {
    /// What the vector holds or its generator divides, in bytes.
    pub held: usize,
    /// What the model takes, in bytes.
    pub taken: usize,
}

impl fmt::Display for WrongInputLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, taken } = self;
        write!(f, "golden inputs come in {held} bytes, the model takes {taken}")
    }
}

impl core::error::Error for WrongInputLength {}

impl Inputs<'_> {
    /// Writes the inputs over `out`, which is as long as all inputs of the entry together.
    ///
    /// # Errors
    /// If recorded inputs have another length, or `out` is not made of whole values.
    pub fn write_to(&self, out: &mut [u8]) -> Result<(), WrongInputLength> {
        self.write_part(0, out.len(), out)
    }

    /// Writes one stretch of the inputs, which are `taken` bytes together, over `out`: the one that begins at byte `from`.
    ///
    /// # Errors
    /// If recorded inputs have another length than `taken`, or the stretch is not made of whole values or not inside them.
    pub fn write_part(&self, from: usize, taken: usize, out: &mut [u8]) -> Result<(), WrongInputLength> {
        match *self {
            Self::Recorded(bytes) => {
                let part = bytes.get(from..).and_then(|rest| rest.get(..out.len()));
                let part = part.filter(|_| bytes.len() == taken);
                out.copy_from_slice(part.ok_or(WrongInputLength { held: bytes.len(), taken })?);
            }
            Self::Generated { generator: Generator::Units, seed } => {
                let (values, rest) = out.as_chunks_mut();
                if !rest.is_empty() || !from.is_multiple_of(size_of::<f32>()) {
                    return Err(WrongInputLength { held: size_of::<f32>(), taken });
                }
                for (value, draw) in values.iter_mut().zip(SplitMix64(seed).skip(from / size_of::<f32>())) {
                    let unit = (draw >> 40) as f32 / 8_388_608.0 - 1.0;
                    *value = unit.to_le_bytes();
                }
            }
            Self::Generated { generator: Generator::Bytes, seed } => {
                let bytes = SplitMix64(seed).skip(from / 8).flat_map(u64::to_le_bytes).skip(from % 8);
                out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
            }
        }
        Ok(())
    }
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014).
struct SplitMix64(u64);

impl Iterator for SplitMix64 {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(z ^ z >> 31)
    }
}

impl Expected<'_> {
    /// Whether `outputs` (f32, little-endian) are within the tolerance; NaN is matched by NaN only.
    #[must_use]
    pub fn accepts(&self, outputs: &[u8]) -> bool {
        let (wanted, rest) = self.outputs.as_chunks();
        let (got, _) = outputs.as_chunks();
        let near = |(&wanted, &got): (&[u8; 4], &[u8; 4])| {
            let (wanted, got) = (f32::from_le_bytes(wanted), f32::from_le_bytes(got));
            let allowed = self.absolute + self.relative * wanted.abs();
            wanted == got || (wanted.is_nan() && got.is_nan()) || (wanted - got).abs() <= allowed
        };
        rest.is_empty() && outputs.len() == self.outputs.len() && wanted.iter().zip(got).all(near)
    }
}

/// Hashes outputs so that equal results give equal digests: every f32 NaN counts as 0x7fc00000, every
/// f64 NaN as 0x7ff8000000000000.
#[derive(Debug, Clone, Default)]
pub struct OutputHasher(Hasher);

impl OutputHasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next output, little-endian.
    pub fn output(&mut self, dtype: DType, output: &[u8]) {
        match dtype {
            DType::F32 => {
                for &value in output.as_chunks().0 {
                    let nan = f32::from_le_bytes(value).is_nan();
                    self.0.update(&if nan { 0x7fc0_0000_u32.to_le_bytes() } else { value });
                }
            }
            DType::F64 => {
                for &value in output.as_chunks().0 {
                    let nan = f64::from_le_bytes(value).is_nan();
                    self.0.update(&if nan { 0x7ff8_0000_0000_0000_u64.to_le_bytes() } else { value });
                }
            }
            _ => self.0.update(output),
        }
    }

    /// The digest of all outputs.
    #[must_use]
    pub fn finish(self) -> Digest {
        self.0.finish()
    }
}

/// A file of golden vectors, checked from end to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vectors<'a> {
    items: &'a [u8],
    count: u64,
}

impl<'a> Vectors<'a> {
    /// Opens the file that a release names.
    ///
    /// # Errors
    /// If length or digest differ from `blob`, or the content is not canonical.
    pub fn open(bytes: &'a [u8], blob: &Blob) -> Result<Self, OpenError> {
        let (expected, got) = (blob.length, bytes.len() as u64);
        if expected != got {
            return Err(OpenError::WrongLength { expected, got });
        }
        if Digest::of(bytes) != blob.digest {
            return Err(OpenError::WrongDigest);
        }
        Self::read(bytes)
    }

    /// Reads a file that nothing vouches for.
    ///
    /// # Errors
    /// If the content is not canonical.
    pub fn read(bytes: &'a [u8]) -> Result<Self, OpenError> {
        let mut reader = Reader::new(bytes, 0);
        let (mut format, mut vectors) = (None, None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            match key {
                1 => format = Some(reader.unsigned()?),
                2 => vectors = Some(read_vectors(&mut reader)?),
                unknown => reader.skip_unknown(unknown)?,
            }
        }
        reader.end()?;
        match required(format, 1)? {
            FORMAT => required(vectors, 2),
            other => {
                let version = u32::try_from(other).unwrap_or(u32::MAX);
                Err(OpenError::UnsupportedVersion { version })
            }
        }
    }

    /// All vectors, in the file's order.
    pub fn iter(&self) -> impl Iterator<Item = Vector<'a>> + use<'a> {
        let mut reader = Reader::new(self.items, 0);
        (0..self.count).map_while(move |_| read_vector(&mut reader).ok())
    }
}

fn read_vectors<'a>(reader: &mut Reader<'a>) -> Result<Vectors<'a>, OpenError> {
    let count = reader.array()?;
    let items = reader.rest();
    for _ in 0..count {
        read_vector(reader)?;
    }
    Ok(Vectors { items, count })
}

fn read_vector<'a>(reader: &mut Reader<'a>) -> Result<Vector<'a>, OpenError> {
    let offset = reader.offset();
    let malformed = OpenError::Malformed { offset };
    let (mut entry, mut recorded, mut generator, mut seed) = (None, None, None, None);
    let (mut digest, mut outputs, mut relative, mut absolute) = (None, None, None, None);
    let mut map: Map = reader.map()?;
    while let Some(key) = map.next_key(reader)? {
        match key {
            1 => entry = Some(u32::try_from(reader.unsigned()?).map_err(|_| malformed)?),
            2 => recorded = Some(reader.byte_string()?),
            3 => generator = Some(read_generator(reader)?),
            4 => seed = Some(reader.unsigned()?),
            5 => digest = Some(Digest(reader.byte_array()?)),
            6 => outputs = Some(reader.byte_string()?),
            7 => relative = Some(read_f32(reader)?),
            8 => absolute = Some(read_f32(reader)?),
            unknown => reader.skip_unknown(unknown)?,
        }
    }
    let inputs = match (recorded, generator, seed) {
        (Some(bytes), None, None) => Inputs::Recorded(bytes),
        (None, Some(generator), Some(seed)) => Inputs::Generated { generator, seed },
        _ => return Err(malformed),
    };
    let expected = match (outputs, relative, absolute) {
        (None, None, None) => None,
        (Some(outputs), Some(relative), Some(absolute)) => Some(Expected { outputs, relative, absolute }),
        _ => return Err(malformed),
    };
    Ok(Vector { entry: required(entry, 1)?, inputs, digest: required(digest, 5)?, expected })
}

fn read_generator(reader: &mut Reader<'_>) -> Result<Generator, OpenError> {
    let offset = reader.offset();
    match reader.unsigned()? {
        1 => Ok(Generator::Units),
        2 => Ok(Generator::Bytes),
        _ => Err(OpenError::Malformed { offset }),
    }
}

/// A tolerance: the bits of a finite f32 that is not negative, as an integer. CBOR floats would bring
/// three widths of one value into formats that have one encoding per value.
fn read_f32(reader: &mut Reader<'_>) -> Result<f32, OpenError> {
    let offset = reader.offset();
    u32::try_from(reader.unsigned()?)
        .ok()
        .map(f32::from_bits)
        .filter(|value| value.is_finite() && value.is_sign_positive())
        .ok_or(OpenError::Malformed { offset })
}

/// The bytes of a golden file.
#[cfg(feature = "alloc")]
#[must_use]
pub fn write(vectors: &[Vector<'_>]) -> alloc::vec::Vec<u8> {
    let mut writer = crate::canonical::Writer::default();
    writer.map(2).unsigned(1).unsigned(FORMAT).unsigned(2).array(vectors.len() as u64);
    for vector in vectors {
        let generated = matches!(vector.inputs, Inputs::Generated { .. });
        writer.map(3 + u64::from(generated) + 3 * u64::from(vector.expected.is_some()));
        writer.unsigned(1).unsigned(u64::from(vector.entry));
        match vector.inputs {
            Inputs::Recorded(bytes) => writer.unsigned(2).byte_string(bytes),
            Inputs::Generated { generator, seed } => {
                writer.unsigned(3).unsigned(generator as u64).unsigned(4).unsigned(seed)
            }
        };
        writer.unsigned(5).byte_string(&vector.digest.0);
        if let Some(expected) = vector.expected {
            writer.unsigned(6).byte_string(expected.outputs);
            writer.unsigned(7).unsigned(u64::from(expected.relative.to_bits()));
            writer.unsigned(8).unsigned(u64::from(expected.absolute.to_bits()));
        }
    }
    writer.bytes
}
