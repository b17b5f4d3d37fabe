//! Why something was not opened.

use core::fmt;

use crate::{Class, KeyId, Role, Stamp};

/// The first reason found. Offsets count from the start of the document that is named in the variant's
/// text: the sealed file for the first group, the COSE document for the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The sealed file does not start with the magic bytes: not a `.mote` file, or damaged by a text transfer.
    BadMagic,
    /// Written by a later format version.
    UnsupportedVersion {
        /// The version found.
        version: u32,
    },
    /// A byte between manifest and artifact is not zero.
    PaddingNotZero {
        /// Where.
        offset: usize,
    },

    /// The bytes end inside an item.
    Truncated {
        /// Where the missing item starts.
        offset: usize,
    },
    /// Bytes follow the end of the document.
    TrailingBytes {
        /// Where they start.
        offset: usize,
    },
    /// Longer than allowed, so not looked at.
    TooLong {
        /// The most that is accepted, in bytes.
        limit: u64,
        /// What was offered or declared, in bytes.
        got: u64,
    },
    /// CBOR that has a shorter or differently ordered encoding (RFC 8949, 4.2.1), or a feature that these
    /// documents do not use: floats, tags, indefinite lengths.
    NotCanonical {
        /// Where.
        offset: usize,
    },
    /// Canonical CBOR of the wrong type or outside the range of its field.
    Malformed {
        /// Where.
        offset: usize,
    },
    /// A required field is absent.
    MissingField {
        /// Its integer key.
        key: u64,
    },
    /// A field that must be understood (key below 64) is not known here.
    UnknownField {
        /// Its integer key.
        key: u64,
    },
    /// The signature algorithm is not EdDSA (-8).
    UnknownAlgorithm,
    /// A signed document of another type was put in this place.
    WrongDocument,
    /// Artifacts are not strictly ascending by class and variant.
    ArtifactsUnordered,
    /// The release lists nothing.
    NoArtifacts,
    /// Foreign guests and compiled models stand in one release; they need different keys.
    MixedArtifacts,
    /// The release forbids itself: its floor is above its version.
    FloorAboveVersion {
        /// The release's version.
        version: u64,
        /// The release's floor.
        floor: u64,
    },

    /// No key of the ring has this identifier.
    UnknownKey {
        /// The identifier that the document names.
        id: KeyId,
    },
    /// The key exists, but may not sign this.
    WrongRole {
        /// What was needed.
        needed: Role,
        /// What the key is trusted for.
        role: Role,
    },
    /// The signature does not verify (strictly: small-order points are refused too).
    BadSignature,

    /// The release is of another model.
    WrongModel,
    /// The release has no artifact for this class and variant.
    NoArtifactFor {
        /// The class asked for.
        class: Class,
    },
    /// The version is below what this device accepts.
    BelowFloor {
        /// The release's version.
        version: u64,
        /// The device's floor.
        floor: u64,
    },
    /// The artifact has another length than the release states.
    WrongLength {
        /// Stated by the release, in bytes.
        expected: u64,
        /// Offered, in bytes.
        got: u64,
    },
    /// The artifact has another SHA-256 than the release states.
    WrongDigest,

    /// The assignment is for another fleet.
    WrongFleet,
    /// The assignment is for another device.
    WrongDevice,
    /// The assignment is older than one already accepted.
    Replayed {
        /// The last accepted.
        last: Stamp,
        /// The one offered.
        got: Stamp,
    },
    /// The assignment is the one last accepted.
    Repeated {
        /// Its stamp.
        stamp: Stamp,
    },
    /// The stamp leaps so far ahead that accepting it could exhaust the counter.
    JumpTooFar {
        /// The last accepted.
        last: Stamp,
        /// The one offered.
        got: Stamp,
    },
}

