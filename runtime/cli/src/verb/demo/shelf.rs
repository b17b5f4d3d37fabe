//! The models folder: what its `model.toml`s state, and what each model becomes.

use std::path::{Path, PathBuf};

use mote_host::Host;
use mote_release::{Draft, Facts, Stream, Target, Tested, Version};
use mote_seal::Class;
use serde_json::{Value, json};

use crate::golden;
use crate::report::Failure;
use crate::source::{Request, Source, guest_image, view};

/// The folder's own example of a model with two versions and a recorded stream.
pub(super) const STREAMED: &str = "activity-cnn1d";

/// The places that the demonstration has.
const PLACES: [Target; 3] =
    [Target::Gateway, Target::Browser(mote_weld::Profile::Strict), Target::Mcu(mote_compiler::Core::Generic)];

/// One compiled version of a model.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) version: u64,
    /// What may be signed, as any version.
    pub(super) tested: Tested,
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
    pub(super) streamed: (PathBuf, Stream),
}

impl Shelf {
    /// Compiles and tests every version of every model.
    pub(super) fn compile(dir: &Path, host: &Host) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| Failure::model("demo.models", error).at(dir.display());
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(unreadable)? {
            let folder = entry.map_err(unreadable)?.path();
            if folder.join(Facts::FILE).is_file() {
                folders.push(folder);
            }
        }
        folders.sort();

        let (mut items, mut streamed) = (Vec::new(), None);
        for folder in folders {
            let facts = Facts::read(&folder.join(Facts::FILE))?;
            for version in &facts.versions {
                let path = folder.join(&version.file);
                items.push(Item::compile(&path, version, host).map_err(|failure| failure.at(path.display()))?);
            }
            if facts.name.as_deref() == Some(STREAMED) {
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

impl Item {
    fn compile(path: &Path, version: &Version, host: &Host) -> Result<Self, Failure> {
        let Source::Onnx(file) = Source::read(path)? else {
            return Err(Failure::model("model.form", "compiled already"));
        };
        let options = file.options(&Request::default())?;
        let draft = Draft::compile(&file.bytes, &options, &PLACES, &guest_image())?;
        let folder = version.cases.as_ref().map(|cases| path.with_file_name(cases));
        let cases = folder.as_deref().map(golden::recorded).transpose()?.unwrap_or_default();
        let calls = golden::calls(&draft, &cases)?;
        let plan = view(draft.plan().unwrap_or_default())?;
        let first = plan.entry(0).ok_or_else(|| Failure::model("model.no-entry", "no entry"))?;
        let (macs, arena_bytes) = (first.macs, first.arena_bytes);
        let module = draft.artifacts().iter().find(|artifact| artifact.class == Class::Browser);
        let module = module.map(|artifact| &*artifact.bytes).unwrap_or_default();
        let code = mote_weld::check::module(module).map_err(|error| Failure::model("model.check", error))?;
        let Version { metric, value, baseline, baseline_value, .. } = version;
        Ok(Self {
            name: options.name,
            version: options.version,
            onnx_bytes: file.bytes.len(),
            module_bytes: module.len(),
            code_bytes: code.code_bytes,
            macs,
            arena_bytes,
            worth: format!("{metric} {value}, {baseline} {baseline_value}"),
            cases,
            tested: draft.test(&calls, host, &guest_image())?,
        })
    }
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
