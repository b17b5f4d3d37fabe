//! The compilers of this machine and what each of them can build.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::OLDEST_RUSTC;

/// A rustc with the cargo beside it.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The compiler.
    pub rustc: PathBuf,
    /// The cargo of the same release; the two must agree when `core` is built from source.
    pub cargo: PathBuf,
    /// The compiler's root directory.
    pub sysroot: PathBuf,
    /// The triple of this machine.
    pub host: String,
}

/// The compiler in use, then the distribution's; those that answer and are recent enough.
pub(crate) fn compilers() -> Vec<Compiler> {
    let current = (
        env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
        env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
    );
    let distribution = ("/usr/bin/rustc".into(), "/usr/bin/cargo".into());
    [current, distribution].into_iter().filter_map(|(rustc, cargo)| Compiler::ask(rustc.into(), cargo.into())).collect()
}

impl Compiler {
    fn ask(rustc: PathBuf, cargo: PathBuf) -> Option<Self> {
        let verbose = answer(Command::new(&rustc).arg("-vV"))?;
        let field =
            |name: &str| verbose.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned());
        if release(&field("release:")?)? < OLDEST_RUSTC {
            return None;
        }
        let sysroot = answer(Command::new(&rustc).args(["--print", "sysroot"]))?;
        answer(Command::new(&cargo).arg("--version"))?;
        Some(Self { rustc, cargo, sysroot: sysroot.trim().into(), host: field("host:")? })
    }

    /// Whether the target's `core` is installed.
    pub fn has_target(&self, target: &str) -> bool {
        let libraries = self.sysroot.join("lib/rustlib").join(target).join("lib");
        fs::read_dir(libraries).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
        })
    }

    /// Whether the library sources are there, so that cargo can build `core` for any target.
    pub fn has_sources(&self) -> bool {
        self.library().join("core/src/lib.rs").is_file()
    }

    /// Where the library sources are, if they are installed.
    pub fn library(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib/src/rust/library")
    }

    /// The linker that ships with the compiler.
    pub(crate) fn own_lld(&self) -> Option<PathBuf> {
        let path = self.sysroot.join("lib/rustlib").join(&self.host).join("bin").join(exe("rust-lld"));
        path.is_file().then_some(path)
    }
}

/// A distribution's `lld`, in the spelling that links the target's files.
pub(crate) fn lld_on_path(target: &str) -> Option<PathBuf> {
    let spelling = if target.starts_with("wasm") { "wasm-ld" } else { "ld.lld" };
    let path = env::var_os("PATH")?;
    env::split_paths(&path).find_map(|folder| find_lld(&folder, spelling))
}

fn find_lld(folder: &Path, spelling: &str) -> Option<PathBuf> {
    ["rust-lld", spelling].iter().map(|name| folder.join(exe(name))).find(|path| path.is_file())
}

fn exe(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

fn answer(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn release(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(['.', '-']).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases_compare_by_number() {
        for (text, expected) in
            [("1.95.0", Some((1, 95))), ("1.100.0-nightly", Some((1, 100))), ("2.0", Some((2, 0))), ("unknown", None)]
        {
            assert_eq!(release(text), expected, "{text}");
        }
    }
}
