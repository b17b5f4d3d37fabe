//! Compiled code kept between runs.
//!
//! wasmtime trusts what it deserializes as it trusts itself, so the question is who can put bytes here. The answer is:
//! this user alone. The directory is made with mode 0700 and refused where it belongs to another user or is open to
//! others; code comes from [`CodeCache::store`] only, never from a network or a model's author. Beside each file lies
//! a record with its SHA-256 and its identity (device, inode, length, change time). A file whose identity is the
//! recorded one is untouched since this host wrote it and hashed it, because the change time cannot be set; any other
//! is hashed again, and one whose digest differs (torn write, disk fault, another version of the file) is dropped and
//! compiled anew. The name of a file covers the artifact, the flavour, the guest image, and wasmtime's compatibility
//! hash with its version, settings and CPU features, so that code of another machine is never looked at.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mote_seal::Digest;
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, Module};

use crate::CacheError;

/// First word of every record; another one is a record of another version.
const RECORD: &str = "mote-code-1";

/// The longest record that is read.
const MAX_RECORD: u64 = 1 << 20;

/// What compiled code is found by.
pub(crate) struct Key(String);

impl Key {
    /// The key of code for `artifact` as this engine would compile it; `source` says which code of the artifact.
    pub(crate) fn new(engine: &Engine, artifact: Digest, source: &str, image: &[u8; 32]) -> Self {
        let mut sink = HashSink(Sha256::new());
        sink.write(RECORD.as_bytes());
        sink.write(&artifact.0);
        sink.write(image);
        sink.write_usize(source.len());
        sink.write(source.as_bytes());
        engine.precompile_compatibility_hash().hash(&mut sink);
        Self(Digest(sink.0.finalize().into()).to_string())
    }
}

/// Feeds everything that wasmtime hashes to SHA-256: 64 bits would be too few for a name that native code hangs on.
struct HashSink(Sha256);

impl Hasher for HashSink {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

pub(crate) struct CodeCache {
    dir: PathBuf,
    owner: u32,
}

impl CodeCache {
    /// Opens or makes the directory.
    pub(crate) fn open(dir: PathBuf) -> Result<Self, CacheError> {
        let failed = |source| CacheError::Io { dir: dir.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(failed)?;
        let found = fs::metadata(&dir).map_err(failed)?;
        let mode = found.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(CacheError::NotPrivate { dir, mode });
        }
        // A file made here belongs to whom we run as; asking for the user id itself would take unsafe code.
        let probe = dir.join(format!(".probe-{}", std::process::id()));
        let owner = private_file(&probe).and_then(|file| file.metadata()).map_err(failed)?.uid();
        fs::remove_file(&probe).map_err(failed)?;
        if found.uid() != owner {
            return Err(CacheError::NotOwned { dir });
        }
        Ok(Self { dir, owner })
    }

    /// The code stored under `key` and the note stored with it, if both are as they were written.
    pub(crate) fn load(&self, engine: &Engine, key: &Key) -> Option<(Module, String)> {
        let mut file = File::open(self.code_path(key)).ok()?;
        let found = file.metadata().ok()?;
        if !found.is_file() || found.uid() != self.owner {
            return None;
        }
        let record = Record::read(&self.record_path(key))?;
        if record.identity != identity(&found) {
            if record.digest != digest_of(&mut file).ok()? {
                return None;
            }
            self.write_record(key, &Record { identity: identity(&found), ..record.clone() }).ok()?;
        }
        let module = map_own_code(engine, file)?;
        Some((module, record.note))
    }

    /// Stores code that this host has just compiled and maps it. Every file appears complete or not at all.
    pub(crate) fn store(&self, engine: &Engine, key: &Key, code: &[u8], note: &str) -> io::Result<Option<Module>> {
        let file = self.write_atomically(&self.code_path(key), code)?;
        let record = Record { digest: Digest::of(code), identity: identity(&file.metadata()?), note: note.into() };
        self.write_record(key, &record)?;
        Ok(map_own_code(engine, file))
    }

    fn write_record(&self, key: &Key, record: &Record) -> io::Result<()> {
        let text = format!("{RECORD}\n{}\n{}\n{}", record.digest, record.identity, record.note);
        self.write_atomically(&self.record_path(key), text.as_bytes()).map(drop)
    }

