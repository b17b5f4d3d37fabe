//! The numbers of `FORMAT.md`.

/// First eight bytes of every Plan.
pub const MAGIC: [u8; 8] = *b"MOTEPLAN";
/// Version of the byte layout.
pub const VERSION: u32 = 1;
/// Bytes of the header.
pub const HEADER_BYTES: u32 = 96;
/// Bytes of one tensor record.
pub const TENSOR_BYTES: u32 = 64;
/// Bytes of one entry record.
pub const ENTRY_BYTES: u32 = 48;
/// Bytes before the tensor ids of a step record.
pub const STEP_HEAD_BYTES: u32 = 8;
/// Most dimensions of a tensor.
pub const MAX_RANK: usize = 8;
/// Alignment of a constant in gateway, browser and native Plans.
pub const CONST_ALIGN: u32 = 64;
/// Alignment that the first byte of a Plan and of an arena must have in memory.
pub const BASE_ALIGN: usize = 16;
/// "No tensor" or "no name" where an id is optional.
pub const NONE: u32 = u32::MAX;
/// Largest Plan, arena and constant area: what a 32-bit linear memory can hold beside each other.
pub const MAX_BYTES: u32 = 1 << 31;
/// Largest number of tensors, steps, entries and ids per table.
pub const MAX_COUNT: u32 = 1 << 20;

/// Byte positions of the header's fields.
pub mod header {
    /// Magic, 8 bytes.
    pub const MAGIC: usize = 0;
    /// Format version.
    pub const VERSION: usize = 8;
    /// Bytes of the whole Plan.
    pub const TOTAL: usize = 12;
    /// Bytes of the arena, the maximum over the entries.
    pub const ARENA: usize = 16;
    /// Tensor table: offset, count.
    pub const TENSORS: usize = 20;
    /// Entry table: offset, count.
    pub const ENTRIES: usize = 28;
    /// Tensor ids that entries list: offset, count.
    pub const IO: usize = 36;
    /// Step index (one u32 offset each): offset, count.
    pub const STEPS: usize = 44;
    /// Step records: offset, bytes.
    pub const RECORDS: usize = 52;
    /// Names: offset, bytes.
    pub const NAMES: usize = 60;
    /// Meta JSON: offset, bytes.
    pub const META: usize = 68;
    /// Constants: offset, bytes.
    pub const CONSTS: usize = 76;
}
