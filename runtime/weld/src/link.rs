//! Takes the cold kernels that a Plan needs, and what they call, from the guest image.
//!
//! walrus walks the call graph and drops everything else. Only code passes through it: it is slow on large data and
//! reorders functions, so the Plan and the emitted code join afterwards, section by section.

use std::collections::{BTreeMap, BTreeSet};

use mote_abi::{EXPORT_MEMORY, KERNEL_PREFIX};
use walrus::ir::Value;
use walrus::{ConstExpr, ExportItem, GlobalKind, ModuleConfig};
use wasm_encoder::ValType;
use wasmparser::{CompositeInnerType, DataKind, ExternalKind, Operator, Parser, Payload};

use crate::error::ImageFault;
use crate::module::Signature;

/// First address above the image's stack and statics.
const HEAP_BASE: &str = "__heap_base";

/// Linked kernels, as parts of a module: function indices start at 0, there are no imports.
#[derive(Default)]
pub(crate) struct Kernels {
    pub(crate) types: Vec<Signature>,
    /// Type of each function.
    pub(crate) functions: Vec<u32>,
    /// Encoded body of each function.
    pub(crate) bodies: Vec<Vec<u8>>,
    pub(crate) globals: Vec<Global>,
    pub(crate) data: Vec<Segment>,
    /// Function index of each kernel, by its name without the prefix.
    pub(crate) exports: BTreeMap<String, u32>,
    pub(crate) heap_base: u32,
}

/// An `i32` global.
pub(crate) struct Global {
    pub(crate) mutable: bool,
    pub(crate) value: i32,
}

/// An active data segment.
pub(crate) struct Segment {
    pub(crate) at: i32,
    pub(crate) bytes: Vec<u8>,
}

/// The kernels of the names that the image has; a name that it lacks is missing from the answer.
pub(crate) fn kernels(image: &[u8], names: &BTreeSet<&'static str>) -> Result<Kernels, ImageFault> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false).generate_dwarf(false);
    let mut module = config.parse(image).map_err(|_| ImageFault::Unreadable)?;
    let heap_base = heap_base(&module).ok_or(ImageFault::NoHeapBase)?;
    if module.start.is_some() {
        return Err(ImageFault::Start);
    }
    let wanted = |name: &str| {
        name == EXPORT_MEMORY || name.strip_prefix(KERNEL_PREFIX).is_some_and(|kernel| names.contains(kernel))
    };
    let unwanted: Vec<_> =
        module.exports.iter().filter(|export| !wanted(&export.name)).map(walrus::Export::id).collect();
    for id in unwanted {
        module.exports.delete(id);
    }
    walrus::passes::gc::run(&mut module);
    let wasm = module.emit_wasm();
    let mut kernels = Kernels { heap_base, ..Kernels::default() };
    for payload in Parser::new(0).parse_all(&wasm) {
        kernels.take(payload.map_err(|_| ImageFault::Unreadable)?)?;
    }
    Ok(kernels)
}

fn heap_base(module: &walrus::Module) -> Option<u32> {
    let export = module.exports.iter().find(|export| export.name == HEAP_BASE)?;
    let ExportItem::Global(id) = export.item else { return None };
    match &module.globals.get(id).kind {
        GlobalKind::Local(ConstExpr::Value(Value::I32(value))) => Some(value.cast_unsigned()),
        _ => None,
    }
}

impl Kernels {
    fn take(&mut self, payload: Payload<'_>) -> Result<(), ImageFault> {
        let unreadable = |_| ImageFault::Unreadable;
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    for ty in group.map_err(unreadable)?.into_types() {
                        let CompositeInnerType::Func(ty) = ty.composite_type.inner else {
                            return Err(ImageFault::Exotic);
                        };
                        let values = |all: &[wasmparser::ValType]| all.iter().copied().map(value_type).collect();
                        let (params, results): (Option<Vec<_>>, Option<Vec<_>>) =
                            (values(ty.params()), values(ty.results()));
                        let signature = params.zip(results).ok_or(ImageFault::Exotic)?;
                        self.types.push(signature);
                    }
                }
            }
            Payload::ImportSection(section) if section.count() > 0 => return Err(ImageFault::Import),
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty.map_err(unreadable)?);
                }
            }
            Payload::TableSection(_) | Payload::ElementSection(_) => return Err(ImageFault::Table),
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global.map_err(unreadable)?;
                    let value = constant(&global.init_expr).ok_or(ImageFault::Exotic)?;
                    self.globals.push(Global { mutable: global.ty.mutable, value });
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(unreadable)?;
                    if let (ExternalKind::Func, Some(name)) = (export.kind, export.name.strip_prefix(KERNEL_PREFIX)) {
                        self.exports.insert(name.to_owned(), export.index);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body.as_bytes().to_vec()),
            Payload::DataSection(section) => {
                for data in section {
                    let data = data.map_err(unreadable)?;
                    let DataKind::Active { offset_expr, .. } = data.kind else { return Err(ImageFault::Exotic) };
                    let at = constant(&offset_expr).ok_or(ImageFault::Exotic)?;
                    self.data.push(Segment { at, bytes: data.data.to_vec() });
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn value_type(ty: wasmparser::ValType) -> Option<ValType> {
    match ty {
        wasmparser::ValType::I32 => Some(ValType::I32),
        wasmparser::ValType::I64 => Some(ValType::I64),
        wasmparser::ValType::F32 => Some(ValType::F32),
        wasmparser::ValType::F64 => Some(ValType::F64),
        wasmparser::ValType::V128 => Some(ValType::V128),
        wasmparser::ValType::Ref(_) => None,
    }
}

fn constant(init: &wasmparser::ConstExpr<'_>) -> Option<i32> {
    match init.get_operators_reader().read() {
        Ok(Operator::I32Const { value }) => Some(value),
        _ => None,
    }
}
