//! `cargo xtask setup`: makes sure that the guest image can be built.

use std::process::Command;

use mote_toolchain::{GUEST_TARGET, Toolchain, resolve};

use crate::run::{Failure, run, succeeds};
use crate::tools::{apt_install, is_debian_root};

/// Debian's current Rust for its browsers, with the library sources from which `core` is built for wasm32.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

pub(crate) fn verb(arguments: &[String]) -> Result<(), Failure> {
    if let Some(argument) = arguments.first() {
        return Err(Failure::Argument(argument.clone()));
    }
    let toolchain = toolchain()?;
    eprintln!("guest image: {}", toolchain.describe());
    Ok(())
}

/// The toolchain for the guest image, installed first if need be: by rustup, else by apt on a Debian as root.
pub(crate) fn toolchain() -> Result<Toolchain, Failure> {
    let missing = match resolve(GUEST_TARGET) {
        Ok(toolchain) => return Ok(toolchain),
        Err(missing) => missing,
    };
    for install in [by_rustup, by_apt] {
        if install()
            && let Ok(toolchain) = resolve(GUEST_TARGET)
        {
            return Ok(toolchain);
        }
    }
    Err(missing.into())
}

fn by_rustup() -> bool {
    if !succeeds(Command::new("rustup").arg("--version")) {
        return false;
    }
    eprintln!("No compiler here builds for {GUEST_TARGET}; adding the target with rustup.");
    run(Command::new("rustup").args(["target", "add", GUEST_TARGET])).is_ok()
}

fn by_apt() -> bool {
    if !is_debian_root() {
        return false;
    }
    eprintln!("Installing Debian's {}, whose sources build for {GUEST_TARGET}.", DEBIAN_PACKAGES.join(", "));
    // The linker is rust-lld where rustup's toolchain has it, else Debian's lld.
    apt_install(&DEBIAN_PACKAGES) && (resolve(GUEST_TARGET).is_ok() || apt_install(&["lld"]))
}
