//! Models with recorded inputs and outputs: those of `models/`, and the corpus where it is found.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::npz::{self, Array};

/// A model file and what it was recorded with.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Name of the folder or corpus entry, with the version where a folder has several.
    pub name: String,
    /// The `.onnx` file.
    pub model: PathBuf,
    /// Files of inputs and, where recorded, of outputs.
    pub cases: Vec<(PathBuf, Option<PathBuf>)>,
    /// What the recorded outputs allow.
    pub tolerance: Tolerance,
    /// Whether weights, arithmetic and boundary are f32.
    pub single_precision: bool,
}

impl Evidence {
    /// The model's bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.model).unwrap_or_else(|e| panic!("{}: {e}", self.model.display()))
    }
}

/// The folder of evidence models.
#[must_use]
pub fn models_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// Every version of every model in `models/`, in order of name.
#[must_use]
pub fn models() -> Vec<Evidence> {
    let mut found = Vec::new();
    for folder in sorted(&models_folder()).into_iter().filter(|path| path.is_dir()) {
        for model in sorted(&folder) {
            let stem = model.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let Some(version) = stem.strip_prefix("model").filter(|_| model.extension().is_some_and(|e| e == "onnx"))
            else {
                continue;
            };
            let name = format!("{}{version}", folder.file_name().and_then(|name| name.to_str()).unwrap_or_default());
            let cases = cases(&folder.join(format!("cases{version}")));
            let tolerance = Tolerance::of(&Value::Null);
            found.push(Evidence { name, model, cases, tolerance, single_precision: true });
        }
    }
    assert!(!found.is_empty(), "no model in {}", models_folder().display());
    found
}