impl OpenError {
    /// A number for reports, stable across versions; 0 is never used.
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::BadMagic => 1,
            Self::UnsupportedVersion { .. } => 2,
            Self::PaddingNotZero { .. } => 3,
            Self::Truncated { .. } => 4,
            Self::TrailingBytes { .. } => 5,
            Self::TooLong { .. } => 6,
            Self::NotCanonical { .. } => 7,
            Self::Malformed { .. } => 8,
            Self::MissingField { .. } => 9,
            Self::UnknownField { .. } => 10,
            Self::UnknownAlgorithm => 11,
            Self::WrongDocument => 12,
            Self::ArtifactsUnordered => 13,
            Self::NoArtifacts => 14,
            Self::FloorAboveVersion { .. } => 15,
            Self::MixedArtifacts => 16,
            Self::UnknownKey { .. } => 20,
            Self::WrongRole { .. } => 21,
            Self::BadSignature => 22,
            Self::WrongModel => 30,
            Self::NoArtifactFor { .. } => 31,
            Self::BelowFloor { .. } => 32,
            Self::WrongLength { .. } => 33,
            Self::WrongDigest => 34,
            Self::WrongFleet => 40,
            Self::WrongDevice => 41,
            Self::Replayed { .. } => 42,
            Self::Repeated { .. } => 43,
            Self::JumpTooFar { .. } => 44,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BadMagic => f.write_str("not a sealed mote: wrong magic bytes"),
            Self::UnsupportedVersion { version } => {
                write!(f, "sealed format version {version} is not supported")
            }
            Self::PaddingNotZero { offset } => write!(f, "padding is not zero at byte {offset}"),
            Self::Truncated { offset } => write!(f, "ends inside the item at byte {offset}"),
            Self::TrailingBytes { offset } => write!(f, "bytes follow the end at byte {offset}"),
            Self::TooLong { limit, got } => write!(f, "{got} bytes, at most {limit} are accepted"),
            Self::NotCanonical { offset } => write!(f, "CBOR is not canonical at byte {offset}"),
            Self::Malformed { offset } => write!(f, "wrong type or range at byte {offset}"),
            Self::MissingField { key } => write!(f, "field {key} is missing"),
            Self::UnknownField { key } => write!(f, "field {key} must be understood and is not"),
            Self::UnknownAlgorithm => f.write_str("signature algorithm is not EdDSA"),
            Self::WrongDocument => f.write_str("a signed document of another type"),
            Self::ArtifactsUnordered => f.write_str("artifacts are not in ascending order"),
            Self::NoArtifacts => f.write_str("the release lists no artifact"),
            Self::MixedArtifacts => f.write_str("foreign guests and compiled models in one release"),
            Self::FloorAboveVersion { version, floor } => {
                write!(f, "version {version} is below the release's own floor {floor}")
            }
            Self::UnknownKey { id } => write!(f, "key {id} is not trusted here"),
            Self::WrongRole { needed, role } => {
                write!(f, "signed by a {role} key where a {needed} key is needed")
            }
            Self::BadSignature => f.write_str("the signature does not verify"),
            Self::WrongModel => f.write_str("the release is of another model"),
            Self::NoArtifactFor { class } => {
                write!(f, "the release has no artifact for this {class} variant")
            }
            Self::BelowFloor { version, floor } => {
                write!(f, "version {version} is below the floor {floor}")
            }
            Self::WrongLength { expected, got } => {
                write!(f, "artifact of {got} bytes, the release states {expected}")
            }
            Self::WrongDigest => f.write_str("the artifact's digest is not the release's"),
            Self::WrongFleet => f.write_str("the assignment is for another fleet"),
            Self::WrongDevice => f.write_str("the assignment is for another device"),
            Self::Replayed { last, got } => write!(f, "assignment {got} is older than {last}"),
            Self::Repeated { stamp } => write!(f, "assignment {stamp} was accepted before"),
            Self::JumpTooFar { last, got } => {
                write!(f, "assignment {got} leaps too far ahead of {last}")
            }
        }
    }
}

impl core::error::Error for OpenError {}
