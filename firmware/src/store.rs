//! Everything durable: the journal and the slots, over one flash.

use mote_fleet::{Keep, Part, RECORD_BYTES, Record, Slot};
use mote_seal::{Blob, Digest};

use crate::error::{BootError, FlashFault};
use crate::flash::erase;
use crate::identity::Identity;
use crate::journal::Journal;
use crate::layout::Layout;
use crate::port::Flash;
use crate::slots::{Extent, Slots};

/// The durable side of a device.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    layout: Layout,
    journal: Journal,
    slots: Slots,
}

/// What a start finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The number of this start, counted durably.
    pub boot: u64,
    /// The newest whole record, if there is one.
    pub record: Option<Record>,
}

/// The parts of a release in one slot, in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'f> {
    /// The signed release document.
    pub manifest: &'f [u8],
    /// The artifact; its first byte lies on a multiple of 16.
    pub artifact: &'f [u8],
    /// The golden vectors, empty if the release has none.
    pub golden: &'f [u8],
}

/// What a device leaves the factory with.
#[derive(Debug, Clone, Copy)]
pub struct Factory<'f> {
    /// The signed release document of the first model.
    pub manifest: &'f [u8],
    /// Its artifact for this device.
    pub artifact: &'f [u8],
    /// What the release says of it; [`Store::provision`] writes no golden vectors.
    pub slot: Slot,
}

impl<F: Flash> Store<F> {
    /// Mounts what [`Store::provision`] or a device before has left, and counts a start. Blank flash mounts too: such a
    /// device has no model yet and takes its first by update.
    ///
    /// # Errors
    /// [`BootError::BadLayout`] or [`BootError::Flash`].
    pub fn mount(mut flash: F, layout: Layout) -> Result<(Self, Found), BootError> {
        layout.check(&flash)?;
        let (mut journal, newest) = Journal::mount(&flash, layout.journal)?;
        let boot = journal.count_boot(&mut flash, newest.record.as_ref())?;
        let slots = Slots::mount(&flash, layout)?;
        Ok((Self { flash, layout, journal, slots }, Found { boot, record: newest.record }))
    }

    /// Makes a device of blank flash: identity, first model and its record.
    ///
    /// # Errors
    /// [`BootError::BadLayout`], [`BootError::Flash`], or [`BootError::NoIdentity`] if the identity does not fit.
    pub fn provision(
        mut flash: F,
        layout: Layout,
        identity: &Identity,
        first: Option<Factory<'_>>,
    ) -> Result<F, BootError> {
        layout.check(&flash)?;
        for (start, bytes) in layout.areas::<F>() {
            erase(&mut flash, start, bytes, &mut || ())?;
        }
        identity.write(&mut flash, layout.identity)?;
        let (mut journal, _) = Journal::mount(&flash, layout.journal)?;
        let mut slots = Slots::mount(&flash, layout)?;
        if let Some(Factory { manifest, artifact, slot }) = first {
            let side = slots.spare(None);
            let extent = Extent { golden: 0, artifact: artifact.len() as u64 };
            slots.write_manifest(&mut flash, side, manifest)?;
            slots.write_part(&mut flash, side, extent, Part::Artifact, 0, artifact)?;
            let good = Slot { golden: None, ..slot };
            journal.append(&mut flash, Some(&Record::with_good(good).encode()))?;
        }
        Ok(flash)
    }

    /// Makes a record durable.
    ///
    /// # Errors
    /// [`FlashFault`]; the record before is still there.
    pub fn persist(&mut self, record: &[u8; RECORD_BYTES]) -> Result<(), FlashFault> {
        self.journal.append(&mut self.flash, Some(record))
    }

    /// Stores what an event brought, in the slot that does not hold `good`. `wanted` is the release under way, whose
    /// announced lengths bound every chunk.
    ///
    /// # Errors
    /// [`FlashFault`].
    pub fn keep(&mut self, keep: &Keep<'_>, good: Option<&Slot>, wanted: Option<&Slot>) -> Result<(), FlashFault> {
        let side = self.slots.spare(good.map(|slot| slot.release));
        match *keep {
            Keep::Manifest(manifest) => self.slots.write_manifest(&mut self.flash, side, manifest),
            Keep::Chunk { part, offset, bytes } => {
                let nothing = Extent { golden: 0, artifact: 0 };
                let extent = wanted.map_or(nothing, |slot| extent(slot.golden, slot.artifact));
                self.slots.write_part(&mut self.flash, side, extent, part, offset, bytes)
            }
        }
    }

    /// Makes room for both parts in the slot that does not hold `good`; `got_on` is called after each sector.
    ///
    /// # Errors
    /// [`FlashFault::OutOfPlace`] if they do not fit, or what the flash says.
    pub fn prepare(
        &mut self,
        good: Option<Digest>,
        golden: Option<Blob>,
        artifact: Blob,
        got_on: &mut dyn FnMut(),
    ) -> Result<(), FlashFault> {
        let side = self.slots.spare(good);
        self.slots.prepare(&mut self.flash, side, extent(golden, artifact), got_on)
    }

    /// The parts of a release, if a slot has them.
    pub fn parts(&self, slot: &Slot) -> Option<Parts<'_>> {
        let side = self.slots.find(slot.release)?;
        let extent = extent(slot.golden, slot.artifact);
        let part = |part| self.slots.part(&self.flash, side, extent, part);
        Some(Parts {
            manifest: self.slots.manifest(&self.flash, side)?,
            artifact: part(Part::Artifact)?,
            golden: part(Part::Golden)?,
        })
    }

    /// Where things lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The flash.
    pub fn flash(&self) -> &F {
        &self.flash
    }
}

fn extent(golden: Option<Blob>, artifact: Blob) -> Extent {
    Extent { golden: golden.map_or(0, |blob| blob.length), artifact: artifact.length }
}
