//! Plan, emitted code and linked kernels become one module.

use mote_abi::{ABI_VERSION, CARD_SECTION, EXPORT_ABI, EXPORT_INFER, EXPORT_MEMORY, Status};
use mote_plan::Plan;
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, CustomSection, DataSection, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, MemorySection, MemoryType, Module, TypeSection, ValType,
};

use crate::Image;
use crate::card::Card;
use crate::error::WeldError;
use crate::flavour::Flavour;
use crate::link::{self, Kernels};
use crate::memory::Layout;
use crate::program::{Call, Program};

/// Calls per function: compilers take their time over one that is endless.
const CALLS_PER_FUNCTION: usize = 200;

/// Writes the Module of a Plan. Byte-identical for equal Plan, flavour and image digest.
///
/// # Errors
/// A meta block that is none, a memory beyond 4 GiB, a step that no emitter takes and the image has no kernel for, or an
/// image that is none.
pub fn module(plan: &Plan<'_>, flavour: Flavour, image: &Image<'_>) -> Result<Vec<u8>, WeldError> {
    let program = Program::of(plan, flavour)?;
    let needed = program.kernels();
    let kernels = if needed.is_empty() { Kernels::default() } else { link::kernels(image.wasm, &needed)? };
    let layout = Layout::of(plan, kernels.heap_base)?;
    let digest = (!needed.is_empty()).then_some(image.digest);
    let card = Card::of(plan, flavour, digest, layout)?;

    let mut types = kernels.types.clone();
    let mut functions = kernels.functions.clone();
    let mut code = CodeSection::new();
    for body in &kernels.bodies {
        code.raw(body);
    }

    let first_hot = functions.len() as u32;
    for body in &program.bodies {
        functions.push(type_index(&mut types, body.params, 0));
        code.raw(&body.code);
    }

    let chunk_type = type_index(&mut types, 0, 1);
    let mut entries = Vec::new();
    for calls in &program.entries {
        let mut chunks = Vec::new();
        for calls in calls.chunks(CALLS_PER_FUNCTION) {
            chunks.push(functions.len() as u32);
            functions.push(chunk_type);
            code.function(&chunk(calls, first_hot, &kernels, layout)?);
        }
        entries.push(chunks);
    }
    let infer_index = functions.len() as u32;
    functions.push(type_index(&mut types, 1, 1));
    code.function(&infer(&entries));

    let mut sections = Sections { module: Module::new() };
    sections.card(&card);
    sections.types(&types);
    sections.functions(&functions);
    sections.memory(layout);
    let abi_index = sections.globals(&kernels);
    sections.exports(abi_index, infer_index);
    sections.module.section(&code);
    sections.data(plan, layout, &kernels);
    Ok(sections.module.finish())
}

/// A function type: parameters and results.
pub(crate) type Signature = (Vec<ValType>, Vec<ValType>);

/// The type of so many `i32` parameters and results.
fn type_index(types: &mut Vec<Signature>, params: u32, results: usize) -> u32 {
    let wanted = (vec![ValType::I32; params as usize], vec![ValType::I32; results]);
    let found = types.iter().position(|signature| *signature == wanted);
    found.unwrap_or_else(|| {
        types.push(wanted);
        types.len() - 1
    }) as u32
}

/// A function that makes some of an entry's calls and answers the first status that is not 0.
fn chunk(calls: &[Call], first_hot: u32, kernels: &Kernels, layout: Layout) -> Result<Function, WeldError> {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut sink = function.instructions();
    for call in calls {
        match call {
            Call::Hot { function, args } => {
                for arg in args {
                    sink.i32_const(layout.address(*arg).cast_signed());
                }
                sink.call(first_hot + function);
            }
            Call::Cold { kernel, kind, step, record } => {
                let missing = WeldError::NoKernel { step: *step, kind: *kind, kernel };
                let index = kernels.exports.get(*kernel).ok_or(missing)?;
                sink.i32_const((layout.plan + record).cast_signed());
                sink.i32_const(layout.plan.cast_signed());
                sink.i32_const(layout.arena.cast_signed());
                sink.call(*index).local_tee(0).if_(BlockType::Empty).local_get(0).return_().end();
            }
        }
    }
    sink.i32_const(Status::Ok.code()).end();
    Ok(function)
}

/// `mote_infer`: the chunks of the entry asked for.
fn infer(entries: &[Vec<u32>]) -> Function {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut sink = function.instructions();
    for (index, chunks) in (0..).zip(entries) {
        sink.local_get(0).i32_const(index).i32_eq().if_(BlockType::Empty);
        for chunk in chunks {
            sink.call(*chunk).local_tee(1).if_(BlockType::Empty).local_get(1).return_().end();
        }
        sink.i32_const(Status::Ok.code()).return_().end();
    }
    sink.i32_const(Status::BadEntry.code()).end();
    function
}

/// The sections in the order that the binary format wants. The Card comes first, to be found without reading on.
struct Sections {
    module: Module,
}

impl Sections {
    fn card(&mut self, card: &Card) {
        let json = card.to_json();
        self.module.section(&CustomSection { name: CARD_SECTION.into(), data: json.as_bytes().into() });
    }

    fn types(&mut self, signatures: &[Signature]) {
        let mut section = TypeSection::new();
        for (params, results) in signatures {
            section.ty().function(params.iter().copied(), results.iter().copied());
        }
        self.module.section(&section);
    }

    fn functions(&mut self, types: &[u32]) {
        let mut section = FunctionSection::new();
        for ty in types {
            section.function(*ty);
        }
        self.module.section(&section);
    }

    fn memory(&mut self, layout: Layout) {
        let pages = u64::from(layout.pages);
        let mut section = MemorySection::new();
        section.memory(MemoryType {
            minimum: pages,
            maximum: Some(pages),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        self.module.section(&section);
    }

    /// The kernels' globals, then the version of the boundary, whose index is answered.
    fn globals(&mut self, kernels: &Kernels) -> u32 {
        let mut section = GlobalSection::new();
        for global in &kernels.globals {
            let ty = GlobalType { val_type: ValType::I32, mutable: global.mutable, shared: false };
            section.global(ty, &ConstExpr::i32_const(global.value));
        }
        let abi = section.len();
        let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
        section.global(ty, &ConstExpr::i32_const(ABI_VERSION));
        self.module.section(&section);
        abi
    }

    fn exports(&mut self, abi: u32, infer: u32) {
        let mut section = ExportSection::new();
        section.export(EXPORT_MEMORY, ExportKind::Memory, 0);
        section.export(EXPORT_ABI, ExportKind::Global, abi);
        section.export(EXPORT_INFER, ExportKind::Func, infer);
        self.module.section(&section);
    }

    /// The Plan as segment 0, then the kernels' own constants.
    fn data(&mut self, plan: &Plan<'_>, layout: Layout, kernels: &Kernels) {
        let mut section = DataSection::new();
        let at = ConstExpr::i32_const(layout.plan.cast_signed());
        section.active(0, &at, plan.bytes().iter().copied());
        for segment in &kernels.data {
            section.active(0, &ConstExpr::i32_const(segment.at), segment.bytes.iter().copied());
        }
        self.module.section(&section);
    }
}
