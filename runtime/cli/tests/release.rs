//! Budgets, releases and what is refused about them.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{Home, evidence};

const MODEL: &str = "digits-cnn/model.onnx";
const CASE: &str = "digits-cnn/cases/case0.in.npz";

fn sum(value: &Value, keys: &[&str]) -> u64 {
    keys.iter().map(|key| value[key].as_u64().unwrap()).sum()
}

#[test]
fn a_microcontrollers_figures_add_up() {
    let home = Home::new();
    for model in ["digits-cnn", "cancer-mlp", "motion-autoencoder", "motion-gru", "power-forecast", "activity-cnn1d"] {
        let onnx = evidence(&format!("{model}/model.onnx"));
        let plan = home.arg(&format!("{model}.plan"));
        let budget = "flash=256K,ram=64K";
        let made = home.json(&["compile", &onnx, "-o", &plan, "--target", "mcu:cortex-m4", "--budget", budget]);
        let (flash, ram) = (&made["mcu"]["flash"], &made["mcu"]["ram"]);
        let bytes = std::fs::metadata(&plan).unwrap().len();
        assert_eq!(sum(flash, &["constants", "steps", "tables", "strings", "padding"]), bytes, "{model}");
        assert_eq!((&flash["bytes"], &flash["budget"]), (&json!(bytes), &json!(256 << 10)), "{model}");
        let buffers = ram["peak"]["buffers"].as_array().unwrap();
        let live: u64 = buffers.iter().map(|buffer| sum(buffer, &["bytes"])).sum();
        assert!(!buffers.is_empty() && ram["live_bytes"] == live && live <= sum(ram, &["bytes"]), "{model}");
        assert_eq!(made["mcu"]["macs"], made["entries"][0]["macs"], "{model}");
        assert_eq!(made["mcu"]["ops"], made["entries"][0]["ops"], "{model}");
        let wide = home.json(&["compile", &onnx, "-o", &home.arg("wide.plan")]);
        assert!(sum(ram, &["bytes"]) <= sum(&wide["entries"][0], &["arena_bytes"]), "{model}");
        assert!(bytes <= sum(&wide, &["plan_bytes"]), "{model}");
    }
}

#[test]
fn f32_plans_are_the_same_for_every_core() {
    let home = Home::new();
    let plan = |target: &str| {
        home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.plan"), "--target", target]);
        std::fs::read(home.path("m.plan")).unwrap()
    };
    let generic = plan("mcu");
    for core in ["mcu:generic", "mcu:cortex-m4", "mcu:cortex-m33", "mcu:cortex-m55"] {
        assert!(plan(core) == generic, "{core}");
    }
}

#[test]
fn a_budget_fails_the_build_and_names_what_is_too_large() {
    let home = Home::new();
    let compile = |budget: &str| {
        let args = ["compile", &evidence(MODEL), "-o", &home.arg("m.plan"), "--target", "mcu", "--budget", budget];
        home.mote(&[&args[..], &["--json"]].concat())
    };
    for (budget, parts) in [
        ("flash=32K", &["bytes of flash", "over the budget of 32768", "are weights"][..]),
        ("ram=4K", &["bytes of RAM", "over the budget of 4096", "sets the peak at"]),
        ("flash=1K,ram=1K", &["bytes of flash", "bytes of RAM"]),
    ] {
        let answer = compile(budget);
        let error: Value = serde_json::from_str(&answer.stderr).unwrap();
        assert_eq!((answer.exit, &error["error"]["code"]), (3, &json!("E-BUDGET")), "{budget}");
        for part in parts {
            assert!(error["error"]["message"].as_str().unwrap().contains(part), "{budget}: {error}");
        }
        assert!(!home.path("m.plan").exists(), "{budget}");
    }
    let (model, plan, wasm) = (evidence(MODEL), home.arg("m.plan"), home.arg("m.wasm"));
    for (args, code) in [
        (vec!["compile", &model, "-o", &plan, "--budget", "ram=1M"], "compile.budget"),
        (vec!["compile", &model, "-o", &wasm, "--target", "mcu"], "output.format"),
    ] {
        assert_eq!(home.fails(&args), (2, code.into()), "{args:?}");
    }
    for wrong in ["ram", "ram=much", "disk=1K"] {
        assert_eq!(compile(wrong).exit, 2, "{wrong}");
    }
}

