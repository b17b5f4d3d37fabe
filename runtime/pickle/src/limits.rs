/// Bounds on what a file may make the reader hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the file once it is decompressed.
    pub bytes: usize,
    /// Values, and entries of the stack and of all memos, each.
    pub values: usize,
    /// Elements of all arrays together, and bytes copied from strings.
    pub elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 29, values: 1 << 22, elements: 1 << 26 }
    }
}
