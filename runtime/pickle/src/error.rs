/// Why a file was not read. `at` counts bytes from the start of the decompressed file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Compressed in a way that is not read here.
    #[error("the file is compressed with {0}; store it uncompressed or with zlib, gzip or lz4")]
    Compression(&'static str),
    /// A compressed stream that contradicts itself.
    #[error("the {0} stream of the file is broken")]
    Broken(&'static str),
    /// More than a limit allows.
    #[error("byte {at}: more {what} than the limit of {limit}")]
    Limit {
        /// Where.
        at: usize,
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The file ends inside an instruction or before the end mark.
    #[error("byte {at}: the file ends too early")]
    Truncated {
        /// Where.
        at: usize,
    },
    /// Bytes behind the end mark.
    #[error("byte {at}: bytes follow the end of the pickle")]
    Trailing {
        /// Where.
        at: usize,
    },
    /// A byte that is no instruction of pickle.
    #[error("byte {at}: 0x{code:02x} is no pickle opcode")]
    Opcode {
        /// Where.
        at: usize,
        /// The byte.
        code: u8,
    },
    /// An instruction that data has no use for.
    #[error("byte {at}: opcode {opcode} is refused: {why}")]
    Refused {
        /// Where.
        at: usize,
        /// The name of the instruction.
        opcode: &'static str,
        /// Why.
        why: &'static str,
    },
    /// A protocol that does not exist.
    #[error("byte {at}: protocol {version} is not known")]
    Protocol {
        /// Where.
        at: usize,
        /// The number.
        version: u8,
    },
    /// A name that is not in the list.
    #[error("byte {at}: the global `{module}.{name}` is not in the list of what a stored estimator may name")]
    Global {
        /// Where.
        at: usize,
        /// Module.
        module: String,
        /// Name.
        name: String,
    },
    /// An instruction that finds too little on the stack.
    #[error("byte {at}: {opcode} finds nothing on the stack")]
    Stack {
        /// Where.
        at: usize,
        /// The name of the instruction.
        opcode: &'static str,
    },
    /// A memo entry that nothing made.
    #[error("byte {at}: the memo has no entry {index}")]
    Memo {
        /// Where.
        at: usize,
        /// The entry.
        index: u64,
    },
    /// Text or a number that cannot be read.
    #[error("byte {at}: not {what}")]
    Text {
        /// Where.
        at: usize,
        /// What it should be.
        what: &'static str,
    },
    /// An instruction on a value of another kind than it takes.
    #[error("byte {at}: {opcode} takes {want}")]
    Operand {
        /// Where.
        at: usize,
        /// The name of the instruction or function.
        opcode: &'static str,
        /// What it takes.
        want: &'static str,
    },
    /// A call of something that is not called in stored estimators.
    #[error("byte {at}: `{module}.{name}` is not called here")]
    Call {
        /// Where.
        at: usize,
        /// Module.
        module: &'static str,
        /// Name.
        name: &'static str,
    },
    /// An element type that is not read.
    #[error("byte {at}: arrays of dtype `{dtype}` are not read")]
    Dtype {
        /// Where.
        at: usize,
        /// The type as the file writes it.
        dtype: String,
    },
    /// An array whose parts contradict each other.
    #[error("byte {at}: the {what} of an array contradicts the rest of it")]
    Array {
        /// Where.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}
