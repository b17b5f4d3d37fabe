//! What a host asks of a module before it compiles it: that it is a guest of the boundary and nothing else.
//!
//! The walk reads each byte once and believes nothing; at its end the module is valid WebAssembly of the subset below.

use std::ops::Range;

use mote_abi::{ABI_VERSION, EXPORT_ABI, EXPORT_INFER, EXPORT_MEMORY};
use wasmparser::{
    BinaryReader, BinaryReaderError, CompositeInnerType, ConstExpr, Data, DataKind, Encoding, Export, ExternalKind,
    FunctionBody, GlobalType, MemoryType, Operator, Parser, Payload, ValType, Validator, WasmFeatures,
};

/// Most functions of a module: a network of a few thousand distinct layers.
pub const MAX_FUNCTIONS: u32 = 20_000;
/// Most bytes of code in all.
pub const MAX_CODE_BYTES: u32 = 32 << 20;
/// Most bytes of one function.
pub const MAX_FUNCTION_BYTES: u32 = 2 << 20;
/// Most data segments: the Plan and the linked kernels' constants.
pub const MAX_SEGMENTS: u32 = 4;
/// Most globals: the version of the boundary and what the linked kernels bring.
pub const MAX_GLOBALS: u32 = 16;
/// Most function types.
pub const MAX_TYPES: u32 = 1024;

/// Instructions of the strict profile; a fast module adds relaxed SIMD.
const FEATURES: WasmFeatures = WasmFeatures::WASM2.union(WasmFeatures::RELAXED_SIMD);
/// Vector instructions start with this byte; those of the relaxed proposal are numbered from [`FIRST_RELAXED`].
const SIMD_PREFIX: u8 = 0xfd;
const FIRST_RELAXED: u32 = 0x100;

/// What a checked module was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Pages of its memory, minimum and maximum at once.
    pub pages: u32,
    /// Number of functions.
    pub functions: u32,
    /// Bytes of code.
    pub code_bytes: u32,
    /// Whether an instruction of relaxed SIMD occurs: outputs may differ between machines.
    pub relaxed: bool,
    /// Where the Plan, data segment 0, lies in the file.
    pub plan: Range<usize>,
}

/// Why a module is not admitted. The first rule broken, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Not a WebAssembly module, cut short or invalid.
    #[error("not a valid module: malformed at byte {offset}")]
    Invalid {
        /// Where reading or validation failed.
        offset: u64,
    },
    /// A component, not a module.
    #[error("a component is not a module")]
    Component,
    /// It wants something from its host.
    #[error("the module imports {module}.{name}; a guest imports nothing")]
    Import {
        /// Module name of the first import.
        module: String,
        /// Its own name.
        name: String,
    },
    /// It would run before it is called.
    #[error("the module has a start function")]
    Start,
    /// It has tables or elements: calls whose targets cannot be read off.
    #[error("the module has a table")]
    Table,
    /// It has exception tags.
    #[error("the module has an exception tag")]
    Tag,
    /// Not exactly one memory.
    #[error("the module has {count} memories, a guest has one")]
    Memories {
        /// Number found.
        count: u32,
    },
    /// A memory of 64 bits, shared, or with pages of another size.
    #[error("the module's memory is not a plain 32-bit memory")]
    MemoryKind,
    /// A memory that could grow.
    #[error("the module's memory may grow: {minimum} pages at first, {maximum:?} at most")]
    MemoryNotFixed {
        /// Minimum in pages.
        minimum: u64,
        /// Maximum in pages, if any.
        maximum: Option<u64>,
    },
    /// An instruction that grows the memory.
    #[error("memory.grow at byte {offset}")]
    MemoryGrow {
        /// Its place in the file.
        offset: u64,
    },
    /// An export that the boundary does not know.
    #[error("the module exports {name}, which is not of the boundary")]
    Export {
        /// Its name.
        name: String,
    },
    /// An export of the boundary that is missing, of another kind or of another type.
    #[error("the module lacks the export {name} or has it with another type")]
    NoExport {
        /// Its name.
        name: &'static str,
    },
    /// Another version of the boundary.
    #[error("the module speaks boundary version {found}, this host {ABI_VERSION}")]
    Abi {
        /// The version found.
        found: i32,
    },
    /// More of something than a module may have.
    #[error("the module has {count} {what}, at most {limit} are admitted")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// Number found.
        count: u32,
        /// Number admitted.
        limit: u32,
    },
    /// One function that is too long to compile at leisure.
    #[error("function {function} has {bytes} bytes, at most {MAX_FUNCTION_BYTES} are admitted")]
    FunctionTooLong {
        /// Its index.
        function: u32,
        /// Its length.
        bytes: u64,
    },
    /// A data segment that is passive or not at a constant address.
    #[error("data segment {segment} is not active at a constant address")]
    Segment {
        /// Its index.
        segment: u32,
    },
    /// A data segment that does not fit the memory: instantiation would trap.
    #[error("data segment {segment} reaches beyond the memory")]
    SegmentOutside {
        /// Its index.
        segment: u32,
    },
    /// Data segment 0 is missing or not a Plan.
    #[error("the module's first data segment is not a Plan")]
    NoPlan,
}