#[test]
fn a_model_toml_beside_the_model_is_used() {
    let home = Home::new();
    let summary = |args: &[&str]| {
        home.json(&[&["compile"], args, &["-o", &home.arg("m.plan")]].concat());
        home.json(&["inspect", &home.arg("m.plan")])
    };
    let stated = summary(&[&evidence("activity-cnn1d/model-v2.onnx")]);
    assert_eq!((&stated["model"], &stated["version"]), (&json!("activity-cnn1d"), &json!(2)));
    assert_eq!(stated["labels"].as_array().unwrap().len(), 7);
    let given = summary(&[&evidence(MODEL), "--name", "x", "--version", "9", "--labels", "a,b"]);
    assert_eq!((&given["model"], &given["version"], &given["labels"]), (&json!("x"), &json!(9), &json!(["a", "b"])));
    std::fs::copy(evidence(MODEL), home.path("model.onnx")).unwrap();
    std::fs::write(home.path("model.toml"), "labels = 3\n").unwrap();
    assert_eq!(home.fails(&["compile", &home.arg("model.onnx"), "-o", "m.plan"]), (3, "model.facts".into()));
}

#[test]
fn every_sealed_file_of_a_release_answers_the_same_bits() {
    let home = Home::new();
    let out = home.arg("out");
    let made = home.json(&["release", &evidence("digits-cnn"), "-o", &out]);
    let release = &made["releases"][0];
    let artifacts = release["artifacts"].as_array().unwrap();
    let places: Vec<String> = artifacts
        .iter()
        .map(|listed| format!("{}:{}", listed["class"].as_str().unwrap(), listed["variant"].as_str().unwrap()))
        .collect();
    let want = [
        "gateway:generic",
        "browser:fast",
        "browser:strict",
        "mcu:cortex-m33",
        "mcu:cortex-m4",
        "mcu:cortex-m55",
        "mcu:generic",
    ];
    assert_eq!(places, want);
    assert!(release["golden"]["bytes"].as_u64().unwrap() > 4 * 256, "four recorded inputs");
    assert_eq!(artifacts[3]["sha256"], artifacts[6]["sha256"], "cores share one Plan");
    for listed in artifacts {
        let blob = home.path("out/x").join(listed["sha256"].as_str().unwrap());
        assert_eq!(std::fs::metadata(blob).unwrap().len(), listed["bytes"].as_u64().unwrap());
    }

    let mut first: Option<Vec<u8>> = None;
    for listed in artifacts {
        let (file, output) = (listed["file"].as_str().unwrap(), home.arg("out.npz"));
        let opened = home.json(&["open", file]);
        assert_eq!((&opened["release"], &opened["artifact"]), (&release["release"], &listed["sha256"]), "{file}");
        assert_eq!(opened["golden"], release["golden"], "{file}");
        let module = listed["class"] == "browser";
        let code = if module { "file" } else { "derived" };
        let args = ["run", file, "--code", code, "--input", &evidence(CASE), "--output", &output];
        assert_eq!(home.mote(&args).exit, 0, "{file}");
        if listed["variant"] == "fast" {
            continue;
        }
        let bytes = std::fs::read(&output).unwrap();
        match &first {
            None => first = Some(bytes),
            Some(first) => assert!(*first == bytes, "{file} differs"),
        }
    }
}

