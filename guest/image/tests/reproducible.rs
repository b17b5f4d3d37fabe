//! The image does not depend on where it is built: a copy of the workspace elsewhere gives the same bytes.
//! It is among the slow tests (`cargo xtask test --long`), since it compiles `core` again.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(unreachable_pub, reason = "the build script's module, read here by path")]

#[path = "../build/compile.rs"]
mod compile;

use std::env;
use std::fs;
use std::path::Path;

use mote_guest_image::image;

/// What cargo reads of a workspace, whichever package it builds.
const PARTS: [&str; 8] = ["Cargo.toml", "Cargo.lock", "firmware", "guest", "runtime", "tests", "web", "xtask"];
const PRODUCTS: [&str; 3] = ["target", "node_modules", "__pycache__"];

#[test]
fn another_folder_gives_the_same_bytes() {
    if env::var_os("MOTE_LONG").is_none() {
        eprintln!("skipped another_folder_gives_the_same_bytes: a slow test, see `cargo xtask test --long`");
        return;
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    for part in PARTS {
        copy(&workspace.join(part), &elsewhere.path().join("deeper").join(part));
    }
    let toolchain = mote_toolchain::resolve(mote_toolchain::GUEST_TARGET).unwrap();
    let copy = elsewhere.path().join("deeper");
    let wasm = compile::guest(&toolchain, &copy, &elsewhere.path().join("built")).unwrap();
    println!("measured: the guest image, {} bytes, built in another folder: the same bytes", wasm.len());
    assert!(wasm == image().wasm, "{} bytes here, {} there", image().wasm.len(), wasm.len());
}

fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
        return;
    }
    for entry in fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name();
        if !PRODUCTS.iter().any(|product| name == *product) {
            copy(&entry.path(), &to.join(name));
        }
    }
}
