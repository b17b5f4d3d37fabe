//! Modules: a sound guest, spoilt in one place, signed and asked to run its own code.

use mote_host::{Code, Host, HostConfig, InferError, Limits, LoadError, LoadOptions};
use mote_plan::{AlignedBytes, Plan};
use mote_seal::Kind;
use mote_tests::signed::Signed;
use mote_weld::{Card, Flavour, Image};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, InstructionSink, MemorySection,
    MemoryType, Module, RefType, StartSection, TableSection, TableType, TypeSection, ValType,
};

use crate::{Attack, named, plan};

pub(crate) const NO_IMAGE: Image<'static> = Image { wasm: &[], digest: [0; 32] };

/// The parts of a guest.
struct Parts {
    import: bool,
    table: bool,
    elements: bool,
    memories: Vec<MemoryType>,
    abi: i32,
    exports: Vec<(&'static str, ExportKind, u32)>,
    start: bool,
    code: fn(&mut InstructionSink<'_>),
    filler: usize,
    data: Vec<(Option<i32>, &'static [u8])>,
    card: Option<String>,
}

fn memory(minimum: u64, maximum: Option<u64>) -> MemoryType {
    MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None }
}

fn sound() -> Parts {
    Parts {
        import: false,
        table: false,
        elements: false,
        memories: vec![memory(1, Some(1))],
        abi: 1,
        exports: vec![
            ("memory", ExportKind::Memory, 0),
            ("mote_abi", ExportKind::Global, 0),
            ("mote_infer", ExportKind::Func, 0),
        ],
        start: false,
        code: |_| {},
        filler: 0,
        data: vec![(Some(0), b"MOTEPLAN and so on")],
        card: Some(card(1, 10, 16)),
    }
}

/// A Card of so many pages and operations, with one i32 input at 0 and one i32 output.
pub(crate) fn card(pages: u32, ops: u64, output: u32) -> String {
    let tensor = |name: &str, at| format!(r#"{{"name":"{name}","dtype":"i32","shape":[1],"offset":{at},"bytes":4}}"#);
    format!(
        r#"{{"abi":1,"name":"hand","version":1,"flavour":"strict-v8","plan":{{"offset":0,"length":0}},"memory":{{"pages":{pages},"arena_offset":0}},"entries":[{{"batch":1,"macs":0,"ops":{ops},"inputs":[{}],"outputs":[{}]}}],"compiler":"hand","source":""}}"#,
        tensor("x", 0),
        tensor("y", output),
    )
}

fn build(parts: &Parts) -> Vec<u8> {
    let mut module = Module::new();
    if let Some(card) = &parts.card {
        module.section(&CustomSection { name: "mote.card".into(), data: card.as_bytes().into() });
    }
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([], []);
    module.section(&types);
    if parts.import {
        module.section(ImportSection::new().import("env", "system", EntityType::Function(1)));
    }
    module.section(FunctionSection::new().function(0).function(1));
    if parts.table {
        module.section(TableSection::new().table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 1,
            maximum: Some(1),
            shared: false,
        }));
    }
    let mut memories = MemorySection::new();
    for memory in &parts.memories {
        memories.memory(*memory);
    }
    module.section(&memories);
    let constant = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    module.section(GlobalSection::new().global(constant, &ConstExpr::i32_const(parts.abi)));
    let mut exports = ExportSection::new();
    for (name, kind, index) in &parts.exports {
        exports.export(name, *kind, *index);
    }
    module.section(&exports);
    if parts.start {
        module.section(&StartSection { function_index: 1 });
    }
    if parts.elements {
        module.section(ElementSection::new().declared(Elements::Functions(vec![0].into())));
    }
    let mut infer = Function::new([]);
    (parts.code)(&mut infer.instructions());
    infer.raw(vec![0x01; parts.filler]);
    infer.instructions().i32_const(0).end();
    let mut nothing = Function::new([]);
    nothing.instructions().end();
    module.section(CodeSection::new().function(&infer).function(&nothing));
    let mut data = DataSection::new();
    for (at, bytes) in &parts.data {
        match at {
            Some(at) => data.active(0, &ConstExpr::i32_const(*at), bytes.iter().copied()),
            None => data.passive(bytes.iter().copied()),
        };
    }
    module.section(&data);
    module.finish()
}

/// Loads a Module with its own code.
fn load(wasm: Vec<u8>) -> Option<String> {
    load_as(wasm, Kind::Module, Code::File, Limits::default())
}

fn load_as(artifact: Vec<u8>, kind: Kind, code: Code, limits: Limits) -> Option<String> {
    let host = Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap();
    let signed = Signed::new(artifact, kind);
    let options = LoadOptions { code, limits, ..LoadOptions::default() };
    host.load(&signed.open().unwrap(), &NO_IMAGE, &options).err().map(|error| name(&error))
}

/// The innermost name of why something was not loaded.
pub(crate) fn name(error: &LoadError) -> String {
    match error {
        LoadError::Check(error) => named("Check", error),
        LoadError::Plan(error) => named("Plan", error),
        LoadError::NoPlan(error) => named("NoPlan", error),
        LoadError::Weld(error) => named("Weld", error),
        LoadError::Start(error) => named("Start", error),
        error => named("Load", error),
    }
}

/// The sum of `plan::sound` as a Module of a sound welder.
fn welded() -> Vec<u8> {
    let bytes = AlignedBytes::copy_of(&plan::sound());
    mote_weld::module(&Plan::view(&bytes).unwrap(), Flavour::default(), &NO_IMAGE).unwrap()
}

/// Calls it with inputs of these lengths.
fn call(entry: u32, lengths: &[usize]) -> Option<String> {
    let host = Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap();
    let signed = Signed::new(plan::sound(), Kind::Plan);
    let model = host.load(&signed.open().unwrap(), &NO_IMAGE, &LoadOptions::default()).unwrap();
    let inputs: Vec<Vec<u8>> = lengths.iter().map(|&length| vec![0; length]).collect();
    let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
    let mut instance = model.instantiate().unwrap();
    let ended: Result<(), InferError> = instance.infer(entry, &inputs).map(drop);
    ended.err().map(|error| named("Infer", &error))
}

pub(crate) fn attacks() -> Vec<Attack> {
    [modules(), loads()].into_iter().flatten().collect()
}

fn modules() -> Vec<Attack> {
    let spoilt = |name, error, spoil: fn(&mut Parts)| {
        let mut parts = sound();
        spoil(&mut parts);
        Attack::new(name, error, move || load(build(&parts)))
    };
    vec![
        Attack::new("wasm-truncated", "Check.Invalid", || load(welded()[..welded().len() / 2].to_vec())),
        Attack::new("wasm-component", "Check.Component", || load(b"\0asm\x0d\0\x01\0".to_vec())),
        spoilt("wasm-of-wrong-types", "Check.Invalid", |parts| {
            parts.code = |code| {
                code.f32_const(1.0.into()).i32_eqz().drop();
            };
        }),
        spoilt("wasm-with-import", "Check.Import", |parts| parts.import = true),
        spoilt("wasm-with-start", "Check.Start", |parts| parts.start = true),
        spoilt("wasm-table", "Check.Table", |parts| parts.table = true),
        spoilt("wasm-elements", "Check.Table", |parts| parts.elements = true),
        spoilt("wasm-two-memories", "Check.Memories", |parts| parts.memories.push(memory(1, Some(1)))),
        spoilt("wasm-memory-that-may-grow", "Check.MemoryNotFixed", |parts| parts.memories = vec![memory(1, None)]),
        spoilt("wasm-memory-of-64-bits", "Check.MemoryKind", |parts| parts.memories[0].memory64 = true),
        spoilt("wasm-memory-grow", "Check.MemoryGrow", |parts| {
            parts.code = |code| {
                code.i32_const(1).memory_grow(0).drop();
            };
        }),
        spoilt("wasm-extra-export", "Check.Export", |parts| parts.exports.push(("debug", ExportKind::Func, 1))),
        spoilt("wasm-without-infer", "Check.NoExport", |parts| parts.exports.truncate(2)),
        spoilt("wasm-infer-of-another-type", "Check.NoExport", |parts| parts.exports[2].2 = 1),
        spoilt("wasm-of-another-abi", "Check.Abi", |parts| parts.abi = 2),
        spoilt("wasm-many-segments", "Check.TooMany", |parts| parts.data = vec![parts.data[0]; 5]),
        spoilt("wasm-endless-function", "Check.FunctionTooLong", |parts| parts.filler = 3 << 20),
        spoilt("wasm-passive-segment", "Check.Segment", |parts| parts.data[0].0 = None),
        spoilt("wasm-segment-outside", "Check.SegmentOutside", |parts| parts.data[0].0 = Some(-8)),
        spoilt("wasm-without-plan", "Check.NoPlan", |parts| parts.data[0].1 = b"something else"),
        spoilt("wasm-without-card", "Load.NoCard", |parts| parts.card = None),
        spoilt("wasm-card-outside-memory", "Load.CardOutOfBounds", |parts| parts.card = Some(card(1, 10, 65_534))),
        spoilt("wasm-card-that-wraps", "Load.CardOutOfBounds", |parts| parts.card = Some(card(1, 10, u32::MAX - 1))),
        spoilt("wasm-relaxed-in-strict", "Load.RelaxedInStrict", |parts| {
            parts.code = |code| {
                code.v128_const(0).v128_const(0).v128_const(0).f32x4_relaxed_madd().drop();
            };
        }),
    ]
}

fn loads() -> Vec<Attack> {
    let limited = |name, error, limits: Limits| {
        Attack::new(name, error, move || load_as(plan::sound(), Kind::Plan, Code::Derived, limits))
    };
    let own = Limits::default();
    vec![
        Attack::new("wasm-whose-plan-is-cut", "NoPlan.NotWasm", || {
            load_as(welded()[..welded().len() - 9].to_vec(), Kind::Module, Code::Derived, Limits::default())
        }),
        Attack::new("wasm-named-plan", "Plan.BadMagic", || {
            load_as(welded(), Kind::Plan, Code::Derived, Limits::default())
        }),
        Attack::new("plan-without-code", "Load.NoCodeInFile", || {
            load_as(plan::sound(), Kind::Plan, Code::File, Limits::default())
        }),
        Attack::new("plan-of-endless-work", "Load.TooManyOperations", || {
            load_as(plan::of_operations(u64::MAX), Kind::Plan, Code::Derived, Limits::default())
        }),
        Attack::new("plan-slower-than-its-deadline", "Load.TooSlow", || {
            let limits = Limits { ops: u64::MAX, ..Limits::default() };
            load_as(plan::of_operations(u64::MAX), Kind::Plan, Code::Derived, limits)
        }),
        limited("plan-larger-than-its-memory", "Load.TooMuchMemory", Limits { memory_bytes: 64, ..own }),
        Attack::new("call-of-no-entry", "Infer.NoEntry", || call(1, &[8])),
        Attack::new("call-with-too-many-inputs", "Infer.InputCount", || call(0, &[8, 8])),
        Attack::new("call-with-a-long-input", "Infer.InputLength", || call(0, &[1 << 20])),
        Attack::new("card-of-another-boundary", "Card.UnknownAbi", || {
            let parts = Parts { card: Some(card(1, 10, 16).replace("\"abi\":1", "\"abi\":7")), ..sound() };
            Card::read(&build(&parts)).err().map(|error| named("Card", &error))
        }),
    ]
}
