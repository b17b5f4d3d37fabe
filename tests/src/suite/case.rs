//! Where cases come from.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::glance::Kind;
use super::tensor::Tensor;
use crate::evidence::{Corpus, Tolerance};
use crate::npz;

/// A model and what it was recorded with.
#[derive(Clone, Debug)]
pub struct Case {
    /// The collection that it belongs to.
    pub suite: String,
    /// Its name there.
    pub name: String,
    /// The `.onnx` file.
    pub model: PathBuf,
    /// Where the recorded tensors are.
    pub sets: Vec<Set>,
    /// What the recorded outputs allow.
    pub tolerance: Tolerance,
    /// What is asked of it.
    pub expect: Expect,
    /// Whether weights, arithmetic and boundary are f32.
    pub single_precision: bool,
    /// Whether it belongs to what every runtime should take.
    pub core: bool,
}

/// What a collection asks of one of its cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The recorded answers.
    Pass,
    /// A refusal.
    Refusal,
    /// Nothing but an orderly end.
    OrderlyEnd,
}

/// The files of one call.
#[derive(Clone, Debug)]
pub enum Set {
    /// Arrays by name; outputs where they were recorded.
    Npz(PathBuf, Option<PathBuf>),
    /// A folder of tensors in the order of the model's inputs and outputs.
    Folder(PathBuf),
}

impl Case {
    /// The model's bytes.
    ///
    /// # Panics
    /// If the file cannot be read.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.model).unwrap_or_else(|e| panic!("{}: {e}", self.model.display()))
    }
}

impl Set {
    /// Recorded inputs. A tensor in a folder has the name at its place among those of the model.
    pub(super) fn inputs(&self, described: &[(String, Kind)]) -> Vec<Tensor> {
        match self {
            Self::Npz(path, _) => npz::read(path).into_iter().map(Tensor::Array).collect(),
            Self::Folder(folder) => read_folder(folder, "input", described),
        }
    }

    /// Recorded outputs, named alike.
    pub(super) fn outputs(&self, described: &[(String, Kind)]) -> Vec<Tensor> {
        match self {
            Self::Npz(_, None) => Vec::new(),
            Self::Npz(_, Some(path)) => npz::read(path).into_iter().map(Tensor::Array).collect(),
            Self::Folder(folder) => read_folder(folder, "output", described),
        }
    }
}

fn read_folder(folder: &Path, what: &str, described: &[(String, Kind)]) -> Vec<Tensor> {
    let read = |(index, (name, kind)): (usize, &(String, Kind))| {
        let bytes = std::fs::read(folder.join(format!("{what}_{index}.pb"))).ok()?;
        Some(match kind {
            Kind::Tensor(_) => Tensor::read(name, &bytes),
            Kind::Other => Tensor::Foreign { name: name.clone() },
        })
    };
    described.iter().enumerate().filter_map(read).collect()
}

/// Every case that can be found and whose name contains `filter`, in order of suite and name.
#[must_use]
pub fn cases(filter: Option<&str>) -> Vec<Case> {
    let mut all = corpus();
    all.extend(onnx());
    all.extend(classical());
    all.retain(|case| filter.is_none_or(|filter| case.name.contains(filter)));
    all.sort_by(|a, b| (&a.suite, &a.name).cmp(&(&b.suite, &b.name)));
    all
}

/// The cases of the corpus, where it is found.
#[must_use]
pub fn corpus() -> Vec<Case> {
    let Some(corpus) = Corpus::find("the corpus in the suites") else { return Vec::new() };
    // The two about the arrays handed in are for a caller to refuse.
    let of_arrays = |entry: &&Value| entry["group"] == "reject" && text(&entry["name"]).contains("npz");
    corpus.entries().iter().filter(|entry| !of_arrays(entry)).map(|entry| from_entry(&corpus, entry)).collect()
}

