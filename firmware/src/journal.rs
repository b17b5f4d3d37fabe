//! The durable record, and how often the device has started: a log over two sectors.
//!
//! A sector is erased when the other is full and holds the newest cell, never before; so whatever happens, the newest
//! whole cell stays. A cell: magic, format, sequence, boot, whether there is a record, SHA-256 of all that and the
//! record, the record.

use mote_fleet::{RECORD_BYTES, Record};
use mote_seal::{Digest, Hasher};

use crate::error::FlashFault;
use crate::flash::{BLANK, erase, view, write};
use crate::port::Flash;

const MAGIC: [u8; 8] = *b"MJOURNL1";
const FIELDS: usize = 32;
const HEAD: usize = FIELDS + 32;
/// Bytes of a cell, a multiple of every write unit.
const CELL: usize = HEAD + RECORD_BYTES;

/// What the newest cell says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Newest {
    /// Starts of the device so far.
    pub(crate) boots: u64,
    pub(crate) record: Option<Record>,
}

/// Where the log continues.
#[derive(Debug)]
pub(crate) struct Journal {
    start: u32,
    sequence: u64,
    boots: u64,
    /// The sector that holds the newest cell.
    newest: Option<u32>,
    sector: u32,
    /// The next cell of `sector`.
    next: u32,
}

impl Journal {
    /// Reads the log.
    pub(crate) fn mount<F: Flash>(flash: &F, start: u32) -> Result<(Self, Newest), FlashFault> {
        let mut journal = Self { start, sequence: 0, boots: 0, newest: None, sector: 0, next: cells::<F>() };
        let mut found = Newest::default();
        for sector in 0..2 {
            let mut used = 0;
            for cell in 0..cells::<F>() {
                let bytes = view(flash, journal.place::<F>(sector, cell), CELL as u32)?;
                if bytes.iter().any(|&byte| byte != BLANK) {
                    used = cell + 1;
                }
                let Some(read) = Cell::read(bytes) else { continue };
                if read.sequence > journal.sequence {
                    (journal.sequence, journal.newest) = (read.sequence, Some(sector));
                    found = Newest { boots: read.boots, record: read.record };
                }
            }
            if journal.newest == Some(sector) {
                (journal.sector, journal.next) = (sector, used);
            }
        }
        journal.boots = found.boots;
        Ok((journal, found))
    }

    /// Counts a start and answers its number.
    pub(crate) fn count_boot<F: Flash>(&mut self, flash: &mut F, record: Option<&Record>) -> Result<u64, FlashFault> {
        self.boots = self.boots.saturating_add(1);
        self.append(flash, record.map(Record::encode).as_ref())?;
        Ok(self.boots)
    }

    /// Appends a cell. After an error the log is as it was, but for cells that are used up.
    pub(crate) fn append<F: Flash>(
        &mut self,
        flash: &mut F,
        record: Option<&[u8; RECORD_BYTES]>,
    ) -> Result<(), FlashFault> {
        if self.next >= cells::<F>() {
            let other = self.newest.map_or(0, |newest| 1 - newest);
            let sector = F::ERASE_SIZE as u32;
            erase(flash, self.start + other * sector, sector, &mut || ())?;
            (self.sector, self.next) = (other, 0);
        }
        let place = self.place::<F>(self.sector, self.next);
        // A write that fails may have used the cell up.
        self.next += 1;
        write(flash, place, &Cell::encode(self.sequence + 1, self.boots, record))?;
        self.sequence += 1;
        self.newest = Some(self.sector);
        Ok(())
    }

    fn place<F: Flash>(&self, sector: u32, cell: u32) -> u32 {
        self.start + sector * F::ERASE_SIZE as u32 + cell * CELL as u32
    }
}

/// Cells of a sector.
const fn cells<F: Flash>() -> u32 {
    const { assert!(F::ERASE_SIZE >= CELL, "a sector holds a cell") };
    (F::ERASE_SIZE / CELL) as u32
}

struct Cell {
    sequence: u64,
    boots: u64,
    record: Option<Record>,
}

impl Cell {
    fn encode(sequence: u64, boots: u64, record: Option<&[u8; RECORD_BYTES]>) -> [u8; CELL] {
        let mut bytes = [0; CELL];
        let (head, body) = bytes.split_at_mut(HEAD);
        if let Some(record) = record {
            body.copy_from_slice(record);
        }
        let (fields, digest) = head.split_at_mut(FIELDS);
        let stated = [MAGIC, sequence.to_le_bytes(), boots.to_le_bytes(), u64::from(record.is_some()).to_le_bytes()];
        fields.copy_from_slice(stated.as_flattened());
        digest.copy_from_slice(&seal(fields, body).0);
        bytes
    }

    /// `None` for what is blank, torn or not a cell.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(HEAD)?;
        let (fields, digest) = head.split_at_checked(FIELDS)?;
        let [magic, sequence, boots, recorded] = fields.as_chunks().0 else { return None };
        if *magic != MAGIC || digest != seal(fields, body).0 {
            return None;
        }
        let record = match u64::from_le_bytes(*recorded) {
            0 => None,
            _ => Some(Record::decode(body)?),
        };
        Some(Self { sequence: u64::from_le_bytes(*sequence), boots: u64::from_le_bytes(*boots), record })
    }
}

fn seal(fields: &[u8], body: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(fields);
    hasher.update(body);
    hasher.finish()
}
