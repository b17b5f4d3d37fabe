//! The nested cargo: a command that inherits nothing meant for another target.

use std::env;
use std::process::Command;

use crate::{Core, Library, Toolchain};

/// Settings of an outer cargo, clippy or shell that would change what the child builds or where.
const INHERITED: [&str; 12] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_UNSTABLE_BUILD_STD",
    "CLIPPY_ARGS",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "__CARGO_DEFAULT_LIB_METADATA",
];

/// Families of such settings; `CARGO_PROFILE_*` would rewrite the profile the workspace states.
const INHERITED_PREFIXES: [&str; 4] = ["CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_FEATURE_", "CARGO_CFG_"];

pub(crate) fn cargo(toolchain: &Toolchain, verb: &str, library: Library, rustflags: &[String]) -> Command {
    let mut command = Command::new(&toolchain.compiler.cargo);
    for name in INHERITED {
        command.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if INHERITED_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command.env("RUSTC", &toolchain.compiler.rustc);
    if !rustflags.is_empty() {
        command.env("CARGO_ENCODED_RUSTFLAGS", rustflags.join("\x1f"));
    }
    command.arg(verb).args(["--target", &toolchain.target]);
    if let Some(linker) = &toolchain.linker {
        command.arg("--config").arg(linker_setting(&toolchain.target, &linker.to_string_lossy()));
    }
    if toolchain.core == Core::FromSource {
        // Building `core` is an unstable feature of cargo, not of the language: the crates stay stable Rust.
        command.env("RUSTC_BOOTSTRAP", "1");
        match library {
            Library::Core => command
                .args(["-Z", "build-std=core,compiler_builtins"])
                .args(["-Z", "build-std-features=compiler-builtins-mem"]),
            Library::Std => command.args(["-Z", "build-std=std,panic_abort"]),
        };
    }
    command
}

/// Not by environment: a variable's name would hold the dot of `thumbv8m.main`. Not in quotes either: cargo takes the dot
/// for one of its own, here as where it looks the setting up.
fn linker_setting(target: &str, linker: &str) -> String {
    format!("target.{target}.linker='{linker}'")
}

#[cfg(test)]
mod tests {
    use super::linker_setting;

    #[test]
    fn a_dot_of_the_target_is_kept() {
        let setting = linker_setting("thumbv8m.main-none-eabihf", "bin/rust-lld");
        assert_eq!(setting, "target.thumbv8m.main-none-eabihf.linker='bin/rust-lld'");
    }
}
