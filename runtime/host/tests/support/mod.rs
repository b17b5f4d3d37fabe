//! Signed artifacts for tests: a small Plan, and hand-written guests.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

#[path = "../../../../tests/src/signed.rs"]
mod signed;

use mote_abi::DType;
use mote_host::{ForeignConfig, Host, HostConfig, Wasi};
use mote_plan::step::Conv;
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{AlignedBytes, Halo, Kind as Step, Meta, Plan};
use mote_seal::Kind;
use mote_weld::{Flavour, Image};
use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module, StartSection, TypeSection, ValType,
};

pub use signed::Signed;

/// No cold kernel is needed by these models.
pub fn no_image() -> Image<'static> {
    Image { wasm: &[], digest: [0; 32] }
}

/// A host with few slots that runs foreign guests.
pub fn host(wasi: Wasi) -> Host {
    Host::new(&HostConfig { slots: 2, cache_dir: None, foreign: Some(ForeignConfig { wasi }) }).unwrap()
}

/// `y = clamp(x * 1 + [0, 1, .. 7], 0, 100)` over eight columns and two inputs: each y is x0 + x1 + its index.
pub fn plan() -> Vec<u8> {
    let mut writer = Writer::new(64);
    let floats = |values: Vec<f32>| values.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<u8>>();
    let w = writer.constant(DType::F32, &[1, 2, 8], &floats(vec![1.0; 16])).unwrap();
    let bias = writer.constant(DType::F32, &[8], &floats((0..8u8).map(f32::from).collect())).unwrap();
    let x = writer.arena(DType::F32, &[1, 1, 1, 2], Halo::NONE, 0).unwrap();
    let y = writer.arena(DType::F32, &[1, 1, 1, 8], Halo::NONE, 64).unwrap();
    writer.name(x, "x").unwrap();
    writer.name(y, "y").unwrap();
    let params = Conv {
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        pad: [0, 0],
        low: f32::NEG_INFINITY,
        high: f32::INFINITY,
    };
    writer.step(Step::Conv, &[Some(x), Some(w), Some(bias)], &[y], &params);
    writer.entry(EntrySpec { batch: 1, inputs: vec![x], outputs: vec![y], arena_bytes: 128, macs: 16, ops: 64 });
    writer.finish(&Meta { name: "sum".into(), version: 3, ..Meta::default() }).unwrap()
}

/// The same as a Module.
pub fn module() -> Vec<u8> {
    let bytes = AlignedBytes::copy_of(&plan());
    mote_weld::module(&Plan::view(&bytes).unwrap(), Flavour::default(), &no_image()).unwrap()
}

/// A hand-written guest, to be bent in one place by each test.
pub struct Guest {
    pub imports: Vec<(&'static str, &'static str)>,
    pub pages: (u64, Option<u64>),
    pub abi: i32,
    pub start: bool,
    pub card: Option<String>,
    /// Instructions of `mote_infer`; local 0 is the entry.
    pub body: fn(&mut wasm_encoder::InstructionSink<'_>),
}

impl Default for Guest {
    /// Writes 42 to its output.
    fn default() -> Self {
        Self {
            imports: Vec::new(),
            pages: (1, Some(1)),
            abi: 1,
            start: false,
            card: Some(card(1, 16)),
            body: |code| {
                code.i32_const(16).i32_const(42).i32_store(mem_arg()).i32_const(0);
            },
        }
    }
}

pub fn mem_arg() -> wasm_encoder::MemArg {
    wasm_encoder::MemArg { offset: 0, align: 2, target: wasm_encoder::MemArgTarget::Memory(0), ordering: None }
}

/// A Card with one i32 input at 0 and one i32 output.
pub fn card(pages: u32, output: u32) -> String {
    let tensor = |name: &str, at| format!(r#"{{"name":"{name}","dtype":"i32","shape":[1],"offset":{at},"bytes":4}}"#);
    format!(
        r#"{{"abi":1,"name":"hand","version":1,"flavour":"strict-v8","plan":{{"offset":0,"length":0}},"memory":{{"pages":{pages},"arena_offset":0}},"entries":[{{"batch":1,"macs":0,"ops":10,"inputs":[{}],"outputs":[{}]}}],"compiler":"hand","source":""}}"#,
        tensor("x", 0),
        tensor("y", output),
    )
}

impl Guest {
    pub fn wasm(&self) -> Vec<u8> {
        let mut module = Module::new();
        if let Some(card) = &self.card {
            module.section(&CustomSection { name: "mote.card".into(), data: card.as_bytes().into() });
        }
        let mut types = TypeSection::new();
        types.ty().function([ValType::I32], [ValType::I32]);
        types.ty().function([], []);
        types.ty().function([ValType::I32; 4], [ValType::I32]);
        module.section(&types);
        let mut imports = ImportSection::new();
        for &(from, name) in &self.imports {
            imports.import(from, name, EntityType::Function(2));
        }
        module.section(&imports);
        let mut functions = FunctionSection::new();
        functions.function(0).function(1);
        module.section(&functions);
        let mut memories = MemorySection::new();
        let (minimum, maximum) = self.pages;
        memories.memory(MemoryType { minimum, maximum, memory64: false, shared: false, page_size_log2: None });
        module.section(&memories);
        let mut globals = GlobalSection::new();
        globals.global(
            GlobalType { val_type: ValType::I32, mutable: false, shared: false },
            &ConstExpr::i32_const(self.abi),
        );
        module.section(&globals);
        let imported = self.imports.len() as u32;
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("mote_abi", ExportKind::Global, 0);
        exports.export("mote_infer", ExportKind::Func, imported);
        module.section(&exports);
        if self.start {
            module.section(&StartSection { function_index: imported + 1 });
        }
        let mut code = CodeSection::new();
        let mut infer = Function::new([]);
        (self.body)(&mut infer.instructions());
        infer.instructions().end();
        code.function(&infer);
        let mut start = Function::new([]);
        start.instructions().unreachable().end();
        code.function(&start);
        module.section(&code);
        module.finish()
    }

    pub fn signed(&self) -> Signed {
        Signed::new(self.wasm(), Kind::Foreign)
    }
}
