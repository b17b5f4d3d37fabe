use mote_plan::Kind;

/// Why a Plan cannot be welded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeldError {
    /// The Plan's meta block is not the JSON object that a Card is made of.
    #[error("the Plan's meta block is malformed")]
    BadMeta,
    /// An entry names a tensor or a step that does not exist.
    #[error("entry {entry} is malformed")]
    BadEntry {
        /// Index of the entry.
        entry: u32,
    },
    /// Plan, arena and kernels together exceed what a 32-bit memory can address.
    #[error("the module needs {bytes} bytes of memory, more than 4 GiB")]
    MemoryTooLarge {
        /// Bytes needed.
        bytes: u64,
    },
    /// A step that neither the emitter nor the image can serve.
    #[error("the guest image has no kernel `{kernel}` for step {step} ({})", kind.name())]
    NoKernel {
        /// Index of the step.
        step: u32,
        /// Its kind.
        kind: Kind,
        /// The export looked for, without its prefix.
        kernel: &'static str,
    },
    /// The guest image is none.
    #[error("the guest image cannot be linked: {0}")]
    Image(#[from] ImageFault),
}

/// What is wrong with a guest image. A checked image has none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageFault {
    /// Not a WebAssembly module.
    #[error("not a valid WebAssembly module")]
    Unreadable,
    /// No exported constant `__heap_base`.
    #[error("no exported constant __heap_base")]
    NoHeapBase,
    /// A kernel imports something.
    #[error("it imports something")]
    Import,
    /// A kernel calls through a table.
    #[error("a kernel uses a function table")]
    Table,
    /// A start function.
    #[error("it has a start function")]
    Start,
    /// A type, global or data segment of a sort that no kernel needs.
    #[error("a kernel uses a type, global or data segment beyond plain WebAssembly 2")]
    Exotic,
}
