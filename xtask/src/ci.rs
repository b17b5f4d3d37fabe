//! `cargo xtask ci`: everything a change must pass. What fails fast comes first, and the tests' count comes last.

use std::fs;

use crate::run::{Failure, cargo, run, succeeds};
use crate::{demo, setup, test, tools, workspace};

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::Argument(argument.clone()));
    }
    setup::verb(&[])?;
    tools::provide();
    run(cargo("fmt").args(["--all", "--check"]))?;
    // The boards are a workspace of their own: nothing here builds for the host.
    run(cargo("fmt").args(["--check", "--manifest-path", "firmware/boards/mps2/Cargo.toml"]))?;
    run(cargo("clippy").args(["--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    run(cargo("doc").args(["--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", "--deny warnings"))?;
    dependencies()?;
    demo::verb(&["--once".to_owned()])?;
    sizes()?;
    test::verb(&[])
}

/// `cargo deny`, where it is installed. Advisories come from a repository that may be out of reach; the rest never is.
fn dependencies() -> Result<(), Failure> {
    if !succeeds(cargo("deny").arg("--version")) {
        eprintln!("cargo-deny is not installed: licences are held by tidy, advisories are not checked.");
        return Ok(());
    }
    run(cargo("deny").args(["check", "bans", "licenses", "sources"]))?;
    if !succeeds(cargo("deny").arg("fetch")) {
        eprintln!("The advisory database cannot be reached: advisories are not checked.");
        return Ok(());
    }
    run(cargo("deny").args(["check", "advisories"]))
}

/// Compiles every model and shows what it became.
fn sizes() -> Result<(), Failure> {
    let out = workspace::target().join("xtask/sizes");
    fs::create_dir_all(&out).map_err(|source| Failure::File { path: out.clone(), source })?;
    let mut rows = Vec::new();
    for folder in workspace::folders(&workspace::root().join("models")) {
        let model = folder.join("model.onnx");
        if !model.is_file() {
            continue;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let module = out.join(format!("{name}.wasm"));
        run(cargo("run").args(["--quiet", "--bin", "mote", "--", "compile"]).arg(&model).arg("-o").arg(&module))?;
        rows.push((name, workspace::file_bytes(&model)?, workspace::file_bytes(&module)?));
    }
    println!("{:<24} {:>10} {:>10}", "model", "onnx bytes", "wasm bytes");
    for (name, onnx, wasm) in rows {
        println!("{name:<24} {onnx:>10} {wasm:>10}");
    }
    Ok(())
}
