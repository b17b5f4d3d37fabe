//! A web page's files. They are read once, at the start, and a request only looks its path up among them: no path leads
//! anywhere else, whatever is written in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use mote_seal::Digest;

use super::Refusal;

/// What a page may do: run the scripts, styles and wasm that lie beside it, ask this gateway, and speak to a broker over
/// WebSocket. No inline script or style, no `eval`, no other host, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
                      connect-src 'self' ws: wss:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Sent with every file. `no-cache` lets a browser keep a file and has it ask with the file's tag.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-cache"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Content type by the end of a file's name; anything else is bytes.
const KINDS: [(&str, &str); 10] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("wasm", "application/wasm"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("txt", "text/plain; charset=utf-8"),
];
const BYTES: &str = "application/octet-stream";

/// The file behind the path of a folder.
const INDEX: &str = "index.html";

/// What a directory of pages may hold.
const MAX_FILES: usize = 256;
const MAX_BYTES: u64 = 32 << 20;
const MAX_DEPTH: usize = 8;

/// Why a directory of pages is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PagesError {
    /// The directory or a file in it cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The directory or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing to show at `/`.
    #[error("{}: no {INDEX} in it; `cargo xtask web` builds the playground", dir.display())]
    NoIndex {
        /// The directory.
        dir: PathBuf,
    },
    /// More than pages need: probably the wrong directory.
    #[error("{}: more than {MAX_FILES} files, {MAX_BYTES} bytes or {MAX_DEPTH} folders deep", dir.display())]
    TooLarge {
        /// The directory.
        dir: PathBuf,
    },
}

/// The files by path, without the first slash.
#[derive(Debug)]
pub(crate) struct Pages {
    files: BTreeMap<String, File>,
}

#[derive(Debug)]
struct File {
    kind: &'static str,
    tag: String,
    bytes: Bytes,
}

impl Pages {
    /// Reads a directory. Hidden files and links are left out.
    ///
    /// # Errors
    /// See [`PagesError`].
    pub(crate) fn read(dir: &Path) -> Result<Self, PagesError> {
        let mut reading = Reading { dir, files: BTreeMap::new(), left: MAX_BYTES };
        reading.folder(dir, "", 0)?;
        if reading.files.contains_key(INDEX) {
            Ok(Self { files: reading.files })
        } else {
            Err(PagesError::NoIndex { dir: dir.into() })
        }
    }

    /// Answers a request that no other route takes.
    pub(super) fn answer(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        let path = uri.path().trim_start_matches('/');
        let file = match path {
            "" => self.files.get(INDEX),
            path => self.files.get(path),
        };
        match file {
            Some(file) if [Method::GET, Method::HEAD].contains(method) => file.answer(headers),
            _ => Refusal::NoRoute.into_response(),
        }
    }
}

impl File {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let end = name.rsplit_once('.').map_or("", |(_, end)| end);
        let kind = KINDS.iter().find(|(known, _)| *known == end).map_or(BYTES, |(_, kind)| kind);
        Self { kind, tag: tag(Digest::of(&bytes)), bytes: bytes.into() }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        if asks_for(headers, &self.tag) {
            return (StatusCode::NOT_MODIFIED, HEADERS, [(header::ETAG, self.tag.clone())]).into_response();
        }
        let own = [(header::ETAG, self.tag.clone()), (header::CONTENT_TYPE, self.kind.to_owned())];
        (HEADERS, own, self.bytes.clone()).into_response()
    }
}

/// The entity tag of some bytes.
pub(super) fn tag(digest: Digest) -> String {
    format!("\"{digest}\"")
}

/// Whether the asker has the bytes of this tag already (RFC 9110, 13.1.2; comparison is weak).
pub(super) fn asks_for(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// A directory being read.
struct Reading<'d> {
    dir: &'d Path,
    files: BTreeMap<String, File>,
    left: u64,
}

impl Reading<'_> {
    fn folder(&mut self, path: &Path, prefix: &str, depth: usize) -> Result<(), PagesError> {
        let too_large = || PagesError::TooLarge { dir: self.dir.into() };
        if depth > MAX_DEPTH {
            return Err(too_large());
        }
        let failed = |source| PagesError::Read { path: path.into(), source };
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            // A name beyond UTF-8 could not be asked for.
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let (name, kind) = (format!("{prefix}{name}"), entry.file_type().map_err(failed)?);
            if kind.is_dir() {
                self.folder(&entry.path(), &format!("{name}/"), depth + 1)?;
            } else if kind.is_file() {
                self.file(&entry.path(), name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), PagesError> {
        let failed = |source| PagesError::Read { path: path.into(), source };
        let length = fs::metadata(path).map_err(failed)?.len();
        let left = self.left.checked_sub(length).filter(|_| self.files.len() < MAX_FILES);
        self.left = left.ok_or_else(|| PagesError::TooLarge { dir: self.dir.into() })?;
        let file = File::new(&name, fs::read(path).map_err(failed)?);
        self.files.insert(name, file);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_read_whole_but_for_links_and_hidden_files() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(Pages::read(dir.path()), Err(PagesError::NoIndex { .. })));
        fs::create_dir(dir.path().join("deep")).unwrap();
        for (name, text) in [("index.html", "page"), ("deep/a.wasm", "code"), (".secret", "no"), ("b.xyz", "b")] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("out.txt")).unwrap();
        let pages = Pages::read(dir.path()).unwrap();
        let found: Vec<_> = pages.files.iter().map(|(name, file)| (&**name, file.kind)).collect();
        let html = "text/html; charset=utf-8";
        assert_eq!(found, [("b.xyz", BYTES), ("deep/a.wasm", "application/wasm"), ("index.html", html)]);
    }

    #[test]
    fn too_deep_is_too_large() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/".repeat(MAX_DEPTH + 1))).unwrap();
        assert!(matches!(Pages::read(dir.path()), Err(PagesError::TooLarge { .. })));
    }

    #[test]
    fn tags_are_found_in_lists_and_weak() {
        let cases =
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false), ("a", false)];
        for (text, expected) in cases {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, text.parse().unwrap())]);
            assert_eq!(asks_for(&headers, "\"a\""), expected, "{text}");
        }
    }
}
