//! The release: one model version and the artifacts it consists of.

use core::fmt;

use crate::canonical::{Reader, required};
use crate::{Digest, MAX_ARTIFACTS, OpenError};

/// The longest name of a model, variant, fleet or device, and the longest compiler version.
const MAX_NAME: usize = 64;

/// Keys of the payload map; `FORMAT.md` lists those that are reserved.
mod field {
    pub(super) const MODEL: u64 = 1;
    pub(super) const VERSION: u64 = 2;
    pub(super) const FLOOR: u64 = 3;
    pub(super) const ARTIFACTS: u64 = 4;
    pub(super) const GOLDEN: u64 = 5;
    pub(super) const LIMITS: u64 = 6;
    pub(super) const COMPILER: u64 = 7;
}

/// Where an artifact runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// An edge gateway or server: takes a Plan (of a Module only its Plan is used).
    Gateway = 1,
    /// A page: takes a Module.
    Browser = 2,
    /// A microcontroller: takes a Plan packed for its core.
    Mcu = 3,
}

impl Class {
    fn from_code(code: u64) -> Option<Self> {
        [Self::Gateway, Self::Browser, Self::Mcu].into_iter().find(|&known| known as u64 == code)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gateway => "gateway",
            Self::Browser => "browser",
            Self::Mcu => "mcu",
        })
    }
}

/// What the bytes of an artifact are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A Plan.
    Plan = 1,
    /// A Module: wasm with its Plan inside.
    Module = 2,
    /// A hand-written guest without a Plan.
    Foreign = 3,
}

impl Kind {
    fn from_code(code: u64) -> Option<Self> {
        [Self::Plan, Self::Module, Self::Foreign].into_iter().find(|&known| known as u64 == code)
    }
}

/// Bytes named by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Blob {
    /// Their SHA-256.
    pub digest: Digest,
    /// Their length in bytes.
    pub length: u64,
}

impl Blob {
    /// Whether bytes of this length and digest are the ones named: for a place that hashes them as they arrive and
    /// keeps them elsewhere.
    ///
    /// # Errors
    /// [`OpenError::WrongLength`] or [`OpenError::WrongDigest`].
    pub fn admit(&self, length: u64, digest: Digest) -> Result<(), OpenError> {
        self.has_length(length)?;
        if digest == self.digest { Ok(()) } else { Err(OpenError::WrongDigest) }
    }

    pub(crate) fn has_length(&self, got: u64) -> Result<(), OpenError> {
        let expected = self.length;
        if got == expected { Ok(()) } else { Err(OpenError::WrongLength { expected, got }) }
    }
}

/// One artifact of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Artifact<'a> {
    /// Where it runs.
    pub class: Class,
    /// Which of several for that class: `generic`, `cortex-m4`, `strict`.
    pub variant: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub blob: Blob,
}

/// Caps that hold for every artifact of a release. 0 = not stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Limits {
    /// Memory of one instance, in bytes.
    pub memory_bytes: u64,
    /// Upper bound of one inference, in scalar operations.
    pub operations: u64,
    /// The time by which one inference must be done, in microseconds.
    pub deadline_us: u64,
}

/// One model version. Weights, code, preprocessing, labels and thresholds are one release, so that no two
/// versions can be mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release<'a> {
    /// The model's name: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub model: &'a str,
    /// Grows with every release of the model.
    pub version: u64,
    /// The security floor: once this release is committed, versions below it never run again. At most `version`.
    pub floor: u64,
    /// At least one; strictly ascending by class, then variant.
    pub artifacts: Artifacts<'a>,
    /// The file of golden vectors that a device tests itself with, if any; see [`crate::golden`].
    pub golden: Option<Blob>,
    /// Caps on every instance.
    pub limits: Limits,
    /// The compiler's version, for people.
    pub compiler: &'a str,
}

/// The artifacts of a release: a slice while it is written, encoded bytes once it has been read.
#[derive(Clone, Copy)]
pub struct Artifacts<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    Listed(&'a [Artifact<'a>]),
    /// `count` items that have been read successfully once.
    Encoded {
        items: &'a [u8],
        count: u64,
    },
}

