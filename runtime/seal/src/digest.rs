//! SHA-256 as a type of our own, so that no other crate needs to see the hash implementation.

use core::{fmt, str::FromStr};

use sha2::Digest as _;

use crate::key_text::{KeyTextError, parse_hex, write_hex};

/// A SHA-256 digest. Prints and parses as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl FromStr for Digest {
    type Err = KeyTextError;

    fn from_str(text: &str) -> Result<Self, KeyTextError> {
        parse_hex(text).map(Self)
    }
}

/// SHA-256 over bytes that arrive in pieces.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// Bytes together with their digest, so that a large artifact is hashed once and opened many times.
#[derive(Clone, Debug)]
pub struct Hashed<B> {
    bytes: B,
    digest: Digest,
}

impl<B: AsRef<[u8]>> Hashed<B> {
    /// Hashes `bytes`.
    #[must_use]
    pub fn new(bytes: B) -> Self {
        let digest = Digest::of(bytes.as_ref());
        Self { bytes, digest }
    }

    /// Believes a digest that the caller recorded itself, when it staged exactly these bytes into
    /// storage that nobody else writes. The one way to skip hashing; everything else is still checked.
    #[must_use]
    pub fn trusting_own_record(bytes: B, digest: Digest) -> Self {
        Self { bytes, digest }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Their digest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}
