//! Where things are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::Failure;

/// The workspace's root, where cargo compiled this program from.
pub(crate) fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// The target directory; what a verb makes for itself goes below it.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Waits for another process that works in `folder`, and keeps others out until the answer is dropped.
pub(crate) fn turn(folder: &Path) -> Result<fs::File, Failure> {
    let path = folder.join(".lock");
    let locked = || {
        fs::create_dir_all(folder)?;
        let file = fs::File::create(&path)?;
        file.lock()?;
        Ok(file)
    };
    locked().map_err(|source| Failure::File { path: path.clone(), source })
}

/// The folders of a folder, sorted, hidden ones left out; empty if there is no such folder.
pub(crate) fn folders(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !path.file_name().unwrap_or_default().to_string_lossy().starts_with('.'))
        .collect();
    found.sort();
    found
}

/// Bytes of a file.
pub(crate) fn file_bytes(path: &Path) -> Result<u64, Failure> {
    fs::metadata(path).map(|data| data.len()).map_err(|source| Failure::File { path: path.into(), source })
}

/// Waits for whoever makes the same thing below the target directory at this moment. Holds until the file is dropped.
pub(crate) fn lock(thing: &Path) -> Result<fs::File, Failure> {
    let path = thing.with_extension("lock");
    let failed = |source| Failure::File { path: path.clone(), source };
    fs::create_dir_all(path.parent().unwrap_or(thing)).map_err(failed)?;
    let file = fs::File::create(&path).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}