impl<'a> From<&'a [Artifact<'a>]> for Artifacts<'a> {
    fn from(artifacts: &'a [Artifact<'a>]) -> Self {
        Self(Form::Listed(artifacts))
    }
}

impl<'a> Artifacts<'a> {
    /// All, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Artifact<'a>> + use<'a> {
        let (listed, items, count) = match self.0 {
            Form::Listed(listed) => (listed, [].as_slice(), 0),
            Form::Encoded { items, count } => ([].as_slice(), items, count),
        };
        let mut reader = Reader::new(items, 0);
        let encoded = (0..count).map_while(move |_| read_artifact(&mut reader).ok());
        listed.iter().copied().chain(encoded)
    }

    /// The one for `class` and `variant`.
    #[must_use]
    pub fn find(&self, class: Class, variant: &str) -> Option<Artifact<'a>> {
        self.iter().find(|artifact| artifact.class == class && artifact.variant == variant)
    }
}

impl PartialEq for Artifacts<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Artifacts<'_> {}

impl fmt::Debug for Artifacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Whether `text` may name a model, variant, fleet or device: 1 to 64 of `A-Z a-z 0-9 _ -`, so that it
/// can stand in an MQTT topic on every broker and in a file name.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(legal)
}

/// Whether `text` may be a compiler version: up to 64 printable ASCII characters.
pub(crate) fn is_compiler(text: &str) -> bool {
    text.len() <= MAX_NAME && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

impl<'a> Release<'a> {
    pub(crate) fn read(mut reader: Reader<'a>) -> Result<Self, OpenError> {
        let (mut model, mut version, mut floor, mut artifacts) = (None, None, None, None);
        let (mut golden, mut limits, mut compiler) = (None, None, None);
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            match key {
                field::MODEL => model = Some(read_name(&mut reader)?),
                field::VERSION => version = Some(reader.unsigned()?),
                field::FLOOR => floor = Some(reader.unsigned()?),
                field::ARTIFACTS => artifacts = Some(read_artifacts(&mut reader)?),
                field::GOLDEN => golden = Some(read_blob(&mut reader)?),
                field::LIMITS => limits = Some(read_limits(&mut reader)?),
                field::COMPILER => {
                    let offset = reader.offset();
                    let text = reader.text()?;
                    if !is_compiler(text) {
                        return Err(OpenError::Malformed { offset });
                    }
                    compiler = Some(text);
                }
                unknown => reader.skip_unknown(unknown)?,
            }
        }
        reader.end()?;
        let release = Self {
            model: required(model, field::MODEL)?,
            version: required(version, field::VERSION)?,
            floor: required(floor, field::FLOOR)?,
            artifacts: required(artifacts, field::ARTIFACTS)?,
            golden,
            limits: required(limits, field::LIMITS)?,
            compiler: required(compiler, field::COMPILER)?,
        };
        release.check()?;
        Ok(release)
    }

    /// What must hold between fields, for the writer and the reader alike.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let (version, floor) = (self.version, self.floor);
        if floor > version {
            return Err(OpenError::FloorAboveVersion { version, floor });
        }
        let order = |artifact: Artifact<'a>| (artifact.class, artifact.variant);
        if !self.artifacts.iter().map(order).is_sorted_by(|a, b| a < b) {
            return Err(OpenError::ArtifactsUnordered);
        }
        match self.artifacts.iter().take(MAX_ARTIFACTS as usize + 1).count() as u64 {
            0 => Err(OpenError::NoArtifacts),
            got if got > MAX_ARTIFACTS => Err(OpenError::TooLong { limit: MAX_ARTIFACTS, got }),
            _ => Ok(()),
        }
    }

    /// The role a key needs to sign this: foreign guests and compiled models never share a release.
    pub(crate) fn role(&self) -> Result<crate::Role, OpenError> {
        let foreign = self.artifacts.iter().filter(|each| each.kind == Kind::Foreign).count();
        match foreign {
            0 => Ok(crate::Role::Release),
            _ if foreign == self.artifacts.iter().count() => Ok(crate::Role::Foreign),
            _ => Err(OpenError::MixedArtifacts),
        }
    }
}

