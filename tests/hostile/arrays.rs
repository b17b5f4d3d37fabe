//! Arrays handed to the program: it answers 4 and a word, writes nothing and stays small.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::{Attack, MEMORY_KIB, PATIENCE, peak_memory_of, program};

/// How often the program is looked at while it runs.
const LOOK: Duration = Duration::from_millis(2);

/// An npy file: header of version 1 and data.
fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn npz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in members {
        archive.start_file(*name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// The image that the digits model takes, under a header that says so or otherwise.
fn image(descr: &str, shape: &str, bytes: usize) -> Vec<u8> {
    npz(&[("image.npy", &npy(descr, shape, &vec![0; bytes]))])
}

/// Runs the digits model on a file; answers `Input.` and the program's word for what is wrong.
fn run(file: &str, bytes: &[u8]) -> Option<String> {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("in").join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let mut child = Command::new(program::mote())
        .arg("run")
        .arg(program::repository().join("models/digits-cnn/model.onnx"))
        .arg("--input")
        .arg(&path)
        .args(["--json", "--quiet"])
        .env("MOTE_HOME", home.path().join("home"))
        .current_dir(home.path().join("in"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let mut looks = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak_memory_of(&child.id().to_string()).unwrap_or_default().max(peak);
        if looks > PATIENCE.as_millis() / LOOK.as_millis() {
            child.kill().unwrap();
        }
        looks += 1;
        std::thread::sleep(LOOK);
    }
    let output = child.wait_with_output().unwrap();
    let (text, code) = (String::from_utf8_lossy(&output.stderr), output.status.code());
    assert!(peak < MEMORY_KIB, "the program grew to {peak} KiB");
    assert_eq!(std::fs::read_dir(home.path().join("in")).unwrap().count(), 1, "the program wrote a file");
    if code == Some(0) {
        return None;
    }
    let error: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{code:?}: {text}"));
    assert_eq!(code, Some(4), "{text}");
    Some(format!("Input.{}", error["error"]["code"].as_str().unwrap()))
}

pub(crate) fn attacks() -> Vec<Attack> {
    let given = |name, error, bytes: Vec<u8>| Attack::new(name, error, move || run("in.npz", &bytes));
    let text =
        |name, error, file: &'static str, text: String| Attack::new(name, error, move || run(file, text.as_bytes()));
    let member = npy("<f4", "1, 1, 8, 8", &[0; 256]);
    let hidden = npy("<f4", "1, 1, 8, 8", &vec![0; 64 << 20]);
    let names: Vec<String> = (0..5000).map(|i| format!("a{i}.npy")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    vec![
        given("npz-bomb", "Input.input.too-large", image("<f4", "1099511627776, 1, 8, 8", 1 << 20)),
        given("npz-bomb-behind-a-small-header", "Input.input.damaged", npz(&[("image.npy", &hidden)])),
        given(
            "npz-of-2^128-elements",
            "Input.input.too-large",
            image("<f8", "18446744073709551615, 18446744073709551615", 8),
        ),
        given(
            "npz-traversal",
            "Input.input.missing",
            npz(&[("../../../escaped.npy", &member), ("/tmp/escaped.npy", &member)]),
        ),
        given("npz-of-5000-arrays", "Input.input.too-large", npz(&many)),
        given("npz-cut-off", "Input.input.damaged", {
            let whole = npz(&[("image.npy", &member)]);
            whole[..whole.len() / 2].to_vec()
        }),
        given("npy-wrong-shape", "Input.E-IMPORT-INPUT", image("<f4", "1, 1, 8, 9", 288)),
        given("npy-object-dtype", "Input.input.type", image("|O", "1, 1, 8, 8", 512)),
        given("npy-text-dtype", "Input.input.type", image("<U4", "1, 1, 8, 8", 1024)),
        given("npy-short-data", "Input.input.damaged", image("<f4", "1, 1, 8, 8", 255)),
        given(
            "npy-header-that-is-code",
            "Input.input.damaged",
            npz(&[("image.npy", b"\x93NUMPY\x01\x00\x20\x00__import__('os').system('true') ")]),
        ),
        text("json-nested-deep", "Input.input.json", "in.json", "[".repeat(1 << 20)),
        text("json-ragged", "Input.input.json", "in.json", "{\"image\": [[1, 2], [3]]}".to_owned()),
        text("csv-with-words", "Input.input.csv", "in.csv", "1,2\n3,=cmd()\n".to_owned()),
        text("input-of-nothing", "Input.input.csv", "in.csv", String::new()),
    ]
}
