//! A model's way through the program: compile, run in every form, verify, sign, open.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use support::{Home, evidence};

const MODEL: &str = "digits-cnn/model.onnx";
const CASE: &str = "digits-cnn/cases/case0.in.npz";

#[test]
fn every_form_and_every_host_answers_the_same_bits() {
    let home = Home::new();
    for name in ["m.wasm", "m.plan"] {
        let made =
            home.json(&["compile", &evidence(MODEL), "-o", &home.arg(name), "--name", "digits", "--version", "4"]);
        assert_eq!((&made["model"], &made["version"]), (&"digits".into(), &4.into()));
        assert_eq!(made["entries"][0]["batch"], 1);
    }
    home.json(&["sign", &home.arg("m.wasm")]);
    let (onnx, wasm, plan, sealed) = (evidence(MODEL), home.arg("m.wasm"), home.arg("m.plan"), home.arg("m.mote"));
    let ways: [&[&str]; 8] = [
        &[&onnx],
        &[&onnx, "--code", "file"],
        &[&onnx, "--host", "native"],
        &[&wasm],
        &[&wasm, "--code", "file"],
        &[&wasm, "--host", "native"],
        &[&plan, "--no-cache"],
        &[&sealed],
    ];
    let mut first: Option<Vec<u8>> = None;
    for way in ways {
        let output = home.arg("out.npz");
        let answer = home.mote(&[&["run"], way, &["--input", &evidence(CASE), "--output", &output]].concat());
        assert_eq!(answer.exit, 0, "{way:?}: {}", answer.stderr);
        assert!(answer.stdout.is_empty(), "data on standard output: {}", answer.stdout);
        let bytes = std::fs::read(&output).unwrap();
        match &first {
            None => first = Some(bytes),
            Some(first) => assert!(*first == bytes, "{way:?} differs"),
        }
    }
}

#[test]
fn plans_and_modules_are_the_same_bytes_each_time() {
    let home = Home::new();
    for name in ["a.wasm", "b.wasm", "a.plan", "b.plan"] {
        home.json(&["compile", &evidence(MODEL), "-o", &home.arg(name)]);
    }
    for kind in ["wasm", "plan"] {
        let read = |name: &str| std::fs::read(home.path(&format!("{name}.{kind}"))).unwrap();
        assert!(read("a") == read("b"), "{kind}");
    }
}

#[test]
fn outputs_print_with_labels_and_as_json() {
    let home = Home::new();
    let labels = "0,1,2,3,4,5,6,7,8,9";
    home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.wasm"), "--labels", labels]);
    let text = home.mote(&["run", &home.arg("m.wasm"), "-i", &evidence(CASE)]);
    assert!(text.stdout.starts_with("probabilities  f32 [1, 10]\n"), "{}", text.stdout);
    assert!(text.stdout.contains("  -> "), "{}", text.stdout);
    assert!(text.stderr.contains("development key"), "{}", text.stderr);
    let json = home.json(&["run", &home.arg("m.wasm"), "-i", &evidence(CASE)]);
    assert_eq!(json["outputs"]["probabilities"]["shape"], serde_json::json!([1, 10]));
}

#[test]
fn rows_of_csv_and_json_are_one_call_each_where_the_model_takes_one() {
    let home = Home::new();
    home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.plan")]);
    let row = vec!["1"; 64].join(",");
    std::fs::write(home.path("rows.csv"), format!("{row}\n{row}\n{row}\n")).unwrap();
    for model in [home.arg("m.plan"), evidence(MODEL)] {
        let json = home.json(&["run", &model, "-i", &home.arg("rows.csv")]);
        let rows = json["outputs"]["probabilities"]["data"].as_array().unwrap();
        assert_eq!(rows.len(), 3, "{model}");
        assert_eq!(rows[0], rows[2]);
    }
    let typed = home.json(&["run", &home.arg("m.plan"), "-i", &row]);
    assert_eq!(typed["outputs"]["probabilities"]["shape"], serde_json::json!([1, 10]));
}

