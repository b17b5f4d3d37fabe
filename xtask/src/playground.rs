//! The playground: from its TypeScript and the browser package to a folder that any server serves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Failure, run};
use crate::web::{copy, files, fingerprint};
use crate::{npm, tools, workspace};

/// Builds the page on the browser package in `package` where anything it is made of has changed, and answers its folder.
pub(crate) fn build(package: &Path) -> Result<PathBuf, Failure> {
    let sources = workspace::root().join("web/playground");
    let web = workspace::target().join("web");
    let _turn = workspace::turn(&web)?;
    let (stage, page, stamp) = (web.join("playground-stage"), web.join("playground"), web.join("playground.stamp"));
    let _turn = workspace::lock(&page)?;
    let print = fingerprint(&[files(&sources)?, files(package)?].concat())?;
    if page.is_dir() && fs::read_to_string(&stamp).is_ok_and(|old| old == print) {
        return Ok(page);
    }
    // A build that fails half-way must not pass for the one before, nor may a file that is gone go on being compiled.
    let _ = fs::remove_file(&stamp);
    npm::install(&stage, &sources.join("package.json"))?;
    let installed = stage.join("node_modules/mote-web");
    for folder in [&stage.join("src"), &installed] {
        if folder.is_dir() {
            fs::remove_dir_all(folder).map_err(|source| Failure::File { path: folder.clone(), source })?;
        }
    }
    copy(&sources, &stage)?;
    copy(package, &installed)?;
    let node = tools::find("node").unwrap_or_else(|| "node".into());
    run(Command::new(node).current_dir(&stage).arg("build.mjs").arg(&page))?;
    fs::write(&stamp, print).map_err(|source| Failure::File { path: stamp, source })?;
    Ok(page)
}
