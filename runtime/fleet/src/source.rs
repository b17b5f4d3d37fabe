//! The serving side of a transfer. It keeps no state: a request says everything, and what is lost is asked
//! for again.

use core::ops::Range;

use mote_wire::{Chunk, Get};

use crate::chunks::total;

/// One chunk to send: its place and the bytes of the blob it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Its place, counted in chunks.
    pub index: u32,
    /// How many chunks the blob has.
    pub total: u32,
    /// Its bytes, for a blob that is read as needed.
    pub range: Range<u64>,
}

/// What to send for `get` from a blob of `length` bytes: only what was asked for, at most its credit.
pub fn pieces<'g>(get: &'g Get<'_>, length: u64) -> impl Iterator<Item = Piece> + use<'g> {
    let (chunk_bytes, total) = (get.chunk_bytes, total(length, get.chunk_bytes).unwrap_or(0));
    get.indices().filter(move |&index| index < total).map(move |index| {
        let start = u64::from(index) * u64::from(chunk_bytes);
        let end = length.min(start + u64::from(chunk_bytes));
        Piece { index, total, range: start..end }
    })
}

/// The chunks to publish on `dn/c/{xfer}` for `get`, from the blob whose digest it names.
pub fn answer<'g>(get: &'g Get<'_>, blob: &'g [u8]) -> impl Iterator<Item = Chunk<'g>> + use<'g> {
    pieces(get, blob.len() as u64).filter_map(|piece| {
        let Piece { index, total, range } = piece;
        let bytes = blob.get(range.start as usize..range.end as usize)?;
        Some(Chunk { xfer: get.xfer, index, total, bytes })
    })
}
