//! A signed release and every byte that it names.

use mote_compiler::COMPILER;
use mote_seal::{Artifact as Listed, Blob, Class, Digest, Limits, Release, SignError, SigningKey, seal, sign_release};

use crate::{Artifact, ReleaseError};

/// See the file. Made by [`crate::Tested::sign`], or by [`Package::read`] from a folder.
#[derive(Clone, Debug)]
pub struct Package {
    /// The model's name.
    pub model: String,
    /// The release's version.
    pub version: u64,
    /// SHA-256 of the signed document, by which assignments name it.
    pub digest: Digest,
    /// The signed document.
    pub manifest: Vec<u8>,
    /// Every artifact, by class, then variant.
    pub artifacts: Vec<Artifact>,
    /// The file of golden vectors.
    pub golden: Option<Vec<u8>>,
}

impl Package {
    /// The sealed file of one place: the document and the artifact that this place takes.
    ///
    /// # Errors
    /// If the release has none for it.
    pub fn sealed(&self, class: Class, variant: &str) -> Result<Vec<u8>, ReleaseError> {
        let found = self.artifacts.iter().find(|artifact| artifact.class == class && artifact.variant == variant);
        let artifact = found.ok_or(ReleaseError::NoTarget)?;
        Ok(seal(&self.manifest, &artifact.bytes)?)
    }

    /// The bytes that the document names, each once: golden vectors first, as devices fetch them.
    #[must_use]
    pub fn blobs(&self) -> Vec<(Digest, &[u8])> {
        let artifacts = self.artifacts.iter().map(|artifact| &*artifact.bytes);
        let mut blobs: Vec<(Digest, &[u8])> = Vec::new();
        for bytes in self.golden.as_deref().into_iter().chain(artifacts) {
            let digest = Digest::of(bytes);
            if blobs.iter().all(|(there, _)| *there != digest) {
                blobs.push((digest, bytes));
            }
        }
        blobs
    }
}

/// The signed document.
pub(crate) fn manifest(
    model: &str,
    version: u64,
    floor: u64,
    artifacts: &[Artifact],
    golden: Option<&[u8]>,
    key: &SigningKey,
) -> Result<Vec<u8>, SignError> {
    let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
    let listed: Vec<Listed<'_>> = artifacts
        .iter()
        .map(|artifact| Listed {
            class: artifact.class,
            variant: &artifact.variant,
            kind: artifact.kind,
            blob: blob(&artifact.bytes),
        })
        .collect();
    let release = Release {
        model,
        version,
        floor,
        artifacts: listed.as_slice().into(),
        golden: golden.map(blob),
        limits: Limits::default(),
        compiler: COMPILER,
    };
    sign_release(&release, key)
}
