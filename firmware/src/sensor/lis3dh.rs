//! ST LIS3DH accelerometer: three axes in g. Register names are those of its datasheet (DocID17530 rev 2).

use embedded_hal::i2c::I2c;

use super::registers::Registers;
use crate::port::{Sensor, SensorFault};

const WHO_AM_I: u8 = 0x0f;
const IDENTITY: u8 = 0x33;
const CTRL_REG1: u8 = 0x20;
const CTRL_REG4: u8 = 0x23;
const STATUS_REG: u8 = 0x27;
const OUT_X_L: u8 = 0x28;
/// Added to a register's address to read on from it.
const AUTO_INCREMENT: u8 = 0x80;
/// 100 Hz, normal power, all axes: above the rate at which it is read, so that a sample is never stale.
const ODR_100_HZ: u8 = 0x57;
/// Both halves of a value are of one moment.
const BLOCK_DATA_UPDATE: u8 = 0x80;
/// 12 bits.
const HIGH_RESOLUTION: u8 = 0x08;
/// A new value of each axis is there.
const ZYX_AVAILABLE: u8 = 0x08;

/// The largest acceleration that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lis3dhRange {
    /// 2 g.
    G2 = 0,
    /// 4 g.
    G4 = 1,
    /// 8 g.
    G8 = 2,
    /// 16 g.
    G16 = 3,
}

impl Lis3dhRange {
    /// g per count of the 12-bit value; table 4 of the datasheet.
    const fn g_per_count(self) -> f32 {
        match self {
            Self::G2 => 0.001,
            Self::G4 => 0.002,
            Self::G8 => 0.004,
            Self::G16 => 0.012,
        }
    }
}

/// The accelerometer.
#[derive(Debug)]
pub struct Lis3dh<B> {
    part: Registers<B>,
    range: Lis3dhRange,
}

impl<B: I2c> Lis3dh<B> {
    /// The address with the pin SA0 low.
    pub const ADDRESS: u8 = 0x18;

    /// Checks that the part is there and starts it.
    ///
    /// # Errors
    /// [`SensorFault::Bus`] or [`SensorFault::WrongPart`].
    pub fn new(bus: B, address: u8, range: Lis3dhRange) -> Result<Self, SensorFault> {
        let mut part = Registers::of(bus, address, WHO_AM_I, IDENTITY)?;
        part.write(CTRL_REG1, ODR_100_HZ)?;
        part.write(CTRL_REG4, BLOCK_DATA_UPDATE | HIGH_RESOLUTION | (range as u8) << 4)?;
        Ok(Self { part, range })
    }

    /// Gives the bus back.
    pub fn release(self) -> B {
        self.part.release()
    }
}

impl<B: I2c> Sensor for Lis3dh<B> {
    fn channels(&self) -> usize {
        3
    }

    fn read(&mut self, sample: &mut [f32]) -> Result<(), SensorFault> {
        let [x, y, z] = sample else {
            return Err(SensorFault::Channels { expected: 3, got: sample.len() });
        };
        let mut status = [0];
        self.part.read(STATUS_REG, &mut status)?;
        if status[0] & ZYX_AVAILABLE == 0 {
            return Err(SensorFault::NotReady);
        }
        // 12 bits stand at the upper end of 16.
        let counts = self.part.read_counts(OUT_X_L | AUTO_INCREMENT)?;
        [*x, *y, *z] = counts.map(|count| f32::from(count >> 4) * self.range.g_per_count());
        Ok(())
    }
}
