//! ONNX files: fields of the protobuf messages are changed at any depth, with lengths that fit again.

use mote_compiler::import::{ImportOptions, Limits, Model};
use mote_compiler::{CompileOptions, compile};
use mote_engine::{Arena, Fault};
use mote_plan::{AlignedBytes, Plan};

use super::{Random, Target, bytes};
use crate::evidence;
use crate::protobuf::{self, Field, Value};

/// What a mutated file may cost: a hundredth of the default, so that many are tried.
const LIMITS: Limits = Limits { nodes: 1 << 12, computed_bytes: 1 << 20, computed_operations: 1 << 22 };
/// The largest arena and work that a compiled mutation is run with.
const MAX_ARENA: u32 = 1 << 22;
const MAX_OPERATIONS: u64 = 1 << 22;
/// Graphs in attributes add three messages each; deeper than this nothing new stands.
const MAX_DEPTH: usize = 12;

pub(super) fn target() -> Target {
    let seeds = evidence::models().iter().map(evidence::Evidence::bytes).collect();
    Target { name: "import", seeds, mutate, enter }
}

fn mutate(random: &mut Random, file: &[u8], other: &[u8]) -> Vec<u8> {
    if random.once_in(16) {
        return bytes::mutate(random, file, other);
    }
    let mut file = file.to_vec();
    for _ in 0..=random.below(3) {
        file = message(random, &file, MAX_DEPTH).unwrap_or(file);
    }
    file
}

/// Changes one field of a message or of a message inside it.
fn message(random: &mut Random, message: &[u8], depth: usize) -> Option<Vec<u8>> {
    let mut fields = protobuf::parse(message).filter(|fields| !fields.is_empty())?;
    let at = random.below(fields.len());
    let inner = match &fields[at].value {
        Value::Bytes(inner) if depth > 0 && !random.once_in(5) => self::message(random, inner, depth - 1),
        _ => None,
    };
    match inner {
        Some(inner) => fields[at].value = Value::Bytes(inner),
        None => change(random, &mut fields, at),
    }
    Some(protobuf::encode(&fields))
}

fn change(random: &mut Random, fields: &mut Vec<Field>, at: usize) {
    let other = random.below(fields.len());
    match random.below(8) {
        0 => drop(fields.remove(at)),
        1 => fields.insert(other, fields[at].clone()),
        2 => fields.swap(at, other),
        // Names, shapes and types move from one place to another.
        3 => fields[at].value = fields[other].value.clone(),
        4 if random.once_in(4) => fields[at].number = random.number(fields[at].number) & 31 | 1,
        _ => match &mut fields[at].value {
            Value::Varint(value) => *value = random.number(*value),
            Value::Eight(value) => *value = random.bits().to_le_bytes(),
            Value::Four(value) => *value = (random.bits() as u32).to_le_bytes(),
            Value::Bytes(value) => *value = bytes::mutate(random, value, &[]),
        },
    }
}

fn enter(file: &[u8]) -> bool {
    if Model::read(file).is_err() {
        return false;
    }
    let import = ImportOptions { limits: LIMITS, ..ImportOptions::default() };
    let options = CompileOptions { name: "fuzz".to_owned(), import, ..CompileOptions::default() };
    match compile(file, &options) {
        Ok(compiled) => run(&compiled.plan),
        Err(error) => assert!(!error.to_string().is_empty() && !error.code().is_empty()),
    }
    true
}

/// Whatever compiles is a Plan, and a Plan of this compiler fails for its data alone.
pub(super) fn run(plan: &[u8]) {
    let plan = AlignedBytes::copy_of(plan);
    let plan = Plan::view(&plan).expect("the compiler writes Plans");
    let operations = plan.entries().map(|entry| entry.ops).max().unwrap_or(0);
    if plan.arena_bytes() > MAX_ARENA || operations > MAX_OPERATIONS {
        return;
    }
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).expect("aligned");
    let ended = mote_engine::run(&plan, 0, &mut arena);
    assert!(matches!(ended, Ok(()) | Err(Fault::IndexOutOfRange | Fault::DivisionByZero)), "{ended:?}");
}
