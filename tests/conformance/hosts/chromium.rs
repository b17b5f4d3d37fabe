//! A page in Chromium, by `tests/browser/run_models.mjs`: one browser for all models.

use std::process::Command;

use super::{Absent, Host, Ran};
use crate::program;
use crate::subject::Subject;

const NAME: &str = "chromium";
/// Names the folder with the packages of `tests/browser/package.json`.
const MODULES: &str = "MOTE_BROWSER_MODULES";
/// Names the browser, where it is none of [`BROWSERS`].
const BROWSER: &str = "MOTE_CHROMIUM";
const BROWSERS: [&str; 2] = ["chromium", "chromium-browser"];

/// See the file.
pub(crate) struct Chromium;

impl Chromium {
    pub(crate) fn find() -> Result<Self, Absent> {
        let set = |variable| std::env::var_os(variable).is_some();
        let absent = |missing: String| Err(Absent { name: NAME, missing });
        if !program::exists("node") {
            return absent("node, which drives it, is not installed".into());
        }
        if !set(BROWSER) && !BROWSERS.into_iter().any(program::exists) {
            return absent("it is not installed".into());
        }
        if !set(MODULES) {
            return absent(format!("{MODULES} is unset; `cargo xtask test` sets it"));
        }
        Ok(Self)
    }
}

impl Host for Chromium {
    fn name(&self) -> &'static str {
        NAME
    }

    fn run(&self, subjects: &[Subject]) -> Vec<Ran> {
        let folder = tempfile::tempdir().unwrap();
        let file = |subject: usize, rest: String| folder.path().join(format!("{subject}.{rest}"));
        for (at, subject) in subjects.iter().enumerate() {
            std::fs::write(file(at, "wasm".into()), &subject.module).unwrap();
            for (index, set) in subject.sets.iter().enumerate() {
                std::fs::write(file(at, format!("{index}.in")), set.inputs.concat()).unwrap();
            }
        }
        let script = program::repository().join("tests/browser/run_models.mjs");
        let ended = Command::new("node").arg(script).arg(folder.path()).output().unwrap();
        assert!(ended.status.success(), "{NAME}: {}", String::from_utf8_lossy(&ended.stderr));
        let output = |at, index| std::fs::read(file(at, format!("{index}.chromium.out"))).unwrap();
        let answers =
            |(at, subject): (usize, &Subject)| (0..subject.sets.len()).map(|index| output(at, index)).collect();
        subjects.iter().enumerate().map(|subject| Ran::Answers(answers(subject))).collect()
    }
}
