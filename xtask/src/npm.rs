//! Folders below the target directory with npm packages of exact versions; nothing is installed into the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, run};
use crate::{tools, workspace};

/// The oldest node that has what the package and its tests need; that of Debian 12 is older.
const OLDEST_NODE: u32 = 20;

/// Why there is no npm, or none for a node that is recent enough: a sentence for people.
pub(crate) fn absent() -> Option<String> {
    let Some(node) = tools::find("node") else { return Some("node is not installed".to_owned()) };
    if tools::find("npm").is_none() {
        return Some("npm is not installed".to_owned());
    }
    let said = Command::new(node).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let version = String::from_utf8_lossy(&said).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    (major < Some(OLDEST_NODE)).then(|| format!("node is {version}, not {OLDEST_NODE} or later"))
}

/// The folder called `name` with the packages of `manifest`, a package.json that pins versions; made or renewed when
/// that file has changed.
pub(crate) fn environment(name: &str, manifest: &Path) -> Result<PathBuf, Failure> {
    let folder = workspace::target().join("npm").join(name);
    install(&folder, manifest)?;
    Ok(folder)
}

/// Installs the packages of `manifest` into `folder`, unless they are there.
pub(crate) fn install(folder: &Path, manifest: &Path) -> Result<(), Failure> {
    let _turn = workspace::lock(folder)?;
    let wanted = fs::read(manifest).map_err(|source| Failure::File { path: manifest.into(), source })?;
    let _turn = workspace::turn(folder)?;
    let modules = folder.join("node_modules");
    let stamp = modules.join("installed.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if modules.is_dir() {
        fs::remove_dir_all(&modules).map_err(|source| Failure::File { path: modules.clone(), source })?;
    }
    let own = folder.join("package.json");
    fs::write(&own, &wanted).map_err(|source| Failure::File { path: own, source })?;
    let mut npm = Command::new(tools::find("npm").unwrap_or_else(|| "npm".into()));
    npm.current_dir(folder);
    // No package gets to run a script of its own here; those that bring one work without.
    npm.args(["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]);
    run(&mut npm)?;
    fs::write(&stamp, wanted).map_err(|source| Failure::File { path: stamp, source })
}
