//! What Rust files may hold, and where.

use std::path::Path;

use crate::none;
use crate::tree::{self, File};

/// Names for what nobody found a noun for.
const DRAWERS: [&str; 8] = ["utils", "util", "common", "misc", "helpers", "helper", "shared", "stuff"];

/// The only places with unsafe code: paths that start so, each justified in `CONTRIBUTING.md`.
const UNSAFE_PLACES: [&str; 5] = [
    "runtime/kernels/src/arch",
    "runtime/engine/src/arena.rs",
    "runtime/host/src/cache.rs",
    "guest/src/exports.rs",
    "firmware/boards/",
];

/// The only places that ask for the target.
const TARGET_PLACES: [&str; 5] =
    ["runtime/kernels/src/arch", "runtime/kernels/src/select.rs", "guest/src/", "web/", "firmware/"];

fn is_in(file: &File, places: &[&str]) -> bool {
    places.iter().any(|place| file.path.starts_with(place))
}

/// One finding for each line of code for which `wrong` holds.
fn lines(files: &[File], wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.code().filter(|(_, line)| wrong(line)) {
            findings.push(format!("{}:{number}: {}", file.path, line.trim()));
        }
    }
    findings
}

#[test]
fn no_file_is_a_drawer() {
    let drawer = |file: &File| {
        let path = Path::new(&file.path).with_extension("");
        path.components().any(|part| DRAWERS.iter().any(|drawer| part.as_os_str() == *drawer))
    };
    let files = tree::files(&[".rs", ".py", ".js", ".mjs", ".ts"]);
    none("files named for no noun", files.into_iter().filter(drawer).map(|file| file.path));
}

#[test]
fn rust_is_ascii() {
    let findings = tree::rust().into_iter().flat_map(|file| {
        let lines = file.text.lines().enumerate().filter(|(_, line)| !line.is_ascii());
        lines.map(|(at, line)| format!("{}:{}: {line}", file.path, at + 1)).collect::<Vec<_>>()
    });
    none("characters beyond ASCII", findings);
}

#[test]
fn unsafe_code_stays_in_its_places() {
    let files: Vec<File> = tree::rust().into_iter().filter(|file| !is_in(file, &UNSAFE_PLACES)).collect();
    let forms = ["unsafe {", "unsafe fn ", "unsafe impl ", "unsafe trait ", "unsafe extern ", "#[unsafe("];
    none(
        "unsafe code elsewhere",
        lines(&files, |line| !line.contains('"') && forms.iter().any(|form| line.contains(form))),
    );
}

#[test]
fn only_select_and_arch_ask_for_the_target() {
    let files: Vec<File> = tree::rust().into_iter().filter(|file| !is_in(file, &TARGET_PLACES)).collect();
    let conditions = ["cfg(", "cfg!(", "cfg_attr("];
    none(
        "questions about the target elsewhere",
        lines(&files, |line| {
            let asks = conditions.iter().any(|condition| line.contains(condition));
            asks && line.contains(concat!("target", "_"))
        }),
    );
}

#[test]
fn nothing_is_unwrapped_outside_tests() {
    let files: Vec<File> = tree::rust().into_iter().filter(|file| !file.is_test()).collect();
    none("unwrap", lines(&files, |line| line.contains(".unwrap()")));
}

#[test]
fn no_test_is_set_aside() {
    let set_aside = concat!("#[", "ignore");
    let files: Vec<File> = tree::rust().into_iter().filter(File::is_test).collect();
    none("tests set aside", lines(&files, |line| line.trim_start().starts_with(set_aside)));
}
