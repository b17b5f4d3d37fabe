//! The Module around the code: layout, exports, Card, linked kernels, and what hosts refuse.
#![allow(clippy::unwrap_used, reason = "tests")]

use mote_abi::{DType, Status, op};
use mote_engine::Arena;
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{AlignedBytes, Halo, Kind, Meta, Plan, StatePair, TensorId, step};
use mote_weld::check::{self, CheckError};
use mote_weld::{Card, CardError, Flavour, Image, ImageFault, PlanInError, WeldError, plan_in};

const NO_IMAGE: Image<'static> = Image { wasm: b"no image", digest: [0; 32] };

fn image() -> Image<'static> {
    let image = mote_guest_image::image();
    Image { wasm: image.wasm, digest: image.digest }
}

fn meta() -> Meta {
    Meta {
        name: "probe".into(),
        version: 7,
        compiler: "test 1".into(),
        source: "00".into(),
        labels: vec!["yes".into(), "no".into()],
        state: vec![StatePair { output: "y".into(), input: "x".into() }],
        threshold: Some(0.5),
        ..Meta::default()
    }
}

/// One entry per count: `x -> y` by so many steps of a unary function, 24 elements.
fn unary_plan(op: op::Unary, counts: &[usize]) -> AlignedBytes {
    let mut writer = Writer::new(64);
    let x = writer.arena(DType::F32, &[2, 12], Halo::NONE, 0).unwrap();
    let y = writer.arena(DType::F32, &[2, 12], Halo::NONE, 128).unwrap();
    writer.name(x, "x").unwrap();
    writer.name(y, "y").unwrap();
    for (batch, &count) in (1..).zip(counts) {
        let params = step::Unary { op, alpha: 0.5, beta: 0.0 };
        let mut from = x;
        for _ in 0..count {
            writer.step(Kind::Unary, &[Some(from)], &[y], &params);
            from = y;
        }
        let spec = EntrySpec { batch, inputs: vec![x], outputs: vec![y], arena_bytes: 224, macs: 5, ops: 24 };
        writer.entry(spec);
    }
    AlignedBytes::copy_of(&writer.finish(&meta()).unwrap())
}

struct Guest {
    store: wasmtime::Store<()>,
    memory: wasmtime::Memory,
    infer: wasmtime::TypedFunc<i32, i32>,
    abi: i32,
}

impl Guest {
    fn new(wasm: &[u8]) -> Self {
        let engine = wasmtime::Engine::default();
        let module = wasmtime::Module::new(&engine, wasm).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let infer = instance.get_typed_func(&mut store, "mote_infer").unwrap();
        let abi = instance.get_global(&mut store, "mote_abi").unwrap().get(&mut store).i32().unwrap();
        Self { store, memory, infer, abi }
    }

    fn call(&mut self, entry: i32) -> i32 {
        self.infer.call(&mut self.store, entry).unwrap()
    }

    fn write(&mut self, at: u32, bytes: &[u8]) {
        self.memory.write(&mut self.store, at as usize, bytes).unwrap();
    }

    fn read(&self, at: u32, len: usize) -> Vec<u8> {
        self.memory.data(&self.store)[at as usize..at as usize + len].to_vec()
    }
}

fn bytes_of(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}

#[test]
fn a_host_needs_nothing_but_the_wasm_and_its_card() {
    let bytes = unary_plan(op::Unary::LeakyRelu, &[1, 250, 0]);
    let plan = Plan::view(&bytes).unwrap();
    let wasm = mote_weld::module(&plan, Flavour::default(), &NO_IMAGE).unwrap();
    let checked = check::module(&wasm).unwrap();
    let card = Card::read(&wasm).unwrap();
    assert_eq!(card.meta(), meta());
    assert_eq!(card.flavour.to_string(), "strict-v8");
    assert_eq!(card.image, None, "no kernel was linked");
    assert_eq!(card.memory.pages, checked.pages);
    assert_eq!((card.plan.length as usize, card.plan.offset % 64, card.memory.arena_offset % 64), (bytes.len(), 0, 0));
    assert_eq!(card.entries.iter().map(|entry| entry.batch).collect::<Vec<_>>(), [1, 2, 3]);
    let (x, y) = (&card.entries[0].inputs[0], &card.entries[0].outputs[0]);
    assert_eq!((x.name.as_str(), x.dtype(), x.shape.as_slice(), x.bytes), ("x", Some(DType::F32), &[2, 12][..], 96));
    assert_eq!(y.offset, card.memory.arena_offset + 128);

    let mut guest = Guest::new(&wasm);
    assert_eq!(guest.abi, 1);
    let input = bytes_of((0..24).map(|i| i as f32 - 12.0));
    for (entry, steps) in [(0, 1), (1, 250)] {
        guest.write(x.offset, &input);
        assert_eq!(guest.call(entry), Status::Ok.code());
        let scaled = |v: f32| if v < 0.0 { (0..steps).fold(v, |v, _| v * 0.5) } else { v };
        assert_eq!(guest.read(y.offset, 96), bytes_of((0..24).map(|i| scaled(i as f32 - 12.0))));
    }
    assert_eq!(guest.call(2), Status::Ok.code());
    for entry in [3, -1, i32::MAX] {
        assert_eq!(guest.call(entry), Status::BadEntry.code());
    }
}

