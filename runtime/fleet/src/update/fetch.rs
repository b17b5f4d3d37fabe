//! The release that an assignment names, and the transfer of its parts.

use mote_seal::{Digest, OpenError, check_release};
use mote_wire::Chunk;

use super::Device;
use crate::action::{Action, Keep, Part};
use crate::chunks::{self, Cut, Transfer};
use crate::record::Slot;
use crate::{State, Trouble};

impl Device<'_> {
    pub(super) fn release<'e>(&mut self, bytes: &'e [u8]) -> Option<Keep<'e>> {
        let wanted = self.record.wanted.filter(|_| self.record.state == State::Check)?;
        // The topic is not trusted: only the document that the assignment names is looked at.
        if Digest::of(bytes) != wanted.release {
            return None;
        }
        let checked = check_release(bytes, &self.config.ring).and_then(|release| release.select(&self.target()));
        let checked = match checked {
            Ok(checked) => checked,
            Err(error) => {
                self.reject(error.into());
                return None;
            }
        };
        let release = *checked.release().release();
        let (artifact, golden) = (checked.artifact().blob, release.golden);
        if release.version != wanted.version {
            self.reject(Trouble::Mismatch);
            return None;
        }
        let (limit, got) = (self.config.max_bytes, golden.map_or(0, |blob| blob.length));
        if got > limit {
            self.reject(OpenError::TooLong { limit, got }.into());
            return None;
        }
        let longest = artifact.length.max(got);
        if chunks::total(longest, self.config.chunk_bytes).is_none() {
            self.reject(Trouble::TooManyChunks);
            return None;
        }
        self.record.wanted = Some(Slot { floor: release.floor, artifact, golden, ..wanted });
        self.start_or_resume_fetch();
        Some(Keep::Manifest(bytes))
    }

    /// After a hold or a restart in between, what had been fetched of the same release still counts.
    fn start_or_resume_fetch(&mut self) {
        if self.record.part.is_some() && self.record.chunk_bytes == self.config.chunk_bytes {
            self.prepared = true;
            self.enter(State::Fetch);
        } else {
            self.start_fetch();
        }
    }

    pub(super) fn start_fetch(&mut self) {
        (self.record.part, self.record.durable) = (None, 0);
        self.prepared = false;
        self.enter(State::Fetch);
    }

    /// There is room for both parts. A part is recorded from here on and not before, so that a start in between does
    /// not take storage that still holds something else for prepared.
    pub(super) fn prepared(&mut self) {
        let golden = self.record.wanted.is_some_and(|slot| slot.golden.is_some());
        self.record.part = Some(if golden { Part::Golden } else { Part::Artifact });
        (self.record.durable, self.record.chunk_bytes) = (0, self.config.chunk_bytes);
        (self.prepared, self.dirty) = (true, true);
        self.arm();
    }

    /// A chunk was damaged on the way; which one cannot be told.
    pub(super) fn fetch_again(&mut self) {
        self.record.attempts = self.record.attempts.saturating_add(1);
        if self.record.attempts >= self.config.limits.attempts {
            return self.fail(Trouble::Open(OpenError::WrongDigest));
        }
        self.start_fetch();
    }

    fn start_transfer(&mut self) {
        let Some(slot) = self.record.wanted else {
            return;
        };
        let blob = match (self.record.part, slot.golden) {
            (Some(Part::Golden), Some(golden)) => golden,
            _ => slot.artifact,
        };
        let cut = Cut {
            digest: blob.digest.0,
            length: blob.length,
            chunk_bytes: self.config.chunk_bytes,
            window: self.config.window,
        };
        let xfer = self.backoff.draw() as u32;
        self.transfer = Transfer::new(&cut, self.record.durable, xfer);
        if self.transfer.is_none() {
            self.fail(Trouble::Storage);
        } else {
            self.arm();
        }
    }

    pub(super) fn advance_fetch(&mut self) {
        if self.prepared && self.transfer.is_none() {
            self.start_transfer();
        }
        let Some(transfer) = &self.transfer else {
            return;
        };
        if transfer.durable() < transfer.total() {
            return;
        }
        self.transfer = None;
        if self.record.part == Some(Part::Golden) {
            self.record.part = Some(Part::Artifact);
            self.record.durable = 0;
            self.dirty = true;
        } else {
            self.enter(State::Verify);
        }
    }

    /// A request for what is missing.
    pub(super) fn ask(&mut self) -> Option<Action> {
        match self.record.state {
            State::Check if self.ask_at.is_none() => {
                self.ask_at = Some(self.now.after(self.backoff.next_delay()));
                let version = self.record.wanted?.version;
                Some(Action::FetchRelease { version })
            }
            State::Fetch => {
                let request = self.transfer.as_mut()?.request()?;
                self.ask_at = Some(self.now.after(self.backoff.next_delay()));
                Some(Action::Request(request))
            }
            _ => None,
        }
    }

    pub(super) fn chunk<'e>(&mut self, chunk: &Chunk<'e>) -> Option<Keep<'e>> {
        let part = self.record.part?;
        let transfer = self.transfer.as_mut().filter(|transfer| transfer.xfer == chunk.xfer);
        let stored = transfer.and_then(|transfer| transfer.accept(chunk.index, chunk.total, chunk.bytes.len()));
        let Some(offset) = stored else {
            let bad = &mut self.record.counters.bad_chunks;
            *bad = bad.saturating_add(1);
            return None;
        };
        self.backoff.reset();
        let waiting = self.transfer.as_ref().is_some_and(Transfer::is_waiting);
        self.ask_at = waiting.then(|| self.now.after(self.backoff.next_delay()));
        self.arm();
        Some(Keep::Chunk { part, offset, bytes: chunk.bytes })
    }
}
