//! Verbs that show and measure.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use support::{Home, evidence};

const MODEL: &str = "digits-cnn/model.onnx";

#[test]
fn every_stage_can_be_seen() {
    let home = Home::new();
    let table = [
        ("graph", "Conv"),
        ("plan", "conv"),
        ("module", "imports none"),
        ("card", "\"flavour\": \"strict-v8\""),
        ("memory", "|"),
    ];
    for (stage, part) in table {
        let answer = home.mote(&["inspect", &evidence(MODEL), "--stage", stage]);
        assert_eq!(answer.exit, 0, "{stage}: {}", answer.stderr);
        assert!(answer.stdout.contains(part), "{stage}: {}", answer.stdout);
        assert!(home.json(&["inspect", &evidence(MODEL), "--stage", stage]).is_object(), "{stage}");
    }
    let summary = home.json(&["inspect", &evidence(MODEL)]);
    assert_eq!(summary["entries"][0]["outputs"][0]["name"], "probabilities");
    assert!(summary["entries"][0]["macs"].as_u64().unwrap() > 0);
}

#[test]
fn the_arena_is_never_below_its_lower_bound() {
    let home = Home::new();
    for model in ["digits-cnn", "cancer-mlp", "motion-autoencoder", "motion-gru", "power-forecast", "activity-cnn1d"] {
        let shown = home.json(&["inspect", &evidence(&format!("{model}/model.onnx")), "--stage", "memory"]);
        let entry = &shown["entries"][0];
        let (arena, live) = (entry["arena_bytes"].as_u64().unwrap(), entry["live_bytes"].as_u64().unwrap());
        assert!(0 < live && live <= arena, "{model}: {live} of {arena}");
    }
}

#[test]
fn costs_of_layers_add_up_to_the_entry() {
    let home = Home::new();
    for model in ["digits-cnn", "cancer-mlp", "motion-autoencoder", "motion-gru", "power-forecast", "activity-cnn1d"] {
        let path = evidence(&format!("{model}/model.onnx"));
        let total = home.json(&["inspect", &path])["entries"][0]["macs"].as_u64().unwrap();
        let steps = home.json(&["inspect", &path, "--stage", "plan"]);
        let steps = steps["entries"][0]["steps"].as_array().unwrap();
        assert_eq!(steps.iter().map(|step| step["macs"].as_u64().unwrap()).sum::<u64>(), total, "{model}");
    }
}

#[test]
fn bench_breaks_the_start_into_its_parts() {
    let home = Home::new();
    let measured = home.json(&["bench", &evidence(MODEL), "--runs", "3", "--warmup", "1"]);
    for part in ["open_ms", "derive_ms", "compile_ms", "instantiate_ms", "first_call_ms", "total_ms"] {
        assert!(measured["cold"][part].as_f64().unwrap() >= 0.0, "{part}");
    }
    assert_eq!(measured["cold"]["cached"], false);
    assert_eq!(measured["warm"]["cached"], true);
    assert_eq!(measured["runs"], 3);
    let parts = measured["layers"].as_array().unwrap().iter().map(|layer| layer["share"].as_f64().unwrap());
    assert!((parts.sum::<f64>() - 1.0).abs() < 1e-6);
    let native = home.json(&["bench", &evidence(MODEL), "--runs", "1", "--host", "native"]);
    assert_eq!((&native["host"], &native["warm"]), (&"native".into(), &serde_json::Value::Null));
}

#[test]
fn doctor_and_completions_answer() {
    let home = Home::new();
    let checks = home.json(&["doctor", "--slots", "2"]);
    let names: Vec<&str> = checks["checks"].as_array().unwrap().iter().map(|c| c["check"].as_str().unwrap()).collect();
    for name in ["version", "pool slots", "wasm simd", "code cache", "development key"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(home.mote(&["completions", shell]).stdout.contains("mote"), "{shell}");
    }
}
