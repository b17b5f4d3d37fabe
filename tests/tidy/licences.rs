//! Every dependency's licence is one that `deny.toml` allows. `cargo deny` holds this and more; this needs no network.

use std::fs;
use std::process::Command;

use cargo_metadata::{CargoOpt, MetadataCommand};

use crate::{none, tree};

#[test]
fn every_dependency_has_an_allowed_licence() {
    let text = fs::read_to_string(tree::root().join("deny.toml")).unwrap();
    let deny: toml::Table = text.parse().unwrap();
    let allowed: Vec<&str> =
        deny["licenses"]["allow"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();

    // Of this platform only: others' dependencies are not even downloaded.
    let metadata = MetadataCommand::new()
        .manifest_path(tree::root().join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(["--locked".into(), "--filter-platform".into(), host()])
        .exec()
        .unwrap();
    let findings = metadata.packages.iter().filter_map(|package| {
        let licence = package.license.as_deref().unwrap_or("none stated");
        (!satisfied(licence, &allowed)).then(|| format!("{} {}: {licence}", package.name, package.version))
    });
    none("licences that deny.toml does not allow", findings);
}

fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Whether an SPDX expression can be met: one side of each OR, all sides of each AND. Brackets occur around an OR only.
fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    let (open, close) = (expression.find('('), expression.rfind(')'));
    if let (Some(open), Some(close)) = (open, close) {
        let inner = &expression[open + 1..close];
        let met = if satisfied(inner, allowed) { allowed[0] } else { "unmet" };
        return satisfied(&format!("{}{met}{}", &expression[..open], &expression[close + 1..]), allowed);
    }
    expression
        .split(" OR ")
        .flat_map(|part| part.split('/'))
        .any(|choice| choice.split(" AND ").all(|licence| allowed.contains(&licence.trim())))
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only OR MIT", true),
        ("GPL-3.0-only AND MIT", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(GPL-3.0-only OR MPL-2.0) AND Unicode-3.0", false),
        ("MIT/Apache-2.0", true),
        ("none stated", false),
    ] {
        assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
    }
}
