//! The folder that releases travel in.
//!
//! ```text
//! NAME-VERSION.release     the signed document
//! x/DIGEST                 every byte string that documents name, once
//! NAME.gateway.mote        sealed files, one for each place: NAME.CLASS-VARIANT.mote, `generic` left out
//! ```
//! Releases of several models and versions lie beside each other; sealed files are those of the last one written.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mote_seal::{Blob, CheckedRelease, Digest, Keyring, check_release};

use crate::{Artifact, GENERIC, Package, ReleaseError};

/// Ending of signed documents.
const DOCUMENT: &str = "release";
/// Folder of byte strings.
const BLOBS: &str = "x";

impl Artifact {
    /// Name of its sealed file.
    #[must_use]
    pub fn file_name(&self, model: &str) -> String {
        let Self { class, variant, .. } = self;
        if variant == GENERIC { format!("{model}.{class}.mote") } else { format!("{model}.{class}-{variant}.mote") }
    }
}

impl Package {
    /// Writes everything and answers the sealed files, in the order of the artifacts.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, folder: &Path) -> Result<Vec<PathBuf>, ReleaseError> {
        make_folder(&folder.join(BLOBS))?;
        for (digest, bytes) in self.blobs() {
            write(&folder.join(BLOBS).join(digest.to_string()), bytes)?;
        }
        let mut sealed = Vec::with_capacity(self.artifacts.len());
        for artifact in &self.artifacts {
            let path = folder.join(artifact.file_name(&self.model));
            write(&path, &self.sealed(artifact.class, &artifact.variant)?)?;
            sealed.push(path);
        }
        // Last, so that what a document names is there before it.
        write(&folder.join(format!("{}-{}.{DOCUMENT}", self.model, self.version)), &self.manifest)?;
        Ok(sealed)
    }

    /// Reads the release of a model and a version; without a version its newest, without a model the only one that there
    /// is. Signature, digests and lengths are checked.
    ///
    /// # Errors
    /// A folder that cannot be read, a choice that is none, a document that does not open, or bytes that are not there.
    pub fn read(
        folder: &Path,
        model: Option<&str>,
        version: Option<u64>,
        ring: &Keyring<'_>,
    ) -> Result<Self, ReleaseError> {
        let documents = documents(folder)?;
        let mut checked: Vec<(&PathBuf, CheckedRelease<'_>)> = Vec::with_capacity(documents.len());
        for (path, manifest) in &documents {
            let open = check_release(manifest, ring);
            checked.push((path, open.map_err(|source| ReleaseError::Open { path: path.clone(), source })?));
        }
        let there = || checked.iter().map(|(_, found)| (found.release().model.to_owned(), found.release().version));
        let not_there = || ReleaseError::NotThere { path: folder.into(), there: there().collect() };
        let wanted = |(_, found): &&(&PathBuf, CheckedRelease<'_>)| {
            model.is_none_or(|model| model == found.release().model)
                && version.is_none_or(|version| version == found.release().version)
        };
        let found = checked.iter().filter(wanted).max_by_key(|(_, found)| found.release().version);
        let (path, found) = found.ok_or_else(not_there)?;
        if checked.iter().filter(wanted).any(|(_, other)| other.release().model != found.release().model) {
            return Err(not_there());
        }
        let manifest = documents.iter().find(|(own, _)| own == *path).map(|(_, bytes)| bytes.clone());
        Self::complete(folder, manifest.unwrap_or_default(), found)
    }

    /// Finds the bytes that a document names.
    fn complete(folder: &Path, manifest: Vec<u8>, checked: &CheckedRelease<'_>) -> Result<Self, ReleaseError> {
        let release = checked.release();
        let golden = release.golden.map(|blob| blob_bytes(folder, &blob)).transpose()?;
        let mut artifacts: Vec<(Digest, Artifact)> = Vec::new();
        for listed in release.artifacts.iter() {
            let digest = listed.blob.digest;
            let same = artifacts.iter().find(|(there, _)| *there == digest).map(|(_, there)| Arc::clone(&there.bytes));
            let bytes = match same {
                Some(bytes) => bytes,
                None => blob_bytes(folder, &listed.blob)?.into(),
            };
            let (class, variant, kind) = (listed.class, listed.variant.to_owned(), listed.kind);
            artifacts.push((digest, Artifact { class, variant, kind, bytes }));
        }
        Ok(Self {
            model: release.model.to_owned(),
            version: release.version,
            digest: checked.digest(),
            artifacts: artifacts.into_iter().map(|(_, artifact)| artifact).collect(),
            golden,
            manifest,
        })
    }
}

/// The signed documents of a folder, in order of name.
fn documents(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, ReleaseError> {
    let failed = |source| ReleaseError::Read { path: folder.into(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == DOCUMENT) {
            let bytes = fs::read(&path).map_err(|source| ReleaseError::Read { path: path.clone(), source })?;
            found.push((path, bytes));
        }
    }
    found.sort();
    Ok(found)
}

fn blob_bytes(folder: &Path, blob: &Blob) -> Result<Vec<u8>, ReleaseError> {
    let path = folder.join(BLOBS).join(blob.digest.to_string());
    let no_blob = || ReleaseError::NoBlob { path: folder.join(BLOBS), digest: blob.digest };
    match fs::read(&path) {
        Ok(bytes) if bytes.len() as u64 == blob.length && Digest::of(&bytes) == blob.digest => Ok(bytes),
        Ok(_) => Err(no_blob()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(no_blob()),
        Err(source) => Err(ReleaseError::Read { path, source }),
    }
}

fn make_folder(path: &Path) -> Result<(), ReleaseError> {
    fs::create_dir_all(path).map_err(|source| ReleaseError::Write { path: path.into(), source })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReleaseError> {
    fs::write(path, bytes).map_err(|source| ReleaseError::Write { path: path.into(), source })
}