pub(crate) fn read_name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, OpenError> {
    let offset = reader.offset();
    let text = reader.text()?;
    if is_name(text) { Ok(text) } else { Err(OpenError::Malformed { offset }) }
}

fn read_artifacts<'a>(reader: &mut Reader<'a>) -> Result<Artifacts<'a>, OpenError> {
    let count = reader.array()?;
    if count > MAX_ARTIFACTS {
        return Err(OpenError::TooLong { limit: MAX_ARTIFACTS, got: count });
    }
    let items = reader.rest();
    for _ in 0..count {
        read_artifact(reader)?;
    }
    Ok(Artifacts(Form::Encoded { items, count }))
}

fn read_artifact<'a>(reader: &mut Reader<'a>) -> Result<Artifact<'a>, OpenError> {
    let offset = reader.offset();
    let malformed = OpenError::Malformed { offset };
    let (mut class, mut variant, mut kind) = (None, None, None);
    let (mut digest, mut length) = (None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_key(reader)? {
        match key {
            1 => class = Some(Class::from_code(reader.unsigned()?).ok_or(malformed)?),
            2 => variant = Some(read_name(reader)?),
            3 => kind = Some(Kind::from_code(reader.unsigned()?).ok_or(malformed)?),
            4 => digest = Some(Digest(reader.byte_array()?)),
            5 => length = Some(reader.unsigned()?),
            unknown => reader.skip_unknown(unknown)?,
        }
    }
    Ok(Artifact {
        class: required(class, 1)?,
        variant: required(variant, 2)?,
        kind: required(kind, 3)?,
        blob: Blob { digest: required(digest, 4)?, length: required(length, 5)? },
    })
}

fn read_blob(reader: &mut Reader<'_>) -> Result<Blob, OpenError> {
    let (mut digest, mut length) = (None, None);
    let mut map = reader.map()?;
    while let Some(key) = map.next_key(reader)? {
        match key {
            1 => digest = Some(Digest(reader.byte_array()?)),
            2 => length = Some(reader.unsigned()?),
            unknown => reader.skip_unknown(unknown)?,
        }
    }
    Ok(Blob { digest: required(digest, 1)?, length: required(length, 2)? })
}

fn read_limits(reader: &mut Reader<'_>) -> Result<Limits, OpenError> {
    let mut limits = Limits::default();
    let mut map = reader.map()?;
    while let Some(key) = map.next_key(reader)? {
        match key {
            1 => limits.memory_bytes = reader.unsigned()?,
            2 => limits.operations = reader.unsigned()?,
            3 => limits.deadline_us = reader.unsigned()?,
            unknown => reader.skip_unknown(unknown)?,
        }
    }
    Ok(limits)
}

#[cfg(feature = "alloc")]
impl Release<'_> {
    /// The payload; `self` has been checked.
    pub(crate) fn write(&self) -> alloc::vec::Vec<u8> {
        let mut writer = crate::canonical::Writer::default();
        let count = self.artifacts.iter().count() as u64;
        writer.map(6 + u64::from(self.golden.is_some()));
        writer.unsigned(field::MODEL).text(self.model);
        writer.unsigned(field::VERSION).unsigned(self.version);
        writer.unsigned(field::FLOOR).unsigned(self.floor);
        writer.unsigned(field::ARTIFACTS).array(count);
        for artifact in self.artifacts.iter() {
            writer.map(5).unsigned(1).unsigned(artifact.class as u64);
            writer.unsigned(2).text(artifact.variant);
            writer.unsigned(3).unsigned(artifact.kind as u64);
            writer.unsigned(4).byte_string(&artifact.blob.digest.0);
            writer.unsigned(5).unsigned(artifact.blob.length);
        }
        if let Some(golden) = self.golden {
            writer.unsigned(field::GOLDEN).map(2);
            writer.unsigned(1).byte_string(&golden.digest.0);
            writer.unsigned(2).unsigned(golden.length);
        }
        writer.unsigned(field::LIMITS).map(3);
        writer.unsigned(1).unsigned(self.limits.memory_bytes);
        writer.unsigned(2).unsigned(self.limits.operations);
        writer.unsigned(3).unsigned(self.limits.deadline_us);
        writer.unsigned(field::COMPILER).text(self.compiler);
        writer.bytes
    }
}
