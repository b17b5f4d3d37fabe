//! The model that a page starts with before any update.

use mote_fleet::{Record, Slot};
use mote_seal::{Keyring, OpenError, Sealed, open};
use wasm_bindgen::prelude::wasm_bindgen;

use super::settings::Identity;

/// A sealed file taken apart, and the record of a device that was given it.
#[wasm_bindgen(getter_with_clone)]
#[derive(Debug, Clone)]
pub struct FirstRelease {
    /// The record to keep.
    pub record: Vec<u8>,
    /// SHA-256 of the release document, in hex.
    pub release: String,
    /// The release document.
    pub manifest: Vec<u8>,
    /// The artifact.
    pub artifact: Vec<u8>,
}

impl FirstRelease {
    pub(super) fn open(identity: &Identity, sealed: &[u8]) -> Result<Self, OpenError> {
        let opened = open(sealed, &Keyring::new(&identity.keys), &identity.target())?;
        let Sealed { manifest, artifact } = Sealed::split(sealed)?;
        let release = opened.release();
        let slot = Slot {
            release: opened.release_digest(),
            version: release.version,
            floor: release.floor,
            artifact: mote_seal::Blob { digest: opened.digest(), length: artifact.len() as u64 },
            // A sealed file holds no golden vectors; what a person put there is not tested again.
            golden: None,
        };
        Ok(Self {
            record: Record::with_good(slot).encode().into(),
            release: slot.release.to_string(),
            manifest: manifest.into(),
            artifact: artifact.into(),
        })
    }
}