#[test]
fn the_plan_comes_out_as_it_went_in() {
    let bytes = unary_plan(op::Unary::Abs, &[1]);
    let plan = Plan::view(&bytes).unwrap();
    let wasm = mote_weld::module(&plan, Flavour::default(), &NO_IMAGE).unwrap();
    assert_eq!(plan_in(&wasm).unwrap(), &bytes[..]);
    assert_eq!(&wasm[check::module(&wasm).unwrap().plan], &bytes[..]);
    let card = Card::read(&wasm).unwrap();
    assert_eq!(Guest::new(&wasm).read(card.plan.offset, bytes.len()), &bytes[..]);
}

#[test]
fn equal_inputs_give_equal_modules_and_equal_layers_one_function() {
    let once = unary_plan(op::Unary::Exp, &[2]);
    for flavour in Flavour::ALL {
        let weld = || mote_weld::module(&Plan::view(&once).unwrap(), flavour, &image()).unwrap();
        assert_eq!(weld(), weld(), "{flavour}");
    }
    let functions = |count: usize| {
        let bytes = unary_plan(op::Unary::Neg, &[count]);
        let wasm = mote_weld::module(&Plan::view(&bytes).unwrap(), Flavour::default(), &NO_IMAGE).unwrap();
        check::module(&wasm).unwrap().functions
    };
    assert_eq!(functions(100), functions(1));
}

#[test]
fn linked_kernels_answer_like_the_engine() {
    let mut writer = Writer::new(64);
    let dims = [3, 10];
    let tensors: Vec<TensorId> =
        (0..3).map(|i| writer.arena(DType::F32, &dims, Halo::NONE, i * 128).unwrap()).collect();
    writer.name(tensors[0], "x").unwrap();
    writer.name(tensors[2], "y").unwrap();
    writer.step(
        Kind::Unary,
        &[Some(tensors[0])],
        &[tensors[1]],
        &step::Unary { op: op::Unary::Tanh, alpha: 0.0, beta: 0.0 },
    );
    writer.step(
        Kind::Unary,
        &[Some(tensors[1])],
        &[tensors[1]],
        &step::Unary { op: op::Unary::Abs, alpha: 0.0, beta: 0.0 },
    );
    writer.step(Kind::Softmax, &[Some(tensors[1])], &[tensors[2]], &step::Softmax { axis: 1, log: 0 });
    let (inputs, outputs) = (vec![tensors[0]], vec![tensors[2]]);
    writer.entry(EntrySpec { batch: 3, inputs, outputs, arena_bytes: 384, ..EntrySpec::default() });
    let bytes = AlignedBytes::copy_of(&writer.finish(&meta()).unwrap());
    let plan = Plan::view(&bytes).unwrap();

    let mut native = AlignedBytes::zeroed(384);
    native[..120].copy_from_slice(&bytes_of((0..30).map(|i| i as f32 / 7.0 - 2.0)));
    let before = native.clone();
    mote_engine::run(&plan, 0, &mut Arena::new(&mut native).unwrap()).unwrap();

    for flavour in Flavour::ALL {
        let wasm = mote_weld::module(&plan, flavour, &image()).unwrap();
        let checked = check::module(&wasm).unwrap();
        assert!(!checked.relaxed, "{flavour}: no contraction, no relaxed opcode");
        assert!(
            (checked.code_bytes as usize) < image().wasm.len() / 2,
            "{flavour}: kernels that nobody calls came along"
        );
        let card = Card::read(&wasm).unwrap();
        assert_eq!(card.image.as_deref().map(str::len), Some(64));
        assert!(card.plan.offset >= mote_guest_image::image().heap_base);
        let mut guest = Guest::new(&wasm);
        guest.write(card.memory.arena_offset, &before);
        assert_eq!(guest.call(0), 0, "{flavour}");
        assert_eq!(guest.read(card.memory.arena_offset, 384), &native[..], "{flavour}");
    }
}

