//! An LSM6DSO on an I2C bus that moves as a recording says: the driver above it is the one for silicon.
//!
//! The recording lies in the store: the number of samples (u32), then for each the twelve bytes of the output registers,
//! angular rates before accelerations. It starts over when it has ended; a sample of nothing but 0x8000 is one that the
//! part does not answer for. Blank memory is a part at rest. `mote-firmware-sim` writes it.

use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

const ADDRESS: u8 = 0x6a;
const WHO_AM_I: u8 = 0x0f;
const IDENTITY: u8 = 0x6c;
const STATUS_REG: u8 = 0x1e;
const BOTH_AVAILABLE: u8 = 0x03;
const OUTX_L_G: u8 = 0x22;
const OUTZ_H_A: u8 = 0x2d;

/// Bytes of a sample.
const SAMPLE: usize = 12;
/// Lying flat: one g on the z axis at 4 g full scale.
const AT_REST: [u8; SAMPLE] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x04, 0x20];
/// No answer.
const MISSING: [u8; SAMPLE] = [0x00, 0x80, 0x00, 0x80, 0x00, 0x80, 0x00, 0x80, 0x00, 0x80, 0x00, 0x80];

/// The bus with the part on it.
#[derive(Debug)]
pub struct Bus {
    samples: &'static [[u8; SAMPLE]],
    next: usize,
    register: u8,
}

/// Nothing answers at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

impl Bus {
    /// The recording in `memory`, from its start.
    pub fn new(memory: &'static [u8]) -> Self {
        let count = memory.first_chunk().map_or(0, |count| u32::from_le_bytes(*count) as usize);
        let samples = memory.get(4..).unwrap_or_default().as_chunks().0;
        let samples = samples.get(..count).filter(|samples| !samples.is_empty()).unwrap_or(&[AT_REST]);
        Self { samples, next: 0, register: 0 }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), NoAnswer> {
        let counts = self.samples.get(self.next % self.samples.len()).unwrap_or(&AT_REST);
        if *counts == MISSING {
            self.next += 1;
            return Err(NoAnswer);
        }
        for byte in bytes {
            *byte = match self.register {
                WHO_AM_I => IDENTITY,
                STATUS_REG => BOTH_AVAILABLE,
                OUTX_L_G..=OUTZ_H_A => counts.get(usize::from(self.register - OUTX_L_G)).copied().unwrap_or(0),
                _ => 0,
            };
            // The last byte of a sample makes way for the next one.
            self.next += usize::from(self.register == OUTZ_H_A);
            self.register = self.register.wrapping_add(1);
        }
        Ok(())
    }
}

impl ErrorType for Bus {
    type Error = NoAnswer;
}

impl I2c for Bus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), NoAnswer> {
        if address != ADDRESS {
            return Err(NoAnswer);
        }
        for operation in operations {
            match operation {
                Operation::Write(bytes) => self.register = bytes.first().copied().unwrap_or(self.register),
                Operation::Read(bytes) => self.read(bytes)?,
            }
        }
        Ok(())
    }
}

impl Error for NoAnswer {
    fn kind(&self) -> ErrorKind {
        ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)
    }
}
