//! From a signed manifest to the permission to compile one artifact.

use mote_seal::{Blob, Class, Digest, Hasher, Kind, OpenError, Sealed, Target, check_release};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{KeyRing, Refusal};

/// The largest module that a page takes, in bytes.
const MAX_ARTIFACT: u64 = 1 << 30;

/// The front of a sealed file.
#[wasm_bindgen]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    manifest: Vec<u8>,
    start: usize,
}

#[wasm_bindgen]
impl Head {
    /// The signed release document.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn manifest(&self) -> Vec<u8> {
        self.manifest.clone()
    }

    /// Where the artifact starts, in bytes from the start of the file.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }
}

/// Reads the head of a sealed file from its first bytes; nothing while more are needed. Nothing is proved by it.
///
/// # Errors
/// Bytes that no sealed file starts with.
#[wasm_bindgen(js_name = readHead)]
pub fn read_head(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    match Sealed::split(bytes) {
        Ok(sealed) => {
            let start = bytes.len() - sealed.artifact.len();
            Ok(Some(Head { manifest: sealed.manifest.to_vec(), start }))
        }
        Err(OpenError::Truncated { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A release whose signature, key role, target and version floor have been checked, and the module of it that a page
/// takes. From here on, length and digest of the bytes to fetch are known and trusted.
#[wasm_bindgen]
#[derive(Debug, Clone)]
pub struct Offer {
    model: String,
    version: u64,
    floor: u64,
    variant: String,
    key: String,
    development: bool,
    release_digest: Digest,
    memory_bytes: u64,
    blob: Blob,
}

#[wasm_bindgen]
impl Offer {
    /// Checks a manifest. `model` is the name expected, if any; `floor` the lowest version that is still run.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn check(
        manifest: &[u8],
        keys: &KeyRing,
        variant: &str,
        model: Option<String>,
        floor: u64,
    ) -> Result<Self, Refusal> {
        let target = Target { class: Class::Browser, variant, model: model.as_deref(), floor, max_bytes: MAX_ARTIFACT };
        let checked = check_release(manifest, &keys.ring())?.select(&target)?;
        let (release, artifact) = (checked.release(), checked.artifact());
        if artifact.kind != Kind::Module {
            return Err(Refusal::of("seal.kind", "the release's artifact for browsers is no compiled module", None));
        }
        Ok(Self {
            model: release.release().model.to_owned(),
            version: release.release().version,
            floor: release.release().floor,
            variant: artifact.variant.to_owned(),
            key: release.key().to_string(),
            development: release.is_development(),
            release_digest: release.digest(),
            memory_bytes: release.release().limits.memory_bytes,
            blob: artifact.blob,
        })
    }

    /// The model's name.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn model(&self) -> String {
        self.model.clone()
    }

    /// The release's version.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Once this release is committed, versions below this one never run again.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Which of the release's modules this is.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn variant(&self) -> String {
        self.variant.clone()
    }

    /// Identifier of the key that signed.
    #[wasm_bindgen(getter, js_name = keyId)]
    #[must_use]
    pub fn key_id(&self) -> String {
        self.key.clone()
    }

    /// Whether that key guards nothing.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn development(&self) -> bool {
        self.development
    }

    /// SHA-256 of the signed document, in hex.
    #[wasm_bindgen(getter, js_name = releaseDigest)]
    #[must_use]
    pub fn release_digest(&self) -> String {
        self.release_digest.to_string()
    }

    /// SHA-256 of the module, in hex.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn digest(&self) -> String {
        self.blob.digest.to_string()
    }

    /// Bytes of the module; at most 2^30.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn length(&self) -> usize {
        usize::try_from(self.blob.length).unwrap_or(usize::MAX)
    }

    /// The release's cap on the memory of one instance, in bytes; 0 = not stated.
    #[wasm_bindgen(getter, js_name = memoryBytes)]
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Starts taking the module's bytes in.
    #[must_use]
    pub fn intake(&self) -> Intake {
        Intake { blob: self.blob, hasher: Hasher::new(), taken: 0 }
    }
}

/// Hashes a module as it arrives; the bytes stay with the caller.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Intake {
    blob: Blob,
    hasher: Hasher,
    taken: u64,
}

#[wasm_bindgen]
impl Intake {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// `seal.length` as soon as there are more than the release states.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.taken += piece.len() as u64;
        if self.taken > self.blob.length {
            return Err(OpenError::WrongLength { expected: self.blob.length, got: self.taken }.into());
        }
        self.hasher.update(piece);
        Ok(())
    }

    /// Says that these were all, and whether they are the release's.
    ///
    /// # Errors
    /// `seal.length` or `seal.digest`.
    pub fn finish(self) -> Result<(), Refusal> {
        Ok(self.blob.admit(self.taken, self.hasher.finish())?)
    }
}
