//! Every model of `models/`, sealed for pages, gives the native engine's bits in every runtime, on the caller's thread
//! and in a worker; what it carries between calls is carried.

use std::sync::OnceLock;

use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileOptions, States};
use mote_plan::StatePair;
use mote_release::{Draft, Target};
use mote_tests::keys::Keys;
use mote_tests::{evidence, onnx};
use mote_weld::{Image, Profile};

use crate::program;
use crate::releases::Subject;
use crate::scene::{Runtime, Scene};

/// Compiled once for all runtimes.
fn subjects() -> &'static [Subject] {
    static SUBJECTS: OnceLock<Vec<Subject>> = OnceLock::new();
    SUBJECTS.get_or_init(|| evidence::models().iter().map(|model| Subject::new(model, &model.name)).collect())
}

fn answers_natively(runtime: Runtime, test: &str) {
    let Some(scene) = Scene::new(test) else { return };
    let keys = Keys::default();
    std::fs::write(scene.path("keys.pub"), keys.text()).unwrap();
    for subject in subjects() {
        subject.write(scene.path("").as_path(), &subject.name, &keys);
    }
    let names: Vec<&str> = subjects().iter().map(|subject| subject.name.as_str()).collect();
    if scene.run(runtime, "answers.mjs", &names).is_none() {
        return program::skip(test, &format!("{runtime:?} (MOTE_WEB_MODULES, set by `cargo xtask test`)"));
    }
    for subject in subjects() {
        for (set, native) in subject.native().iter().enumerate() {
            let got = std::fs::read(scene.path(&format!("{}.{set:02}.out", subject.name))).unwrap();
            assert!(subject.canonical(&got) == *native, "{runtime:?}: {} differs on inputs {set}", subject.name);
        }
    }
}

#[test]
fn node_gives_the_native_bits() {
    answers_natively(Runtime::Node, "node_gives_the_native_bits");
}

#[test]
fn deno_gives_the_native_bits() {
    answers_natively(Runtime::Deno, "deno_gives_the_native_bits");
}

#[test]
fn bun_gives_the_native_bits() {
    answers_natively(Runtime::Bun, "bun_gives_the_native_bits");
}

#[test]
fn state_is_carried_from_call_to_call() {
    let Some(scene) = Scene::new("state_is_carried_from_call_to_call") else { return };
    // sum' = sum + x, for two values.
    let value = |name| onnx::value(name, onnx::element::F32, &["1", "2"]);
    let add = onnx::node("Add", &["sum", "x"], &["next"], &[]);
    let graph = onnx::graph(&[add], &[], &[value("x"), value("sum")], &[value("next")]);
    let options = CompileOptions {
        name: "totals".into(),
        version: 1,
        state: States::Stated(vec![StatePair { output: "next".into(), input: "sum".into() }]),
        import: ImportOptions::default(),
        ..CompileOptions::default()
    };
    let image = mote_guest_image::image();
    let image = Image { wasm: image.wasm, digest: image.digest };
    let draft =
        Draft::compile(&onnx::model(17, &graph), &options, &[Target::Browser(Profile::Strict)], &image).unwrap();
    let keys = Keys::default();
    let manifest = draft.vouch(&keys.release).unwrap();
    let sealed = mote_seal::seal(&manifest, &draft.artifacts()[0].bytes).unwrap();
    std::fs::write(scene.path("totals.mote"), sealed).unwrap();
    std::fs::write(scene.path("keys.pub"), keys.text()).unwrap();
    let printed = scene.run(Runtime::Node, "state.mjs", &[]).unwrap();
    assert_eq!(printed.trim(), "[[1,2],[2,4],[11,22],[1,2]]");
}

#[test]
fn a_thousand_models_leave_nothing_behind() {
    let Some(scene) = Scene::new("a_thousand_models_leave_nothing_behind") else { return };
    let keys = Keys::default();
    std::fs::write(scene.path("keys.pub"), keys.text()).unwrap();
    let subject = &subjects()[0];
    subject.write(scene.path("").as_path(), "model", &keys);
    let printed = scene.run(Runtime::Node, "memory.mjs", &["1000"]).unwrap();
    let figures: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let grown = |name: &str| figures["last"][name].as_f64().unwrap() - figures["first"][name].as_f64().unwrap();
    // A model that stays costs its linear memory, and that of V8 and the package a few kilobytes more.
    let one = figures["memory"].as_f64().unwrap();
    for name in ["heapUsed", "external", "arrayBuffers"] {
        assert!(grown(name) < 8.0 * one, "{name} grew: {figures}");
    }
}
