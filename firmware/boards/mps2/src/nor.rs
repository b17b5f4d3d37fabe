//! The external store as NOR flash: writes only clear bits, sectors are erased whole. With a file behind the memory it
//! outlives the emulation, however that ends.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use mote_firmware::Flash;

use crate::memory::bytes;

/// Bytes of a sector.
pub const SECTOR: usize = 4096;

/// Flash over words of memory.
#[derive(Debug)]
pub struct Nor {
    words: &'static mut [u32],
}

/// Why flash refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NorError {
    /// A bit would have to be set.
    NotErased,
    /// Askew or outside.
    Place(NorFlashErrorKind),
}

impl Nor {
    /// Flash that holds what the memory holds; whole sectors of it.
    pub fn new(words: &'static mut [u32]) -> Self {
        Self { words }
    }

    /// The words from `from` to `to`, which have been checked.
    fn range(&mut self, from: u32, to: u32) -> &mut [u32] {
        self.words.get_mut(from as usize / 4..to as usize / 4).unwrap_or_default()
    }
}

/// In the order of the program: what a power failure leaves depends on it.
fn store(word: &mut u32, value: u32) {
    // SAFETY: a valid, aligned reference.
    unsafe { core::ptr::from_mut(word).write_volatile(value) };
}

impl NorFlashError for NorError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NotErased => NorFlashErrorKind::Other,
            Self::Place(kind) => *kind,
        }
    }
}

impl From<NorFlashErrorKind> for NorError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self::Place(kind)
    }
}

impl ErrorType for Nor {
    type Error = NorError;
}

impl ReadNorFlash for Nor {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, out: &mut [u8]) -> Result<(), NorError> {
        check_read(self, offset, out.len())?;
        let from = self.view(offset, out.len() as u32).ok_or(NorFlashErrorKind::OutOfBounds)?;
        out.copy_from_slice(from);
        Ok(())
    }

    fn capacity(&self) -> usize {
        size_of_val(self.words)
    }
}

impl NorFlash for Nor {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorError> {
        check_erase(self, from, to)?;
        self.range(from, to).iter_mut().for_each(|word| store(word, u32::MAX));
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        check_write(self, offset, bytes.len())?;
        let words = self.range(offset, offset + bytes.len() as u32);
        for (word, new) in words.iter_mut().zip(bytes.as_chunks().0) {
            let new = u32::from_le_bytes(*new);
            if *word & new != new {
                return Err(NorError::NotErased);
            }
            store(word, new);
        }
        Ok(())
    }
}

impl Flash for Nor {
    fn view(&self, offset: u32, length: u32) -> Option<&[u8]> {
        bytes(self.words).get(offset as usize..)?.get(..length as usize)
    }
}
