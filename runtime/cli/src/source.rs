//! Model files: what they are by their first bytes, and the artifact that each becomes.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use mote_compiler::import::{ImportOptions, InputSpec};
use mote_compiler::{Budget, CompileOptions, Compiled, Precision, States, Target, Weights};
use mote_plan::{AlignedBytes, StatePair};
use mote_release::Facts;
use mote_seal::Kind;
use mote_weld::{Flavour, Image};

use crate::console::Console;
use crate::report::Failure;

/// The largest model file that is read: what a 32-bit linear memory can hold.
const MAX_FILE: u64 = 2 << 30;

/// A model file.
pub(crate) enum Source {
    Onnx(OnnxFile),
    /// A Plan, a Module or a foreign guest that nothing vouches for.
    Plain(Artifact),
    /// A `.mote` file: manifest and artifact.
    Sealed(Vec<u8>),
}

/// An ONNX model, where its external data may lie, and what stands beside it.
pub(crate) struct OnnxFile {
    pub(crate) bytes: Vec<u8>,
    path: PathBuf,
}

/// Bytes that a host may load once they are opened.
pub(crate) struct Artifact {
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
}

impl Source {
    /// Reads a file and tells by its first bytes what it is. Whatever has none of the known beginnings is a
    /// model to compile: a pickle or joblib file, one of XGBoost or LightGBM, or ONNX, which has no magic bytes.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::model("model.unreadable", error).at(path.display());
        let mut bytes = Vec::new();
        File::open(path).map_err(failed)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(Failure::model("model.too-large", "larger than 2 GiB").at(path.display()));
        }
        Ok(if bytes.starts_with(&mote_plan::format::MAGIC) {
            Self::Plain(Artifact { kind: Kind::Plan, bytes })
        } else if bytes.starts_with(b"\0asm") {
            let kind = if mote_weld::plan_in(&bytes).is_ok() { Kind::Module } else { Kind::Foreign };
            Self::Plain(Artifact { kind, bytes })
        } else if bytes.starts_with(b"\x89MOTE") {
            Self::Sealed(bytes)
        } else {
            Self::Onnx(OnnxFile { bytes, path: path.into() })
        })
    }
}

/// How an ONNX model is compiled, beside what the file says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    /// Sizes of symbolic dimensions.
    pub(crate) dims: Vec<(String, usize)>,
    /// Most results of nodes whose number of results depends on data.
    pub(crate) bounds: Vec<(String, usize)>,
    /// Shapes of inputs, by name.
    pub(crate) shapes: Vec<(String, Vec<usize>)>,
    /// Batch sizes, one entry each; empty for one entry as the shapes say.
    pub(crate) batches: Vec<u32>,
    /// The model's name, if not that of `model.toml` or of the file.
    pub(crate) name: Option<String>,
    /// The model's version, if not that of `model.toml` or 1.
    pub(crate) version: Option<u64>,
    /// Class names of the first output's last axis.
    pub(crate) labels: Vec<String>,
    /// What a scikit-learn estimator is computed in.
    pub(crate) precision: Precision,
    /// What it carries from call to call.
    pub(crate) state: States,
    /// What the Plan is laid out for.
    pub(crate) target: Target,
    /// What it may take there.
    pub(crate) budget: Budget,
    /// How its weights are stored.
    pub(crate) weights: Weights,
}

impl OnnxFile {
    /// The inputs that a caller provides.
    pub(crate) fn inputs(&self) -> Result<Vec<InputSpec>, Failure> {
        let preparations = self.facts()?.map(|facts| facts.preparations()).unwrap_or_default();
        let inputs = mote_compiler::inputs(&self.bytes, Precision::default(), &preparations);
        inputs.map_err(|error| Failure::compile(&error).at(self.path.display()))
    }

    /// Compiles the model, with every option the request leaves open as `model.toml` says, else at its default.
    pub(crate) fn compile(&self, request: &Request, console: Console) -> Result<Compiled, Failure> {
        let _progress = console.progress("compiling");
        let compiled = mote_compiler::compile(&self.bytes, &self.options(request)?);
        let compiled = compiled.map_err(|error| Failure::compile(&error).at(self.path.display()))?;
        if request.state == States::Recognised {
            for StatePair { output, input } in &compiled.meta.state {
                console.note(format_args!("state recognised: `{output}` becomes `{input}` of the next call"));
            }
        }
        Ok(compiled)
    }

