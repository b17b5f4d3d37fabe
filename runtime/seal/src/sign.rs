//! Signing and sealing.

use alloc::vec::Vec;
use core::fmt;

use crate::assignment::Assignment;
use crate::cose::{self, Document};
use crate::release::{Release, is_compiler, is_name};
use crate::sealed::{ALIGNMENT, MAGIC, VERSION};
use crate::{MAX_DOCUMENT, OpenError, Role, SigningKey};

/// Why something was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// A model, variant, fleet, device or compiler name is empty, too long or has other characters than allowed.
    BadName,
    /// The key is meant for something else.
    WrongRole {
        /// What was needed.
        needed: Role,
        /// What the key is for.
        role: Role,
    },
    /// Nobody could open it; this is what they would say.
    Unopenable(OpenError),
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName => f.write_str("a name is not 1 to 64 of A-Z a-z 0-9 _ -"),
            Self::WrongRole { needed, role } => {
                write!(f, "a {needed} key is needed, this is a {role} key")
            }
            Self::Unopenable(error) => write!(f, "nobody could open it: {error}"),
        }
    }
}

impl core::error::Error for SignError {}

impl From<OpenError> for SignError {
    fn from(error: OpenError) -> Self {
        Self::Unopenable(error)
    }
}

/// The signed release document. Equal releases and keys give equal bytes.
///
/// # Errors
/// See [`SignError`]. A release of foreign guests needs a [`Role::Foreign`] key, any other a
/// [`Role::Release`] key.
pub fn sign_release(release: &Release<'_>, key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let names = release.artifacts.iter().all(|artifact| is_name(artifact.variant));
    if !names || !is_name(release.model) || !is_compiler(release.compiler) {
        return Err(SignError::BadName);
    }
    release.check()?;
    sign(&release.write(), Document::Release, release.role()?, key)
}

/// The signed assignment document.
///
/// # Errors
/// See [`SignError`].
pub fn sign_assignment(assignment: &Assignment<'_>, key: &SigningKey) -> Result<Vec<u8>, SignError> {
    if ![assignment.fleet, assignment.device, assignment.model].into_iter().all(is_name) {
        return Err(SignError::BadName);
    }
    sign(&assignment.write(), Document::Assignment, Role::Assignment, key)
}

fn sign(payload: &[u8], document: Document, needed: Role, key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let role = key.role();
    if role != needed {
        return Err(SignError::WrongRole { needed, role });
    }
    let bytes = cose::sign(payload, document, key);
    let (limit, got) = (MAX_DOCUMENT as u64, bytes.len() as u64);
    if got > limit {
        return Err(OpenError::TooLong { limit, got }.into());
    }
    Ok(bytes)
}

/// The file `X.mote`: `manifest`, zero padding, `artifact`.
///
/// # Errors
/// If `manifest` is longer than [`MAX_DOCUMENT`].
pub fn seal(manifest: &[u8], artifact: &[u8]) -> Result<Vec<u8>, SignError> {
    let (limit, got) = (MAX_DOCUMENT as u64, manifest.len() as u64);
    let Some(length) = u32::try_from(got).ok().filter(|_| got <= limit) else {
        return Err(OpenError::TooLong { limit, got }.into());
    };
    let mut bytes = Vec::with_capacity(artifact.len() + manifest.len() + 2 * ALIGNMENT);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(manifest);
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes.extend_from_slice(artifact);
    Ok(bytes)
}
