//! The gateway's HTTP side, over a real socket: Open Inference Protocol version 2 in JSON, and the metrics.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use mote_compiler::{CompileOptions, compile};
use mote_engine::Arena;
use mote_gateway::background::Background;
use mote_gateway::config::Config;
use mote_gateway::serve::{self, Gateway};
use mote_plan::{AlignedBytes, Plan};
use mote_seal::Kind;
use mote_tests::evidence::models_folder;
use mote_tests::signed::Signed;
use mote_weld::Image;
use serde_json::{Value, json};

/// A gateway that serves the digits model, and the folder that it keeps.
struct Site {
    background: Background,
    gateway: Option<Gateway>,
    plan: Vec<u8>,
    _folder: tempfile::TempDir,
}

impl Site {
    fn start() -> Self {
        let onnx = std::fs::read(models_folder().join("digits-cnn/model.onnx")).unwrap();
        let options = CompileOptions { name: "test".into(), version: 1, ..CompileOptions::default() };
        let plan = compile(&onnx, &options).unwrap().plan;
        let signed = Signed::new(plan.clone(), Kind::Plan);
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        std::fs::create_dir(place("models")).unwrap();
        std::fs::write(place("models/digits.mote"), signed.sealed()).unwrap();
        std::fs::write(place("keys"), signed.key_text()).unwrap();
        let text = "[gateway]\nname = \"gw\"\nfleet = \"plant\"\nmodels = \"models\"\nstate = \"state\"\nkeys = \"keys\"\n\
                    [http]\nlisten = \"127.0.0.1:0\"\nmax_body_bytes = 65536\n";
        std::fs::write(place("mote.toml"), text).unwrap();
        let image = mote_guest_image::image();
        let image = Image { wasm: image.wasm, digest: image.digest };
        let background = Background::start().unwrap();
        let config = Config::load(&place("mote.toml")).unwrap();
        let gateway = background.wait(serve::start(config, image)).unwrap();
        Self { background, gateway: Some(gateway), plan, _folder: folder }
    }

    fn address(&self) -> SocketAddr {
        self.gateway.as_ref().unwrap().http
    }

    /// Status, content type and body.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
        (status, kind.to_owned(), body.to_owned())
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, kind, text) = self.ask(method, path, &body);
        assert_eq!(kind, "application/json", "{method} {path}");
        (status, serde_json::from_str(&text).unwrap())
    }

    /// What the native engine makes of an input.
    fn native(&self, input: &[f32]) -> Vec<f32> {
        let bytes = AlignedBytes::copy_of(&self.plan);
        let plan = Plan::view(&bytes).unwrap();
        let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
        let mut arena = Arena::new(&mut memory).unwrap();
        let raw: Vec<u8> = input.iter().flat_map(|value| value.to_le_bytes()).collect();
        mote_engine::input_mut(&plan, 0, 0, &mut arena).unwrap().copy_from_slice(&raw);
        mote_engine::run(&plan, 0, &mut arena).unwrap();
        let output = mote_engine::output(&plan, 0, 0, &arena).unwrap();
        output.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect()
    }
}

fn pixels() -> Vec<f32> {
    (0..64u8).map(|i| f32::from(i % 17)).collect()
}

fn request(data: Value) -> Value {
    json!({ "id": "7", "inputs": [{ "name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "data": data }] })
}

#[test]
fn a_gateway_answers_the_open_inference_protocol() {
    let mut site = Site::start();

    for (path, expected) in [
        ("/v2/health/live", json!({ "live": true })),
        ("/v2/health/ready?probe=1", json!({ "live": true, "ready": true })),
        ("/v2/models", json!({ "models": ["test"] })),
        ("/v2/models/test/ready", json!({ "name": "test", "ready": true })),
        ("/v2/models/test/versions/1/ready", json!({ "name": "test", "ready": true })),
    ] {
        assert_eq!(site.json("GET", path, &Value::Null), (200, expected), "{path}");
    }
    let (_, metadata) = site.json("GET", "/v2/models/test", &Value::Null);
    assert_eq!(metadata["inputs"], json!([{ "name": "image", "datatype": "FP32", "shape": [1, 1, 8, 8] }]));
    assert_eq!((&metadata["platform"], &metadata["versions"]), (&json!("mote_wasm"), &json!(["1"])));

    // Flat or nested, the answer has the bits of the native engine.
    let rows: Vec<&[f32]> = pixels().leak().chunks(8).collect();
    for data in [json!(pixels()), json!([[rows]])] {
        let (status, answer) = site.json("POST", "/v2/models/test/infer", &request(data));
        assert_eq!((status, &answer["id"], &answer["model_version"]), (200, &json!("7"), &json!("1")), "{answer}");
        let output = &answer["outputs"][0];
        assert_eq!((&output["name"], &output["shape"]), (&json!("probabilities"), &json!([1, 10])));
        let scores: Vec<f32> = serde_json::from_value(output["data"].clone()).unwrap();
        assert_eq!(scores, site.native(&pixels()));
    }

    // Every refusal is JSON with an `error` that names the culprit.
    let wrong = |pointer: &str, value: Value| {
        let mut request = request(json!(pixels()));
        *request.pointer_mut(pointer).unwrap() = value;
        request
    };
    for (path, body, status, word) in [
        ("/v2/models/none/infer", request(json!(pixels())), 404, "unknown model: 'none'"),
        ("/v2/models/test/versions/2/infer", request(json!(pixels())), 404, "version 2"),
        ("/v2/models/test/infer", json!({ "inputs": 1 }), 400, "not an inference request"),
        ("/v2/models/test/infer", wrong("/inputs/0/name", json!("x")), 400, "\"image\" is missing"),
        ("/v2/models/test/infer", wrong("/inputs/0/datatype", json!("INT8")), 400, "takes FP32"),
        ("/v2/models/test/infer", wrong("/inputs/0/shape", json!([8, 8])), 400, "has shape [8, 8]"),
        ("/v2/models/test/infer", request(json!([1, 2])), 400, "holds 2 elements"),
        ("/v2/models/test/infer", request(json!("x".repeat(70_000))), 413, "limit"),
        ("/v2/nothing", Value::Null, 404, "no such path"),
    ] {
        let (got, answer) = site.json("POST", path, &body);
        let error = answer["error"].as_str().unwrap().to_owned();
        assert!(got == status && error.contains(word), "{path}: {got} {error}");
    }

    let (status, kind, metrics) = site.ask("GET", "/metrics", "");
    assert!(status == 200 && kind.starts_with("application/openmetrics-text"), "{status} {kind}");
    let line = "mote_inference_requests_total{model=\"test\",version=\"1\",outcome=\"Success\"} 2";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");

    let address = site.address();
    site.background.wait(site.gateway.take().unwrap().shutdown());
    assert!(TcpStream::connect(address).is_err(), "nobody listens after the shutdown");
}
