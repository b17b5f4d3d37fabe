//! The models folder: what its `model.toml`s state, and what each model becomes.

use std::path::{Path, PathBuf};

use mote_compiler::CompileOptions;
use mote_plan::AlignedBytes;
use mote_weld::Flavour;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::report::Failure;
use crate::source::{view, weld};

/// The folder's own example of a model with two versions and a recorded stream.
pub(super) const STREAMED: &str = "activity-cnn1d";

/// `model.toml`, as far as the demonstration reads it.
#[derive(Debug, Deserialize)]
pub(super) struct Facts {
    name: String,
    #[serde(default)]
    labels: Vec<String>,
    pub(super) stream: Option<StreamFacts>,
    anomaly: Option<AnomalyFacts>,
    versions: Vec<VersionFacts>,
}

/// How the recorded stream is to be watched.
#[derive(Debug, Deserialize)]
pub(super) struct StreamFacts {
    pub(super) file: PathBuf,
    pub(super) channels: Vec<String>,
    pub(super) sample_rate_hz: f64,
    pub(super) window: u32,
    pub(super) hop: u32,
    /// Part of the labelled windows that each version gets right.
    pub(super) accuracy: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct AnomalyFacts {
    threshold: f32,
}

#[derive(Debug, Deserialize)]
struct VersionFacts {
    version: String,
    file: PathBuf,
    cases: PathBuf,
    metric: String,
    value: f64,
    baseline: String,
    baseline_value: f64,
}

/// One compiled version of a model.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) version: u64,
    pub(super) plan: Vec<u8>,
    /// Recorded inputs, for golden vectors and for requests to try.
    pub(super) cases: Vec<PathBuf>,
    onnx_bytes: usize,
    module_bytes: usize,
    code_bytes: u32,
    macs: u64,
    arena_bytes: u32,
    worth: String,
}

/// Every model of a folder.
pub(super) struct Shelf {
    /// By name, oldest version first.
    pub(super) items: Vec<Item>,
    /// Folder and facts of [`STREAMED`].
    pub(super) streamed: (PathBuf, StreamFacts),
}

impl Shelf {
    /// Compiles every version of every model.
    pub(super) fn compile(dir: &Path) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| Failure::model("demo.models", error).at(dir.display());
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(unreadable)? {
            let folder = entry.map_err(unreadable)?.path();
            if folder.join("model.toml").is_file() {
                folders.push(folder);
            }
        }
        folders.sort();

        let (mut items, mut streamed) = (Vec::new(), None);
        for folder in folders {
            let facts = Facts::read(&folder.join("model.toml"))?;
            for version in &facts.versions {
                items.push(Item::compile(&folder, &facts, version)?);
            }
            if facts.name == STREAMED {
                streamed = facts.stream.map(|stream| (folder, stream));
            }
        }
        let streamed = streamed.ok_or_else(|| {
            Failure::model("demo.models", format!("no model {STREAMED} with a recorded stream")).at(dir.display())
        })?;
        Ok(Self { items, streamed })
    }

    /// The first versions of every model.
    pub(super) fn first_versions(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.version == 1)
    }

    /// One version of a model.
    pub(super) fn find(&self, name: &str, version: u64) -> Result<&Item, Failure> {
        let found = self.items.iter().find(|item| item.name == name && item.version == version);
        found.ok_or_else(|| Failure::model("demo.models", format!("no version {version}")).at(name))
    }

    /// A line for each model.
    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "  {:<20} {:>3} {:>9} {:>9} {:>8} {:>10} {:>9}  {}\n",
            "model", "", "onnx", "module", "code", "MACs", "arena", "on held-out data"
        );
        for item in &self.items {
            text += &format!(
                "  {:<20} v{:<2} {:>7} B {:>7} B {:>6} B {:>10} {:>7} B  {}\n",
                item.name,
                item.version,
                item.onnx_bytes,
                item.module_bytes,
                item.code_bytes,
                item.macs,
                item.arena_bytes,
                item.worth
            );
        }
        text
    }

    pub(super) fn json(&self) -> Value {
        let item = |item: &Item| {
            json!({
                "model": item.name, "version": item.version, "onnx_bytes": item.onnx_bytes,
                "module_bytes": item.module_bytes, "code_bytes": item.code_bytes, "macs": item.macs,
                "arena_bytes": item.arena_bytes,
            })
        };
        self.items.iter().map(item).collect()
    }
}

impl Facts {
    fn read(path: &Path) -> Result<Self, Failure> {
        let text =
            std::fs::read_to_string(path).map_err(|error| Failure::model("demo.models", error).at(path.display()))?;
        toml::from_str(&text).map_err(|error| Failure::model("demo.models", error).at(path.display()))
    }
}

impl Item {
    fn compile(folder: &Path, facts: &Facts, version: &VersionFacts) -> Result<Self, Failure> {
        let path = folder.join(&version.file);
        let refused = |failure: Failure| failure.at(path.display());
        let bytes = std::fs::read(&path).map_err(|error| refused(Failure::model("model.unreadable", error)))?;
        let stream = facts.stream.as_ref();
        let options = CompileOptions {
            name: facts.name.clone(),
            version: version.number(),
            labels: facts.labels.clone(),
            window: stream.map(|stream| stream.window),
            hop: stream.map(|stream| stream.hop),
            threshold: facts.anomaly.as_ref().map(|anomaly| anomaly.threshold),
            ..CompileOptions::default()
        };
        let compiled =
            mote_compiler::compile(&bytes, &options).map_err(|error| refused(Failure::model(error.code(), &error)))?;
        let module = weld(&compiled.plan, Flavour::default()).map_err(refused)?;
        let code = mote_weld::check::module(&module).map_err(|error| refused(Failure::model("model.check", error)))?;
        let aligned = AlignedBytes::copy_of(&compiled.plan);
        let plan = view(&aligned).map_err(refused)?;
        let first = plan.entry(0).ok_or_else(|| refused(Failure::model("model.no-entry", "no entry")))?;
        let VersionFacts { metric, value, baseline, baseline_value, .. } = version;
        Ok(Self {
            name: facts.name.clone(),
            version: version.number(),
            cases: cases(&folder.join(&version.cases))?,
            onnx_bytes: bytes.len(),
            module_bytes: module.len(),
            code_bytes: code.code_bytes,
            macs: first.macs,
            arena_bytes: first.arena_bytes,
            worth: format!("{metric} {value}, {baseline} {baseline_value}"),
            plan: compiled.plan,
        })
    }
}

impl VersionFacts {
    /// Releases count: version 2.0.0 of the training is release 2.
    fn number(&self) -> u64 {
        self.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(1)
    }
}

/// The recorded inputs of a version, in order.
fn cases(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| Failure::model("demo.models", error).at(dir.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.to_string_lossy().ends_with(".in.npz") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The models folder: as named, else `models` beside or above the current folder or this program.
pub(super) fn locate(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = named {
        return Ok(dir.into());
    }
    let places = [std::env::current_dir(), std::env::current_exe()];
    let above = places.iter().flatten().flat_map(|place| place.ancestors());
    let mut candidates = above.map(|place| place.join("models"));
    candidates.find(|dir| dir.join(STREAMED).join("model.toml").is_file()).ok_or_else(|| {
        Failure::usage("demo.models", "the models folder is neither here nor above")
            .hint("run it in a clone of the repository, or name the folder: mote demo --models DIR")
    })
}
