//! One Plan, one answer: the native engine, wasmtime with derived code and with the code of the file, and node's V8 agree
//! bit for bit, and with recorded outputs within what is allowed. Fast code stays close.
//!
//! The models are those of `models/` and, where it is found, the networks of the corpus.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "conformance/builds.rs"]
mod builds;
mod program;

use std::collections::BTreeMap;
use std::path::Path;

use builds::{Build, V8};
use mote_compiler::{CompileError, ImportError};
use mote_host::{Host, HostConfig};
use mote_tests::evidence::{self, Corpus, Evidence, relative_error};
use mote_tests::npz::{self, Array};

/// Networks of the corpus that must not be refused.
const REQUIRED: [&str; 13] = [
    "face_ultralight_rfb320",
    "face_yunet_s_320",
    "mlperf_ad_autoencoder_f32",
    "mlperf_ic_resnet8_f32",
    "mlperf_kws_dscnn_f32",
    "mlperf_vww_mobilenetv1_f32",
    "mnist_rten",
    "mp_face_landmark_468",
    "mp_hand_recrop",
    "mtcnn_pnet_dyn",
    "mtcnn_rnet",
    "ppocr_v2_cls",
    "tflm_sine_f32",
];
/// Largest error against recorded outputs of an f32 network, relative to the largest element of each output.
const MAX_ERROR: f64 = 1e-5;
/// Networks that may exceed it, by how much, and why.
const LARGER_ERRORS: [(&str, f64, &str); 3] = [
    ("face_yunet_s_320", 1.5e-4, "scores below 1e-3 from sigmoid; the recorded output is as far from the exact one"),
    ("gtcrn_simple", 2e-5, "gates of a recurrent layer near saturation"),
    ("mlperf_ad_autoencoder_f32", 2e-5, "sums of 640 products in one ascending chain"),
];
/// Largest error of fast code against strict code, measured alike.
const MAX_FAST_ERROR: f64 = 1e-4;

/// What a model was found to be.
struct Row {
    cases: usize,
    /// Against recorded outputs.
    error: f64,
    /// Of fast code against strict code.
    fast: f64,
    /// Bytes of the strict-v8 module and of the Plan in it.
    sizes: (usize, usize),
}

#[test]
fn evidence_models_answer_alike_everywhere() {
    let rows = judge_all(&evidence::models());
    assert!(rows.len() >= 6, "{} models", rows.len());
    for (name, row) in rows {
        assert!(row.is_ok_and(|row| row.cases > 0), "{name} is refused or has no case");
    }
}

#[test]
fn networks_of_the_corpus_answer_alike_everywhere() {
    let Some(corpus) = Corpus::find("networks_of_the_corpus_answer_alike_everywhere") else { return };
    let rows = judge_all(&corpus.group("nn"));
    for required in REQUIRED {
        let row = rows.get(required).unwrap_or_else(|| panic!("the corpus lacks {required}"));
        assert!(row.is_ok(), "{required}: {}", row.as_ref().err().unwrap());
    }
}

/// Judges models and prints the table; panics at the first wrong answer.
fn judge_all(models: &[Evidence]) -> BTreeMap<String, Result<Row, CompileError>> {
    let host = Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap();
    let v8 = V8::find();
    println!("{:<28} {:>5} {:>9} {:>9} {:>9} {:>9}", "model", "cases", "recorded", "fast", "wasm", "plan");
    let judged = models.iter().map(|model| {
        let row = judge(model, &host, v8.as_ref());
        match &row {
            Ok(Row { cases, error, fast, sizes: (wasm, plan) }) => {
                println!("{:<28} {cases:>5} {error:>9.1e} {fast:>9.1e} {wasm:>9} {plan:>9}", model.name);
            }
            Err(error) => {
                println!("{:<28} refused: {error}", model.name);
                assert_names_operators(model, error);
            }
        }
        (model.name.clone(), row)
    });
    judged.collect()
}

