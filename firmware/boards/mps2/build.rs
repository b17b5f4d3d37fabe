//! Puts the memory map of the chosen board where the linker script `link.x` of cortex-m-rt looks for it.

use std::path::PathBuf;
use std::{env, fs};

const BOARDS: [&str; 4] = ["an386", "an500", "an505", "an547"];

fn main() {
    let chosen = |board: &&str| env::var_os(format!("CARGO_FEATURE_{}", board.to_uppercase())).is_some();
    let chosen: Vec<&str> = BOARDS.into_iter().filter(chosen).collect();
    let [board] = chosen[..] else {
        panic!("exactly one board is chosen by feature ({}), not {chosen:?}", BOARDS.join(", "));
    };
    let map = format!("memory/{board}.x");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the folder"));
    fs::copy(&map, out.join("memory.x")).expect("every board has a memory map");
    println!("cargo:rerun-if-changed={map}");
    println!("cargo:rustc-link-search={}", out.display());
    for argument in ["-Tlink.x", "--nmagic"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
