//! Boosters straight from the files of XGBoost and LightGBM, against what those answered themselves.
//! `models/generate/booster_fixtures.py` made the files: it says what each case is.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../sklearn/answers.rs"]
mod answers;
mod hostile;

use std::io::{Cursor, Read};

use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileError, CompileOptions, Compiled, Precision, check, compile};
use zip::ZipArchive;

use answers::{Record, judge};

/// All cases: what is not found is not compared.
const CASES: usize = 30;

/// One stored booster.
struct Case {
    name: String,
    file: Vec<u8>,
    record: Record,
}

fn cases() -> Vec<Case> {
    let mut archive = ZipArchive::new(Cursor::new(&include_bytes!("answers.zip")[..])).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let case = |file: &String| {
        let (name, _) = file.split_once('/').unwrap();
        let record = Record::parse(&read(&format!("{name}/answers.json")));
        Case { name: name.to_owned(), file: read(file), record }
    };
    names.iter().filter(|name| !name.ends_with("/answers.json")).map(case).collect()
}

/// The file of one case.
fn file(name: &str) -> Vec<u8> {
    cases().into_iter().find(|case| case.name == name).unwrap().file
}

fn build(file: &[u8], rows: usize, columns: usize, precision: Precision) -> Result<Compiled, CompileError> {
    let import =
        ImportOptions { input_shapes: [("x".to_owned(), vec![rows, columns])].into(), ..ImportOptions::default() };
    compile(file, &CompileOptions { name: "case".to_owned(), import, precision, ..CompileOptions::default() })
}

fn all(precision: Precision, program: &str) -> usize {
    let (mut passed, mut wrong) = (0, Vec::new());
    for Case { name, file, record } in cases().into_iter().filter(|case| case.name.starts_with(program)) {
        let compiled =
            build(&file, record.rows, record.columns, precision).map_err(|error| format!("refused: {error}"));
        match compiled.and_then(|compiled| judge(&compiled, &record, precision)) {
            Ok(()) => passed += 1,
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    assert!(wrong.is_empty(), "{passed} pass, {} do not:\n{}", wrong.len(), wrong.join("\n"));
    passed
}

#[test]
fn single_precision_answers_the_same() {
    assert_eq!(all(Precision::F32, ""), CASES);
}

/// LightGBM computes in double precision; XGBoost never does.
#[test]
fn double_precision_answers_as_lightgbm_does() {
    assert_eq!(all(Precision::F64, "lightgbm"), CASES / 2);
}

#[test]
fn a_check_tells_the_program_and_its_trees() {
    let options = CompileOptions { name: "case".to_owned(), ..CompileOptions::default() };
    for (name, producer, kind, trees) in
        [("xgboost-softprob", "XGBoost 3.2.0", "gbtree", 15), ("lightgbm-binary", "LightGBM v4", "gbdt", 8)]
    {
        let found = check::check(&file(name), &options).unwrap();
        assert_eq!(found.survey.producer, producer);
        assert_eq!(found.survey.operators.get(kind), Some(&trees));
        assert!(found.outcome.is_ok());
    }
}