#[test]
fn a_status_stops_the_call() {
    let mut writer = Writer::new(64);
    let x = writer.arena(DType::F32, &[4], Halo::NONE, 0).unwrap();
    let indices = writer.arena(DType::I32, &[1], Halo::NONE, 64).unwrap();
    let y = writer.arena(DType::F32, &[1], Halo::NONE, 128).unwrap();
    writer.step(Kind::Gather, &[Some(x), Some(indices)], &[y], &step::Axis { axis: 0 });
    writer.step(Kind::Unary, &[Some(y)], &[y], &step::Unary { op: op::Unary::Neg, alpha: 0.0, beta: 0.0 });
    writer.entry(EntrySpec { batch: 1, arena_bytes: 192, ..EntrySpec::default() });
    let bytes = AlignedBytes::copy_of(&writer.finish(&meta()).unwrap());
    let wasm = mote_weld::module(&Plan::view(&bytes).unwrap(), Flavour::default(), &image()).unwrap();
    let arena = Card::read(&wasm).unwrap().memory.arena_offset;
    let mut guest = Guest::new(&wasm);
    guest.write(arena, &bytes_of([1.0, 2.0, 3.0, 4.0]));
    guest.write(arena + 64, &2i32.to_le_bytes());
    assert_eq!(guest.call(0), Status::Ok.code());
    assert_eq!(guest.read(arena + 128, 4), bytes_of([-3.0]));
    guest.write(arena + 64, &9i32.to_le_bytes());
    assert_eq!(guest.call(0), Status::IndexOutOfRange.code());
    assert_eq!(guest.read(arena + 128, 4), bytes_of([-3.0]), "the step after it did not run");
}

#[test]
fn what_cannot_be_welded_is_named() {
    let bytes = unary_plan(op::Unary::Exp, &[1]);
    let plan = Plan::view(&bytes).unwrap();
    let weld = |image: &Image<'_>| mote_weld::module(&plan, Flavour::default(), image).unwrap_err();
    assert_eq!(weld(&NO_IMAGE), WeldError::Image(ImageFault::Unreadable));
    let other = unary_plan(op::Unary::Abs, &[1]);
    let no_kernels = mote_weld::module(&Plan::view(&other).unwrap(), Flavour::default(), &NO_IMAGE).unwrap();
    let no_heap = Image { wasm: &no_kernels, digest: [0; 32] };
    assert_eq!(weld(&no_heap), WeldError::Image(ImageFault::NoHeapBase));

    let mut writer = Writer::new(64);
    writer.entry(EntrySpec { arena_bytes: 1 << 31, ..EntrySpec::default() });
    let meta_free = Meta::default();
    let large = AlignedBytes::copy_of(&writer.finish(&meta_free).unwrap());
    assert!(mote_weld::module(&Plan::view(&large).unwrap(), Flavour::default(), &NO_IMAGE).is_ok(), "2 GiB still fit");
}

#[test]
fn cards_are_read_with_care() {
    let bytes = unary_plan(op::Unary::Abs, &[1]);
    let wasm = mote_weld::module(&Plan::view(&bytes).unwrap(), Flavour::default(), &NO_IMAGE).unwrap();
    let with_card = |json: &str| {
        let mut module = wasm_encoder::Module::new();
        module.section(&wasm_encoder::CustomSection { name: "mote.card".into(), data: json.as_bytes().into() });
        module.finish()
    };
    let json = Card::read(&wasm).unwrap().to_json();
    assert_eq!(Card::read(&with_card(&json)).unwrap().to_json(), json);
    assert_eq!(Card::read(b"\0asm\x01\0\0\0"), Err(CardError::Missing));
    assert_eq!(Card::read(b"no wasm at all"), Err(CardError::NotWasm { offset: 0 }));
    assert!(matches!(Card::read(&with_card("{}")), Err(CardError::Malformed { line: 1, .. })));
    let other = json.replacen("\"abi\":1", "\"abi\":9", 1);
    assert_eq!(Card::read(&with_card(&other)), Err(CardError::UnknownAbi { abi: 9 }));
    let mut twice = with_card(&json);
    twice.extend(&with_card(&json)[8..]);
    assert_eq!(Card::read(&twice), Err(CardError::Duplicate));
    let long = " ".repeat(mote_weld::card::MAX_CARD_BYTES + 1);
    assert!(matches!(Card::read(&with_card(&long)), Err(CardError::TooLarge { .. })));
    assert_eq!(plan_in(&with_card(&json)), Err(PlanInError::NoData));
}

