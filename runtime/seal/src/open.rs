//! Opening: the one path from bytes to something that may run.

use crate::cose::{self, Document};
use crate::release::{Artifact, Class, Kind, Release};
use crate::sealed::Sealed;
use crate::{Digest, Hashed, KeyId, Keyring, OpenError, Role, Standing};

/// What a place accepts.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Where it is.
    pub class: Class,
    /// Which artifact of that class it takes.
    pub variant: &'a str,
    /// The model it expects; `None` takes any.
    pub model: Option<&'a str>,
    /// The lowest version it still runs, from its own durable record.
    pub floor: u64,
    /// The largest artifact it has room for, in bytes.
    pub max_bytes: u64,
}

/// Opens a sealed file.
///
/// # Errors
/// The first check that failed.
pub fn open<'a>(bytes: &'a [u8], ring: &Keyring<'_>, target: &Target<'_>) -> Result<Opened<'a>, OpenError> {
    let Sealed { manifest, artifact } = Sealed::split(bytes)?;
    open_detached(manifest, artifact, ring, target)
}

/// Opens an artifact that travelled apart from its manifest.
///
/// # Errors
/// The first check that failed.
pub fn open_detached<'a>(
    manifest: &'a [u8],
    artifact: &'a [u8],
    ring: &Keyring<'_>,
    target: &Target<'_>,
) -> Result<Opened<'a>, OpenError> {
    check_release(manifest, ring)?.select(target)?.open(artifact)
}

/// Checks signature, key role and inner consistency of a release document.
///
/// # Errors
/// The first check that failed.
pub fn check_release<'a>(manifest: &'a [u8], ring: &Keyring<'_>) -> Result<CheckedRelease<'a>, OpenError> {
    let roles = [Role::Release, Role::Foreign];
    let signed = cose::verify(manifest, Document::Release, ring, &roles)?;
    let release = Release::read(signed.payload)?;
    // Only now is it known which of the two roles is needed.
    let key = ring.find(signed.key.public.id(), &[release.role()?])?;
    Ok(CheckedRelease { release, digest: Digest::of(manifest), key: key.public.id(), standing: key.standing })
}

/// A release whose signature and key role have been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedRelease<'a> {
    release: Release<'a>,
    digest: Digest,
    key: KeyId,
    standing: Standing,
}

impl<'a> CheckedRelease<'a> {
    /// The release.
    #[must_use]
    pub fn release(&self) -> &Release<'a> {
        &self.release
    }

    /// SHA-256 of the signed document, by which assignments name it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The key that signed it.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Whether that key was a development key.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.standing == Standing::Development
    }

    /// Picks the artifact for `target`. After this a fetch may begin: digest and length are known and trusted.
    ///
    /// # Errors
    /// [`OpenError::WrongModel`], [`OpenError::BelowFloor`], [`OpenError::NoArtifactFor`], or
    /// [`OpenError::TooLong`] if there is no room.
    pub fn select(self, target: &Target<'_>) -> Result<Checked<'a>, OpenError> {
        let release = &self.release;
        if target.model.is_some_and(|model| model != release.model) {
            return Err(OpenError::WrongModel);
        }
        let (version, floor) = (release.version, target.floor);
        if version < floor {
            return Err(OpenError::BelowFloor { version, floor });
        }
        let artifact = release
            .artifacts
            .find(target.class, target.variant)
            .ok_or(OpenError::NoArtifactFor { class: target.class })?;
        let (limit, got) = (target.max_bytes, artifact.blob.length);
        if got > limit {
            return Err(OpenError::TooLong { limit, got });
        }
        Ok(Checked { release: self, artifact })
    }
}

/// A checked release and the one artifact of it that fits this place: everything but the artifact's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked<'a> {
    release: CheckedRelease<'a>,
    artifact: Artifact<'a>,
}

impl<'a> Checked<'a> {
    /// The release.
    #[must_use]
    pub fn release(&self) -> &CheckedRelease<'a> {
        &self.release
    }

    /// What to fetch.
    #[must_use]
    pub fn artifact(&self) -> &Artifact<'a> {
        &self.artifact
    }

    /// Opens the artifact's bytes.
    ///
    /// # Errors
    /// [`OpenError::WrongLength`] or [`OpenError::WrongDigest`].
    pub fn open<'b>(self, bytes: &'b [u8]) -> Result<Opened<'b>, OpenError>
    where
        'a: 'b,
    {
        // The length is compared first, so that nothing larger than promised is hashed.
        self.artifact.blob.has_length(bytes.len() as u64)?;
        self.accept(bytes, Digest::of(bytes))
    }

    /// Opens bytes that have been hashed before.
    ///
    /// # Errors
    /// [`OpenError::WrongLength`] or [`OpenError::WrongDigest`].
    pub fn open_hashed<'b, B: AsRef<[u8]>>(self, hashed: &'b Hashed<B>) -> Result<Opened<'b>, OpenError>
    where
        'a: 'b,
    {
        self.accept(hashed.bytes(), hashed.digest())
    }

    fn accept<'b>(self, bytes: &'b [u8], digest: Digest) -> Result<Opened<'b>, OpenError>
    where
        'a: 'b,
    {
        self.artifact.blob.admit(bytes.len() as u64, digest)?;
        Ok(Opened { checked: self, bytes })
    }
}

/// An artifact that may run here: its signature, key role, target, version floor, length and digest have
/// been checked. It has one constructor, and hosts run nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    checked: Checked<'a>,
    bytes: &'a [u8],
}

impl<'a> Opened<'a> {
    /// The release it belongs to.
    #[must_use]
    pub fn release(&self) -> &Release<'a> {
        &self.checked.release.release
    }

    /// SHA-256 of the signed release document.
    #[must_use]
    pub fn release_digest(&self) -> Digest {
        self.checked.release.digest
    }

    /// The artifact's bytes.
    #[must_use]
    pub fn artifact(&self) -> &'a [u8] {
        self.bytes
    }

    /// What the bytes are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.checked.artifact.kind
    }

    /// Where they run.
    #[must_use]
    pub fn class(&self) -> Class {
        self.checked.artifact.class
    }

    /// Which artifact of its class it is.
    #[must_use]
    pub fn variant(&self) -> &'a str {
        self.checked.artifact.variant
    }

    /// SHA-256 of the artifact's bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.checked.artifact.blob.digest
    }

    /// The key that signed the release.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.checked.release.key
    }

    /// Whether that key was a development key.
    #[must_use]
    pub fn is_development(&self) -> bool {
        self.checked.release.is_development()
    }
}
