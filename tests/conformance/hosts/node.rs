//! V8 with nothing around it but node, by `run.mjs`: a module and its Card are all that it needs.

use std::process::Command;

use super::{Absent, Host, Ran};
use crate::program;
use crate::subject::Subject;

/// See the file.
pub(crate) struct Node;

impl Node {
    pub(crate) fn find() -> Result<Self, Absent> {
        match program::exists("node") {
            true => Ok(Self),
            false => Err(Absent { name: "node", missing: "node is not installed".into() }),
        }
    }
}

impl Host for Node {
    fn name(&self) -> &'static str {
        "node"
    }

    fn run(&self, subjects: &[Subject]) -> Vec<Ran> {
        subjects.iter().map(|subject| Ran::Answers(answers(subject))).collect()
    }
}

fn answers(subject: &Subject) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let wasm = folder.path().join("model.wasm");
    std::fs::write(&wasm, &subject.module).unwrap();
    let script = program::repository().join("tests/conformance/hosts/run.mjs");
    let mut node = Command::new("node");
    node.arg(script).arg(&wasm);
    let output = |index: usize| folder.path().join(format!("{index}.out"));
    for (index, set) in subject.sets.iter().enumerate() {
        let input = folder.path().join(format!("{index}.in"));
        std::fs::write(&input, set.inputs.concat()).unwrap();
        node.arg(&input).arg(output(index));
    }
    let ended = node.output().unwrap();
    assert!(ended.status.success(), "node: {}", String::from_utf8_lossy(&ended.stderr));
    (0..subject.sets.len()).map(|index| std::fs::read(output(index)).unwrap()).collect()
}
