//! Where things lie in flash.
//!
//! ```text
//! identity   1 sector     who the device is and whom it trusts; written at the factory
//! journal    2 sectors    durable records, alternating
//! slot       2 times      head: label and manifest | artifact | golden vectors
//! ```

use crate::BootError;
use crate::capacity::MANIFEST_BYTES;
use crate::port::Flash;

/// Units that any flash of up to this write size can write: labels, cells and parts start and end on them.
pub(crate) const UNIT: u32 = 64;
/// Bytes of a slot's label.
pub(crate) const LABEL_BYTES: u32 = UNIT;

/// Offsets from the flash's start, all on sectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The identity's sector.
    pub identity: u32,
    /// The first of the journal's two sectors.
    pub journal: u32,
    /// The two slots.
    pub slots: [u32; 2],
    /// Bytes of one slot.
    pub slot_bytes: u32,
}

impl Layout {
    /// Everything one behind the other from `start` on, on sectors of `sector` bytes; a slot's size is rounded up to
    /// whole sectors.
    #[must_use]
    pub const fn packed(start: u32, sector: u32, slot_bytes: u32) -> Self {
        let slot_bytes = slot_bytes.div_ceil(sector).saturating_mul(sector);
        let journal = start.saturating_add(sector);
        let first = journal.saturating_add(2 * sector);
        Self { identity: start, journal, slots: [first, first.saturating_add(slot_bytes)], slot_bytes }
    }

    /// The first byte behind everything.
    #[must_use]
    pub fn end<F: Flash>(&self) -> u32 {
        self.areas::<F>().into_iter().fold(0, |end, (start, bytes)| end.max(start.saturating_add(bytes)))
    }

    /// The largest artifact that a slot has room for, if the release has no golden vectors: what `max_bytes` of the
    /// update machine may be.
    #[must_use]
    pub const fn max_bytes<F: Flash>(&self) -> u32 {
        self.slot_bytes.saturating_sub(Self::head_bytes::<F>())
    }

    /// Whole sectors for label and manifest, which come before the rest of a slot is erased.
    pub(crate) const fn head_bytes<F: Flash>() -> u32 {
        let sector = F::ERASE_SIZE as u32;
        (LABEL_BYTES + MANIFEST_BYTES as u32).div_ceil(sector) * sector
    }

    /// Refuses what lies askew, outside the flash or on top of each other.
    pub(crate) fn check<F: Flash>(&self, flash: &F) -> Result<(), BootError> {
        const { assert!((UNIT as usize).is_multiple_of(F::WRITE_SIZE), "write units of up to 64 bytes") };
        const { assert!(F::ERASE_SIZE.is_multiple_of(UNIT as usize), "sectors of whole units") };
        let sector = F::ERASE_SIZE as u32;
        let mut areas = self.areas::<F>();
        areas.sort_unstable();
        let askew = areas.iter().any(|(start, bytes)| !start.is_multiple_of(sector) || !bytes.is_multiple_of(sector));
        let mut free = 0;
        for (start, bytes) in areas {
            if start < free {
                return Err(BootError::BadLayout);
            }
            free = start.checked_add(bytes).ok_or(BootError::BadLayout)?;
        }
        let outside = free as usize > flash.capacity();
        let no_room = self.slot_bytes <= Self::head_bytes::<F>();
        if askew || outside || no_room { Err(BootError::BadLayout) } else { Ok(()) }
    }

    /// Start and bytes of each area.
    pub(crate) fn areas<F: Flash>(&self) -> [(u32, u32); 4] {
        let sector = F::ERASE_SIZE as u32;
        let [first, second] = self.slots;
        [
            (self.identity, sector),
            (self.journal, sector.saturating_mul(2)),
            (first, self.slot_bytes),
            (second, self.slot_bytes),
        ]
    }
}