    /// What the `model.toml` beside the file states of it. A folder may hold networks that it does not speak of.
    fn facts(&self) -> Result<Option<Facts>, Failure> {
        let facts = Facts::beside(&self.path)?;
        Ok(facts.filter(|facts| facts.versions.is_empty() || facts.version_of(&self.path).is_some()))
    }

    /// What the compiler is told.
    pub(crate) fn options(&self, request: &Request) -> Result<CompileOptions, Failure> {
        let facts = self.facts()?;
        let stated = facts.as_ref().and_then(|facts| facts.version_of(&self.path)).map(mote_release::Version::number);
        let folder = self.path.parent().map(|dir| if dir.as_os_str().is_empty() { Path::new(".") } else { dir }.into());
        let import = ImportOptions {
            dims: request.dims.iter().cloned().collect(),
            bounds: request.bounds.iter().cloned().collect(),
            input_shapes: request.shapes.iter().cloned().collect(),
            folder,
            ..ImportOptions::default()
        };
        let name = request.name.clone().or_else(|| facts.as_ref()?.name.clone());
        let mut options = CompileOptions {
            name: name.unwrap_or_else(|| model_name(&self.path)),
            version: request.version.or(stated).unwrap_or(1),
            labels: request.labels.clone(),
            state: request.state.clone(),
            import,
            entry_batches: request.batches.clone(),
            precision: request.precision,
            target: request.target,
            budget: request.budget,
            weights: request.weights,
            ..CompileOptions::default()
        };
        if let Some(facts) = &facts {
            facts.complete(&mut options);
        }
        Ok(options)
    }
}

/// A legal model name made from the file's; a file called `model.onnx` is named after its folder.
pub(crate) fn model_name(path: &Path) -> String {
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let own = stem(path);
    let name = match path.parent() {
        Some(folder) if own == "model" && !stem(folder).is_empty() => stem(folder),
        _ => own,
    };
    legal_name(&name)
}

/// The name with every character that a release does not allow replaced.
pub(crate) fn legal_name(name: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '-' };
    let name: String = name.chars().map(legal).take(64).collect();
    if name.is_empty() { "model".into() } else { name }
}

/// The Plan in an artifact's bytes.
pub(crate) fn plan_bytes(kind: Kind, bytes: &[u8]) -> Result<AlignedBytes, Failure> {
    match kind {
        Kind::Plan => Ok(AlignedBytes::copy_of(bytes)),
        Kind::Module => {
            let plan = mote_weld::plan_in(bytes).map_err(|error| Failure::model("model.no-plan", error))?;
            Ok(AlignedBytes::copy_of(plan))
        }
        Kind::Foreign => Err(Failure::model("model.foreign", "a hand-written guest without a Plan")
            .hint("`mote run --foreign sandbox` runs it; other verbs need a Plan")),
    }
}

/// The checks of [`mote_plan::Plan::view`], with its error as a failure.
pub(crate) fn view(bytes: &[u8]) -> Result<mote_plan::Plan<'_>, Failure> {
    mote_plan::Plan::view(bytes).map_err(|error| Failure::model("model.plan", error))
}

/// The Module of a Plan in one flavour.
pub(crate) fn weld(plan: &[u8], flavour: Flavour) -> Result<Vec<u8>, Failure> {
    let aligned = AlignedBytes::copy_of(plan);
    mote_weld::module(&view(&aligned)?, flavour, &guest_image()).map_err(|error| Failure::model("model.weld", error))
}

/// The guest image that this program was built with.
pub(crate) fn guest_image() -> Image<'static> {
    let image = mote_guest_image::image();
    Image { wasm: image.wasm, digest: image.digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_legal() {
        for (path, name) in [
            ("digits-cnn/model.onnx", "digits-cnn"),
            ("a/b.v2.onnx", "b-v2"),
            ("model.onnx", "model"),
            ("x y.onnx", "x-y"),
            ("", "model"),
        ] {
            assert_eq!(model_name(Path::new(path)), name, "{path}");
            assert!(mote_seal::is_name(&model_name(Path::new(path))));
        }
    }
}
