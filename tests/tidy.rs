//! The house rules, executed. Each rule lists everything that breaks it, so that one run is enough.
//!
//! What the rules are and why: `CONTRIBUTING.md`. A new crate enters `tidy/layers.rs`; a new heavy dependency its homes.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/licences.rs"]
mod licences;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tree.rs"]
mod tree;

/// Fails with every finding on a line of its own.
#[track_caller]
fn none(rule: &str, findings: impl IntoIterator<Item = String>) {
    let findings: Vec<String> = findings.into_iter().collect();
    assert!(findings.is_empty(), "{rule}:\n  {}\n", findings.join("\n  "));
}
