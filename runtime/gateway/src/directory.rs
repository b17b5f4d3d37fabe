//! The directory of sealed models: what is for gateways is served, what is for pages is kept for pages.
//!
//! A release names its artifacts by class and variant, and each of its sealed files holds one of them. Files for
//! microcontrollers and of other variants may lie beside the rest; they are passed over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mote_seal::{Class, Digest, Hashed, Keyring, Opened, Sealed, Target, TrustedKey, check_release};

use crate::config::Config;
use crate::models::{MAX_ARTIFACT_BYTES, Models, ModelsError, any_model};

/// The variant that pages take: the one whose bits are the gateway's.
pub const PAGE_VARIANT: &str = "strict";

/// A sealed file that a page opens by itself; its signature, length and digest held at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageFile {
    pub(crate) path: PathBuf,
    pub(crate) version: u64,
    /// SHA-256 of the signed release document.
    pub(crate) release: Digest,
    /// SHA-256 of the module.
    pub(crate) artifact: Digest,
    /// Length of the module.
    pub(crate) bytes: u64,
    pub(crate) development: bool,
}

/// What a gateway keeps for pages.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) fleet: String,
    pub(crate) device: String,
    /// The model that is replaced over MQTT.
    pub(crate) managed: Option<String>,
    /// Every key that this gateway trusts, one a line.
    pub(crate) keys: String,
    directory: PathBuf,
    files: BTreeMap<String, PageFile>,
}

impl Shelf {
    fn new(config: &Config, keys: &[TrustedKey]) -> Self {
        Self {
            fleet: config.gateway.fleet.clone(),
            device: config.gateway.name.clone(),
            managed: config.update.as_ref().map(|update| update.model.clone()),
            keys: keys.iter().map(|key| format!("{key}\n")).collect(),
            directory: config.gateway.models.clone(),
            files: BTreeMap::new(),
        }
    }

    /// Models and their files, by name.
    pub(crate) fn files(&self) -> &BTreeMap<String, PageFile> {
        &self.files
    }

    /// Recorded samples of a model: `MODEL.csv` in the directory. `model` is the name of one that is known.
    pub(crate) fn samples(&self, model: &str) -> Option<PathBuf> {
        let path = self.directory.join(model).with_extension("csv");
        path.is_file().then_some(path)
    }

    fn keep(&mut self, path: &Path, opened: &Opened<'_>) -> Result<(), ModelsError> {
        let file = PageFile {
            path: path.into(),
            version: opened.release().version,
            release: opened.release_digest(),
            artifact: opened.digest(),
            bytes: opened.artifact().len() as u64,
            development: opened.is_development(),
        };
        let model = opened.release().model;
        match self.files.get(model) {
            Some(there) if there.release != file.release => {
                Err(ModelsError::Twice { path: path.into(), model: model.into() })
            }
            Some(_) => Ok(()),
            None => {
                self.files.insert(model.into(), file);
                Ok(())
            }
        }
    }
}

/// Opens every sealed file of the directory, serves what is for gateways and keeps what is for pages. The model that is
/// managed over MQTT is not served from here: the update machine knows which version of that one is good.
///
/// # Errors
/// The first file that cannot be read, does not open, does not load or holds another release of a model that is there.
pub(crate) fn load(config: &Config, keys: &[TrustedKey], models: &Models) -> Result<Shelf, ModelsError> {
    let ring = Keyring::new(keys);
    let mut shelf = Shelf::new(config, keys);
    for path in Models::sealed_files(&config.gateway.models)? {
        let bytes = std::fs::read(&path).map_err(|source| ModelsError::Read { path: path.clone(), source })?;
        let refused = |why| ModelsError::Open { path: path.clone(), why };
        let sealed = Sealed::split(&bytes).map_err(refused)?;
        let checked = check_release(sealed.manifest, &ring).map_err(refused)?;
        let artifact = Hashed::new(sealed.artifact);
        let open = |target: &Target<'_>| {
            checked.select(target).and_then(|found| found.open_hashed(&artifact)).map_err(refused)
        };

        let listed = checked.release().artifacts;
        let holds = |target: &Target<'_>| {
            listed.find(target.class, target.variant).is_some_and(|found| found.blob.digest == artifact.digest())
        };
        if holds(&any_page()) {
            shelf.keep(&path, &open(&any_page())?)?;
        }
        // What the release does not list is damaged, and opening it says how.
        let elsewhere = listed.iter().any(|found| found.blob.digest == artifact.digest());
        if holds(&any_model()) || !elsewhere {
            let opened = open(&any_model())?;
            if shelf.managed.as_deref() != Some(opened.release().model) {
                models.serve(&path, &opened)?;
            }
        }
    }
    Ok(shelf)
}

/// What pages take: any model for their class.
fn any_page() -> Target<'static> {
    Target { class: Class::Browser, variant: PAGE_VARIANT, max_bytes: MAX_ARTIFACT_BYTES, ..any_model() }
}
