//! What survives a power cut: one fixed-size record, kept twice.

use mote_seal::{Blob, Digest, Stamp};
use mote_wire::{Counters, UpdateState};

use crate::action::Part;

/// Bytes of an encoded record; a multiple of every common flash write size.
pub const RECORD_BYTES: usize = 576;

const MAGIC: [u8; 4] = *b"MREC";
const FORMAT: u8 = 1;
const CRC_AT: usize = RECORD_BYTES - 4;
/// Releases that failed here and are not tried again under the same nonce.
const QUARANTINE: usize = 4;

/// A release that this device can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// SHA-256 of the signed release document; the host finds what it staged by this.
    pub release: Digest,
    /// The release's version.
    pub version: u64,
    /// The release's security floor.
    pub floor: u64,
    /// The artifact for this device. Length 0 until the release has been checked.
    pub artifact: Blob,
    /// The golden vectors, if the release has any.
    pub golden: Option<Blob>,
}

/// An assigned release that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) release: Digest,
    pub(crate) nonce: u64,
    pub(crate) stage: UpdateState,
    pub(crate) code: u16,
}

/// The durable part of a device's life. Opaque to the host, which stores its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    pub(crate) sequence: u64,
    pub(crate) state: UpdateState,
    /// The last accepted assignment.
    pub(crate) stamp: Stamp,
    pub(crate) floor: u64,
    /// Written in one place only: where a trial is committed.
    pub(crate) good: Option<Slot>,
    pub(crate) wanted: Option<Slot>,
    pub(crate) nonce: u64,
    pub(crate) attempts: u8,
    pub(crate) trial_boots: u8,
    pub(crate) part: Option<Part>,
    /// Chunks of `part` that are on storage, and how long they are.
    pub(crate) durable: u32,
    pub(crate) chunk_bytes: u32,
    /// Why the last update did not succeed.
    pub(crate) failure: Option<Failed>,
    /// Newest first.
    pub(crate) quarantine: [Option<Failed>; QUARANTINE],
    pub(crate) counters: Counters,
}

impl Record {
    /// The record of a device that was given `good` by other means than an update, such as at the factory.
    #[must_use]
    pub fn with_good(good: Slot) -> Self {
        Self { floor: good.floor, good: Some(good), ..Self::default() }
    }

    /// Where the update is.
    #[must_use]
    pub fn state(&self) -> UpdateState {
        self.state
    }

    /// The model that was last committed.
    #[must_use]
    pub fn good(&self) -> Option<&Slot> {
        self.good.as_ref()
    }

