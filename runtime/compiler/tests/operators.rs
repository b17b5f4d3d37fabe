//! The documents list the operators that the code has. `BLESS=1` writes them anew.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use mote_compiler::import::{SupportSummary, SupportTable, operators};

/// Begins and ends the part of the README that is generated.
const BEGIN: &str = "<!-- operators: BLESS=1 cargo test --workspace --test operators -->\n";
const END: &str = "<!-- end of operators -->\n";

#[test]
fn the_page_of_operators_is_that_of_the_code() {
    let page = format!(
        "# Operators\n\nWhat `mote ops` prints. An operator stands with the operator sets from which on it has each of its \
         meanings, up to the newest of its domain; a form that is not taken is refused with node and reason, which `mote \
         check` tells beforehand.\n\n{}",
        SupportTable(operators())
    );
    same(&Path::new(env!("CARGO_MANIFEST_DIR")).join("OPERATORS.md"), &page);
}

#[test]
fn the_readme_names_every_operator() {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    same(&path, &format!("{before}{BEGIN}{}{END}{after}", SupportSummary(operators())));
}

fn same(path: &Path, want: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, want).unwrap();
    }
    let got = std::fs::read_to_string(path).unwrap_or_default();
    assert!(got == want, "{} is not what the code says; BLESS=1 writes it", path.display());
}
