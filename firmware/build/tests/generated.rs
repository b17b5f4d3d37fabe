//! Modules are written for any Plan, and what is none is refused by name.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::path::{Path, PathBuf};

use mote_abi::{DType, op};
use mote_firmware_build::{BuildError, generate};
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{Halo, Kind, Meta, step as params};

/// Two inputs and two outputs, with names that need care.
fn plan() -> Vec<u8> {
    let mut writer = Writer::new(16);
    let tensor = |writer: &mut Writer, at, name| {
        let id = writer.arena(DType::F32, &[1, 3], Halo::NONE, at).unwrap();
        writer.name(id, name).unwrap();
        id
    };
    let a = tensor(&mut writer, 0, "serving_default_x:0");
    let b = tensor(&mut writer, 16, "in");
    let sum = tensor(&mut writer, 32, "y");
    let product = tensor(&mut writer, 48, "Y");
    for (y, op) in [(sum, op::Binary::Add), (product, op::Binary::Mul)] {
        writer.step(Kind::Binary, &[Some(a), Some(b)], &[y], &params::Binary { op });
    }
    let (inputs, outputs) = (vec![a, b], vec![sum, product]);
    writer.entry(EntrySpec { batch: 1, inputs, outputs, arena_bytes: 60, ..EntrySpec::default() });
    writer.finish(&Meta::default()).unwrap()
}

fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_module_states_types_names_and_sizes() {
    let bytes = plan();
    let text = generate(&file("sum-and-product.plan", &bytes)).unwrap();
    for line in [
        &format!("static PLAN: Aligned<{}> = Aligned(*include_bytes!(", bytes.len()),
        "pub fn predict(&mut self, serving_default_x_0: &[f32; 3], in_: &[f32; 3]) -> ::core::result::Result<&Outputs, ::mote_engine::Fault> {",
        "    pub y: [f32; 3],",
        "    pub y_2: [f32; 3],",
        "arena: Aligned([0; 60])",
        "/// - `in_`: `in`, [1, 3]",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_is_no_plan_is_refused() {
    let missing = generate(Path::new("nowhere.plan"));
    assert!(matches!(missing, Err(BuildError::File { .. })));
    let mut bytes = plan();
    bytes[8] ^= 1;
    assert!(matches!(generate(&file("flipped.plan", &bytes)), Err(BuildError::NotAPlan { .. })));
    let empty = Writer::new(16).finish(&Meta::default()).unwrap();
    assert!(matches!(generate(&file("empty.plan", &empty)), Err(BuildError::NoEntry { .. })));
}
