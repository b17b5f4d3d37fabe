//! Programs from outside that some tests need, and Debian's way to get them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{run, succeeds};

/// A program, its Debian package, and the tests that are skipped by name without it.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
    pub(crate) tests: &'static str,
}

pub(crate) const TOOLS: [Tool; 6] = [
    Tool { program: "mosquitto", package: "mosquitto", tests: "fleet over a real MQTT broker" },
    Tool { program: "qemu-system-arm", package: "qemu-system-arm", tests: "the emulated microcontrollers" },
    Tool { program: "node", package: "nodejs", tests: "conformance in V8" },
    Tool { program: "npm", package: "npm", tests: "the browser package" },
    Tool { program: "chromium", package: "chromium", tests: "pages in a real browser" },
    Tool { program: "python3", package: "python3", tests: "the README's recipe in Python" },
];

/// Installs what is absent where that is possible without asking, and says what stays absent and what that costs.
pub(crate) fn provide() {
    let absent: Vec<&Tool> = TOOLS.iter().filter(|tool| find(tool.program).is_none()).collect();
    if !absent.is_empty() && is_debian_root() {
        let packages: Vec<&str> = absent.iter().map(|tool| tool.package).collect();
        eprintln!("Installing {} for the tests.", packages.join(", "));
        apt_install(&packages);
    }
    for tool in absent {
        if find(tool.program).is_none() {
            eprintln!("{} is not installed: tests of {} will be skipped.", tool.program, tool.tests);
        }
    }
}

/// A program on the path, or where Debian keeps its servers.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(format!("{program}{}", env::consts::EXE_SUFFIX)))
        .find(|path| path.is_file())
}

/// Whether packages may be installed without asking anybody: Debian or a child of it, as root.
pub(crate) fn is_debian_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    Path::new("/etc/debian_version").is_file()
        && find("apt-get").is_some()
        && user.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Installs packages; the package lists are fetched first, since a fresh machine has none.
pub(crate) fn apt_install(packages: &[&str]) -> bool {
    let mut update = Command::new("apt-get");
    update.args(["-q", "update"]);
    let mut install = Command::new("apt-get");
    install.args(["-q", "install", "-y", "--no-install-recommends"]).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    succeeds(&mut update) && run(&mut install).is_ok()
}