fn from_entry(corpus: &Corpus, entry: &Value) -> Case {
    let path = |value: &Value| value.as_str().map(|relative| corpus.root().join(relative));
    let cases = entry["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    Case {
        suite: format!("corpus {}", text(&entry["group"])),
        name: text(&entry["name"]).to_owned(),
        model: path(&entry["model"]).unwrap_or_default(),
        sets: cases.iter().filter_map(|case| Some(Set::Npz(path(&case["input"])?, path(&case["output"])))).collect(),
        tolerance: Tolerance::of(&entry["tolerance"]),
        expect: match text(&entry["expect"]) {
            "pass" => Expect::Pass,
            "clean_error" => Expect::Refusal,
            _ => Expect::OrderlyEnd,
        },
        single_precision: entry["precision"] == "f32",
        core: entry["tier"] == "core",
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Names the folder of the ONNX project's backend tests.
const ONNX_FOLDER: &str = "MOTE_ONNX_NODE";

/// The backend tests of the ONNX project, where `MOTE_ONNX_NODE` names them: the node tests directly below, others in
/// folders of their own.
#[must_use]
pub fn onnx() -> Vec<Case> {
    let Some(root) = std::env::var_os(ONNX_FOLDER).map(PathBuf::from) else { return Vec::new() };
    let mut found = Vec::new();
    for folder in folders(&root) {
        if folder.join("model.onnx").is_file() {
            found.push(from_folder("onnx node", &folder));
            continue;
        }
        let suite = format!("onnx {}", file_name(&folder));
        let inner = folders(&folder).into_iter().filter(|inner| inner.join("model.onnx").is_file());
        found.extend(inner.map(|inner| from_folder(&suite, &inner)));
    }
    assert!(!found.is_empty(), "no case in {}", root.display());
    found
}

/// Small classical models of every operator and what ONNX Runtime answers; `generate.py` beside them writes them.
#[must_use]
pub fn classical() -> Vec<Case> {
    // Two crates share this file.
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let root = roots.map(|root| root.join("runtime/compiler/tests/corpus/classical")).find(|root| root.is_dir());
    let found: Vec<Case> = root.iter().flat_map(|root| folders(root)).map(|f| from_folder("classical", &f)).collect();
    assert!(!found.is_empty(), "no small classical model is found");
    found
}

/// Cases whose recorded outputs are not what the specification says, as the corpus holds too.
const DISPUTED: [&str; 2] = [
    // Corners are aligned with a fractional output length; the specification and ONNX Runtime take the whole one.
    "test_resize_downsample_scales_cubic_align_corners",
    "test_resize_downsample_scales_linear_align_corners",
];

/// Cases whose recorded outputs hold more rounding than their own tolerance allows, and the relative and absolute one that
/// does.
const ROUNDED: [(&str, f64, f64); 3] = [
    // Transforms recorded in single precision, of values up to 54, where the exact answer is 0.
    ("test_dft_inverse", 1e-3, 2e-6),
    ("test_dft_inverse_opset19", 1e-3, 2e-6),
    // The reference rounds to half precision after each of its operators; here they are computed in single precision.
    ("test_attention_4d_causal_fp16_expanded", 1.0 / 512.0, 1e-7),
];

fn from_folder(suite: &str, folder: &Path) -> Case {
    let sets = folders(folder).into_iter().filter(|set| file_name(set).starts_with("test_data_set_"));
    let stated = std::fs::read_to_string(folder.join("tolerance.json")).unwrap_or_default();
    let stated: Value = serde_json::from_str(&stated).unwrap_or_default();
    let name = file_name(folder);
    let of_case = (stated["rtol"].as_f64().unwrap_or(1e-3), stated["atol"].as_f64().unwrap_or(1e-7));
    let (rtol, atol) =
        ROUNDED.iter().find(|(rounded, ..)| *rounded == name).map_or(of_case, |&(_, rtol, atol)| (rtol, atol));
    let expect = if DISPUTED.contains(&name.as_str()) { Expect::OrderlyEnd } else { Expect::Pass };
    Case {
        suite: suite.to_owned(),
        name,
        model: folder.join("model.onnx"),
        sets: sets.map(Set::Folder).collect(),
        tolerance: Tolerance::plain(rtol, atol),
        expect,
        single_precision: false,
        core: false,
    }
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
