//! One Plan, one answer: every host gives the same bits for the same input, recorded or special, and recorded outputs
//! within what is allowed. Fast code stays close.
//!
//! The models are those of `models/` and, where it is found, the networks of the corpus. The test prints one table, model x
//! host; a host that this machine lacks is named under it.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "conformance/hosts/mod.rs"]
mod hosts;
mod program;
#[path = "conformance/subject.rs"]
mod subject;
#[path = "conformance/table.rs"]
mod table;

use std::io::Write;
use std::thread;

use hosts::{Host, Ran};
use mote_compiler::{CompileError, ImportError};
use mote_tests::evidence::{self, Corpus, Evidence, relative_error};
use mote_tests::npz;
use subject::{Subject, subjects};
use table::{Cell, Row, Table};

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

/// A convolutional network whose Plan has 60 KB and more, and a column that must have it where there is such a host.
const ON_A_MICROCONTROLLER: (&str, &str) = ("mlperf_ic_resnet8_f32", "M4F");
/// Hexadecimal digits of a digest that the table shows.
const DIGITS: usize = 8;

#[test]
fn every_host_answers_alike() {
    let mut models = evidence::models();
    let own = models.len();
    let corpus = Corpus::find("networks of the corpus in every_host_answers_alike");
    models.extend(corpus.iter().flat_map(|corpus| corpus.group("nn")));

    let mut table = Table::default();
    let mut all = Vec::new();
    for model in &models {
        match subjects(model) {
            Ok(subjects) => all.extend(subjects.into_iter().map(|subject| (model, subject))),
            Err(error) => table.refused.push((model.name.clone(), refusal(model, &error))),
        }
    }
    let (models, subjects): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let differences = compare(&models, &subjects, &mut table);

    // Past the test harness, which would keep it to itself.
    write!(std::io::stdout(), "\n{table}").unwrap();
    assert!(differences.is_empty(), "\n  {}\n", differences.join("\n  "));
    assert!(table.rows.iter().all(Row::is_uniform), "a row has several digests");
    assert!(own >= 6, "{own} models");
    let required = if corpus.is_some() { &REQUIRED[..] } else { &[] };
    for (name, why) in &table.refused {
        assert!(!required.contains(&name.as_str()) && !is_own(name), "{name} is refused: {why}");
    }
    let (name, host) = ON_A_MICROCONTROLLER;
    let column = table.hosts.iter().position(|&head| head == host);
    let row = table.rows.iter().find(|row| row.name == name);
    if let Some((row, column)) = row.zip(column) {
        assert!(matches!(row.cells[column], Cell::Digest(_)), "{name} did not run on {host}");
    }
    for name in required {
        assert!(models.iter().any(|model| model.name == *name), "the corpus lacks {name}");
    }
}

/// Whether a model is one of `models/`.
fn is_own(name: &str) -> bool {
    evidence::models().iter().any(|model| model.name == name)
}

/// Why a model was refused; it says which operators it is about.
fn refusal(model: &Evidence, error: &CompileError) -> String {
    let text = error.to_string();
    if let CompileError::Import(ImportError::Refused(refusals)) = error {
        for refusal in refusals.others.iter().chain([&refusals.first]) {
            assert!(!refusal.op.is_empty() && text.contains(&refusal.op), "{}: {text}", model.name);
        }
    }
    text
}

/// Runs every subject on every host, fills the table, and answers what differs.
fn compare(models: &[&Evidence], subjects: &[Subject], table: &mut Table) -> Vec<String> {
    let reference = hosts::reference();
    let (mut present, mut fast) = (Vec::new(), Vec::new());
    for host in hosts::strict() {
        match host {
            Ok(host) => present.push(host),
            Err(absent) => table.absent.push(absent),
        }
    }
    let (truth, strict) = thread::scope(|scope| {
        let strict: Vec<_> = present.iter().map(|host| scope.spawn(|| host.run(subjects))).collect();
        let truth = answers(reference.run(subjects));
        fast.extend(hosts::fast().map(|host| answers(host.run(subjects))));
        let strict: Vec<_> = strict.into_iter().map(|thread| thread.join().unwrap()).collect();
        (truth, strict)
    });

    table.hosts = [reference.name()].into_iter().chain(present.iter().map(|host| host.name())).collect();
    let mut differences = Vec::new();
    for (index, (model, subject)) in models.iter().zip(subjects).enumerate() {
        let mut cells = vec![cell(subject, &truth[index])];
        for (host, ran) in present.iter().zip(&strict) {
            cells.push(match &ran[index] {
                Ran::Answers(answers) => {
                    differences.extend(difference(subject, host.name(), answers, &truth[index]));
                    cell(subject, answers)
                }
                Ran::Unfit(why) => Cell::Unfit(why),
            });
        }
        table.rows.push(Row {
            name: subject.name.clone(),
            sets: subject.sets.len(),
            error: against_recorded(model, subject, &truth[index]),
            fast: largest(fast.iter().map(|fast| closeness(subject, &fast[index], &truth[index]))),
            plan_bytes: subject.mcu_plan.len(),
            cells,
        });
    }
    differences
}

