//! The models that answer, by name. Replacing one never fails a prediction: who has begun with the old one ends with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use mote_host::{EntryPorts, Host, InferError, Instance, LoadError, LoadOptions, Model, Outputs, StreamState};
use mote_plan::Meta;
use mote_seal::{Class, Digest, OpenError, Opened, Target};
use mote_weld::Image;

use crate::metrics::{Metrics, ModelLabels, Outcome, RequestLabels};

/// The variant of gateway artifacts that this program takes.
pub const VARIANT: &str = "generic";
/// Largest artifact that is opened.
pub const MAX_ARTIFACT_BYTES: u64 = 1 << 30;
/// Instances that are kept for the next request.
const IDLE_INSTANCES: usize = 8;

/// Every model of the gateway and the host that runs them.
pub struct Models {
    host: Host,
    image: Image<'static>,
    options: LoadOptions,
    metrics: Arc<Metrics>,
    served: RwLock<BTreeMap<String, Arc<Served>>>,
}

/// Why the sealed models of a directory are not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelsError {
    /// The directory or a file in it cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not open.
    #[error("{}: {why}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The first check that failed.
        why: OpenError,
    },
    /// An opened model does not load.
    #[error("{}: {source}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// Why.
        source: LoadError,
    },
    /// Two files hold different releases of one model.
    #[error("{}: another file already holds another release of the model {model}", path.display())]
    Twice {
        /// The later file.
        path: PathBuf,
        /// The name.
        model: String,
    },
}

impl Models {
    /// No model yet.
    pub fn new(host: Host, image: Image<'static>) -> Self {
        Self { host, image, options: LoadOptions::default(), metrics: Arc::default(), served: RwLock::default() }
    }

    /// The sealed files (`*.mote`) of a directory, by name.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn sealed_files(dir: &Path) -> Result<Vec<PathBuf>, ModelsError> {
        let read = |source| ModelsError::Read { path: dir.into(), source };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(read)? {
            let path = entry.map_err(read)?.path();
            if path.extension().is_some_and(|extension| extension == "mote") {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Loads and installs what a sealed file held. A second file of the same release changes nothing.
    ///
    /// # Errors
    /// A model that does not load, or another release of a model that is there already.
    pub fn serve(&self, path: &Path, opened: &Opened<'_>) -> Result<(), ModelsError> {
        let model = opened.release().model;
        match self.get(model) {
            Some(served) if served.release() == opened.release_digest() => return Ok(()),
            Some(_) => return Err(ModelsError::Twice { path: path.into(), model: model.into() }),
            None => {}
        }
        let served = self.load(opened).map_err(|source| ModelsError::Load { path: path.into(), source })?;
        self.install(served);
        Ok(())
    }

    /// Derives, compiles and instantiates an opened model without installing it.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(&self, opened: &Opened<'_>) -> Result<Arc<Served>, LoadError> {
        let model = self.host.load(opened, &self.image, &self.options)?;
        // Whatever keeps it from starting shows here and not at the first request.
        let first = model.instantiate()?;
        let release = opened.release();
        let labels = ModelLabels { model: release.model.into(), version: release.version };
        self.metrics.memory.get_or_create(&labels).set(model.memory_bytes().cast_signed());
        Ok(Arc::new(Served {
            meta: model.meta(),
            model,
            labels,
            release: opened.release_digest(),
            development: opened.is_development(),
            idle: Mutex::new(vec![first]),
            metrics: Arc::clone(&self.metrics),
        }))
    }

    /// Puts a model in the place of its name and answers the one that stood there.
    pub fn install(&self, served: Arc<Served>) -> Option<Arc<Served>> {
        let mut all = self.served.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.insert(served.name().to_owned(), served);
        if before.is_some() {
            self.metrics.swaps.inc();
        }
        before
    }

    /// Takes a model out.
    pub fn remove(&self, name: &str) {
        self.served.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The model of a name.
    pub fn get(&self, name: &str) -> Option<Arc<Served>> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Every model, by name.
    pub fn all(&self) -> Vec<Arc<Served>> {
        self.served.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether any model answers.
    pub fn is_ready(&self) -> bool {
        !self.served.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The gateway's numbers.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The host that runs the models.
    pub fn host(&self) -> &Host {
        &self.host
    }
}

/// What a gateway opens from its own directory: any model for its class.
pub fn any_model() -> Target<'static> {
    Target { class: Class::Gateway, variant: VARIANT, model: None, floor: 0, max_bytes: MAX_ARTIFACT_BYTES }
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswered {
    /// The call ended without an answer.
    #[error(transparent)]
    Infer(#[from] InferError),
    /// No instance could be made.
    #[error(transparent)]
    NoInstance(#[from] LoadError),
}

/// One loaded model.
pub struct Served {
    model: Model,
    meta: Meta,
    labels: ModelLabels,
    release: Digest,
    development: bool,
    idle: Mutex<Vec<Instance>>,
    metrics: Arc<Metrics>,
}

impl Served {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.labels.model
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.labels.version
    }

    /// SHA-256 of its signed release document.
    pub fn release(&self) -> Digest {
        self.release
    }

    /// Whether a development key signed it.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// What it says of itself.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The ways to call it.
    pub fn entries(&self) -> &[EntryPorts] {
        self.model.entries()
    }

    /// Index of the first entry that satisfies a predicate.
    pub fn entry_for(&self, fits: impl Fn(&EntryPorts) -> bool) -> Option<u32> {
        self.entries().iter().position(fits).and_then(|at| u32::try_from(at).ok())
    }

    /// Runs an entry on inputs in the model's order and answers its outputs in the model's order.
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn infer(&self, entry: u32, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>, Unanswered> {
        self.answer(|instance| instance.infer(entry, inputs).map(owned))
    }

    /// Takes a stream one call further, on inputs in the model's order without those of the state.
    ///
    /// # Errors
    /// See [`Unanswered`].
    pub fn advance(&self, stream: &mut StreamState, inputs: &[&[u8]]) -> Result<Vec<Vec<u8>>, Unanswered> {
        self.answer(|instance| instance.advance(stream, inputs).map(owned))
    }

    fn answer(
        &self,
        call: impl FnOnce(&mut Instance) -> Result<Vec<Vec<u8>>, InferError>,
    ) -> Result<Vec<Vec<u8>>, Unanswered> {
        let start = Instant::now();
        let mut instance = self.take()?;
        let outcome = call(&mut instance);
        match &outcome {
            Ok(_) => {
                self.metrics.duration.get_or_create(&self.labels).observe(start.elapsed().as_secs_f64());
                self.count(Outcome::Success);
                self.give_back(instance);
            }
            Err(error) => {
                let refused = matches!(error, InferError::InputCount { .. } | InferError::InputLength { .. });
                self.count(if refused { Outcome::Refused } else { Outcome::Failure });
                if !error.poisons() {
                    self.give_back(instance);
                }
            }
        }
        Ok(outcome?)
    }

    fn take(&self) -> Result<Instance, Unanswered> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(instance) => Ok(instance),
            None => Ok(self.model.instantiate()?),
        }
    }

    fn give_back(&self, instance: Instance) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_INSTANCES {
            idle.push(instance);
        }
    }

    fn count(&self, outcome: Outcome) {
        let ModelLabels { model, version } = self.labels.clone();
        self.metrics.requests.get_or_create(&RequestLabels { model, version, outcome }).inc();
    }
}

fn owned(outputs: Outputs<'_>) -> Vec<Vec<u8>> {
    outputs.iter().map(|(_, bytes)| bytes.to_vec()).collect()
}
