//! The files of the repository, build products left out.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold nothing a person wrote.
const PRODUCTS: [&str; 7] = [".git", "target", "node_modules", "pkg", "__pycache__", ".venv", "dist"];

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A text file.
pub(crate) struct File {
    /// Path from the root, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every file whose name ends in one of `endings`, in order of path; files that are not text are left out.
pub(crate) fn files(endings: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix(root()).unwrap().to_str()?.replace('\\', "/");
            if !endings.iter().any(|ending| name.ends_with(ending)) {
                return None;
            }
            Some(File { text: fs::read_to_string(&path).ok()?, path: name })
        })
        .collect()
}

/// Every Rust file.
pub(crate) fn rust() -> Vec<File> {
    files(&[".rs"])
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !PRODUCTS.iter().any(|product| name == *product) {
            walk(&path, found);
        } else if kind.is_file() {
            found.push(path);
        }
    }
}

impl File {
    /// Lines of code with their numbers: comments and what follows `#[cfg(test)] mod` left out.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        // A file of tests may also be declared up front, beside modules that are no tests.
        let end =
            if self.text[end..].lines().nth(1).is_some_and(|line| line.ends_with(';')) { self.text.len() } else { end };
        let lines = self.text[..end].lines().enumerate();
        lines.map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Whether the file holds tests or their fixtures and nothing else.
    pub(crate) fn is_test(&self) -> bool {
        let folder =
            |name: &str| self.path.starts_with(&format!("{name}/")) || self.path.contains(&format!("/{name}/"));
        folder("tests") || folder("benches") || self.path.ends_with("/tests.rs")
    }
}
