//! The receiving side of a transfer: a window of chunks that slides over one blob.

use crate::action::Request;
use crate::bits::{Bits, WINDOW};

/// One blob on its way.
///
/// `durable <= base <= total`. Chunks below `durable` are on storage and recorded; those below `base` are on
/// storage. Nothing at or above `durable + window` is asked for, so a restart re-fetches at most one window.
#[derive(Debug, Clone)]
pub(crate) struct Transfer {
    digest: [u8; 32],
    length: u64,
    chunk_bytes: u32,
    total: u32,
    window: u32,
    durable: u32,
    base: u32,
    held: Bits,
    asked: Bits,
    pub(crate) xfer: u32,
}

/// What a transfer is of and how it is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) digest: [u8; 32],
    pub(crate) length: u64,
    pub(crate) chunk_bytes: u32,
    pub(crate) window: u16,
}

/// How many chunks a blob of `length` bytes has. `None` if they cannot be counted.
pub(crate) fn total(length: u64, chunk_bytes: u32) -> Option<u32> {
    if chunk_bytes == 0 {
        return None;
    }
    // One window is kept free at the top, so that no sum of an index and a window overflows.
    u32::try_from(length.div_ceil(u64::from(chunk_bytes))).ok().filter(|&n| n <= u32::MAX - WINDOW)
}

impl Transfer {
    /// `durable` chunks are on storage. `None` if the chunks cannot be counted, or there are fewer than that.
    pub(crate) fn new(cut: &Cut, durable: u32, xfer: u32) -> Option<Self> {
        let total = total(cut.length, cut.chunk_bytes).filter(|&total| durable <= total)?;
        Some(Self {
            digest: cut.digest,
            length: cut.length,
            chunk_bytes: cut.chunk_bytes,
            total,
            window: u32::from(cut.window).min(WINDOW),
            durable,
            base: durable,
            held: Bits::default(),
            asked: Bits::default(),
            xfer,
        })
    }

    /// Takes a chunk; answers the byte offset to store it at, or `None` if it was not asked for, came
    /// before, or has another length or count than it must.
    pub(crate) fn accept(&mut self, index: u32, total: u32, bytes: usize) -> Option<u64> {
        let start = u64::from(index) * u64::from(self.chunk_bytes);
        let inside = index < self.limit() && index >= self.base && total == self.total;
        let expected = self.length.saturating_sub(start).min(u64::from(self.chunk_bytes));
        if !inside || self.held.has(index) || expected != bytes as u64 {
            return None;
        }
        self.held.insert(index);
        self.asked.remove(index);
        while self.base < self.total && self.held.has(self.base) {
            self.held.remove(self.base);
            self.base += 1;
        }
        Some(start)
    }

    /// The chunks to ask for next, once half the window is no longer on its way.
    pub(crate) fn request(&mut self) -> Option<Request> {
        if self.asked.len() > self.window / 2 {
            return None;
        }
        let missing = |index: &u32| !self.held.has(*index) && !self.asked.has(*index);
        let first = (self.base..self.limit()).find(missing)?;
        let mut request = Request::new(self.digest, self.xfer, self.chunk_bytes, first);
        for index in (first..self.limit()).filter(missing) {
            request.want(index);
        }
        for index in first..self.limit() {
            if !self.held.has(index) {
                self.asked.insert(index);
            }
        }
        Some(request)
    }

    /// What was asked for and has not come will not come any more.
    pub(crate) fn forget_asked(&mut self) {
        self.asked.clear();
    }

    /// Whether anything asked for is still to come.
    pub(crate) fn is_waiting(&self) -> bool {
        self.asked.len() > 0
    }

    /// Whether enough has come to be worth a durable write: half the window, or the end.
    pub(crate) fn is_worth_recording(&self) -> bool {
        let fresh = self.base - self.durable;
        fresh > 0 && (fresh * 2 >= self.window || self.base == self.total)
    }

    /// Chunks from the start that are on storage.
    pub(crate) fn base(&self) -> u32 {
        self.base
    }

    /// Chunks from the start that are recorded.
    pub(crate) fn durable(&self) -> u32 {
        self.durable
    }

    /// Chunks below `base` have been recorded.
    pub(crate) fn recorded(&mut self, base: u32) {
        self.durable = base.clamp(self.durable, self.base);
    }

    pub(crate) fn total(&self) -> u32 {
        self.total
    }

    /// Chunks that are on storage, those beyond a hole included.
    pub(crate) fn held(&self) -> u32 {
        self.base + self.held.len()
    }

    fn limit(&self) -> u32 {
        self.total.min(self.durable + self.window)
    }
}
