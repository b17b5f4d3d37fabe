//! Stored estimators: opcodes, lengths and array bytes of pickles are changed, and what is still one is compiled and run.

use std::io::Read;
use std::path::Path;

use mote_compiler::import::{ImportOptions, Limits};
use mote_compiler::{CompileError, CompileOptions, EstimatorError, ImportError, compile};

use super::{Random, Target, bytes, import};

/// Estimators of many families, small ones.
const SEEDS: [&str; 12] = [
    "standard-scaler",
    "linear-regression",
    "tree-classifier",
    "boosting-multi",
    "hist-multi",
    "one-hot",
    "columns",
    "gaussian-nb",
    "calibrated-isotonic",
    "k-means",
    "logistic-names",
    "one-class-svm",
];
/// What a mutated file may cost, so that many are tried.
const LIMITS: Limits = Limits { nodes: 1 << 12, computed_bytes: 1 << 20, computed_operations: 1 << 22 };

pub(super) fn target() -> Target {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/compiler/tests/sklearn/1.9.1.zip");
    let file = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut archive = zip::ZipArchive::new(file).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let of = |seed: &str| names.iter().find(|name| name.starts_with(&format!("{seed}/model."))).expect("a case");
    let chosen = SEEDS.into_iter().map(of);
    let read = |name: &String| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    // What is compressed would only be broken.
    let seeds = chosen.map(read).filter(|file| file.starts_with(&[0x80])).collect();
    Target { name: "pickle", seeds, mutate, enter }
}

fn mutate(random: &mut Random, file: &[u8], other: &[u8]) -> Vec<u8> {
    if random.once_in(16) {
        return bytes::mutate(random, file, other);
    }
    let mut file = file.to_vec();
    for _ in 0..=random.below(3) {
        match random.below(3) {
            0 => exchange(random, &mut file),
            1 => toggle(random, &mut file),
            _ => renumber(random, &mut file),
        }
    }
    file
}

/// Places of an opcode, or of bytes that look like it.
fn places(file: &[u8], opcodes: &[u8], room: usize) -> Vec<usize> {
    let last = file.len().saturating_sub(room);
    (0..last).filter(|&at| opcodes.contains(&file[at])).collect()
}

/// Puts one short text in the place of another: names of attributes, parameters and classes.
fn exchange(random: &mut Random, file: &mut Vec<u8>) {
    const SHORT_BINUNICODE: u8 = 0x8c;
    let end = |at: usize| at + 2 + usize::from(file[at + 1]);
    let is_text = |at: &usize| file.get(at + 2..end(*at)).is_some_and(|text| text.iter().all(u8::is_ascii_graphic));
    let texts: Vec<usize> = places(file, &[SHORT_BINUNICODE], 2).into_iter().filter(is_text).collect();
    if texts.len() > 1 {
        let (from, to) = (*random.pick(&texts), *random.pick(&texts));
        let text = file[from..end(from)].to_vec();
        let gone = to..end(to);
        file.splice(gone, text);
    }
}

/// Turns true, false and none into each other.
fn toggle(random: &mut Random, file: &mut [u8]) {
    const CONSTANTS: [u8; 3] = [0x88, 0x89, b'N'];
    let found = places(file, &CONSTANTS, 0);
    if !found.is_empty() {
        file[*random.pick(&found)] = *random.pick(&CONSTANTS);
    }
}

/// Gives a number of one or eight bytes another value.
fn renumber(random: &mut Random, file: &mut [u8]) {
    let found = places(file, b"KG", 9);
    if !found.is_empty() {
        let at = *random.pick(&found);
        let width = if file[at] == b'K' { 1 } else { 8 };
        file[at + 1..=at + width].copy_from_slice(&random.bits().to_be_bytes()[..width]);
    }
}

fn enter(file: &[u8]) -> bool {
    let shape = [("x".to_owned(), vec![2, 4])].into();
    for input_shapes in [shape, std::collections::BTreeMap::new()] {
        let import = ImportOptions { limits: LIMITS, input_shapes, ..ImportOptions::default() };
        let options = CompileOptions { name: "fuzz".to_owned(), import, ..CompileOptions::default() };
        match compile(file, &options) {
            Ok(compiled) => import::run(&compiled.plan),
            Err(CompileError::Estimator(error)) if matches!(*error, EstimatorError::Read(_)) => return false,
            // Its beginning is that of no pickle.
            Err(CompileError::Import(ImportError::Door(_) | ImportError::Decode | ImportError::NoGraph)) => {
                return false;
            }
            Err(error) => assert!(!error.to_string().is_empty() && !error.code().is_empty()),
        }
    }
    true
}