fn cases(folder: &Path) -> Vec<(PathBuf, Option<PathBuf>)> {
    let inputs = sorted(folder).into_iter().filter(|path| path.to_string_lossy().ends_with(".in.npz"));
    inputs.map(|input| (input.clone(), Some(input.with_extension("").with_extension("out.npz")))).collect()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The model corpus: `MOTE_CORPUS`, else beside the repository.
pub struct Corpus {
    root: PathBuf,
    entries: Vec<Value>,
}

impl Corpus {
    /// Opens it, or says on stderr that `test` goes without.
    #[must_use]
    pub fn find(test: &str) -> Option<Self> {
        let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/corpus"));
        let beside = above.into_iter().find(|folder| folder.is_dir()).unwrap_or_else(|| "shared/corpus".into());
        let root = std::env::var_os("MOTE_CORPUS").map_or(beside, PathBuf::from);
        let Ok(manifest) = std::fs::read_to_string(root.join("MANIFEST.json")) else {
            eprintln!("skipped: {test}: no model corpus in {}", root.display());
            return None;
        };
        // Python wrote numbers that JSON does not have.
        let manifest = manifest.replace(": NaN", ": null").replace(": Infinity", ": null");
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        Some(Self { root, entries: manifest["entries"].as_array().unwrap().clone() })
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The manifest's entries.
    #[must_use]
    pub fn entries(&self) -> &[Value] {
        &self.entries
    }

    /// Every entry of a group.
    #[must_use]
    pub fn group(&self, group: &str) -> Vec<Evidence> {
        let path = |value: &Value| value.as_str().map(|relative| self.root.join(relative));
        let evidence = |entry: &Value| {
            let cases = entry["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
            let cases = cases.iter().filter_map(|case| Some((path(&case["input"])?, path(&case["output"]))));
            Evidence {
                name: entry["name"].as_str().unwrap().to_owned(),
                model: path(&entry["model"]).unwrap(),
                cases: cases.collect(),
                tolerance: Tolerance::of(&entry["tolerance"]),
                single_precision: entry["precision"] == "f32",
            }
        };
        self.entries.iter().filter(|entry| entry["group"] == group).map(evidence).collect()
    }
}

/// Least relative tolerance of bfloat16, which the runner of the ONNX project gives it: two units in the last place.
const BFLOAT16_RTOL: f64 = 1.0 / 64.0;

/// What recorded outputs allow: `|got - want| <= rtol * |want| + atol_rel_to_max * max |want| + atol` for floats,
/// `int_max_diff` and `int_min_exact` for quantised bytes, equality for everything else.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    rtol: f64,
    atol_rel_to_max: f64,
    atol: f64,
    int_max_diff: i64,
    int_min_exact: f64,
}

impl Tolerance {
    /// What the manifest states; missing fields have the runner's defaults.
    #[must_use]
    pub fn of(stated: &Value) -> Self {
        let field = |name: &str, default| stated[name].as_f64().unwrap_or(default);
        Self {
            rtol: field("rtol", 1e-3),
            atol_rel_to_max: field("atol_rel_to_max", 1e-4),
            atol: field("atol", 1e-6),
            int_max_diff: stated["int_max_diff"].as_i64().unwrap_or(0),
            int_min_exact: field("int_min_exact", 1.0),
        }
    }

    /// `|got - want| <= rtol * |want| + atol`, as numpy compares.
    #[must_use]
    pub fn plain(rtol: f64, atol: f64) -> Self {
        Self { rtol, atol_rel_to_max: 0.0, atol, int_max_diff: 0, int_min_exact: 1.0 }
    }

    /// Says how two arrays differ, or nothing where they agree.
    #[must_use]
    pub fn difference(&self, got: &Array, want: &Array) -> Option<String> {
        if got.dtype != want.dtype || got.dims != want.dims {
            return Some(format!("is {} {:?}, not {} {:?}", got.dtype, got.dims, want.dtype, want.dims));
        }
        let (floats, wanted) = (got.floats(), want.floats());
        if wanted.is_empty() {
            return self.integer_difference(got, want);
        }
        let scale = largest(wanted.iter().copied());
        let least = if want.dtype.name() == "bf16" { BFLOAT16_RTOL } else { 0.0 };
        let rtol = if self.rtol < least { least } else { self.rtol };
        let off = |g: f64, w: f64| {
            if !w.is_finite() || !g.is_finite() {
                return !(g == w || (g.is_nan() && w.is_nan()));
            }
            (g - w).abs() > rtol * w.abs() + self.atol_rel_to_max * scale + self.atol
        };
        let worst = floats.iter().zip(&wanted).find(|(g, w)| off(**g, **w));
        worst.map(|(g, w)| format!("holds {g} where {w} is wanted, of at most {scale}"))
    }

    fn integer_difference(&self, got: &Array, want: &Array) -> Option<String> {
        let exact = got.bytes.iter().zip(&want.bytes).filter(|(g, w)| g == w).count();
        let signed = want.dtype == mote_abi::DType::I8;
        let value = |byte: u8| if signed { i64::from(byte.cast_signed()) } else { i64::from(byte) };
        let near = |(g, w): (&u8, &u8)| (value(*g) - value(*w)).abs() <= self.int_max_diff;
        let quantised = want.dtype.size() == 1 && self.int_max_diff > 0;
        let enough = exact as f64 >= self.int_min_exact * want.bytes.len() as f64;
        let agrees = match quantised {
            true => enough && got.bytes.iter().zip(&want.bytes).all(near),
            false => got.bytes == want.bytes,
        };
        (!agrees).then(|| format!("equals in {exact} of {} bytes", want.bytes.len()))
    }
}

/// Largest difference over the largest wanted magnitude, zero for arrays that are no floats.
#[must_use]
pub fn relative_error(got: &Array, want: &Array) -> f64 {
    let (got, want) = (got.floats(), want.floats());
    let scale = largest(want.iter().copied());
    let error = largest(got.iter().zip(&want).map(|(g, w)| g - w));
    if scale > 0.0 { error / scale } else { error }
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.map(f64::abs).filter(|v| v.is_finite()).fold(0.0, |m, v| if v > m { v } else { m })
}

/// The arrays of a file of inputs or outputs.
#[must_use]
pub fn arrays(path: &Path) -> Vec<Array> {
    npz::read(path)
}
