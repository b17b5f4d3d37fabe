//! What the program refuses, with which exit code and word.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod support;

use std::io::Write;

use support::{Home, evidence};

const MODEL: &str = "digits-cnn/model.onnx";
const CASE: &str = "digits-cnn/cases/case0.in.npz";

/// An npz with one stored array; its header says `descr` and `shape`.
fn npz(path: &std::path::Path, name: &str, descr: &str, shape: &str, bytes: usize) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    archive.write_all(b"\x93NUMPY\x01\x00").unwrap();
    archive.write_all(&(header.len() as u16).to_le_bytes()).unwrap();
    archive.write_all(header.as_bytes()).unwrap();
    archive.write_all(&vec![0; bytes]).unwrap();
    archive.finish().unwrap();
}

#[test]
fn inputs_that_do_not_fit_are_refused_with_4() {
    let home = Home::new();
    let table = [
        ("name", "digit", "<f4", "1, 1, 8, 8", 256, "input.missing"),
        ("rank", "image", "<f4", "1, 8, 8", 256, "E-IMPORT-INPUT"),
        ("size", "image", "<f4", "1, 1, 8, 9", 288, "E-IMPORT-INPUT"),
        ("type", "image", "<f8", "1, 1, 8, 8", 512, "input.type"),
        ("half", "image", "<f2", "1, 1, 8, 8", 128, "input.type"),
        ("text", "image", "<U1", "1, 1, 8, 8", 256, "input.type"),
        ("short", "image", "<f4", "1, 1, 8, 8", 255, "input.damaged"),
        ("bomb", "image", "<f4", "1099511627776, 1, 8, 8", 64, "input.too-large"),
    ];
    for (file, name, descr, shape, bytes, code) in table {
        let path = home.path(&format!("{file}.npz"));
        npz(&path, name, descr, shape, bytes);
        let (exit, got) = home.fails(&["run", &evidence(MODEL), "-i", &path.display().to_string()]);
        assert_eq!((exit, got.as_str()), (4, code), "{file}");
    }
    std::fs::write(home.path("garbage.npz"), b"PK\x03\x04 and then nothing").unwrap();
    std::fs::write(home.path("garbage.json"), b"{\"image\": [1, [2]]}").unwrap();
    std::fs::write(home.path("garbage.csv"), b"1,2\n3,many\n").unwrap();
    std::fs::write(home.path("empty.csv"), b"").unwrap();
    for (file, code) in [
        ("garbage.npz", "input.damaged"),
        ("garbage.json", "input.json"),
        ("garbage.csv", "input.csv"),
        ("empty.csv", "input.csv"),
        ("absent.npz", "input.unreadable"),
    ] {
        assert_eq!(home.fails(&["run", &evidence(MODEL), "-i", &home.arg(file)]), (4, code.into()), "{file}");
    }
    assert_eq!(home.fails(&["run", &evidence(MODEL)]), (4, "input.missing".into()));
}

#[test]
fn compiled_models_take_exactly_their_shape() {
    let home = Home::new();
    home.json(&["compile", &evidence(MODEL), "-o", &home.arg("m.plan")]);
    npz(&home.path("two.npz"), "image", "<f4", "2, 1, 8, 8", 512);
    assert_eq!(home.fails(&["run", &home.arg("m.plan"), "-i", &home.arg("two.npz")]), (4, "input.shape".into()));
    npz(&home.path("nameless.npz"), "arr_0", "<f4", "1, 1, 8, 8", 256);
    home.json(&["run", &home.arg("m.plan"), "-i", &home.arg("nameless.npz")]);
}

#[test]
fn models_that_are_none_are_refused_with_3() {
    let home = Home::new();
    let good = std::fs::read(evidence(MODEL)).unwrap();
    let table: [(&str, Vec<u8>); 6] = [
        ("empty.onnx", Vec::new()),
        ("half.onnx", good[..good.len() / 2].to_vec()),
        ("noise.onnx", (0..2000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("plan.plan", b"MOTEPLAN and no more".to_vec()),
        ("wasm.wasm", b"\0asm\x01\0\0\0".to_vec()),
        ("seal.mote", b"\x89MOTE\r\n\x1a\x01\0\0\0".to_vec()),
    ];
    for (name, bytes) in table {
        std::fs::write(home.path(name), bytes).unwrap();
        let (exit, code) = home.fails(&["run", &home.arg(name), "-i", &evidence(CASE)]);
        assert_eq!(exit, 3, "{name}: {code}");
    }
    assert_eq!(home.fails(&["run", &home.arg("absent.onnx")]), (3, "model.unreadable".into()));
    assert_eq!(home.fails(&["run", &home.arg("wasm.wasm"), "--foreign", "sandbox"]).0, 3);
}

#[test]
fn damaged_plans_and_modules_never_crash() {
    let home = Home::new();
    for kind in ["wasm", "plan"] {
        let name = home.arg(&format!("m.{kind}"));
        home.json(&["compile", &evidence(MODEL), "-o", &name]);
        let good = std::fs::read(&name).unwrap();
        for at in [9, 40, 70, 120, 200, 1000] {
            let mut bytes = good.clone();
            bytes[at] ^= 0x55;
            let damaged = home.arg(&format!("d{at}.{kind}"));
            std::fs::write(&damaged, bytes).unwrap();
            for host in ["wasmtime", "native"] {
                let answer = home.mote(&["run", &damaged, "-i", &evidence(CASE), "--host", host, "-q"]);
                assert!(matches!(answer.exit, 0 | 3 | 4 | 5), "{kind} at {at} on {host}: {}", answer.stderr);
            }
        }
    }
}

#[test]
fn wrong_command_lines_are_refused_with_2() {
    let home = Home::new();
    let model = evidence(MODEL);
    for args in [
        vec!["predict"],
        vec!["run"],
        vec!["run", &model, "--host", "gpu"],
        vec!["run", &model, "--dim", "batch"],
        vec!["compile", &model, "-o", "x.wasm", "--flavour", "strict-arm"],
        vec!["inspect", &model, "--stage", "soul"],
        vec!["bench", &model, "--runs", "0"],
    ] {
        assert_eq!(home.mote(&args).exit, 2, "{args:?}");
    }
    assert_eq!(home.fails(&["compile", &model, "-o", "x.exe"]), (2, "output.format".into()));
    assert_eq!(home.fails(&["verify", &model]), (2, "verify.cases".into()));
    assert_eq!(home.fails(&["run", &model, "-i", &evidence(CASE), "-o", "out.txt"]), (2, "output.format".into()));
    home.json(&["compile", &model, "-o", &home.arg("m.plan")]);
    assert_eq!(home.fails(&["run", &home.arg("m.plan"), "--dim", "batch=2"]), (2, "usage.dim".into()));
    assert_eq!(home.fails(&["inspect", &home.arg("m.plan"), "--stage", "graph"]), (2, "inspect.stage".into()));
    assert_eq!(home.fails(&["run", &home.arg("m.plan"), "--code", "file", "-i", &evidence(CASE)]).0, 3);
}

#[test]
fn errors_for_people_name_culprit_and_remedy() {
    let home = Home::new();
    npz(&home.path("x.npz"), "digit", "<f4", "1, 1, 8, 8", 256);
    let answer = home.mote(&["run", &evidence(MODEL), "-i", &home.arg("x.npz")]);
    for part in ["input.missing", "image", "digit", "name the arrays"] {
        assert!(answer.stderr.contains(part), "{part} in {}", answer.stderr);
    }
}
