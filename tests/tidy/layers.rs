//! Who may depend on whom, from `cargo metadata`.
//!
//! Direct dependencies, normal and for build scripts, are what the rules speak of; tests may look anywhere.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::{none, tree};

/// The layers, lowest first. An arrow goes to a lower row only, so crates of one row do not see each other.
const LAYERS: [&[&str]; 12] = [
    &["abi", "toolchain"],
    &["plan", "kernels", "seal", "wire"],
    &["engine", "stream", "fleet"],
    &["guest"],
    &["guest-image"],
    &["pickle"],
    &["compiler", "weld"],
    &["host", "qemu"],
    &["gateway", "release", "web", "firmware", "firmware-build"],
    &["xtask", "bindgen", "firmware-sim", "firmware-example"],
    &["cli"],
    &["tests"],
];

/// Rows 0 to 2 are DESIGN's L0 and L1: no IO, no clock, no allocator to speak of.
const PURE: std::ops::Range<usize> = 0..3;

/// Heavy dependencies (a trailing `*` stands for any ending) and the crates that may name them.
const HOMES: [(&str, &[&str]); 13] = [
    ("tract-*", &["compiler"]),
    ("wasmtime*", &["host"]),
    ("tokio", &["gateway"]),
    ("axum", &["gateway"]),
    ("rumqttc", &["gateway"]),
    ("rumqttd", &["gateway"]),
    ("walrus", &["weld"]),
    ("wasm-encoder", &["weld"]),
    ("wasmparser", &["weld", "guest-image"]),
    ("wasm-bindgen*", &["web", "bindgen"]),
    ("embedded-hal*", &["firmware"]),
    ("minimq", &["firmware"]),
    ("clap*", &["cli"]),
];

fn workspace() -> Metadata {
    MetadataCommand::new().manifest_path(tree::root().join("Cargo.toml")).no_deps().exec().unwrap()
}

/// The name behind `mote-`.
fn short(package: &Package) -> &str {
    package.name.strip_prefix("mote-").unwrap_or(&package.name)
}

fn row(name: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&name))
}

/// Pairs of a crate and a direct dependency outside its tests.
fn arrows(metadata: &Metadata) -> impl Iterator<Item = (&Package, &str)> {
    metadata.workspace_packages().into_iter().flat_map(|package| {
        let direct = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
        direct.map(move |dependency| (package, dependency.name.as_str()))
    })
}

#[test]
fn packages_are_named_mote_and_stay_unpublished() {
    let metadata = workspace();
    let findings = metadata.workspace_packages().into_iter().filter_map(|package| {
        let named = package.name.starts_with("mote-");
        let unpublished = package.publish.as_ref().is_some_and(Vec::is_empty);
        (!named || !unpublished).then(|| format!("{}: a mote-* name and publish = false", package.name))
    });
    none("package names", findings);
}

#[test]
fn every_crate_has_a_layer() {
    let metadata = workspace();
    let packages = metadata.workspace_packages().into_iter();
    let strangers = packages.filter(|package| row(short(package)).is_none());
    none("crates without a row in LAYERS", strangers.map(|package| package.name.to_string()));
}

#[test]
fn arrows_go_down() {
    let metadata = workspace();
    let findings = arrows(&metadata).filter_map(|(package, dependency)| {
        let below = dependency.strip_prefix("mote-")?;
        (row(below) >= row(short(package))).then(|| format!("{} -> {dependency}", package.name))
    });
    none("arrows that go up or sideways", findings);
}

#[test]
fn heavy_dependencies_live_in_their_homes() {
    let metadata = workspace();
    let findings = arrows(&metadata).filter_map(|(package, dependency)| {
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => dependency.starts_with(start),
            None => dependency == pattern,
        };
        let (_, homes) = HOMES.iter().find(|(pattern, _)| matches(pattern))?;
        let at_home = homes.contains(&short(package)) || short(package) == "tests";
        (!at_home).then(|| format!("{} -> {dependency}; its homes: {}", package.name, homes.join(", ")))
    });
    none("heavy dependencies away from home", findings);
}

#[test]
fn the_lower_layers_need_no_std_and_no_unsafe() {
    let metadata = workspace();
    let mut findings = Vec::new();
    for package in metadata.workspace_packages() {
        let name = short(package);
        if !row(name).is_some_and(|row| PURE.contains(&row)) || name == "toolchain" {
            continue;
        }
        let root = std::fs::read_to_string(package.targets[0].src_path.as_std_path()).unwrap();
        if !root.contains("no_std") {
            findings.push(format!("{}: no #![no_std]", package.name));
        }
        let unsafe_is_off = match name {
            // Their named files hold unsafe code; the lint stays on around them.
            "kernels" | "engine" => !root.contains("allow(unsafe_code"),
            _ => root.contains("#![forbid(unsafe_code)]"),
        };
        if !unsafe_is_off {
            findings.push(format!("{}: unsafe code is not forbidden", package.name));
        }
    }
    none("the lower layers", findings);
}
