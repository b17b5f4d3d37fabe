//! `cargo xtask web`: the browser package, from the crate and the TypeScript beside it to a folder that npm would pack.
//!
//! Nothing generated is committed and nothing is written outside the target directory: the TypeScript is built in a copy.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use mote_toolchain::{Library, Toolchain};

use crate::run::{Failure, cargo, run};
use crate::{npm, playground, setup, tools, workspace};

/// What wasm engines of the last years have; a model's module needs it anyway.
const FEATURES: &str = "-Ctarget-feature=+simd128,+bulk-memory";

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::Argument(argument.clone()));
    }
    match npm::absent() {
        Some(reason) => eprintln!("The browser package is not built: {reason}."),
        None => {
            let package = package()?;
            eprintln!("browser package: {}", package.display());
            eprintln!("playground: {}", playground::build(&package)?.display());
        }
    }
    Ok(())
}

/// Builds the package where anything it is made of has changed, and answers its folder.
pub(crate) fn package() -> Result<PathBuf, Failure> {
    let web = workspace::target().join("web");
    let (stage, package) = (web.join("stage"), web.join("package"));
    let _turn = workspace::turn(&web)?;
    let _turn = workspace::lock(&package)?;
    let toolchain = setup::toolchain()?;
    let module = module(&toolchain, &web.join("cargo"))?;
    run(cargo("build").args(["--quiet", "--workspace", "--bin", "mote-bindgen"]))?;
    let bindgen = workspace::target().join("debug").join(format!("mote-bindgen{}", std::env::consts::EXE_SUFFIX));

    let sources = workspace::root().join("web/package");
    let inputs = [files(&sources)?, vec![module.clone(), bindgen.clone()]].concat();
    let print = fingerprint(&inputs)?;
    let stamp = web.join("package.stamp");
    if package.is_dir() && fs::read_to_string(&stamp).is_ok_and(|old| old == print) {
        return Ok(package);
    }
    // A build that fails half-way must not pass for the one before.
    let _ = fs::remove_file(&stamp);
    let generated = stage.join("src/generated");
    for folder in [&stage.join("src"), &stage.join("examples")] {
        if folder.is_dir() {
            fs::remove_dir_all(folder).map_err(|source| Failure::File { path: folder.clone(), source })?;
        }
    }
    npm::install(&stage, &sources.join("package.json"))?;
    copy(&sources, &stage)?;
    run(Command::new(bindgen).arg(&module).arg(&generated).arg("mote_web"))?;
    let node = tools::find("node").unwrap_or_else(|| "node".into());
    run(Command::new(node).current_dir(&stage).arg("build.mjs").arg(&package))?;
    fs::write(&stamp, print).map_err(|source| Failure::File { path: stamp, source })?;
    Ok(package)
}

/// The crate as a module, in a target directory of its own: a nested cargo must not wait for the outer one's lock.
fn module(toolchain: &Toolchain, target: &Path) -> Result<PathBuf, Failure> {
    let flags = [vec![FEATURES.to_owned()], toolchain.remap(workspace::root(), target)].concat();
    let mut cargo = toolchain.cargo("build", Library::Std, &flags);
    cargo.current_dir(workspace::root());
    cargo
        .args(["--quiet", "--locked", "--package", "mote-web", "--lib", "--profile", "web", "--target-dir"])
        .arg(target);
    run(&mut cargo)?;
    Ok(target.join(&toolchain.target).join("web/mote_web.wasm"))
}

/// Every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |source| Failure::File { path: folder.into(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    for path in files(from)? {
        let Ok(relative) = path.strip_prefix(from) else { continue };
        let target = to.join(relative);
        let folder = target.parent().unwrap_or(to);
        fs::create_dir_all(folder)
            .and_then(|()| fs::copy(&path, &target))
            .map_err(|source| Failure::File { path: target.clone(), source })?;
    }
    Ok(())
}

/// Changes when a file's name or bytes do.
pub(crate) fn fingerprint(files: &[PathBuf]) -> Result<String, Failure> {
    let mut hasher = DefaultHasher::new();
    for path in files {
        let bytes = fs::read(path).map_err(|source| Failure::File { path: path.clone(), source })?;
        (path, bytes).hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
