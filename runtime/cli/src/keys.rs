//! Key files of this user: the development key, made on first use, and the keys that are trusted.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mote_seal::{Role, SigningKey, Standing, TrustedKey, parse_keys};

use crate::places;
use crate::report::Failure;

/// File names in [`places::config_dir`].
const DEVELOPMENT: &str = "development.key";
const TRUSTED: &str = "trusted.keys";

/// The longest key file that is read.
const MAX_KEY_FILE: u64 = 1 << 20;

/// A fresh key from the system's random source.
pub(crate) fn generate(role: Role, standing: Standing) -> Result<SigningKey, Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Failure::usage("key.random", error).at("the system's random source"))?;
    Ok(SigningKey::from_seed(&seed, role, standing))
}

/// This user's development key, made and stored on first use. Where nothing can be stored it lives for this run.
pub(crate) fn development() -> Result<SigningKey, Failure> {
    let Some(dir) = places::config_dir() else { return generate(Role::Release, Standing::Development) };
    let path = dir.join(DEVELOPMENT);
    if path.exists() {
        return read_secret(&path);
    }
    let key = generate(Role::Release, Standing::Development)?;
    match write_secret(&path, &key) {
        // Another process may have been first.
        Err(_) if path.exists() => read_secret(&path),
        // A key that cannot be kept serves this one run.
        Ok(()) | Err(_) => Ok(key),
    }
}

/// Writes a secret key for its owner alone; never over an existing file.
pub(crate) fn write_secret(path: &Path, key: &SigningKey) -> Result<(), Failure> {
    let failed = |error| Failure::usage("key.unwritable", error).at(path.display());
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    writeln!(file, "{}", key.to_text()).map_err(failed)
}

/// Reads a secret key file.
pub(crate) fn read_secret(path: &Path) -> Result<SigningKey, Failure> {
    let text = read_text(path)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    line.unwrap_or_default().parse().map_err(|error| {
        Failure::usage("key.malformed", error).at(path.display()).hint("`mote keygen` writes secret key files")
    })
}

/// Reads a file of public keys.
pub(crate) fn read_public(path: &Path) -> Result<Vec<TrustedKey>, Failure> {
    parse_keys(&read_text(path)?).collect::<Result<_, _>>().map_err(|error| {
        Failure::usage("key.malformed", error).at(path.display()).hint("one `mote-public-1 ...` line per key")
    })
}

/// The keys of the files named on the command line, else this user's `trusted.keys`; and the development key.
pub(crate) fn ring(files: &[PathBuf]) -> Result<Vec<TrustedKey>, Failure> {
    let own = places::config_dir().map(|dir| dir.join(TRUSTED)).filter(|path| files.is_empty() && path.exists());
    let mut keys = Vec::new();
    for path in files.iter().chain(own.as_ref()) {
        keys.extend(read_public(path)?);
    }
    keys.push(development()?.trusted());
    Ok(keys)
}

fn read_text(path: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::usage("key.unreadable", error).at(path.display());
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > MAX_KEY_FILE {
        return Err(Failure::usage("key.malformed", "too long for a key file").at(path.display()));
    }
    fs::read_to_string(path).map_err(failed)
}