#[test]
fn batches_share_one_copy_of_the_weights() {
    let home = Home::new();
    let one = home.json(&["compile", &evidence(MODEL), "-o", &home.arg("one.plan")]);
    let many = home.json(&["compile", &evidence(MODEL), "-o", &home.arg("many.plan"), "--entry-batches", "1,8"]);
    assert_eq!(many["entries"].as_array().unwrap().len(), 2);
    assert_eq!(one["constant_bytes"], many["constant_bytes"]);
    let shown = home.json(&["inspect", &home.arg("many.plan")]);
    assert_eq!(shown["entries"][1]["inputs"][0]["shape"], serde_json::json!([8, 1, 8, 8]));
}

#[test]
fn recorded_outputs_agree_and_a_changed_one_is_found() {
    let home = Home::new();
    let verified = home.json(&["verify", &evidence(MODEL), "--cases", &evidence("digits-cnn/cases"), "--fast"]);
    assert_eq!(verified["disagreements"], 0);
    assert!(verified["cases"].as_u64().unwrap() >= 2);
    // The outputs of one case beside the inputs of another.
    std::fs::create_dir(home.path("swapped")).unwrap();
    for (from, to) in [("case0.in.npz", "a.in.npz"), ("case1.out.npz", "a.out.npz")] {
        std::fs::copy(evidence(&format!("digits-cnn/cases/{from}")), home.path("swapped").join(to)).unwrap();
    }
    let answer = home.mote(&["verify", &evidence(MODEL), "--cases", &home.arg("swapped")]);
    assert_eq!(answer.exit, 1, "{}", answer.stderr);
    assert!(answer.stdout.contains("WRONG probabilities"), "{}", answer.stdout);
}

#[test]
fn a_modules_own_code_is_compared_with_its_plan() {
    let home = Home::new();
    home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.wasm")]);
    assert_eq!(home.json(&["verify", &home.arg("m.wasm")])["identical"], true);
    // One constant of the code, found by its opcode: i32.const 5 becomes i32.const 4, still a valid module.
    let mut wasm = std::fs::read(home.path("m.wasm")).unwrap();
    let at = wasm.windows(3).rposition(|window| window == [0x41, 0x00, 0x0b]).unwrap();
    wasm[at + 1] = 1;
    std::fs::write(home.path("changed.wasm"), wasm).unwrap();
    let answer = home.mote(&["verify", &home.arg("changed.wasm")]);
    assert!(matches!(answer.exit, 1 | 3), "{}", answer.stderr);
}

#[test]
fn seals_open_with_the_right_key_only() {
    let home = Home::new();
    home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.plan")]);
    let key = home.json(&["keygen", "-o", &home.arg("publisher.key")]);
    assert_eq!(key["standing"], "production");
    let (secret, public) = (home.arg("publisher.key"), home.arg("publisher.key.pub"));
    let signed = home.json(&["sign", &home.arg("m.plan"), "--key", &secret, "--version", "9", "--floor", "7"]);
    assert_eq!((&signed["version"], &signed["floor"]), (&9.into(), &7.into()));
    let sealed = home.arg("m.mote");
    assert_eq!(home.fails(&["open", &sealed]), (3, "seal.refused".into()));
    let opened = home.json(&["open", &sealed, "--keys", &public, "-o", &home.arg("out.plan")]);
    assert_eq!((&opened["key"]["id"], &opened["artifact"]), (&key["id"], &signed["artifact"]));
    assert!(std::fs::read(home.path("out.plan")).unwrap() == std::fs::read(home.path("m.plan")).unwrap());
    assert_eq!(home.fails(&["run", &sealed, "-i", &evidence(CASE)]), (3, "seal.refused".into()));
    home.json(&["run", &sealed, "-i", &evidence(CASE), "--keys", &public]);
    let mut bytes = std::fs::read(&sealed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(home.path("tampered.mote"), bytes).unwrap();
    assert_eq!(home.fails(&["run", &home.arg("tampered.mote"), "-i", &evidence(CASE), "--keys", &public]).0, 3);
    // A secret key is never overwritten, and an assignment key signs no release.
    assert_eq!(home.fails(&["keygen", "-o", &secret]), (2, "key.unwritable".into()));
    home.json(&["keygen", "-o", &home.arg("orders.key"), "--role", "assignment"]);
    assert_eq!(
        home.fails(&["sign", &home.arg("m.plan"), "--key", &home.arg("orders.key")]),
        (2, "seal.unsignable".into())
    );
}
