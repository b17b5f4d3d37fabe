//! Two slots for a model each: one holds the good model, the other is written.
//!
//! The good slot is found by its release's digest, so nothing has to be flipped when a trial is committed: the record
//! of the update machine alone says which release is good. A slot's head is written first: the manifest, then its
//! label, whose digest makes half of it count as nothing.

use mote_fleet::{Part, Side};
use mote_seal::Digest;

use crate::capacity::MANIFEST_BYTES;
use crate::error::FlashFault;
use crate::flash::{erase, view, write, write_padded};
use crate::layout::{LABEL_BYTES, Layout, UNIT};
use crate::port::Flash;

const MAGIC: [u8; 8] = *b"MSLOT001";

/// Lengths of the two parts behind a slot's head, as the checked release states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) golden: u64,
    pub(crate) artifact: u64,
}

/// A label that has been found whole.
#[derive(Debug, Clone, Copy)]
struct Label {
    release: Digest,
    length: u32,
}

/// What the slots hold.
#[derive(Debug)]
pub(crate) struct Slots {
    layout: Layout,
    labels: [Option<Label>; 2],
}

impl Slots {
    /// Reads both labels.
    pub(crate) fn mount<F: Flash>(flash: &F, layout: Layout) -> Result<Self, FlashFault> {
        let mut slots = Self { layout, labels: [None; 2] };
        for side in [Side::First, Side::Second] {
            slots.labels[side as usize] = slots.read_label(flash, side)?;
        }
        Ok(slots)
    }

    /// The slot whose manifest is this release.
    pub(crate) fn find(&self, release: Digest) -> Option<Side> {
        let holds = |side: &Side| self.labels[*side as usize].is_some_and(|label| label.release == release);
        [Side::First, Side::Second].into_iter().find(holds)
    }

    /// The slot that may be written: the one that does not hold `good`.
    pub(crate) fn spare(&self, good: Option<Digest>) -> Side {
        good.and_then(|good| self.find(good)).map_or(Side::First, Side::other)
    }

    /// The manifest of a slot, if it is whole.
    pub(crate) fn manifest<'f, F: Flash>(&self, flash: &'f F, side: Side) -> Option<&'f [u8]> {
        let label = self.labels[side as usize]?;
        flash.view(self.start(side) + LABEL_BYTES, label.length)
    }

    /// The bytes of a part.
    pub(crate) fn part<'f, F: Flash>(&self, flash: &'f F, side: Side, extent: Extent, part: Part) -> Option<&'f [u8]> {
        let (start, length) = self.place::<F>(side, extent, part).ok()?;
        flash.view(start, length)
    }

    /// Replaces a slot's manifest.
    pub(crate) fn write_manifest<F: Flash>(
        &mut self,
        flash: &mut F,
        side: Side,
        manifest: &[u8],
    ) -> Result<(), FlashFault> {
        let (room, needed) = (MANIFEST_BYTES as u32, manifest.len() as u32);
        if needed > room {
            return Err(FlashFault::OutOfPlace { room, needed });
        }
        self.labels[side as usize] = None;
        let start = self.start(side);
        erase(flash, start, Layout::head_bytes::<F>(), &mut || ())?;
        write_padded(flash, start + LABEL_BYTES, manifest)?;
        write(flash, start, &encode_label(manifest))?;
        self.labels[side as usize] = self.read_label(flash, side)?;
        Ok(())
    }

    /// Erases room for both parts.
    pub(crate) fn prepare<F: Flash>(
        &self,
        flash: &mut F,
        side: Side,
        extent: Extent,
        got_on: &mut dyn FnMut(),
    ) -> Result<(), FlashFault> {
        let (start, _) = self.place::<F>(side, extent, Part::Artifact)?;
        let (golden, length) = self.place::<F>(side, extent, Part::Golden)?;
        erase(flash, start, golden + length - start, got_on)
    }

    /// Writes bytes of a part at `offset` in it. They are held against the announced length and the slot before
    /// anything is written.
    pub(crate) fn write_part<F: Flash>(
        &self,
        flash: &mut F,
        side: Side,
        extent: Extent,
        part: Part,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), FlashFault> {
        let (start, room) = self.place::<F>(side, extent, part)?;
        let end = offset.saturating_add(bytes.len() as u64);
        let aligned = offset.is_multiple_of(F::WRITE_SIZE as u64);
        // Less than a unit at the end only: there is nothing behind it that it could spoil.
        let whole = bytes.len().is_multiple_of(F::WRITE_SIZE) || end == u64::from(room);
        if end > u64::from(room) || !aligned || !whole {
            return Err(FlashFault::OutOfPlace { room, needed: u32::try_from(end).unwrap_or(u32::MAX) });
        }
        write_padded(flash, start + offset as u32, bytes)
    }

    /// Start and length of a part, inside its slot: the artifact behind the head, the golden vectors behind that.
    fn place<F: Flash>(&self, side: Side, extent: Extent, part: Part) -> Result<(u32, u32), FlashFault> {
        let (head, unit) = (u64::from(Layout::head_bytes::<F>()), u64::from(UNIT));
        let golden = head.saturating_add(extent.artifact).div_ceil(unit).saturating_mul(unit);
        let end = golden.saturating_add(extent.golden);
        let room = self.layout.slot_bytes;
        if end > u64::from(room) {
            return Err(FlashFault::OutOfPlace { room, needed: u32::try_from(end).unwrap_or(u32::MAX) });
        }
        let (offset, length) = match part {
            Part::Artifact => (head, extent.artifact),
            Part::Golden => (golden, extent.golden),
        };
        Ok((self.start(side) + offset as u32, length as u32))
    }

    fn start(&self, side: Side) -> u32 {
        self.layout.slots[side as usize]
    }

    fn read_label<F: Flash>(&self, flash: &F, side: Side) -> Result<Option<Label>, FlashFault> {
        let start = self.start(side);
        let (fields, digest) = view(flash, start, LABEL_BYTES)?.split_at(32);
        let [magic, length, ..] = fields.as_chunks().0 else { return Ok(None) };
        let length = u64::from_le_bytes(*length);
        if *magic != MAGIC || length > MANIFEST_BYTES as u64 {
            return Ok(None);
        }
        let length = length as u32;
        let release = Digest::of(view(flash, start + LABEL_BYTES, length)?);
        Ok((digest == release.0).then_some(Label { release, length }))
    }
}

fn encode_label(manifest: &[u8]) -> [u8; LABEL_BYTES as usize] {
    let mut label = [0; LABEL_BYTES as usize];
    let (fields, digest) = label.split_at_mut(32);
    let stated = [MAGIC, (manifest.len() as u64).to_le_bytes(), [0; 8], [0; 8]];
    fields.copy_from_slice(stated.as_flattened());
    digest.copy_from_slice(&Digest::of(manifest).0);
    label
}
