//! Flash that loses what was not flushed, and the power that fails while it is written.

use std::collections::{BTreeMap, BTreeSet};

use mote_fleet::{Keep, Newest, Part, RECORD_BYTES, Record, Side, State, newest};
use mote_seal::Digest;
use mote_wire::UpdateState;

/// Bytes on storage; what was not flushed is lost with the power.
#[derive(Debug, Clone, Default)]
pub(crate) struct Staging {
    pub(crate) manifest: Vec<u8>,
    parts: [BTreeMap<u64, Vec<u8>>; 2],
}

impl Staging {
    pub(crate) fn part(&self, part: Part) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (&offset, piece) in &self.parts[part as usize] {
            bytes.resize(bytes.len().max(offset as usize), 0);
            bytes.truncate(offset as usize);
            bytes.extend_from_slice(piece);
        }
        bytes
    }
}

/// Where the power fails while a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    Before,
    /// After so many bytes.
    Torn(usize),
    After,
}

pub(crate) struct Storage {
    copies: [Vec<u8>; 2],
    write_to: Side,
    pub(crate) staging: Staging,
    flushed: Staging,
    /// Releases whose bytes are in place.
    slots: BTreeSet<[u8; 32]>,
    /// The next writes that fail, by count from now.
    pub(crate) cuts: BTreeMap<usize, Cut>,
    pub(crate) writes: usize,
    /// The states of all durable records, in order.
    pub(crate) states: Vec<UpdateState>,
}

impl Storage {
    /// As it leaves the factory.
    pub(crate) fn with(record: &Record, release: Digest) -> Self {
        Self {
            copies: [record.encode().to_vec(), vec![0xff; RECORD_BYTES]],
            write_to: Side::Second,
            staging: Staging::default(),
            flushed: Staging::default(),
            slots: [release.0].into(),
            cuts: BTreeMap::new(),
            writes: 0,
            states: Vec::new(),
        }
    }

    /// What is there after the power came back.
    pub(crate) fn mount(&mut self) -> Newest {
        self.staging = self.flushed.clone();
        let newest = newest(&self.copies[0], &self.copies[1]);
        self.write_to = newest.write_to;
        newest
    }

    pub(crate) fn durable(&self) -> Record {
        newest(&self.copies[0], &self.copies[1]).record.unwrap()
    }

    pub(crate) fn keep(&mut self, keep: Keep<'_>) {
        match keep {
            Keep::Manifest(bytes) => self.staging.manifest = bytes.to_vec(),
            Keep::Chunk { part, offset, bytes } => {
                self.staging.parts[part as usize].insert(offset, bytes.to_vec());
            }
        }
    }

    /// Makes room for both parts.
    pub(crate) fn prepare(&mut self) {
        self.staging.parts = Default::default();
        // Erasing is not undone by a power cut.
        self.flushed.parts = Default::default();
    }

    /// Puts a release beside the good one, in the place of any other.
    pub(crate) fn stage(&mut self, release: Digest, good: Option<Digest>) {
        self.slots.retain(|kept| good.is_some_and(|good| good.0 == *kept));
        self.slots.insert(release.0);
    }

    pub(crate) fn holds(&self, release: Digest) -> bool {
        self.slots.contains(&release.0)
    }

    /// Writes a record and flushes what was kept; `false` if the power failed.
    pub(crate) fn write(&mut self, bytes: &[u8; RECORD_BYTES]) -> bool {
        let before = self.durable();
        let after = Record::decode(bytes).unwrap();
        let cut = self.cuts.remove(&self.writes);
        self.writes += 1;
        let copy = &mut self.copies[self.write_to as usize];
        match cut {
            Some(Cut::Before) => return false,
            Some(Cut::Torn(length)) => {
                // What was kept goes first: a record must not state more than there is.
                self.flushed = self.staging.clone();
                copy[..length].copy_from_slice(&bytes[..length]);
                return false;
            }
            Some(Cut::After) | None => {}
        }
        self.flushed = self.staging.clone();
        copy.copy_from_slice(bytes);
        self.write_to = self.write_to.other();
        assert!(after.sequence() > before.sequence());
        if after.good() != before.good() {
            assert_eq!(after.state(), State::Committed, "good changes where a trial is committed");
        }
        self.states.push(after.state());
        cut.is_none()
    }
}