#[test]
fn flavours_read_as_they_are_written() {
    for flavour in Flavour::ALL {
        assert_eq!(flavour.name().parse(), Ok(flavour));
    }
    assert!("fast".parse::<Flavour>().is_err());
}

#[test]
fn damaged_modules_never_panic() {
    let bytes = unary_plan(op::Unary::LeakyRelu, &[1]);
    let wasm = mote_weld::module(&Plan::view(&bytes).unwrap(), Flavour::default(), &NO_IMAGE).unwrap();
    for len in 0..wasm.len() {
        assert!(check::module(&wasm[..len]).is_err(), "cut to {len}");
    }
    let mut refused = 0;
    for at in 0..wasm.len() {
        let mut damaged = wasm.clone();
        damaged[at] ^= 0x55;
        refused += u32::from(check::module(&damaged).is_err());
        let _ = (Card::read(&damaged).is_ok(), plan_in(&damaged).is_ok());
    }
    assert!(refused > 100, "{refused}");
}

/// A module as text of sections: what a host must refuse, and by which name.
mod hostile {
    use super::*;
    use wasm_encoder::{
        CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
        FunctionSection, GlobalSection, GlobalType, ImportSection, MemArg, MemArgTarget, MemorySection, MemoryType,
        Module, RefType, StartSection, TableSection, TableType, TypeSection, ValType,
    };

    /// The parts of a guest, each of which a case spoils.
    struct Parts {
        import: bool,
        table: bool,
        memories: Vec<MemoryType>,
        abi: GlobalType,
        abi_value: i32,
        exports: Vec<(&'static str, ExportKind, u32)>,
        start: bool,
        elements: bool,
        code: fn(&mut Function),
        data: Vec<(i32, Vec<u8>)>,
    }

    fn memory(minimum: u64, maximum: Option<u64>) -> MemoryType {
        MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None }
    }

    fn sound() -> Parts {
        Parts {
            import: false,
            table: false,
            memories: vec![memory(1, Some(1))],
            abi: GlobalType { val_type: ValType::I32, mutable: false, shared: false },
            abi_value: 1,
            exports: vec![
                ("memory", ExportKind::Memory, 0),
                ("mote_abi", ExportKind::Global, 0),
                ("mote_infer", ExportKind::Func, 0),
            ],
            start: false,
            elements: false,
            code: |_| {},
            data: vec![(0, b"MOTEPLAN and so on".to_vec())],
        }
    }