    /// Counts up; of two records the higher is newer.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) fn quarantine(&mut self, failed: Failed) {
        self.quarantine.rotate_right(1);
        if let Some(first) = self.quarantine.first_mut() {
            *first = Some(failed);
        }
    }

    pub(crate) fn quarantined(&self, release: Digest, nonce: u64) -> Option<Failed> {
        let same = |failed: &&Failed| failed.release == release && failed.nonce == nonce;
        self.quarantine.iter().flatten().find(same).copied()
    }

    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        let (body, crc) = bytes.split_at_mut(CRC_AT);
        let mut to = To(body);
        to.put(MAGIC).put([FORMAT, self.state as u8, self.attempts, self.trial_boots]);
        to.put(self.sequence.to_le_bytes());
        to.put(self.stamp.epoch.to_le_bytes()).put(self.stamp.generation.to_le_bytes());
        to.put(self.floor.to_le_bytes()).put(self.nonce.to_le_bytes());
        to.put(self.durable.to_le_bytes()).put(self.chunk_bytes.to_le_bytes());
        to.put([self.part.map_or(0, |part| part as u8 + 1)]);
        to.slot(self.good.as_ref()).slot(self.wanted.as_ref()).failed(self.failure);
        for failed in self.quarantine {
            to.failed(failed);
        }
        let Counters { committed, failed, refused, replayed, bad_chunks } = self.counters;
        for count in [committed, failed, refused, replayed, bad_chunks] {
            to.put(count.to_le_bytes());
        }
        crc.copy_from_slice(&crc32(body).to_le_bytes());
        bytes
    }

    /// Reads stored bytes. `None` if they are not a whole record: never written, torn, or worn out.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().ok()?;
        let (body, crc) = bytes.split_at(CRC_AT);
        let mut from = From(body);
        if crc != crc32(body).to_le_bytes() || from.take()? != MAGIC {
            return None;
        }
        let [format, state, attempts, trial_boots] = from.take()?;
        if format != FORMAT {
            return None;
        }
        let sequence = from.u64()?;
        let stamp = Stamp { epoch: from.u64()?, generation: from.u64()? };
        let (floor, nonce) = (from.u64()?, from.u64()?);
        let (durable, chunk_bytes) = (from.u32()?, from.u32()?);
        let part = match from.u8()? {
            0 => None,
            1 => Some(Part::Golden),
            2 => Some(Part::Artifact),
            _ => return None,
        };
        let (good, wanted) = (from.slot()?, from.slot()?);
        let failure = from.failed()?;
        let mut quarantine = [None; QUARANTINE];
        for failed in &mut quarantine {
            *failed = from.failed()?;
        }
        let counters = Counters {
            committed: from.u32()?,
            failed: from.u32()?,
            refused: from.u32()?,
            replayed: from.u32()?,
            bad_chunks: from.u32()?,
        };
        let state = UpdateState::from_code(state)?;
        Some(Self {
            sequence,
            state,
            stamp,
            floor,
            good,
            wanted,
            nonce,
            attempts,
            trial_boots,
            part,
            durable,
            chunk_bytes,
            failure,
            quarantine,
            counters,
        })
    }
}

/// Which of the two copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The first.
    First,
    /// The second.
    Second,
}

impl Side {
    /// The other copy: writes alternate, so that a torn write leaves the one before.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What two stored copies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The newer of those that are whole; `None` on a new device.
    pub record: Option<Record>,
    /// Where the next record is to be written.
    pub write_to: Side,
}

/// Picks the newer whole copy. Whatever happened while one was written, the other is whole.
#[must_use]
pub fn newest(first: &[u8], second: &[u8]) -> Newest {
    match (Record::decode(first), Record::decode(second)) {
        (Some(a), Some(b)) if b.sequence > a.sequence => Newest { record: Some(b), write_to: Side::First },
        (Some(a), _) => Newest { record: Some(a), write_to: Side::Second },
        (None, record) => Newest { record, write_to: Side::First },
    }
}

/// Writes fields one behind the other. The layout is fixed and checked by a test to fit.
struct To<'b>(&'b mut [u8]);

impl To<'_> {
    fn put<const N: usize>(&mut self, field: [u8; N]) -> &mut Self {
        if let Some((head, rest)) = core::mem::take(&mut self.0).split_at_mut_checked(N) {
            head.copy_from_slice(&field);
            self.0 = rest;
        }
        self
    }

    fn blob(&mut self, blob: Blob) -> &mut Self {
        self.put(blob.digest.0).put(blob.length.to_le_bytes())
    }

    fn slot(&mut self, slot: Option<&Slot>) -> &mut Self {
        let none = Blob { digest: Digest([0; 32]), length: 0 };
        let empty = Slot { release: none.digest, version: 0, floor: 0, artifact: none, golden: None };
        let Slot { release, version, floor, artifact, golden } = *slot.unwrap_or(&empty);
        self.put([u8::from(slot.is_some()), u8::from(golden.is_some())]).put(release.0);
        self.put(version.to_le_bytes()).put(floor.to_le_bytes());
        self.blob(artifact).blob(golden.unwrap_or(none))
    }

    fn failed(&mut self, failed: Option<Failed>) -> &mut Self {
        let empty = Failed { release: Digest([0; 32]), nonce: 0, stage: UpdateState::Idle, code: 0 };
        let Failed { release, nonce, stage, code } = failed.unwrap_or(empty);
        self.put([u8::from(failed.is_some()), stage as u8]).put(code.to_le_bytes());
        self.put(release.0).put(nonce.to_le_bytes())
    }
}

/// Reads fields one behind the other.
struct From<'b>(&'b [u8]);