impl From<BinaryReaderError> for CheckError {
    fn from(e: BinaryReaderError) -> Self {
        Self::Invalid { offset: e.offset() }
    }
}

/// Admits a module or says why not.
///
/// # Errors
/// The first rule broken, see [`CheckError`].
pub fn module(wasm: &[u8]) -> Result<Checked, CheckError> {
    let mut found = Found::default();
    for payload in Parser::new(0).parse_all(wasm) {
        found.visit(wasm, payload?)?;
    }
    Validator::new_with_features(FEATURES).validate_all(wasm)?;
    found.judge()
}

/// What one walk over the module gathers.
#[derive(Default)]
struct Found {
    /// For each type, whether it is `mote_infer`'s.
    infer_types: Vec<bool>,
    /// Type of each function.
    functions: Vec<u32>,
    /// For each global, its value if it is an immutable constant i32.
    globals: Vec<Option<i32>>,
    pages: Option<u32>,
    memory_exported: bool,
    infer_exported: bool,
    abi: Option<i32>,
    bodies: u32,
    code_bytes: u32,
    relaxed: bool,
    segments: u32,
    plan: Option<Range<usize>>,
}

impl Found {
    fn visit(&mut self, wasm: &[u8], payload: Payload<'_>) -> Result<(), CheckError> {
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => return Err(CheckError::Component),
            Payload::TypeSection(section) => {
                at_most("types", section.count(), MAX_TYPES)?;
                for group in section {
                    self.infer_types.extend(group?.into_types().map(|ty| is_infer(&ty.composite_type.inner)));
                }
            }
            Payload::ImportSection(section) => {
                if let Some(import) = section.into_imports().next() {
                    let import = import?;
                    return Err(CheckError::Import { module: import.module.into(), name: import.name.into() });
                }
            }
            Payload::FunctionSection(section) => {
                at_most("functions", section.count(), MAX_FUNCTIONS)?;
                self.functions = section.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::TableSection(_) | Payload::ElementSection(_) => return Err(CheckError::Table),
            Payload::TagSection(_) => return Err(CheckError::Tag),
            Payload::MemorySection(section) => {
                if section.count() != 1 {
                    return Err(CheckError::Memories { count: section.count() });
                }
                for memory in section {
                    self.pages = Some(fixed_pages(&memory?)?);
                }
            }
            Payload::GlobalSection(section) => {
                at_most("globals", section.count(), MAX_GLOBALS)?;
                for global in section {
                    let global = global?;
                    self.globals.push(constant(&global.init_expr).filter(|_| is_constant_i32(global.ty)));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.export(&export?)?;
                }
            }
            Payload::StartSection { .. } => return Err(CheckError::Start),
            Payload::CodeSectionStart { size, .. } => {
                at_most("bytes of code", size, MAX_CODE_BYTES)?;
                self.code_bytes = size;
            }
            Payload::CodeSectionEntry(body) => self.body(wasm, &body)?,
            Payload::DataSection(section) => {
                at_most("data segments", section.count(), MAX_SEGMENTS)?;
                for data in section {
                    self.segment(wasm, &data?)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn export(&mut self, export: &Export<'_>) -> Result<(), CheckError> {
        let index = export.index as usize;
        match (export.name, export.kind) {
            (EXPORT_MEMORY, ExternalKind::Memory) => self.memory_exported = true,
            (EXPORT_ABI, ExternalKind::Global) => self.abi = self.globals.get(index).copied().flatten(),
            (EXPORT_INFER, ExternalKind::Func) => {
                let ty = self.functions.get(index).and_then(|&ty| self.infer_types.get(ty as usize));
                self.infer_exported = ty.copied().unwrap_or(false);
            }
            (EXPORT_MEMORY | EXPORT_ABI | EXPORT_INFER, _) => {}
            (name, _) => return Err(CheckError::Export { name: name.into() }),
        }
        Ok(())
    }

    fn body(&mut self, wasm: &[u8], body: &FunctionBody<'_>) -> Result<(), CheckError> {
        let range = body.range();
        let bytes = range.end - range.start;
        if bytes > u64::from(MAX_FUNCTION_BYTES) {
            return Err(CheckError::FunctionTooLong { function: self.bodies, bytes });
        }
        let mut operators = body.get_operators_reader()?;
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            if matches!(operator, Operator::MemoryGrow { .. }) {
                return Err(CheckError::MemoryGrow { offset });
            }
            self.relaxed |= simd_opcode(wasm, offset).is_some_and(|opcode| opcode >= FIRST_RELAXED);
        }
        self.bodies += 1;
        Ok(())
    }

    fn segment(&mut self, wasm: &[u8], data: &Data<'_>) -> Result<(), CheckError> {
        let segment = self.segments;
        let DataKind::Active { memory_index: 0, offset_expr } = &data.kind else {
            return Err(CheckError::Segment { segment });
        };
        let at = constant(offset_expr).ok_or(CheckError::Segment { segment })?;
        let end = u64::from(at.cast_unsigned()) + data.data.len() as u64;
        let memory = u64::from(self.pages.ok_or(CheckError::Memories { count: 0 })?) * u64::from(mote_abi::PAGE_BYTES);
        if end > memory {
            return Err(CheckError::SegmentOutside { segment });
        }
        if segment == 0 {
            if !data.data.starts_with(&mote_plan::format::MAGIC) {
                return Err(CheckError::NoPlan);
            }
            let start = data.data.as_ptr().addr() - wasm.as_ptr().addr();
            self.plan = Some(start..start + data.data.len());
        }
        self.segments += 1;
        Ok(())
    }

    fn judge(self) -> Result<Checked, CheckError> {
        let pages = self.pages.ok_or(CheckError::Memories { count: 0 })?;
        let lacks = |name| CheckError::NoExport { name };
        if !self.memory_exported {
            return Err(lacks(EXPORT_MEMORY));
        }
        match self.abi.ok_or(lacks(EXPORT_ABI))? {
            ABI_VERSION => {}
            found => return Err(CheckError::Abi { found }),
        }
        if !self.infer_exported {
            return Err(lacks(EXPORT_INFER));
        }
        let plan = self.plan.ok_or(CheckError::NoPlan)?;
        let functions = self.functions.len() as u32;
        Ok(Checked { pages, functions, code_bytes: self.code_bytes, relaxed: self.relaxed, plan })
    }
}

fn at_most(what: &'static str, count: u32, limit: u32) -> Result<(), CheckError> {
    if count > limit { Err(CheckError::TooMany { what, count, limit }) } else { Ok(()) }
}

fn is_infer(ty: &CompositeInnerType) -> bool {
    matches!(ty, CompositeInnerType::Func(ty) if ty.params() == [ValType::I32] && ty.results() == [ValType::I32])
}

fn fixed_pages(memory: &MemoryType) -> Result<u32, CheckError> {
    if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
        return Err(CheckError::MemoryKind);
    }
    let fixed = memory.maximum == Some(memory.initial);
    let pages = u32::try_from(memory.initial).ok().filter(|_| fixed);
    pages.ok_or(CheckError::MemoryNotFixed { minimum: memory.initial, maximum: memory.maximum })
}

fn is_constant_i32(ty: GlobalType) -> bool {
    !ty.mutable && ty.content_type == ValType::I32
}

fn constant(init: &ConstExpr<'_>) -> Option<i32> {
    let mut operators = init.get_operators_reader();
    match (operators.read(), operators.read()) {
        (Ok(Operator::I32Const { value }), Ok(Operator::End)) => Some(value),
        _ => None,
    }
}

/// The number after the SIMD prefix of the instruction at `offset`.
fn simd_opcode(wasm: &[u8], offset: u64) -> Option<u32> {
    let mut reader = BinaryReader::new(wasm.get(usize::try_from(offset).ok()?..)?, offset);
    (reader.read_u8().ok()? == SIMD_PREFIX).then(|| reader.read_var_u32().ok()).flatten()
}
