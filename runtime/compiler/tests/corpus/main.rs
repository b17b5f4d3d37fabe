//! Every model of the corpus, and the backend tests of the ONNX project, through import, passes, lowering and the native
//! engine, against the recorded outputs. What is not supported must be refused; nothing that is compiled may be wrong.
//!
//! The corpus is looked for in `MOTE_CORPUS`, else beside the repository; the backend tests in `MOTE_ONNX_NODE`, which
//! `cargo xtask test --conformance` fills. `MOTE_CASES=PART` runs the cases whose names contain it and prints each
//! verdict; `MOTE_CORPUS_REPORT=FILE` writes every verdict.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::explicit_write, reason = "the harness keeps what is printed to itself")]

#[path = "../../../../tests/src/evidence.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod evidence;
#[path = "../../../../tests/src/npz.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod npz;
#[path = "../../../../tests/src/protobuf.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod protobuf;
#[path = "../../../../tests/src/suite/mod.rs"]
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the whole-system tests share it, and use more of it")]
mod suite;

use std::io::Write;

use mote_compiler::graph::Op;
use mote_compiler::{CompileOptions, Core, Target, compile, compile_for};
use mote_engine::Arena;
use mote_plan::{AlignedBytes, Plan};
use suite::{Case, Table, Verdict, judge};

/// Networks that must not be refused.
const REQUIRED: &[&str] = &[
    "ad_autoencoder_ort_dynq",
    "attacut_c",
    "dtln_1_freq",
    "face_ultralight_rfb320",
    "face_yunet_s_320",
    "face_yunet_s_ortq_qdq_u8s8",
    "gtcrn_simple",
    "kws_dscnn_ortq_qdq_s8",
    "mlperf_ad_autoencoder_f32",
    "mlperf_ad_autoencoder_int8",
    "mlperf_ic_resnet8_f32",
    "mlperf_ic_resnet8_int8",
    "mlperf_kws_dscnn_f32",
    "mlperf_kws_dscnn_int8",
    "mlperf_vww_mobilenetv1_f32",
    "mlperf_vww_mobilenetv1_int8",
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
    "tflm_sine_int8",
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

#[test]
fn networks_agree_with_the_recorded_outputs() {
    let verdicts = Judgement::over("corpus nn");
    for (case, verdict) in &verdicts.0 {
        let exception = LARGER_ERRORS.iter().find(|(name, ..)| *name == case.name);
        let limit = exception.map_or(MAX_ERROR, |(_, limit, _)| *limit);
        let over = matches!(verdict, Verdict::Passed { error, .. } if *error > limit);
        assert!(!over || !(case.single_precision || exception.is_some()), "{}: {verdict}", case.name);
        assert!(!REQUIRED.contains(&case.name.as_str()) || passed(verdict), "{}: {verdict}", case.name);
    }
    assert!(verdicts.is_part() || REQUIRED.iter().all(|name| verdicts.0.iter().any(|(case, _)| case.name == *name)));
}

/// Networks whose weights are stored in 8 bits.
const INTEGER: &[&str] = &[
    "ad_autoencoder_ort_dynq",
    "face_yunet_s_ortq_qdq_u8s8",
    "kws_dscnn_ortq_qdq_s8",
    "mlperf_ad_autoencoder_int8",
    "mlperf_ic_resnet8_int8",
    "mlperf_kws_dscnn_int8",
    "mlperf_vww_mobilenetv1_int8",
    "tflm_sine_int8",
];

#[test]
fn weights_of_8_bits_stay_what_they_are() {
    for case in suite::corpus().iter().filter(|case| INTEGER.contains(&case.name.as_str())) {
        let compiled = compile(&case.bytes(), &CompileOptions { name: "int8".to_owned(), ..CompileOptions::default() });
        let graph = &compiled.unwrap().entries[0].graph;
        for node in &graph.nodes {
            let in_floats = matches!(node.op, Op::Conv { .. } | Op::MatMul);
            assert!(!in_floats, "{}: `{}` multiplies in f32", case.name, node.name);
        }
        let sums = graph.nodes.iter().filter(|node| matches!(node.op, Op::QConv(_))).count();
        assert!(sums > 0, "{}", case.name);
    }
}

#[test]
fn a_microcontroller_gets_the_same_bytes() {
    for case in suite::corpus().iter().filter(|case| INTEGER.contains(&case.name.as_str())) {
        let options = CompileOptions { name: "int8".to_owned(), ..CompileOptions::default() };
        let plans = compile_for(&case.bytes(), &options, &[Target::Wasm, Target::Mcu(Core::Generic)]).unwrap();
        assert_eq!(outputs(&plans[0]), outputs(&plans[1]), "{}", case.name);
    }
}

/// What a Plan answers to a fixed pattern of bytes.
fn outputs(plan: &[u8]) -> Vec<Vec<u8>> {
    let bytes = AlignedBytes::copy_of(plan);
    let plan = Plan::view(&bytes).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    let input = mote_engine::input_mut(&plan, 0, 0, &mut arena).unwrap();
    for (i, byte) in input.iter_mut().enumerate() {
        // Small numbers as f32, all kinds as bytes.
        *byte = if i % 4 == 3 { 0x3f } else { (i * 89 % 251) as u8 };
    }
    mote_engine::run(&plan, 0, &mut arena).unwrap();
    (0..).map_while(|i| mote_engine::output(&plan, 0, i, &arena).map(<[u8]>::to_vec)).collect()
}

#[test]
fn nodes_agree_with_the_recorded_outputs() {
    let verdicts = Judgement::over("corpus node");
    let core = verdicts.0.iter().filter(|(case, verdict)| case.core && passed(verdict)).count();
    assert!(verdicts.is_part() || core >= REQUIRED_CORE_NODES, "{core} core nodes pass");
}

#[test]
fn classical_models_agree_with_the_recorded_outputs() {
    Judgement::over("corpus ml");
}

#[test]
fn small_classical_models_answer_as_onnx_runtime_does() {
    let verdicts = Judgement::of(suite::classical());
    assert!(verdicts.0.iter().all(|(_, verdict)| passed(verdict)), "one of them is refused");
}

#[test]
fn malformed_models_are_refused() {
    let verdicts = Judgement::over("corpus reject");
    assert!(verdicts.is_part() || verdicts.0.len() == 8);
}

#[test]
fn backend_tests_of_the_onnx_project_agree() {
    Judgement::over("onnx ");
}

fn passed(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Passed { .. })
}

