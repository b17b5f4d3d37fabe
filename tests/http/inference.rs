use std::net::TcpStream;

use serde_json::{Value, json};

use crate::site::Site;

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

    let reply = site.get("/metrics");
    let (kind, metrics) = (reply.header("content-type"), reply.text());
    assert!(reply.status == 200 && kind.starts_with("application/openmetrics-text"), "{} {kind}", reply.status);
    let line = "mote_inference_requests_total{model=\"test\",version=\"1\",outcome=\"Success\"} 2";
    assert!(metrics.lines().any(|found| found == line), "{metrics}");

    let address = site.address();
    site.stop();
    assert!(TcpStream::connect(address).is_err(), "nobody listens after the shutdown");
}
