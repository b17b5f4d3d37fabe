//! Modules that must not become a guest image, each refused by the name of what is wrong with it.
#![allow(clippy::unwrap_used, reason = "tests")]

use mote_guest_image::{ImageError, MAX_RODATA_BYTES, check};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, MemorySection,
    MemoryType, Module, RefType, StartSection, TableSection, TableType, TypeSection, ValType,
};

/// The smallest image, and the one thing a case changes about it.
#[derive(Default)]
struct Image {
    body: Vec<Instruction<'static>>,
    custom: Option<&'static [u8]>,
    data: Vec<Vec<u8>>,
    export: Option<(&'static str, ExportKind, u32)>,
    function_pointer: bool,
    import: Option<(&'static str, &'static str)>,
    missing: Option<&'static str>,
    mutable_heap_base: bool,
    start: bool,
}

impl Image {
    /// Type 0 is a kernel's, type 1 a start function's; function 0 (or 1, behind an import) is the kernel.
    fn encode(&self) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32; 3], [ValType::I32]);
        types.ty().function([], []);
        module.section(&types);

        if let Some((from, name)) = self.import {
            let mut imports = ImportSection::new();
            imports.import(from, name, EntityType::Function(1));
            module.section(&imports);
        }
        let mut functions = FunctionSection::new();
        functions.function(0).function(1);
        module.section(&functions);

        let mut tables = TableSection::new();
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: 1,
            maximum: Some(1),
            shared: false,
        });
        module.section(&tables);
        let mut memories = MemorySection::new();
        memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
        module.section(&memories);
        let mut globals = GlobalSection::new();
        let base = GlobalType { val_type: ValType::I32, mutable: self.mutable_heap_base, shared: false };
        globals.global(base, &ConstExpr::i32_const(16384));
        module.section(&globals);

        let mut exports = ExportSection::new();
        let linked = [
            ("memory", ExportKind::Memory, 0),
            ("__heap_base", ExportKind::Global, 0),
            ("mote_k_copy", ExportKind::Func, u32::from(self.import.is_some())),
        ];
        for (name, kind, index) in linked.into_iter().chain(self.export) {
            if self.missing != Some(name) {
                exports.export(name, kind, index);
            }
        }
        module.section(&exports);
        if self.start {
            module.section(&StartSection { function_index: 1 });
        }
        if self.function_pointer {
            let mut elements = ElementSection::new();
            elements.active(None, &ConstExpr::i32_const(0), Elements::Functions([0][..].into()));
            module.section(&elements);
        }
        let mut code = CodeSection::new();
        let mut kernel = Function::new([]);
        for instruction in &self.body {
            kernel.instruction(instruction);
        }
        kernel.instruction(&Instruction::I32Const(0)).instruction(&Instruction::End);
        code.function(&kernel);
        let mut nothing = Function::new([]);
        nothing.instruction(&Instruction::End);
        code.function(&nothing);
        module.section(&code);

        let mut data = DataSection::new();
        for bytes in &self.data {
            data.active(0, &ConstExpr::i32_const(16384), bytes.iter().copied());
        }
        if !self.data.is_empty() {
            module.section(&data);
        }
        if let Some(bytes) = self.custom {
            module.section(&CustomSection { name: "note".into(), data: bytes.into() });
        }
        module.finish()
    }
}

#[test]
fn the_smallest_image_passes() {
    let facts = check(&Image { data: vec![vec![7; 32]], ..Image::default() }.encode()).unwrap();
    assert_eq!(facts.kernels, ["mote_k_copy"]);
    assert_eq!((facts.heap_base, facts.rodata_bytes), (16384, 32));
}

#[test]
fn each_fault_is_refused_by_its_name() {
    use Instruction::{Drop, F32x4RelaxedMadd, I32Const, MemoryGrow, V128Const};
    type Named = fn(&ImageError) -> bool;
    let cases: [(&str, Image, Named); 14] = [
        (
            "import",
            Image { import: Some(("env", "clock")), ..Image::default() },
            |error| matches!(error, ImageError::Import { module, name } if module == "env" && name == "clock"),
        ),
        ("start", Image { start: true, ..Image::default() }, |error| {
            matches!(error, ImageError::Start { function: 1 })
        }),
        ("memory.grow", Image { body: vec![I32Const(1), MemoryGrow(0), Drop], ..Image::default() }, |error| {
            matches!(error, ImageError::MemoryGrow { .. })
        }),
        (
            "relaxed",
            Image { body: vec![V128Const(0), V128Const(0), V128Const(0), F32x4RelaxedMadd, Drop], ..Image::default() },
            |error| matches!(error, ImageError::RelaxedSimd { opcode: 0x105, .. }),
        ),
        ("function pointer", Image { function_pointer: true, ..Image::default() }, |error| {
            matches!(error, ImageError::FunctionPointers { functions: 1 })
        }),
        ("two segments", Image { data: vec![vec![0; 4], vec![0; 4]], ..Image::default() }, |error| {
            matches!(error, ImageError::Rodata { segments: 2, bytes: 8 })
        }),
        ("large segment", Image { data: vec![vec![0; MAX_RODATA_BYTES + 1]], ..Image::default() }, |error| {
            matches!(error, ImageError::Rodata { segments: 1, .. })
        }),
        (
            "stranger",
            Image { export: Some(("main", ExportKind::Func, 0)), ..Image::default() },
            |error| matches!(error, ImageError::Export { name } if name == "main"),
        ),
        (
            "wrong type",
            Image { export: Some(("mote_k_odd", ExportKind::Func, 1)), ..Image::default() },
            |error| matches!(error, ImageError::Export { name } if name == "mote_k_odd"),
        ),
        ("no memory", Image { missing: Some("memory"), ..Image::default() }, |error| {
            matches!(error, ImageError::NoExport { name: "memory" })
        }),
        ("moving heap base", Image { mutable_heap_base: true, ..Image::default() }, |error| {
            matches!(error, ImageError::NoExport { name: "__heap_base" })
        }),
        ("no kernel", Image { missing: Some("mote_k_copy"), ..Image::default() }, |error| {
            matches!(error, ImageError::NoExport { name: "mote_k_" })
        }),
        (
            "path",
            Image { custom: Some(b"at /opt/build/mote/src/x.rs"), ..Image::default() },
            |error| matches!(error, ImageError::MachinePath { path } if path.starts_with("/opt/build")),
        ),
        (
            "ill-typed",
            Image { body: vec![Drop], ..Image::default() },
            |error| matches!(error, ImageError::Invalid { offset } if *offset > 0),
        ),
    ];
    for (fault, image, named) in cases {
        let error = check(&image.encode()).expect_err(fault);
        assert!(named(&error), "{fault}: {error}");
    }
}

#[test]
fn a_truncated_image_is_refused_wherever_it_ends() {
    let whole = Image::default().encode();
    for length in 0..whole.len() {
        assert!(check(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
}