impl From<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn blob(&mut self) -> Option<Blob> {
        Some(Blob { digest: Digest(self.take()?), length: self.u64()? })
    }

    fn slot(&mut self) -> Option<Option<Slot>> {
        let (present, has_golden) = (self.flag()?, self.flag()?);
        let release = Digest(self.take()?);
        let (version, floor) = (self.u64()?, self.u64()?);
        let (artifact, golden) = (self.blob()?, self.blob()?);
        let golden = has_golden.then_some(golden);
        Some(present.then_some(Slot { release, version, floor, artifact, golden }))
    }

    fn failed(&mut self) -> Option<Option<Failed>> {
        let present = self.flag()?;
        let stage = UpdateState::from_code(self.u8()?)?;
        let code = self.u16()?;
        let (release, nonce) = (Digest(self.take()?), self.u64()?);
        Some(present.then_some(Failed { release, nonce, stage, code }))
    }
}

/// CRC-32 as in Ethernet and zip: finds torn and worn writes; attackers are not its business.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn full() -> Record {
        let blob = |byte| Blob { digest: Digest([byte; 32]), length: u64::from(byte) };
        let slot = |byte| Slot {
            release: Digest([byte; 32]),
            version: 7,
            floor: 3,
            artifact: blob(byte + 1),
            golden: Some(blob(byte + 2)),
        };
        let failed = |nonce| Failed { release: Digest([9; 32]), nonce, stage: UpdateState::Trial, code: 104 };
        let mut record = Record {
            sequence: 11,
            state: UpdateState::Deferred,
            stamp: Stamp { epoch: 1, generation: 2 },
            floor: 3,
            good: Some(slot(1)),
            wanted: Some(slot(4)),
            nonce: 5,
            attempts: 6,
            trial_boots: 7,
            part: Some(Part::Artifact),
            durable: 8,
            chunk_bytes: 4096,
            failure: Some(failed(1)),
            quarantine: [None; QUARANTINE],
            counters: Counters { committed: 1, failed: 2, refused: 3, replayed: 4, bad_chunks: u32::MAX },
        };
        (1..=6).for_each(|nonce| record.quarantine(failed(nonce)));
        record
    }

    #[test]
    fn records_read_back() {
        for record in [full(), Record::default(), Record::with_good(full().good.unwrap())] {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
        // The last field ends before the checksum, so nothing was cut off.
        let last = u32::MAX.to_le_bytes();
        assert_eq!(full().encode()[CRC_AT - 19..CRC_AT], [&last[..], &[0; 15]].concat());
    }

    #[test]
    fn the_oldest_failure_leaves_quarantine_first() {
        let record = full();
        let held = (0..8).filter(|&nonce| record.quarantined(Digest([9; 32]), nonce).is_some());
        assert!(held.eq(3..=6));
        assert_eq!(record.quarantined(Digest([8; 32]), 6), None);
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_torn_copy_leaves_the_other() {
        let (old, new) = (full(), Record { sequence: 12, ..full() });
        let (old_bytes, new_bytes) = (old.encode(), new.encode());
        let newest_is = |first: &[u8], second: &[u8], record: Option<&Record>, write_to| {
            assert_eq!(newest(first, second), Newest { record: record.cloned(), write_to });
        };
        newest_is(&old_bytes, &new_bytes, Some(&new), Side::First);
        newest_is(&new_bytes, &old_bytes, Some(&new), Side::Second);
        newest_is(&[0xff; RECORD_BYTES], &[], None, Side::First);
        for cut in 0..RECORD_BYTES {
            let mut torn = old_bytes;
            torn[..cut].copy_from_slice(&new_bytes[..cut]);
            let at_start = newest(&torn, &old_bytes).record.unwrap();
            assert!(at_start == old || at_start == new);
            let worn = [&new_bytes[..cut], &[0xff; RECORD_BYTES][cut..]].concat();
            newest_is(&worn, &old_bytes, Some(&old), Side::First);
        }
        for bit in 0..RECORD_BYTES * 8 {
            let mut flipped = new_bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::decode(&flipped), None, "bit {bit}");
        }
    }
}
