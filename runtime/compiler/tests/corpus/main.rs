//! Every network and node of the model corpus through import, passes, lowering and the native engine, against the
//! recorded outputs. What is not supported must be refused; nothing that is compiled may be wrong.
//! The corpus is looked for in `MOTE_CORPUS`, else beside the repository. `MOTE_CORPUS_REPORT=FILE` writes every verdict.
#![allow(clippy::unwrap_used, reason = "tests")]

mod compare;
#[path = "../../../../tests/src/npz.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod npz;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use compare::{Tolerance, relative_error};
use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileOptions, HostTensor, compile};
use mote_plan::{AlignedBytes, Plan};
use serde_json::Value;

/// Networks that must not be refused.
const REQUIRED: &[&str] = &[
    "attacut_c",
    "dtln_1_freq",
    "face_ultralight_rfb320",
    "face_yunet_s_320",
    "gtcrn_simple",
    "mlperf_ad_autoencoder_f32",
    "mlperf_ic_resnet8_f32",
    "mlperf_kws_dscnn_f32",
    "mlperf_vww_mobilenetv1_f32",
    "mnist_rten",
    "mp_face_landmark_468",
    "mp_hand_recrop",
    "mtcnn_pnet_dyn",
    "mtcnn_rnet",
    "oww_melspectrogram",
    "ppocr_v2_cls",
    "silero_vad_16k_op15",
    "silero_vad_static_lstm",
    "tflm_sine_f32",
    "traffic_funcnet_pair",
];
/// Largest error of an f32 network, relative to the largest element of each output.
const MAX_ERROR: f64 = 1e-5;
/// Networks that may exceed it, by how much, and why.
const LARGER_ERRORS: &[(&str, f64, &str)] = &[
    ("face_yunet_s_320", 1.5e-4, "scores below 1e-3 from sigmoid; the recorded output is as far from the exact one"),
    ("gtcrn_simple", 2e-5, "gates of a recurrent layer near saturation"),
    ("mlperf_ad_autoencoder_f32", 2e-5, "sums of 640 products in one ascending chain"),
    ("mtcnn_rnet_f16", 5e-4, "recorded with half-precision arithmetic"),
];
/// Nodes of the corpus's core tier that must not be refused, of 530.
const REQUIRED_CORE_NODES: usize = 519;

enum Verdict {
    /// Agrees; the largest error of a float output relative to its largest element, and that output.
    Pass(f64, String),
    Refused(String),
    Wrong(String),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass(error, output) => write!(f, "pass, {error:.1e} in `{output}`"),
            Self::Refused(reason) => write!(f, "refused: {reason}"),
            Self::Wrong(how) => write!(f, "WRONG: {how}"),
        }
    }
}

#[test]
fn networks_agree_with_the_recorded_outputs() {
    let Some(corpus) = Corpus::find() else { return };
    let verdicts = corpus.run(|entry| entry["group"] == "nn");
    assert_none_wrong(&verdicts);
    for (name, verdict) in &verdicts {
        let limit =
            LARGER_ERRORS.iter().find(|(exception, ..)| exception == name).map_or(MAX_ERROR, |(_, limit, _)| *limit);
        assert!(!matches!(verdict, Verdict::Pass(error, _) if *error > limit), "{name}: {verdict}");
    }
    for required in REQUIRED {
        let verdict = &verdicts[*required];
        assert!(matches!(verdict, Verdict::Pass(..)), "{required}: {verdict}");
    }
}

#[test]
fn nodes_agree_with_the_recorded_outputs() {
    let Some(corpus) = Corpus::find() else { return };
    // Some recorded outputs are known to be wrong; the manifest then asks for no more than an orderly end.
    let verdicts = corpus.run(|entry| entry["group"] == "node" && entry["expect"] == "pass");
    assert_none_wrong(&verdicts);
    let core = corpus.run_names(|entry| entry["tier"] == "core");
    let passed = core.iter().filter(|&&name| matches!(verdicts.get(name), Some(Verdict::Pass(..)))).count();
    assert!(passed >= REQUIRED_CORE_NODES, "{passed} of {} core nodes pass", core.len());
}

#[test]
fn malformed_models_are_refused() {
    let Some(corpus) = Corpus::find() else { return };
    // The two about the arrays handed in are for a caller to refuse.
    let verdicts = corpus.run(|entry| entry["group"] == "reject" && !entry["name"].as_str().unwrap().contains("npz"));
    for (name, verdict) in &verdicts {
        assert!(matches!(verdict, Verdict::Refused(_)), "{name}: {verdict}");
    }
    assert_eq!(verdicts.len(), 8);
}

