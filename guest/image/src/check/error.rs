//! Why a module is refused.

use wasmparser::BinaryReaderError;

use super::MAX_RODATA_BYTES;

/// Why a module is no guest image. Offsets are bytes from the module's start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The bytes are no valid module of the strict profile's instruction set.
    #[error("not a valid module: offset {offset:#x}")]
    Invalid {
        /// Where validation stopped.
        offset: u64,
    },
    /// The module wants something from its host.
    #[error("imports {module}.{name}; a guest image imports nothing")]
    Import {
        /// The import's module.
        module: String,
        /// The import's name.
        name: String,
    },
    /// Code would run on instantiation.
    #[error("function {function} is a start function; a guest image runs nothing by itself")]
    Start {
        /// Index of the function.
        function: u32,
    },
    /// `memory.grow` would break the fixed layout.
    #[error("memory.grow at offset {offset:#x}; a guest image has a fixed memory")]
    MemoryGrow {
        /// Where the instruction stands.
        offset: u64,
    },
    /// A relaxed SIMD instruction would make results depend on the machine.
    #[error("relaxed SIMD instruction {opcode:#x} at offset {offset:#x}; strict results would differ by machine")]
    RelaxedSimd {
        /// The instruction's number after the SIMD prefix.
        opcode: u32,
        /// Where it stands.
        offset: u64,
    },
    /// A function table would keep all its targets in every linked module.
    #[error(
        "{functions} function pointers in tables; no module could drop them; a panic that formats a number, such as a checked index, is one such use"
    )]
    FunctionPointers {
        /// How many functions the element segments hold.
        functions: u32,
    },
    /// The module's own constants are too many.
    #[error("{bytes} bytes in {segments} data segments; at most {MAX_RODATA_BYTES} bytes in one")]
    Rodata {
        /// Number of data segments.
        segments: usize,
        /// Their bytes together.
        bytes: usize,
    },
    /// The module exports something beside its kernels, memory and heap base, or one of these with the wrong type.
    #[error("export {name} is neither a kernel (i32, i32, i32) -> i32 nor one of the linker's")]
    Export {
        /// The export's name.
        name: String,
    },
    /// The module lacks something weld needs.
    #[error("no export {name}")]
    NoExport {
        /// What is missing.
        name: &'static str,
    },
    /// The module would carry a path of the machine that built it.
    #[error("carries the path {path} of the machine that built it")]
    MachinePath {
        /// The path.
        path: String,
    },
}

impl From<BinaryReaderError> for ImageError {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid { offset: error.offset() }
    }
}