#[test]
fn versions_of_a_model_lie_beside_each_other() {
    let home = Home::new();
    let (model, out) = (evidence("activity-cnn1d"), home.arg("out"));
    for version in ["1", "2"] {
        let made = home.json(&["release", &model, "--version", version, "--target", "gateway", "-o", &out]);
        assert_eq!(made["releases"][0]["version"].to_string(), version);
    }
    for name in ["activity-cnn1d-1.release", "activity-cnn1d-2.release", "activity-cnn1d.gateway.mote"] {
        assert!(home.path("out").join(name).is_file(), "{name}");
    }
    assert_eq!(home.json(&["open", &home.arg("out/activity-cnn1d.gateway.mote")])["version"], 2);
    assert_eq!(home.fails(&["release", &model, "--version", "3", "-o", &out]), (2, "release.version".into()));
    let newest = home.json(&["release", &model, "--target", "mcu:cortex-m4", "-o", &home.arg("newest")]);
    assert_eq!(newest["releases"][0]["version"], 2);
    let tight = ["release", &model, "--budget", "flash=8K", "-o", &home.arg("none")];
    assert_eq!(home.fails(&tight), (3, "E-BUDGET".into()));
    assert!(!home.path("none").exists());
}

#[test]
fn one_file_is_signed_for_the_places_that_take_it() {
    let home = Home::new();
    home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.wasm")]);
    home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.plan"), "--target", "mcu"]);
    let places = |args: &[&str]| home.json(&[&["sign"], args].concat())["places"].clone();
    assert_eq!(places(&[&home.arg("m.wasm")]), json!(["gateway:generic", "browser:strict"]));
    assert_eq!(places(&[&home.arg("m.plan")]), json!(["gateway:generic"]));
    assert_eq!(places(&[&home.arg("m.plan"), "--target", "mcu:cortex-m4"]), json!(["mcu:cortex-m4"]));
    let signed = home.json(&["sign", &home.arg("m.plan"), "--cases", &evidence("digits-cnn/cases")]);
    assert!(signed["golden_bytes"].as_u64().unwrap() > 4 * 256);
    for (file, target) in [("m.plan", "browser"), ("m.wasm", "mcu:cortex-m4"), ("m.wasm", "browser:fast")] {
        let args = ["sign", &home.arg(file), "--target", target];
        assert_eq!(home.fails(&args), (2, "release.target".into()), "{file} for {target}");
    }
}

#[test]
fn a_push_begins_only_with_what_can_end_well() {
    let home = Home::new();
    let (out, release, orders) = (home.arg("out"), home.arg("release.key"), home.arg("orders.key"));
    home.json(&["keygen", "-o", &release]);
    home.json(&["keygen", "-o", &orders, "--role", "assignment"]);
    home.json(&["release", &evidence("cancer-mlp"), "--key", &release, "-o", &out]);
    let trusted = format!("{release}.pub");
    let push = |key: &str, more: &[&str]| {
        let fixed = ["push", &out, "--broker", "127.0.0.1:1", "--fleet", "f", "--device", "d", "--key", key];
        home.fails(&[&fixed[..], more].concat())
    };
    assert_eq!(push(&release, &["--keys", &trusted]), (2, "key.role".into()));
    assert_eq!(push(&orders, &[]), (3, "seal.refused".into()));
    assert_eq!(push(&orders, &["--keys", &trusted, "--version", "7"]), (2, "release.absent".into()));
    assert_eq!(push(&orders, &["--keys", &trusted, "--model", "digits"]), (2, "release.absent".into()));
    let named = ["--keys", &trusted, "--device", "no name"];
    assert_eq!(push(&orders, &named), (2, "push.order".into()));
    let nowhere = ["push", &home.arg("nowhere"), "--broker", "127.0.0.1:1", "--fleet", "f", "--device", "d"];
    let nowhere = home.fails(&[&nowhere[..], &["--key", &orders, "--keys", &trusted]].concat());
    assert_eq!(nowhere, (3, "release.unreadable".into()));
    assert_eq!(push(&orders, &["--keys", &trusted, "--within", "1"]), (5, "push.broker".into()));
    home.json(&["release", &evidence("digits-cnn"), "--key", &release, "-o", &out]);
    assert_eq!(push(&orders, &["--keys", &trusted]), (2, "release.absent".into()), "two models, and none is named");
    for blob in std::fs::read_dir(home.path("out/x")).unwrap() {
        std::fs::write(blob.unwrap().path(), b"something else").unwrap();
    }
    let named = ["--keys", &trusted, "--model", "digits-cnn"];
    assert_eq!(push(&orders, &named), (3, "release.incomplete".into()));
}