fn assert_none_wrong(verdicts: &BTreeMap<String, Verdict>) {
    let wrong = verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Wrong(_)));
    let wrong: Vec<String> = wrong.map(|(name, verdict)| format!("{name}: {verdict}")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Corpus {
    root: PathBuf,
    entries: Vec<Value>,
}

impl Corpus {
    fn find() -> Option<Self> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
        let root = std::env::var_os("MOTE_CORPUS").map_or(beside, PathBuf::from);
        let Ok(manifest) = std::fs::read_to_string(root.join("MANIFEST.json")) else {
            eprintln!("skipped: no model corpus in {}", root.display());
            return None;
        };
        // Python wrote numbers that JSON does not have.
        let manifest = manifest.replace(": NaN", ": null").replace(": Infinity", ": null");
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        Some(Self { root, entries: manifest["entries"].as_array().unwrap().clone() })
    }

    fn run(&self, wanted: impl Fn(&Value) -> bool) -> BTreeMap<String, Verdict> {
        let chosen = self.entries.iter().filter(|entry| wanted(entry));
        let verdicts: BTreeMap<String, Verdict> =
            chosen.map(|entry| (entry["name"].as_str().unwrap().to_owned(), self.judge(entry))).collect();
        report(&verdicts);
        verdicts
    }

    fn run_names(&self, wanted: impl Fn(&Value) -> bool) -> Vec<&str> {
        self.entries.iter().filter(|entry| wanted(entry)).map(|entry| entry["name"].as_str().unwrap()).collect()
    }

    fn judge(&self, entry: &Value) -> Verdict {
        let model = std::fs::read(self.root.join(entry["model"].as_str().unwrap())).unwrap();
        let tolerance = Tolerance::of(entry);
        let mut worst = (0.0, String::new());
        for case in entry["cases"].as_array().unwrap() {
            let inputs = arrays(&self.root.join(case["input"].as_str().unwrap()));
            let outputs = match run(&model, &inputs) {
                Ok(outputs) => outputs,
                Err(verdict) => return verdict,
            };
            let Some(recorded) = case["output"].as_str() else { continue };
            for want in arrays(&self.root.join(recorded)) {
                let Some(got) = outputs.iter().find(|got| got.name == want.name) else {
                    return Verdict::Wrong(format!("output `{}` is missing", want.name));
                };
                if let Some(difference) = tolerance.difference(got, &want) {
                    return Verdict::Wrong(format!("output `{}` {difference}", want.name));
                }
                let error = relative_error(got, &want);
                worst = if error > worst.0 { (error, want.name) } else { worst };
            }
        }
        Verdict::Pass(worst.0, worst.1)
    }
}

/// Compiles for the shapes of the inputs and runs the native engine.
fn arrays(path: &Path) -> Vec<HostTensor> {
    let tensor = |npz::Array { name, dtype, dims, bytes }| HostTensor { name, dtype, dims, bytes };
    npz::read(path).into_iter().map(tensor).collect()
}

fn run(model: &[u8], inputs: &[HostTensor]) -> Result<Vec<HostTensor>, Verdict> {
    let shapes = inputs.iter().map(|t| (t.name.clone(), t.dims.clone())).collect();
    let import = ImportOptions { input_shapes: shapes, ..ImportOptions::default() };
    let options = CompileOptions { name: "corpus".to_owned(), import, ..CompileOptions::default() };
    let compiled = compile(model, &options).map_err(|e| Verdict::Refused(format!("{}: {e}", e.code())))?;
    let wrong = |e: &dyn std::fmt::Debug| Verdict::Wrong(format!("the Plan cannot run: {e:?}"));
    let bytes = AlignedBytes::copy_of(&compiled.plan);
    let plan = Plan::view(&bytes).map_err(|e| wrong(&e))?;
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = mote_engine::Arena::new(&mut memory).map_err(|e| wrong(&e))?;
    let graph = &compiled.entries[0].graph;
    for (i, &id) in graph.inputs.iter().enumerate() {
        let name = &graph.value(id).name;
        let tensor = inputs.iter().find(|t| t.name == *name).ok_or_else(|| wrong(name))?;
        let room = mote_engine::input_mut(&plan, 0, i, &mut arena).ok_or_else(|| wrong(name))?;
        assert_eq!(room.len(), tensor.bytes.len(), "{name}");
        room.copy_from_slice(&tensor.bytes);
    }
    mote_engine::run(&plan, 0, &mut arena).map_err(|e| wrong(&e))?;
    let output = |(i, id): (usize, &mote_compiler::graph::ValueId)| {
        let value = graph.value(*id);
        let bytes = mote_engine::output(&plan, 0, i, &arena).ok_or_else(|| wrong(&value.name))?.to_vec();
        Ok(HostTensor { name: value.name.clone(), dtype: value.dtype, dims: value.dims.clone(), bytes })
    };
    graph.outputs.iter().enumerate().map(output).collect()
}

/// Writes the verdicts where `MOTE_CORPUS_REPORT` says.
fn report(verdicts: &BTreeMap<String, Verdict>) {
    use std::io::Write;
    let Some(path) = std::env::var_os("MOTE_CORPUS_REPORT") else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    for (name, verdict) in verdicts {
        writeln!(file, "{name}: {verdict}").unwrap();
    }
}
