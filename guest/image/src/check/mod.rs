//! What a guest image must be, as one pure function: the build script calls it, and so do the tests.

mod error;
mod path;

use mote_abi::{EXPORT_MEMORY, KERNEL_PREFIX};
use wasmparser::{
    BinaryReader, CompositeInnerType, ConstExpr, Data, ElementItems, Export, ExternalKind, GlobalType, Operator,
    Parser, Payload, ValType, Validator, WasmFeatures,
};

pub use error::ImageError;

/// The most constant data the image may bring along. Weld appends data after linking and cannot drop parts of a
/// segment, so every module pays for all of it: tables belong into the Plan.
pub const MAX_RODATA_BYTES: usize = 4096;

/// What the linker exports beside the kernels.
const LINKER_EXPORTS: [(&str, ExternalKind); 3] = [
    (EXPORT_MEMORY, ExternalKind::Memory),
    ("__heap_base", ExternalKind::Global),
    ("__data_end", ExternalKind::Global),
];

/// A kernel takes the step record, the Plan and the arena, and answers with a status.
const KERNEL_PARAMETERS: [ValType; 3] = [ValType::I32; 3];
const KERNEL_RESULTS: [ValType; 1] = [ValType::I32];

/// The instructions of the strict profile; `RELAXED_SIMD` is missing on purpose.
const FEATURES: WasmFeatures = WasmFeatures::WASM2;

/// Vector instructions start with this byte; those of the relaxed proposal are numbered from [`FIRST_RELAXED`].
const SIMD_PREFIX: u8 = 0xfd;
const FIRST_RELAXED: u32 = 0x100;

/// What a checked image was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Exported kernels, ascending.
    pub kernels: Vec<String>,
    /// Value of the exported `__heap_base`.
    pub heap_base: u32,
    /// Bytes of the one data segment, 0 if there is none.
    pub rodata_bytes: usize,
}

/// Holds `wasm` to everything an image must be.
///
/// # Errors
/// The first [`ImageError`] met: its named rules in order of appearance, then general validity.
pub fn check(wasm: &[u8]) -> Result<Facts, ImageError> {
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
    /// For each type, whether it is a kernel's.
    types: Vec<bool>,
    /// For each function, its type.
    functions: Vec<u32>,
    /// For each global, its value if it is a constant i32.
    globals: Vec<Option<u32>>,
    kernels: Vec<String>,
    memory: bool,
    heap_base: Option<u32>,
    segments: usize,
    rodata_bytes: usize,
}

impl Found {
    fn visit(&mut self, wasm: &[u8], payload: Payload<'_>) -> Result<(), ImageError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group?.into_types() {
                        self.types.push(match ty.composite_type.inner {
                            CompositeInnerType::Func(signature) => {
                                signature.params() == KERNEL_PARAMETERS && signature.results() == KERNEL_RESULTS
                            }
                            _ => false,
                        });
                    }
                }
            }
            Payload::ImportSection(section) => {
                if let Some(import) = section.into_imports().next() {
                    let import = import?;
                    return Err(ImageError::Import { module: import.module.into(), name: import.name.into() });
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.globals.push(constant(global.ty, &global.init_expr));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.export(export?)?;
                }
            }
            Payload::StartSection { func, .. } => return Err(ImageError::Start { function: func }),
            Payload::ElementSection(section) => {
                let mut functions = 0;
                for element in section {
                    functions += match element?.items {
                        ElementItems::Functions(list) => list.count(),
                        ElementItems::Expressions(_, list) => list.count(),
                    };
                }
                if functions > 0 {
                    return Err(ImageError::FunctionPointers { functions });
                }
            }
            Payload::CodeSectionEntry(body) => {
                let mut operators = body.get_operators_reader()?;
                while !operators.eof() {
                    let (operator, offset) = operators.read_with_offset()?;
                    refuse(wasm, &operator, offset)?;
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    self.data(&data?)?;
                }
            }
            Payload::CustomSection(section) => refuse_paths(section.data())?,
            _ => {}
        }
        Ok(())
    }
    fn export(&mut self, export: Export<'_>) -> Result<(), ImageError> {
        let refused = || ImageError::Export { name: export.name.into() };
        if LINKER_EXPORTS.contains(&(export.name, export.kind)) {
            self.memory |= export.name == EXPORT_MEMORY;
            if export.name == "__heap_base" {
                self.heap_base = self.globals.get(export.index as usize).copied().flatten();
            }
            return Ok(());
        }
        let ty = self.functions.get(export.index as usize).copied();
        let is_kernel = ty.and_then(|ty| self.types.get(ty as usize).copied()).unwrap_or(false);
        if export.kind != ExternalKind::Func || !is_kernel || !export.name.starts_with(KERNEL_PREFIX) {
            return Err(refused());
        }
        self.kernels.push(export.name.into());
        Ok(())
    }

    fn data(&mut self, data: &Data<'_>) -> Result<(), ImageError> {
        self.segments += 1;
        self.rodata_bytes += data.data.len();
        if self.segments > 1 || self.rodata_bytes > MAX_RODATA_BYTES {
            return Err(ImageError::Rodata { segments: self.segments, bytes: self.rodata_bytes });
        }
        refuse_paths(data.data)
    }

    fn judge(mut self) -> Result<Facts, ImageError> {
        if !self.memory {
            return Err(ImageError::NoExport { name: EXPORT_MEMORY });
        }
        let heap_base = self.heap_base.ok_or(ImageError::NoExport { name: "__heap_base" })?;
        if self.kernels.is_empty() {
            return Err(ImageError::NoExport { name: KERNEL_PREFIX });
        }
        self.kernels.sort_unstable();
        Ok(Facts { kernels: self.kernels, heap_base, rodata_bytes: self.rodata_bytes })
    }
}

fn constant(ty: GlobalType, init: &ConstExpr<'_>) -> Option<u32> {
    if ty.mutable || ty.content_type != ValType::I32 {
        return None;
    }
    match init.get_operators_reader().read() {
        Ok(Operator::I32Const { value }) => Some(value.cast_unsigned()),
        _ => None,
    }
}

fn refuse(wasm: &[u8], operator: &Operator<'_>, offset: u64) -> Result<(), ImageError> {
    if matches!(operator, Operator::MemoryGrow { .. }) {
        return Err(ImageError::MemoryGrow { offset });
    }
    match simd_opcode(wasm, offset) {
        Some(opcode) if opcode >= FIRST_RELAXED => Err(ImageError::RelaxedSimd { opcode, offset }),
        _ => Ok(()),
    }
}

/// The number after the SIMD prefix of the instruction at `offset`.
fn simd_opcode(wasm: &[u8], offset: u64) -> Option<u32> {
    let mut reader = BinaryReader::new(wasm.get(usize::try_from(offset).ok()?..)?, offset);
    (reader.read_u8().ok()? == SIMD_PREFIX).then(|| reader.read_var_u32().ok()).flatten()
}

fn refuse_paths(bytes: &[u8]) -> Result<(), ImageError> {
    match path::absolute(bytes) {
        Some(path) => Err(ImageError::MachinePath { path }),
        None => Ok(()),
    }
}
