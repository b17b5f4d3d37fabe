//! A folder with the package installed, and the runtimes that run scripts in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program;

/// What runs JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    Node,
    Deno,
    Bun,
}

impl Runtime {
    /// The command without a script, or nothing where it is not installed.
    fn command(self, scene: &Scene) -> Option<Command> {
        let mut command = match self {
            Self::Node => Command::new("node"),
            Self::Deno => Command::new(scene.runtime("@deno", &["deno", "deno.exe"])?),
            Self::Bun => Command::new(scene.runtime("@oven", &["bin/bun", "bin/bun.exe"])?),
        };
        match self {
            // Its cache and its Cache API live in the scene, and it asks no registry for anything.
            Self::Deno => {
                command.env("DENO_DIR", scene.path("deno")).env("DENO_NO_UPDATE_CHECK", "1");
                command.args(["run", "--quiet", "--allow-all", "--no-lock", "--node-modules-dir=manual"]);
            }
            Self::Node => _ = command.arg("--expose-gc"),
            Self::Bun => {}
        }
        Some(command)
    }
}

/// The folder.
pub(crate) struct Scene {
    dir: tempfile::TempDir,
    /// The packages of `tests/web/package.json`.
    tools: Option<PathBuf>,
}

impl Scene {
    /// Installs the package in a fresh folder; where that cannot be, says what `test` goes without.
    pub(crate) fn new(test: &str) -> Option<Self> {
        if !program::exists("node") {
            program::skip(test, "node");
            return None;
        }
        let Some(package) = std::env::var_os("MOTE_WEB_PACKAGE") else {
            program::skip(test, "the browser package (MOTE_WEB_PACKAGE, set by `cargo xtask test`)");
            return None;
        };
        let tools = std::env::var_os("MOTE_WEB_MODULES").map(PathBuf::from);
        let scene = Self { dir: tempfile::tempdir().unwrap(), tools };
        copy(Path::new(&package), &scene.path("node_modules/mote-web"));
        copy(&program::repository().join("tests/web"), scene.dir.path());
        // Deno looks a bare name up in the folder's own package.json first.
        std::fs::write(scene.path("package.json"), r#"{"type":"module","dependencies":{"mote-web":"*"}}"#).unwrap();
        Some(scene)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A script of the packages for tests, for node to run, if they are installed.
    pub(crate) fn tool(&self, name: &str) -> Option<PathBuf> {
        Some(self.tools.as_ref()?.join("node_modules/.bin").join(name)).filter(|path| path.is_file())
    }

    /// A runtime of those packages: the one package of its vendor that is of this platform holds it.
    fn runtime(&self, vendor: &str, places: &[&str]) -> Option<PathBuf> {
        let folder = self.tools.as_ref()?.join("node_modules").join(vendor);
        let packages = std::fs::read_dir(folder).ok()?.flatten();
        let mut found = packages.flat_map(|package| places.iter().map(move |place| package.path().join(place)));
        found.find(|path| path.is_file())
    }

    /// Runs a script to its successful end and answers what it printed; nothing where the runtime is not installed.
    pub(crate) fn run(&self, runtime: Runtime, script: &str, arguments: &[&str]) -> Option<String> {
        let mut command = runtime.command(self)?;
        Some(printed(command.current_dir(self.dir.path()).arg(script).args(arguments)))
    }
}

/// The output of a command that must succeed.
pub(crate) fn printed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    stdout.into_owned()
}

/// Copies a folder's files; built tests and links are none of them.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
