//! Finds sections of a module without validating the rest.

use wasmparser::{DataKind, Parser, Payload};

/// Why a module gives no Plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanInError {
    /// Not a WebAssembly module.
    #[error("not a WebAssembly module (at byte {offset})")]
    NotWasm {
        /// Where reading failed.
        offset: u64,
    },
    /// No data segment.
    #[error("the module has no data segment")]
    NoData,
    /// The first data segment is passive or of another memory.
    #[error("the module's first data segment is not active in its memory")]
    NotActive,
    /// The first data segment does not begin like a Plan.
    #[error("the module's first data segment is not a Plan")]
    NotAPlan,
}

/// The Plan inside a Module: the bytes of its active data segment 0. They keep no alignment; copy them to a multiple of
/// 16 before [`Plan::view`](mote_plan::Plan::view).
///
/// # Errors
/// See [`PlanInError`].
pub fn plan_in(wasm: &[u8]) -> Result<&[u8], PlanInError> {
    let not_wasm = |e: wasmparser::BinaryReaderError| PlanInError::NotWasm { offset: e.offset() };
    for payload in Parser::new(0).parse_all(wasm) {
        let Payload::DataSection(section) = payload.map_err(not_wasm)? else { continue };
        let first = section.into_iter().next().ok_or(PlanInError::NoData)?.map_err(not_wasm)?;
        let DataKind::Active { memory_index: 0, .. } = first.kind else { return Err(PlanInError::NotActive) };
        if !first.data.starts_with(&mote_plan::format::MAGIC) {
            return Err(PlanInError::NotAPlan);
        }
        return Ok(first.data);
    }
    Err(PlanInError::NoData)
}

/// The custom sections of a name; else the byte at which the module stops being one.
pub(crate) fn custom<'a>(wasm: &'a [u8], name: &str) -> Result<Vec<&'a [u8]>, u64> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::CustomSection(section) = payload.map_err(|e| e.offset())?
            && section.name() == name
        {
            found.push(section.data());
        }
    }
    Ok(found)
}
