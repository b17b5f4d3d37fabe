//! NOR flash in RAM whose power can fail at any operation.

use std::cell::Cell;
use std::rc::Rc;

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use mote_firmware::Flash;
use mote_plan::AlignedBytes;

/// Bytes of a sector.
pub const SECTOR: usize = 4096;

/// The power of one device: how many more flash operations it lasts for.
#[derive(Debug, Default)]
pub struct Power {
    supply: Cell<Supply>,
    used: Cell<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Supply {
    #[default]
    Mains,
    /// It fails amid the operation after so many.
    Battery(u64),
    Gone,
}

/// How far an operation comes.
enum Reach {
    Through,
    Interrupted,
    Nowhere,
}

impl Power {
    /// Power that does not fail.
    #[must_use]
    pub fn mains() -> Rc<Self> {
        Rc::default()
    }

    /// From now on it lasts for so many operations; the one after is interrupted.
    pub fn last_for(&self, operations: u64) {
        self.supply.set(Supply::Battery(operations));
    }

    /// It is back, for good.
    pub fn restore(&self) {
        self.supply.set(Supply::Mains);
    }

    /// Whether it has failed.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.supply.get() == Supply::Gone
    }

    /// Operations so far: words written and sectors erased.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.get()
    }

    fn spend(&self) -> Reach {
        let (next, reach) = match self.supply.get() {
            Supply::Mains => (Supply::Mains, Reach::Through),
            Supply::Battery(0) => (Supply::Gone, Reach::Interrupted),
            Supply::Battery(left) => (Supply::Battery(left - 1), Reach::Through),
            Supply::Gone => (Supply::Gone, Reach::Nowhere),
        };
        self.supply.set(next);
        self.used.set(self.used.get() + u64::from(matches!(reach, Reach::Through)));
        reach
    }
}

/// Flash with words of `WORD` bytes. Writes only clear bits; a word can be written once between erases. When the power
/// fails, the word in flight has some of its bits, and a sector in erase has each byte old, erased or garbage.
#[derive(Debug, Clone)]
pub struct Nor<const WORD: usize = 4> {
    bytes: AlignedBytes,
    power: Rc<Power>,
    random: u64,
}

/// Why flash refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NorError {
    /// The power is gone.
    Power,
    /// A bit would have to be set.
    NotErased,
    /// Askew or outside.
    Place(NorFlashErrorKind),
}

impl NorFlashError for NorError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Place(kind) => *kind,
            Self::Power | Self::NotErased => NorFlashErrorKind::Other,
        }
    }
}

impl From<NorFlashErrorKind> for NorError {
    fn from(kind: NorFlashErrorKind) -> Self {
        Self::Place(kind)
    }
}

impl<const WORD: usize> Nor<WORD> {
    /// Blank flash of whole sectors.
    #[must_use]
    pub fn blank(sectors: usize, power: Rc<Power>) -> Self {
        let mut bytes = AlignedBytes::zeroed(sectors * SECTOR);
        bytes.fill(0xff);
        Self { bytes, power, random: 1 }
    }

    /// The same content under another power, whose failure is drawn from `seed`.
    #[must_use]
    pub fn copy(&self, power: Rc<Power>, seed: u64) -> Self {
        Self { bytes: self.bytes.clone(), power, random: seed }
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its power.
    #[must_use]
    pub fn power(&self) -> &Rc<Power> {
        &self.power
    }

    fn garbage(&mut self) -> u8 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 56) as u8
    }
}

impl<const WORD: usize> ErrorType for Nor<WORD> {
    type Error = NorError;
}

impl<const WORD: usize> ReadNorFlash for Nor<WORD> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorError> {
        check_read(self, offset, bytes.len())?;
        bytes.copy_from_slice(&self.bytes[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const WORD: usize> NorFlash for Nor<WORD> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorError> {
        check_erase(self, from, to)?;
        for start in (from as usize..to as usize).step_by(SECTOR) {
            match self.power.spend() {
                Reach::Through => self.bytes[start..start + SECTOR].fill(0xff),
                Reach::Nowhere => return Err(NorError::Power),
                Reach::Interrupted => {
                    for at in start..start + SECTOR {
                        let garbage = self.garbage();
                        match self.garbage() % 3 {
                            0 => {}
                            1 => self.bytes[at] = 0xff,
                            _ => self.bytes[at] = garbage,
                        }
                    }
                    return Err(NorError::Power);
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        check_write(self, offset, bytes.len())?;
        for (start, word) in (offset as usize..).step_by(WORD).zip(bytes.chunks_exact(WORD)) {
            let old = &self.bytes[start..start + WORD];
            if old.iter().zip(word).any(|(old, new)| old & new != *new) {
                return Err(NorError::NotErased);
            }
            match self.power.spend() {
                Reach::Through => self.bytes[start..start + WORD].copy_from_slice(word),
                Reach::Nowhere => return Err(NorError::Power),
                Reach::Interrupted => {
                    for (at, new) in (start..).zip(word) {
                        self.bytes[at] &= new | self.garbage();
                    }
                    return Err(NorError::Power);
                }
            }
        }
        Ok(())
    }
}

impl<const WORD: usize> Flash for Nor<WORD> {
    fn view(&self, offset: u32, length: u32) -> Option<&[u8]> {
        let start = offset as usize;
        self.bytes.get(start..start.checked_add(length as usize)?)
    }
}