    fn build(parts: &Parts) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([], []);
        module.section(&types);
        if parts.import {
            let mut imports = ImportSection::new();
            imports.import("env", "clock", EntityType::Function(1));
            module.section(&imports);
        }
        let mut functions = FunctionSection::new();
        functions.function(0).function(1);
        module.section(&functions);
        if parts.table {
            let mut tables = TableSection::new();
            tables.table(TableType {
                element_type: RefType::FUNCREF,
                table64: false,
                minimum: 1,
                maximum: Some(1),
                shared: false,
            });
            module.section(&tables);
        }
        let mut memories = MemorySection::new();
        for memory in &parts.memories {
            memories.memory(*memory);
        }
        module.section(&memories);
        let mut globals = GlobalSection::new();
        globals.global(parts.abi, &ConstExpr::i32_const(parts.abi_value));
        module.section(&globals);
        let mut exports = ExportSection::new();
        for (name, kind, index) in &parts.exports {
            exports.export(name, *kind, *index);
        }
        module.section(&exports);
        if parts.start {
            module.section(&StartSection { function_index: 1 });
        }
        if parts.elements {
            let mut elements = ElementSection::new();
            elements.declared(Elements::Functions(vec![0].into()));
            module.section(&elements);
        }
        let mut code = CodeSection::new();
        let mut infer = Function::new([]);
        (parts.code)(&mut infer);
        infer.instructions().i32_const(0).end();
        let mut nothing = Function::new([]);
        nothing.instructions().end();
        code.function(&infer).function(&nothing);
        module.section(&code);
        let mut data = DataSection::new();
        for (at, bytes) in &parts.data {
            data.active(0, &ConstExpr::i32_const(*at), bytes.iter().copied());
        }
        module.section(&data);
        module.finish()
    }

    #[test]
    fn hosts_refuse_by_name() {
        let checked = check::module(&build(&sound())).unwrap();
        assert_eq!((checked.pages, checked.functions, checked.relaxed), (1, 2, false));
        let refusal = |parts: Parts| check::module(&build(&parts)).unwrap_err();
        let memory_case = |memories| refusal(Parts { memories, ..sound() });

        let import = CheckError::Import { module: "env".into(), name: "clock".into() };
        assert_eq!(refusal(Parts { import: true, ..sound() }), import);
        assert_eq!(refusal(Parts { table: true, ..sound() }), CheckError::Table);
        assert_eq!(refusal(Parts { elements: true, ..sound() }), CheckError::Table);
        assert_eq!(refusal(Parts { start: true, ..sound() }), CheckError::Start);
        assert_eq!(memory_case(vec![]), CheckError::Memories { count: 0 });
        assert_eq!(memory_case(vec![memory(1, Some(1)); 2]), CheckError::Memories { count: 2 });
        for maximum in [None, Some(2)] {
            assert_eq!(memory_case(vec![memory(1, maximum)]), CheckError::MemoryNotFixed { minimum: 1, maximum });
        }
        assert_eq!(memory_case(vec![MemoryType { memory64: true, ..memory(1, Some(1)) }]), CheckError::MemoryKind);
        assert_eq!(memory_case(vec![MemoryType { shared: true, ..memory(1, Some(1)) }]), CheckError::MemoryKind);
        assert_eq!(refusal(Parts { abi_value: 2, ..sound() }), CheckError::Abi { found: 2 });
        let mutable = GlobalType { mutable: true, ..sound().abi };
        assert_eq!(refusal(Parts { abi: mutable, ..sound() }), CheckError::NoExport { name: "mote_abi" });
        let mut more = sound().exports;
        more.push(("debug", ExportKind::Func, 1));
        assert_eq!(refusal(Parts { exports: more, ..sound() }), CheckError::Export { name: "debug".into() });
        for (missing, name) in ["memory", "mote_abi", "mote_infer"].into_iter().enumerate() {
            let mut exports = sound().exports;
            exports.remove(missing);
            assert_eq!(refusal(Parts { exports, ..sound() }), CheckError::NoExport { name });
        }
        let mut mistyped = sound().exports;
        mistyped[2].2 = 1;
        assert_eq!(refusal(Parts { exports: mistyped, ..sound() }), CheckError::NoExport { name: "mote_infer" });
    }

    #[test]
    fn hosts_refuse_code_and_data_by_name() {
        let refusal = |parts: Parts| check::module(&build(&parts)).unwrap_err();
        let grows = Parts {
            code: |f| {
                f.instructions().i32_const(1).memory_grow(0).drop();
            },
            ..sound()
        };
        assert!(matches!(refusal(grows), CheckError::MemoryGrow { .. }));
        let long = Parts {
            code: |f| {
                f.raw(vec![0x01; check::MAX_FUNCTION_BYTES as usize]);
            },
            ..sound()
        };
        assert!(matches!(refusal(long), CheckError::FunctionTooLong { function: 0, .. }));
        let invalid = Parts {
            code: |f| {
                f.instructions().f32_const(1.0.into()).i32_eqz().drop();
            },
            ..sound()
        };
        assert!(matches!(refusal(invalid), CheckError::Invalid { .. }));
        let atomic = Parts {
            code: |f| {
                let target = MemArgTarget::Memory(0);
                f.instructions()
                    .i32_const(0)
                    .i32_atomic_load(MemArg { offset: 0, align: 2, target, ordering: None })
                    .drop();
            },
            ..sound()
        };
        assert!(matches!(refusal(atomic), CheckError::Invalid { .. }));
        assert_eq!(refusal(Parts { data: vec![(0, b"NOT A PLAN".to_vec())], ..sound() }), CheckError::NoPlan);
        assert_eq!(refusal(Parts { data: vec![], ..sound() }), CheckError::NoPlan);
        let outside = vec![(65_530, b"MOTEPLAN".to_vec())];
        assert_eq!(refusal(Parts { data: outside, ..sound() }), CheckError::SegmentOutside { segment: 0 });
        let negative = vec![(-1, b"MOTEPLAN".to_vec())];
        assert_eq!(refusal(Parts { data: negative, ..sound() }), CheckError::SegmentOutside { segment: 0 });
        let limit = check::MAX_SEGMENTS;
        let many = vec![(0, b"MOTEPLAN".to_vec()); limit as usize + 1];
        let too_many = CheckError::TooMany { what: "data segments", count: limit + 1, limit };
        assert_eq!(refusal(Parts { data: many, ..sound() }), too_many);
        assert!(matches!(check::module(b"\0asm\x0d\0\x01\0"), Err(CheckError::Component)));

        let relaxed = Parts {
            code: |f| {
                f.instructions().v128_const(0).v128_const(0).v128_const(0).f32x4_relaxed_madd().drop();
            },
            ..sound()
        };
        assert!(check::module(&build(&relaxed)).unwrap().relaxed);
    }
}