/// A refusal says which operators it is about.
fn assert_names_operators(model: &Evidence, error: &CompileError) {
    if let CompileError::Import(ImportError::Refused(refusals)) = error {
        let text = error.to_string();
        for refusal in refusals.others.iter().chain([&refusals.first]) {
            assert!(!refusal.op.is_empty() && text.contains(&refusal.op), "{}: {text}", model.name);
        }
    }
}

/// Runs every case of a model every way.
fn judge(model: &Evidence, host: &Host, v8: Option<&V8>) -> Result<Row, CompileError> {
    let bytes = model.bytes();
    let mut row = Row { cases: 0, error: 0.0, fast: 0.0, sizes: (0, 0) };
    for (shapes, cases) in by_shapes(model) {
        let mut build = Build::new(&bytes, shapes, host)?;
        row.sizes = build.sizes();
        let mut answers = Vec::new();
        for (inputs, recorded) in cases {
            let answer = build.native(&inputs);
            for (way, got) in build.strict_guests(&inputs) {
                assert_same(&model.name, way, &got, &answer);
            }
            for (way, got) in build.fast_guests(&inputs) {
                let error = largest(got.iter().zip(&answer).map(|(got, want)| relative_error(got, want)));
                assert!(error <= MAX_FAST_ERROR, "{}: {way} is off by {error:.1e}", model.name);
                row.fast = largest([row.fast, error]);
            }
            for want in recorded.as_deref().map(npz::read).unwrap_or_default() {
                row.error = largest([row.error, against_recorded(model, &answer, &want)]);
            }
            row.cases += 1;
            answers.push((inputs, answer));
        }
        if let Some(v8) = v8 {
            let given: Vec<_> = answers.iter().map(|(inputs, _)| inputs.as_slice()).collect();
            for (got, (_, answer)) in v8.run(&build, &given).iter().zip(&answers) {
                assert_same(&model.name, "node", got, answer);
            }
        }
    }
    Ok(row)
}

/// The inputs of a case and the file of its recorded outputs.
type Case = (Vec<Array>, Option<std::path::PathBuf>);

/// The cases of a model, those of equal input shapes together.
fn by_shapes(model: &Evidence) -> BTreeMap<BTreeMap<String, Vec<usize>>, Vec<Case>> {
    let mut groups = BTreeMap::new();
    for (inputs, recorded) in &model.cases {
        let inputs = npz::read(inputs);
        let shapes = inputs.iter().map(|array| (array.name.clone(), array.dims.clone())).collect();
        let cases: &mut Vec<Case> = groups.entry(shapes).or_default();
        cases.push((inputs, recorded.as_deref().map(Path::to_path_buf)));
    }
    groups
}

/// The error of one output; panics beyond what is allowed.
fn against_recorded(model: &Evidence, answer: &[Array], want: &Array) -> f64 {
    let name = &model.name;
    let got = answer.iter().find(|got| got.name == want.name);
    let got = got.unwrap_or_else(|| panic!("{name}: output `{}` is missing", want.name));
    let difference = model.tolerance.difference(got, want);
    assert!(difference.is_none(), "{name}: output `{}` {}", want.name, difference.unwrap());
    let error = relative_error(got, want);
    let exception = LARGER_ERRORS.iter().find(|(exception, ..)| exception == name);
    let limit = exception.map_or(MAX_ERROR, |(_, limit, _)| *limit);
    assert!(!model.single_precision || error <= limit, "{name}: `{}` is off by {error:.1e}", want.name);
    error
}

fn assert_same(model: &str, way: &str, got: &[Array], want: &[Array]) {
    for (got, want) in got.iter().zip(want) {
        assert!(got.canonical() == want.canonical(), "{model}: {way} and native differ in `{}`", want.name);
    }
    assert_eq!(got.len(), want.len(), "{model}: {way}");
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |m, v| if v > m { v } else { m })
}
