//! `mote run --stream`: state is carried from frame to frame, on every host alike.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

#[path = "../../../tests/src/evidence.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod evidence;
#[path = "../../../tests/src/npz.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod npz;
#[path = "../../../tests/src/onnx.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod onnx;
#[path = "../../../tests/src/protobuf.rs"]
#[allow(dead_code, unreachable_pub, reason = "the whole-system tests share it, and use more of it")]
mod protobuf;
mod support;

use evidence::{Corpus, Tolerance};
use support::Home;

/// `h_out = h + x` and `y = h + x`, for two values.
fn totals() -> Vec<u8> {
    let value = |name| onnx::value(name, onnx::element::F32, &["1", "2"]);
    let nodes = ["y", "h_out"].map(|output| onnx::node("Add", &["h", "x"], &[output], &[]));
    onnx::model(17, &onnx::graph(&nodes, &[], &[value("x"), value("h")], &[value("y"), value("h_out")]))
}

#[test]
fn state_is_recognised_and_carried() {
    let home = Home::new();
    std::fs::write(home.path("totals.onnx"), totals()).unwrap();
    std::fs::write(home.path("frames.csv"), "1,10\n2,20\n3,30\n").unwrap();
    let (model, frames, wasm) = (home.arg("totals.onnx"), home.arg("frames.csv"), home.arg("totals.wasm"));
    let made = home.json(&["compile", &model, "-o", &wasm]);
    assert_eq!(made["state"][0]["input"], "h");
    for way in [&[&model[..]][..], &[&model, "--host", "native"], &[&wasm], &[&wasm, "--code", "file"]] {
        let ran = home.json(&[&["run"], way, &["--stream", &frames]].concat());
        assert_eq!(ran["calls"], 3, "{way:?}");
        assert_eq!(ran["outputs"].as_object().unwrap().len(), 1, "the state is no answer: {ran}");
        let y = ran["outputs"]["y"]["data"].to_string().replace(".0", "");
        assert_eq!(y, "[[[1,10]],[[3,30]],[[6,60]]]", "{way:?}");
    }
    let apart = home.fails(&["run", &model, "--state", "none", "--stream", &frames]);
    assert_eq!(apart, (4, "input.missing".into()));
    assert_eq!(home.fails(&["compile", &model, "-o", &wasm, "--state", "y=x2"]), (3, "E-COMPILE-STATE".into()));
    assert_eq!(home.fails(&["run", &wasm, "--state", "y=h", "--stream", &frames]), (2, "usage.state".into()));
}

#[test]
fn recorded_streams_agree_frame_by_frame() {
    let Some(corpus) = Corpus::find("recorded streams") else { return };
    let mut streams = 0;
    for entry in corpus.entries().iter().filter(|entry| entry["stream"].is_object()) {
        let path = |value: &serde_json::Value| corpus.root().join(value.as_str().unwrap()).display().to_string();
        let (model, stream) = (path(&entry["model"]), path(&entry["stream"]["file"]));
        let pairs = entry["stream"]["state"].as_array().unwrap().iter();
        let pairs: Vec<String> =
            pairs.map(|pair| format!("{}={}", pair[1].as_str().unwrap(), pair[0].as_str().unwrap())).collect();
        let stated: Vec<&str> = pairs.iter().flat_map(|pair| ["--state", pair]).collect();
        let home = Home::new();
        let output = home.arg("out.npz");
        let mut answers = Vec::new();
        for host in ["native", "wasmtime"] {
            let args = ["run", &model, "--stream", &stream, "--host", host, "--output", &output];
            let answer = home.mote(&[&args, &stated[..]].concat());
            assert_eq!(answer.exit, 0, "{model}: {}", answer.stderr);
            answers.push(npz::read(home.path("out.npz").as_path()));
        }
        let [native, wasmtime] = &answers[..] else { unreachable!("two hosts") };
        let tolerance = Tolerance::of(&entry["tolerance"]);
        for want in npz::read(stream.as_ref()) {
            let Some(name) = want.name.strip_prefix("out:") else { continue };
            let find = |all: &[npz::Array]| all.iter().find(|array| array.name == name).cloned().unwrap();
            let (got, guest) = (find(native), find(wasmtime));
            assert!(got.bytes == guest.bytes, "{model}: `{name}` differs between the hosts");
            assert_eq!(got.dims, want.dims, "{model}: `{name}`");
            assert!(
                tolerance.difference(&got, &want).is_none(),
                "{model}: `{name}` {:?}",
                tolerance.difference(&got, &want)
            );
        }
        streams += 1;
    }
    assert_eq!(streams, 4);
}
