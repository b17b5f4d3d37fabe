//! Foreign guests: hand-written wasm that a host was told to run, and that wants more than it is given.

use std::time::Duration;

use mote_host::{Code, ForeignConfig, Host, HostConfig, InferError, Limits, LoadOptions, Wasi};
use mote_seal::Kind;
use mote_tests::signed::Signed;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, CustomSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, Module,
    StartSection, TypeSection, ValType,
};

use crate::wasm::{NO_IMAGE, card, name};
use crate::{Attack, named, plan};

/// What the guests are given.
const LIMITS: Limits = Limits { memory_bytes: 4 << 16, ops: 1000, deadline: Duration::from_millis(50) };

/// A guest in full: its imports, pages, start function, Card and code.
struct Guest {
    import: Option<(&'static str, &'static str)>,
    pages: u64,
    abi: i32,
    start: Option<fn(&mut InstructionSink<'_>)>,
    card: Option<String>,
    code: fn(&mut InstructionSink<'_>),
}

fn modest() -> Guest {
    Guest {
        import: None,
        pages: 1,
        abi: 1,
        start: None,
        card: Some(card(1, 10, 16)),
        code: |code| {
            code.i32_const(0);
        },
    }
}

fn build(guest: &Guest) -> Vec<u8> {
    let mut module = Module::new();
    if let Some(card) = &guest.card {
        module.section(&CustomSection { name: "mote.card".into(), data: card.as_bytes().into() });
    }
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([], []);
    module.section(&types);
    let mut imports = ImportSection::new();
    if let Some((from, name)) = guest.import {
        imports.import(from, name, EntityType::Function(1));
    }
    module.section(&imports);
    module.section(FunctionSection::new().function(0).function(1));
    let memory =
        MemoryType { minimum: guest.pages, maximum: None, memory64: false, shared: false, page_size_log2: None };
    module.section(MemorySection::new().memory(memory));
    let constant = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
    module.section(GlobalSection::new().global(constant, &ConstExpr::i32_const(guest.abi)));
    let imported = u32::from(guest.import.is_some());
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0).export("mote_abi", ExportKind::Global, 0);
    exports.export("mote_infer", ExportKind::Func, imported);
    module.section(&exports);
    if guest.start.is_some() {
        module.section(&StartSection { function_index: imported + 1 });
    }
    let mut infer = Function::new([]);
    (guest.code)(&mut infer.instructions());
    infer.instructions().end();
    let mut start = Function::new([]);
    guest.start.unwrap_or(|_| ())(&mut start.instructions());
    start.instructions().end();
    module.section(CodeSection::new().function(&infer).function(&start));
    module.finish()
}

/// Loads, starts and calls a guest.
fn run(guest: &Guest, foreign: Option<ForeignConfig>) -> Option<String> {
    let host = Host::new(&HostConfig { slots: 0, foreign, ..HostConfig::default() }).unwrap();
    let signed = Signed::new(build(guest), Kind::Foreign);
    let model = match host.load_foreign(&signed.open().unwrap(), LIMITS) {
        Ok(model) => model,
        Err(error) => return Some(name(&error)),
    };
    let mut instance = match model.instantiate() {
        Ok(instance) => instance,
        Err(error) => return Some(name(&error)),
    };
    let ended: Result<(), InferError> = instance.infer(0, &[&[0; 4]]).map(drop);
    ended.err().map(|error| named("Infer", &error))
}

pub(crate) fn attacks() -> Vec<Attack> {
    let guest = |name, error, change: fn(&mut Guest)| {
        let mut guest = modest();
        change(&mut guest);
        Attack::new(name, error, move || run(&guest, Some(ForeignConfig { wasi: Wasi::Subset })))
    };
    vec![
        Attack::new("foreign-where-none-may-run", "Load.ForeignDisabled", || run(&modest(), None)),
        Attack::new("foreign-posing-as-a-model", "Load.Foreign", || {
            let host = Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap();
            let signed = Signed::new(build(&modest()), Kind::Foreign);
            let options = LoadOptions { code: Code::File, ..LoadOptions::default() };
            host.load(&signed.open().unwrap(), &NO_IMAGE, &options).err().map(|error| name(&error))
        }),
        Attack::new("model-posing-as-foreign", "Load.NotForeign", || {
            let foreign = Some(ForeignConfig::default());
            let host = Host::new(&HostConfig { slots: 0, foreign, ..HostConfig::default() }).unwrap();
            let signed = Signed::new(plan::sound(), Kind::Plan);
            host.load_foreign(&signed.open().unwrap(), LIMITS).err().map(|error| name(&error))
        }),
        guest("foreign-opens-files", "Load.ImportRefused", |guest| {
            guest.import = Some(("wasi_snapshot_preview1", "path_open"));
        }),
        guest("foreign-opens-sockets", "Load.ImportRefused", |guest| {
            guest.import = Some(("wasi_snapshot_preview1", "sock_send"));
        }),
        guest("foreign-calls-the-system", "Load.ImportRefused", |guest| guest.import = Some(("env", "system"))),
        guest("foreign-import-of-another-type", "Load.Engine", |guest| {
            guest.import = Some(("wasi_snapshot_preview1", "clock_time_get"));
        }),
        guest("foreign-loops-forever", "Infer.Deadline", |guest| {
            guest.code = |code| {
                code.loop_(BlockType::Empty).br(0).end().i32_const(0);
            };
        }),
        guest("foreign-starts-forever", "Start.Deadline", |guest| {
            guest.start = Some(|code| {
                code.loop_(BlockType::Empty).br(0).end();
            });
        }),
        guest("foreign-breaks-at-start", "Start.Trap", |guest| {
            guest.start = Some(|code| {
                code.unreachable();
            });
        }),
        guest("foreign-recurses-forever", "Infer.Trap", |guest| {
            guest.code = |code| {
                code.local_get(0).call(0);
            };
        }),
        guest("foreign-reads-outside", "Infer.Trap", |guest| {
            guest.code = |code| {
                let target = MemArgTarget::Memory(0);
                code.i32_const(-4).i32_load(MemArg { offset: 0, align: 2, target, ordering: None });
            };
        }),
        // Growing beyond the limit answers -1, which is no status.
        guest("foreign-grows-memory", "Infer.UnknownStatus", |guest| {
            guest.code = |code| {
                code.i32_const(60_000).memory_grow(0);
            };
        }),
        guest("foreign-admits-failure", "Infer.Status", |guest| {
            guest.code = |code| {
                code.i32_const(3);
            };
        }),
        guest("foreign-with-a-large-memory", "Load.Engine", |guest| guest.pages = 60_000),
        guest("foreign-states-a-large-memory", "Load.TooMuchMemory", |guest| guest.card = Some(card(60_000, 10, 16))),
        guest("foreign-states-endless-work", "Load.TooManyOperations", |guest| {
            guest.card = Some(card(1, u64::MAX, 16));
        }),
        guest("foreign-card-beyond-its-memory", "Load.CardOutOfBounds", |guest| guest.card = Some(card(2, 10, 70_000))),
        guest("foreign-without-card", "Load.NoCard", |guest| guest.card = None),
        guest("foreign-card-that-is-no-json", "Load.NoCard", |guest| guest.card = Some("[".repeat(100_000))),
        guest("foreign-of-another-abi", "Load.ExportMissing", |guest| guest.abi = 2),
    ]
}