    /// Answers the very file that was written, whoever replaces its name afterwards.
    fn write_atomically(&self, path: &Path, bytes: &[u8]) -> io::Result<File> {
        let temporary = path.with_extension(format!("{}-{:?}", std::process::id(), std::thread::current().id()));
        let written = private_file(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            fs::rename(&temporary, path)?;
            Ok(file)
        });
        if written.is_err() {
            // The first error is the one to report; a file left behind here does no harm.
            fs::remove_file(&temporary).ok();
        }
        written
    }

    fn code_path(&self, key: &Key) -> PathBuf {
        self.dir.join(&key.0).with_extension("cwasm")
    }

    fn record_path(&self, key: &Key) -> PathBuf {
        self.dir.join(&key.0).with_extension("record")
    }
}

/// Maps code that lies in this host's own directory.
#[expect(unsafe_code, reason = "the one place where native code enters; see the head of this file")]
fn map_own_code(engine: &Engine, file: File) -> Option<Module> {
    // SAFETY: both callers pass a file of the private directory whose bytes are those that `store` took from this
    // engine's own compiler: `store` has just written them, `load` has compared identity or digest with the record.
    // The file is replaced by rename, never rewritten, so the mapping keeps its bytes for as long as it lives.
    unsafe { Module::deserialize_open_file(engine, file) }.ok()
}

#[derive(Clone)]
struct Record {
    digest: Digest,
    identity: String,
    note: String,
}

impl Record {
    fn read(path: &Path) -> Option<Self> {
        let mut text = String::new();
        File::open(path).ok()?.take(MAX_RECORD).read_to_string(&mut text).ok()?;
        let mut parts = text.splitn(4, '\n');
        if parts.next()? != RECORD {
            return None;
        }
        let digest = parts.next()?.parse().ok()?;
        Some(Self { digest, identity: parts.next()?.into(), note: parts.next()?.into() })
    }
}

/// What changes whenever a file's bytes do. The change time moves with every write and nobody can set it.
fn identity(found: &Metadata) -> String {
    format!("{} {} {} {}.{:09}", found.dev(), found.ino(), found.len(), found.ctime(), found.ctime_nsec())
}

fn digest_of(file: &mut File) -> io::Result<Digest> {
    let mut hasher = mote_seal::Hasher::new();
    let mut block = vec![0; 1 << 20];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hasher.finish()),
            n => hasher.update(block.get(..n).unwrap_or_default()),
        }
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// The smallest module: magic and version.
    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    fn set_up(dir: &Path) -> (Engine, CodeCache, Key, Vec<u8>) {
        let engine = Engine::default();
        let cache = CodeCache::open(dir.join("code")).unwrap();
        let key = Key::new(&engine, Digest::of(EMPTY), "strict-cranelift", &[0; 32]);
        let code = engine.precompile_module(EMPTY).unwrap();
        (engine, cache, key, code)
    }

    #[test]
    fn what_was_stored_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, cache, key, code) = set_up(dir.path());
        assert!(cache.load(&engine, &key).is_none());
        assert!(cache.store(&engine, &key, &code, "a\nnote").unwrap().is_some());
        assert_eq!(cache.load(&engine, &key).unwrap().1, "a\nnote");
        let other = Key::new(&engine, Digest::of(EMPTY), "fast-cranelift", &[0; 32]);
        assert!(cache.load(&engine, &other).is_none());
    }

    #[test]
    fn a_moved_file_is_hashed_and_a_changed_one_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, cache, key, mut code) = set_up(dir.path());
        cache.store(&engine, &key, &code, "note").unwrap();
        let path = cache.code_path(&key);
        fs::write(path.with_extension("copy"), &code).unwrap();
        fs::rename(path.with_extension("copy"), &path).unwrap();
        assert!(cache.load(&engine, &key).is_some(), "equal bytes in another file");
        *code.last_mut().unwrap() ^= 1;
        fs::write(&path, &code).unwrap();
        assert!(cache.load(&engine, &key).is_none(), "one bit changed");
        fs::write(cache.record_path(&key), "mote-code-0\n").unwrap();
        assert!(cache.load(&engine, &key).is_none(), "a record of another version");
    }

    #[test]
    fn a_directory_open_to_others_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o770)).unwrap();
        let refused = CodeCache::open(dir.path().into());
        assert!(matches!(refused, Err(CacheError::NotPrivate { mode: 0o770, .. })));
    }
}