/// The answers of a host for which everything is fit.
fn answers(ran: Vec<Ran>) -> Vec<Vec<Vec<u8>>> {
    let answers = |ran| match ran {
        Ran::Answers(answers) => answers,
        Ran::Unfit(why) => panic!("{why}"),
    };
    ran.into_iter().map(answers).collect()
}

fn cell(subject: &Subject, answers: &[Vec<u8>]) -> Cell {
    Cell::Digest(subject.digest(answers).to_string()[..DIGITS].to_owned())
}

/// Where two hosts part ways first.
fn difference(subject: &Subject, host: &str, got: &[Vec<u8>], want: &[Vec<u8>]) -> Option<String> {
    let name = &subject.name;
    if got.len() != want.len() {
        return Some(format!("{name}: {host} answers {} of {} sets", got.len(), want.len()));
    }
    for ((set, got), want) in subject.sets.iter().zip(got).zip(want) {
        for (got, want) in subject.outputs(got).iter().zip(&subject.outputs(want)) {
            let (output, size) = (&want.name, want.dtype.size() as usize);
            let (got, want) = (got.canonical(), want.canonical());
            let mut elements = got.chunks(size).zip(want.chunks(size)).enumerate();
            if let Some((at, (got, want))) = elements.find(|(_, (got, want))| got != want) {
                let what = &set.what;
                return Some(format!("{name}: {what}: {host} has {got:02x?}, not {want:02x?}, in `{output}`[{at}]"));
            }
        }
    }
    None
}

/// The largest error of fast code over recorded inputs; panics beyond what is allowed.
fn closeness(subject: &Subject, fast: &[Vec<u8>], strict: &[Vec<u8>]) -> f64 {
    let recorded = subject.sets.iter().zip(fast.iter().zip(strict)).filter(|(set, _)| set.recorded.is_some());
    let errors = recorded.flat_map(|(_, (fast, strict))| {
        let (fast, strict) = (subject.outputs(fast), subject.outputs(strict));
        fast.iter().zip(&strict).map(|(fast, strict)| relative_error(fast, strict)).collect::<Vec<_>>()
    });
    let error = largest(errors);
    assert!(error <= MAX_FAST_ERROR, "{}: fast code is off by {error:.1e}", subject.name);
    error
}

/// The largest error against recorded outputs; panics beyond what is allowed.
fn against_recorded(model: &Evidence, subject: &Subject, answers: &[Vec<u8>]) -> f64 {
    let name = &subject.name;
    let exception = LARGER_ERRORS.iter().find(|(exception, ..)| *exception == model.name);
    let limit = exception.map_or(MAX_ERROR, |(_, limit, _)| *limit);
    let mut errors = Vec::new();
    for (set, answer) in subject.sets.iter().zip(answers) {
        let answer = subject.outputs(answer);
        for want in set.recorded.as_deref().map(npz::read).unwrap_or_default() {
            let got = answer.iter().find(|got| got.name == want.name);
            let got = got.unwrap_or_else(|| panic!("{name}: output `{}` is missing", want.name));
            let difference = model.tolerance.difference(got, &want);
            assert!(difference.is_none(), "{name}: output `{}` {}", want.name, difference.unwrap());
            let error = relative_error(got, &want);
            assert!(!model.single_precision || error <= limit, "{name}: `{}` is off by {error:.1e}", want.name);
            errors.push(error);
        }
    }
    largest(errors)
}

fn largest(errors: impl IntoIterator<Item = f64>) -> f64 {
    errors.into_iter().fold(0.0, |most, error| if error > most { error } else { most })
}
