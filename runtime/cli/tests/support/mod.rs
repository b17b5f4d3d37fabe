//! Runs the program in a home of its own.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder for the files of one test, with the user's keys and cache in it.
pub struct Home {
    dir: TempDir,
}

/// What one command answered.
pub struct Answer {
    pub exit: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The path as an argument.
    pub fn arg(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    pub fn mote(&self, args: &[&str]) -> Answer {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_mote"))
            .args(args)
            .env("MOTE_HOME", self.path("home"))
            .env("NO_COLOR", "1")
            .current_dir(self.dir.path())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Answer { exit: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// A command that succeeds and answers one JSON document.
    pub fn json(&self, args: &[&str]) -> Value {
        let answer = self.mote(&[args, &["--json"]].concat());
        assert_eq!(answer.exit, 0, "{args:?}: {}", answer.stderr);
        serde_json::from_str(&answer.stdout).unwrap()
    }

    /// A command that fails; answers its exit code and the error's code.
    pub fn fails(&self, args: &[&str]) -> (i32, String) {
        let answer = self.mote(&[args, &["--json", "--quiet"]].concat());
        assert!(answer.stdout.is_empty(), "{args:?} printed {}", answer.stdout);
        let error: Value =
            serde_json::from_str(&answer.stderr).unwrap_or_else(|_| panic!("{args:?}: {}", answer.stderr));
        assert_eq!(error["error"]["exit"], answer.exit, "{args:?}");
        (answer.exit, error["error"]["code"].as_str().unwrap().into())
    }
}

/// A file of the evidence models.
pub fn evidence(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(path);
    assert!(path.exists(), "{}", path.display());
    path.display().to_string()
}
