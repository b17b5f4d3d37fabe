//! Equal models give equal Plans and Modules: in another process, another folder, another environment.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::process::Command;

use mote_compiler::{CompileOptions, compile};
use mote_plan::{AlignedBytes, Plan};
use mote_seal::Digest;
use mote_tests::evidence;
use mote_weld::{Flavour, Image};

/// Names the file that this test writes its digests to when it is started by itself.
const DIGESTS: &str = "MOTE_TEST_DIGESTS";

#[test]
fn plans_and_modules_are_the_same_bytes_everywhere() {
    if let Some(path) = std::env::var_os(DIGESTS) {
        return std::fs::write(path, digests()).unwrap();
    }
    let here = digests();
    let folder = tempfile::tempdir().unwrap();
    for (run, language) in ["C", "de_DE.UTF-8"].into_iter().enumerate() {
        let path: PathBuf = folder.path().join(format!("{run}.txt"));
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "plans_and_modules_are_the_same_bytes_everywhere"])
            .env_clear()
            .env("LANG", language)
            .env(DIGESTS, &path)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), here, "LANG={language}");
    }
    print!("{here}");
}

/// A line for each Plan and each of its Modules.
fn digests() -> String {
    let image = mote_guest_image::image();
    let image = Image { wasm: image.wasm, digest: image.digest };
    let mut lines = String::new();
    for model in evidence::models() {
        let folder = model.model.parent().unwrap().to_owned();
        let import = mote_compiler::import::ImportOptions { folder: Some(folder), ..Default::default() };
        let options = CompileOptions { name: "determinism".to_owned(), import, ..CompileOptions::default() };
        let compiled = compile(&model.bytes(), &options).unwrap();
        let bytes = AlignedBytes::copy_of(&compiled.plan);
        let plan = Plan::view(&bytes).unwrap();
        lines += &format!("{} plan {}\n", model.name, Digest::of(&bytes));
        for flavour in Flavour::ALL {
            let module = mote_weld::module(&plan, flavour, &image).unwrap();
            lines += &format!("{} {flavour} {}\n", model.name, Digest::of(&module));
        }
    }
    lines
}
