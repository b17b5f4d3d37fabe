//! An LSM6DSO made of samples, for boards and simulators that have no part: the driver above it is the one for silicon.

use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

use super::lsm6dso::{ADDRESS, BOTH_AVAILABLE, IDENTITY, OUTX_L_G, STATUS_REG, WHO_AM_I};

/// The last output register.
const OUTZ_H_A: u8 = OUTX_L_G + 11;

/// What the part measures.
pub trait Counts {
    /// The twelve output registers of a sample, rates before accelerations. `None` if the part does not answer for it.
    fn counts(&mut self, sample: usize) -> Option<[u8; 12]>;
}

/// The bus with the part on it.
#[derive(Debug)]
pub struct EmulatedLsm6dso<C> {
    source: C,
    sample: usize,
    register: u8,
}

/// Nothing answers at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoAnswer;

impl<C: Counts> EmulatedLsm6dso<C> {
    /// A part that measures from the first sample on.
    pub fn new(source: C) -> Self {
        Self { source, sample: 0, register: 0 }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), NoAnswer> {
        let Some(counts) = self.source.counts(self.sample) else {
            self.sample += 1;
            return Err(NoAnswer);
        };
        for byte in bytes {
            *byte = match self.register {
                WHO_AM_I => IDENTITY,
                STATUS_REG => BOTH_AVAILABLE,
                OUTX_L_G..=OUTZ_H_A => counts.get(usize::from(self.register - OUTX_L_G)).copied().unwrap_or(0),
                _ => 0,
            };
            // The last byte of a sample makes way for the next one.
            self.sample += usize::from(self.register == OUTZ_H_A);
            self.register = self.register.wrapping_add(1);
        }
        Ok(())
    }
}

impl<C> ErrorType for EmulatedLsm6dso<C> {
    type Error = NoAnswer;
}

impl<C: Counts> I2c for EmulatedLsm6dso<C> {
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
