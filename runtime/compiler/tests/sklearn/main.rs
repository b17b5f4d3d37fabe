//! Estimators straight from their files, of several versions of scikit-learn, against what they answered themselves.
//! `models/generate/sklearn_fixtures.py` made the files: it says what each case is.
#![allow(clippy::unwrap_used, reason = "tests")]

mod answers;

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use mote_compiler::import::ImportOptions;
use mote_compiler::{CompileOptions, Precision, check, compile};
use zip::ZipArchive;

use answers::{Record, judge};

/// Cases that are refused in double precision, and a part of the reason.
const REFUSED: [(&str, &str); 2] =
    [("svc-probability", "in single precision"), ("svc-probability-binary", "in single precision")];

/// All cases: what is not found is not compared.
const CASES: usize = 390;

/// One stored estimator.
struct Case {
    /// Version and name.
    name: String,
    file: Vec<u8>,
    record: Record,
}

fn versions() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sklearn");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "zip"));
    files.sort();
    files
}

fn cases(path: &Path) -> Vec<Case> {
    let bytes = std::fs::read(path).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let names = archive.file_names().map(|name| name.unwrap().into_owned());
    let names: Vec<String> = names.filter(|name| !name.ends_with(".json")).collect();
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let version = path.file_stem().unwrap().to_str().unwrap();
    let case = |file: &String| {
        let (name, _) = file.split_once('/').unwrap();
        let record = Record::parse(&read(&format!("{name}/answers.json")));
        Case { name: format!("{version} {name}"), file: read(file), record }
    };
    names.iter().map(case).collect()
}

fn answer(case: &Case, precision: Precision) -> Result<(), String> {
    let import = ImportOptions {
        input_shapes: [("x".to_owned(), vec![case.record.rows, case.record.columns])].into(),
        ..ImportOptions::default()
    };
    let options = CompileOptions { name: "case".to_owned(), import, precision, ..CompileOptions::default() };
    let compiled = compile(&case.file, &options).map_err(|error| format!("refused: {error}"))?;
    judge(&compiled, &case.record, precision)
}

fn all(precision: Precision, refusals: &[(&str, &str)]) {
    let (mut passed, mut wrong, mut refused) = (0, Vec::new(), BTreeSet::new());
    for case in versions().iter().flat_map(|path| cases(path)) {
        let expected = refusals.iter().find(|(name, _)| case.name.ends_with(&format!(" {name}")));
        match (answer(&case, precision), expected) {
            (Ok(()), None) => passed += 1,
            (Err(why), Some((name, reason))) if why.contains(reason) => _ = refused.insert((*name).to_owned()),
            (Err(why), _) => wrong.push(format!("{}: {why}", case.name)),
            (Ok(()), Some(_)) => wrong.push(format!("{}: compiles by now", case.name)),
        }
    }
    assert!(wrong.is_empty(), "{passed} pass, {} do not:\n{}", wrong.len(), wrong.join("\n"));
    assert!(passed + 3 * refusals.len() >= CASES, "{passed} cases");
    assert_eq!(refused.len(), refusals.len(), "a refusal that no case meets");
}

#[test]
fn single_precision_answers_the_same() {
    all(Precision::F32, &[]);
}

#[test]
fn double_precision_answers_the_same() {
    all(Precision::F64, &REFUSED);
}

#[test]
fn a_check_tells_the_estimator_and_its_version() {
    let newest = versions().pop().unwrap();
    let case = cases(&newest).into_iter().find(|case| case.name.ends_with(" forest-classifier")).unwrap();
    let options = CompileOptions { name: "case".to_owned(), ..CompileOptions::default() };
    let found = check::check(&case.file, &options).unwrap();
    assert_eq!(found.survey.producer, format!("scikit-learn {}", newest.file_stem().unwrap().to_str().unwrap()));
    assert_eq!(found.survey.operators.get("RandomForestClassifier"), Some(&1));
    assert!(found.outcome.is_ok());
}

#[test]
fn what_is_no_estimator_is_refused_by_name() {
    let options = CompileOptions { name: "case".to_owned(), ..CompileOptions::default() };
    for (file, code, why) in [
        (&b"\x80\x04]."[..], "E-SKLEARN-FILE", "the file holds a list"),
        (b"\x80\x04cbuiltins\neval\n.", "E-SKLEARN-FILE", "`builtins.eval`"),
        (
            b"\x80\x04csklearn.pipeline\nPipeline\n)\x81}b.",
            "E-SKLEARN-ESTIMATOR",
            "Pipeline: attribute `steps` is missing",
        ),
        (b"\x80\x04csklearn.cross_decomposition._pls\nCCA\n)\x81}b.", "E-SKLEARN-ESTIMATOR", "`CCA` is not supported"),
    ] {
        let import = ImportOptions { input_shapes: [("x".to_owned(), vec![1, 4])].into(), ..ImportOptions::default() };
        let error = compile(file, &CompileOptions { import, ..options.clone() }).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
}
