//! What stands in documents and data must be there, and nothing of the machine it was written on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::none;
use crate::tree::{self, File};

#[test]
fn paths_in_documents_exist() {
    let roots = tops();
    let mut findings = Vec::new();
    for file in tree::files(&[".md"]) {
        let folder = tree::root().join(&file.path);
        let folder = folder.parent().unwrap();
        for quoted in quoted(&file.text) {
            let first = quoted.split('/').next().unwrap();
            if is_path(quoted) && roots.contains(first) && !exists(quoted) {
                findings.push(format!("{}: `{quoted}`", file.path));
            }
        }
        for link in links(&file.text) {
            if !folder.join(link).exists() {
                findings.push(format!("{}: ]({link})", file.path));
            }
        }
    }
    none("paths that lead nowhere", findings);
}

/// Folders that a path in a document may start with: those of the root and those of `runtime`.
fn tops() -> BTreeSet<String> {
    [tree::root().to_path_buf(), tree::root().join("runtime")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().flatten())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn exists(path: &str) -> bool {
    tree::root().join(path).exists() || tree::root().join("runtime").join(path).exists()
}

fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_');
    text.contains('/') && text.chars().all(plain)
}

/// Texts between single backticks; fenced blocks hold commands and output and are left out.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    unfenced(text).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Targets of links within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = unfenced(text).flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
    targets.map(|target| target.split('#').next().unwrap()).filter(|target| !target.is_empty() && !target.contains(':'))
}

fn unfenced(text: &str) -> impl Iterator<Item = &str> {
    text.split("```").step_by(2).flat_map(str::lines)
}

#[test]
fn no_file_knows_a_machine() {
    // Spelled in parts, or this file would be its own finding.
    let homes = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];
    let endings = [".rs", ".toml", ".md", ".py", ".js", ".mjs", ".ts", ".json", ".yml", ".txt", ".sh", "run", ".html"];
    let knows = |file: &File| homes.iter().find(|home| machine_path(&file.text, home)).copied();
    let files = tree::files(&endings);
    let findings = files.iter().filter_map(|file| knows(file).map(|home| format!("{}: {home}", file.path)));
    none("paths of somebody's machine", findings);
}

/// Whether `home` starts a path in `text`; `mote/work/x` is none of a machine.
fn machine_path(text: &str, home: &str) -> bool {
    text.match_indices(home).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}'))
    })
}

#[test]
fn every_model_brings_its_evidence() {
    let mut findings = Vec::new();
    for entry in fs::read_dir(tree::root().join("models")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !entry.path().is_dir() || name == "generate" {
            continue;
        }
        for part in ["model.onnx", "model.toml"] {
            if !entry.path().join(part).is_file() {
                findings.push(format!("models/{name}: no {part}"));
            }
        }
        if !has_cases(&entry.path()) {
            findings.push(format!("models/{name}: no cases"));
        }
    }
    none("models without evidence", findings);
}

/// A folder `cases` with something in it, or one file of that name.
fn has_cases(model: &Path) -> bool {
    fs::read_dir(model).unwrap().flatten().any(|entry| {
        let named = entry.file_name().to_string_lossy().split('.').next() == Some("cases");
        named && fs::read_dir(entry.path()).map_or(true, |mut cases| cases.next().is_some())
    })
}