/// Every case of some suites, judged.
struct Judgement(Vec<(Case, Verdict)>);

impl Judgement {
    /// The cases of a collection.
    fn over(suite: &str) -> Self {
        let of_onnx = suite.starts_with("onnx");
        let mut cases = if of_onnx { suite::onnx() } else { suite::corpus() };
        cases.retain(|case| case.suite.starts_with(suite));
        Self::of(cases)
    }

    /// Judges, writes down what was found, and allows nothing wrong.
    fn of(mut cases: Vec<Case>) -> Self {
        let filter = std::env::var("MOTE_CASES").ok();
        cases.retain(|case| filter.as_ref().is_none_or(|part| case.name.contains(part)));
        let (mut table, mut lines, mut verdicts) = (Table::default(), String::new(), Vec::new());
        for case in cases {
            let judged = judge(&case);
            table.add(&case.suite, &judged.verdict, !judged.constant.is_empty());
            let constant = judged.constant.join(", ");
            let constant = if constant.is_empty() { String::new() } else { format!(" [constant: {constant}]") };
            lines += &format!("{} {}: {}{constant}\n", case.suite, case.name, judged.verdict);
            verdicts.push((case, judged.verdict));
        }
        report(&lines);
        if filter.is_some() {
            write!(std::io::stdout(), "\n{lines}").unwrap();
        }
        // Past the test harness, which would keep it to itself.
        write!(std::io::stdout(), "\n{table}").unwrap();
        let wrong = |line: &&str| line.contains(": WRONG: ");
        let wrong: Vec<&str> = lines.lines().filter(wrong).collect();
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        Self(verdicts)
    }

    /// Whether only some cases were asked for, or none can be found.
    fn is_part(&self) -> bool {
        self.0.is_empty() || std::env::var_os("MOTE_CASES").is_some()
    }
}

/// Writes the verdicts where `MOTE_CORPUS_REPORT` says.
fn report(lines: &str) {
    let Some(path) = std::env::var_os("MOTE_CORPUS_REPORT") else { return };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}
