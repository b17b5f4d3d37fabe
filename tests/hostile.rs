//! Inputs of people who mean no good, each named after its attack, each ending in the error that it has to end in: never a
//! panic, never a machine that is busy or full.
//!
//! One file of `hostile/` per door. An attack's bytes are made there, so that they can be read.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "hostile/arrays.rs"]
mod arrays;
#[path = "hostile/cose.rs"]
mod cose;
#[path = "hostile/guests.rs"]
mod guests;
#[path = "hostile/onnx.rs"]
mod onnx;
#[path = "hostile/plan.rs"]
mod plan;
mod program;
#[path = "hostile/wasm.rs"]
mod wasm;
#[path = "hostile/wire.rs"]
mod wire;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use mote_tests::evidence::Corpus;

/// After so long an attack counts as having worked. What is promised are 2 seconds; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// What all attacks together may add to the largest memory this process ever had.
const MEMORY_KIB: u64 = 512 << 10;

/// One hostile input.
pub(crate) struct Attack {
    /// What it tries.
    name: &'static str,
    /// The error that it has to end in.
    error: &'static str,
    /// Tries it; answers the error, or nothing where it got in.
    attempt: Box<dyn FnOnce() -> Option<String> + Send>,
}

impl Attack {
    pub(crate) fn new(
        name: &'static str,
        error: &'static str,
        attempt: impl FnOnce() -> Option<String> + Send + 'static,
    ) -> Self {
        Self { name, error, attempt: Box::new(attempt) }
    }
}

/// `Family.Variant` of an error.
pub(crate) fn named(family: &str, error: &impl Debug) -> String {
    let text = format!("{error:?}");
    let variant = text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    format!("{family}.{variant}")
}

#[test]
fn every_attack_ends_in_its_error() {
    let before = peak_memory();
    let families = [
        onnx::attacks(),
        plan::attacks(),
        wasm::attacks(),
        guests::attacks(),
        cose::attacks(),
        wire::attacks(),
        arrays::attacks(),
    ];
    let attacks: Vec<Attack> = families.into_iter().flatten().collect();
    let (count, mut errors, mut wrong) = (attacks.len(), BTreeSet::new(), Vec::new());
    let names: BTreeSet<&str> = attacks.iter().map(|attack| attack.name).collect();
    assert_eq!(names.len(), count, "two attacks of one name");
    let mut slowest = (Duration::ZERO, "");
    for Attack { name, error, attempt } in attacks {
        let start = Instant::now();
        let got = on_its_own(attempt);
        slowest = slowest.max((start.elapsed(), name));
        match got {
            Ok(Some(got)) if got == error => {
                errors.insert(got);
            }
            Ok(got) => wrong.push(format!("{name}: {}, not {error}", got.as_deref().unwrap_or("got in"))),
            Err(how) => wrong.push(format!("{name}: {how}, not {error}")),
        }
    }
    let grown = peak_memory().zip(before).map(|(after, before)| after - before);
    println!(
        "{count} attacks, {} distinct errors; slowest: {} in {:?}; memory grew by {grown:?} KiB",
        errors.len(),
        slowest.1,
        slowest.0
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 40 && errors.len() >= 30, "{count} attacks, {} distinct errors", errors.len());
    assert!(grown.is_none_or(|grown| grown < MEMORY_KIB), "memory grew by {grown:?} KiB");
}

/// Runs an attempt on a thread of its own, whose stack is as small as any.
fn on_its_own(attempt: Box<dyn FnOnce() -> Option<String> + Send>) -> Result<Option<String>, &'static str> {
    let (done, end) = channel();
    let thread = std::thread::spawn(move || done.send(attempt()));
    match end.recv_timeout(PATIENCE) {
        Ok(got) => Ok(got),
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Err("did not end"),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            drop(thread.join());
            Err("panicked")
        }
    }
}

/// The largest resident memory so far, in KiB, where the system says so.
fn peak_memory() -> Option<u64> {
    peak_memory_of("self")
}

/// The same of any process.
pub(crate) fn peak_memory_of(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[test]
fn malformed_models_of_the_corpus_are_refused() {
    let Some(corpus) = Corpus::find("malformed_models_of_the_corpus_are_refused") else { return };
    let entries = corpus.group("reject");
    assert!(!entries.is_empty());
    for entry in entries {
        let shapes = entry.cases.iter().flat_map(|(inputs, _)| mote_tests::npz::read(inputs));
        let shapes = shapes.map(|array| (array.name, array.dims)).collect();
        let got = onnx::refusal(&entry.bytes(), shapes);
        println!("{}: {}", entry.name, got.as_deref().unwrap_or("got in"));
        assert!(got.is_some(), "{} is compiled", entry.name);
    }
}
