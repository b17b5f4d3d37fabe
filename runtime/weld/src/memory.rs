//! Where the parts of a Module lie in linear memory.

use mote_abi::PAGE_BYTES;
use mote_plan::{Plan, Region};

use crate::emit::Address;
use crate::error::WeldError;

/// Alignment of the Plan and of the arena.
const ALIGN: u64 = 64;
/// Bytes that a 32-bit memory can have.
const MAX_MEMORY_BYTES: u64 = 1 << 32;

/// `[statics and stack][Plan][arena]`, in bytes from the start of linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) plan: u32,
    pub(crate) arena: u32,
    pub(crate) pages: u32,
}

impl Layout {
    /// The layout above the statics and stack of linked kernels, which end at `heap_base`.
    pub(crate) fn of(plan: &Plan<'_>, heap_base: u32) -> Result<Self, WeldError> {
        let plan_at = u64::from(heap_base).next_multiple_of(ALIGN);
        let arena_at = (plan_at + plan.bytes().len() as u64).next_multiple_of(ALIGN);
        let bytes = arena_at + u64::from(plan.arena_bytes());
        if bytes > MAX_MEMORY_BYTES {
            return Err(WeldError::MemoryTooLarge { bytes });
        }
        let pages = bytes.div_ceil(u64::from(PAGE_BYTES)).max(1);
        Ok(Self { plan: plan_at as u32, arena: arena_at as u32, pages: pages as u32 })
    }

    /// The linear address of a place in a region.
    pub(crate) fn address(self, at: Address) -> u32 {
        match at.region {
            Region::Const => self.plan + at.offset,
            Region::Arena => self.arena + at.offset,
        }
    }
}
