//! ST LSM6DSO inertial unit: acceleration in g, then angular rate in rad/s, three axes each. Register names are those
//! of its datasheet (DS12140).

use embedded_hal::i2c::I2c;

use super::registers::Registers;
use crate::port::{Sensor, SensorFault};

/// With the pin SA0 low.
pub(super) const ADDRESS: u8 = 0x6a;
pub(super) const WHO_AM_I: u8 = 0x0f;
pub(super) const IDENTITY: u8 = 0x6c;
const CTRL1_XL: u8 = 0x10;
const CTRL2_G: u8 = 0x11;
const CTRL3_C: u8 = 0x12;
pub(super) const STATUS_REG: u8 = 0x1e;
/// Rates from here on, accelerations behind them.
pub(super) const OUTX_L_G: u8 = 0x22;
/// 104 Hz: above the rate at which it is read, so that a sample is never stale.
const ODR_104_HZ: u8 = 0x40;
/// Both halves of a value are of one moment; reading goes on to the next register.
const BDU_IF_INC: u8 = 0x44;
/// New accelerations and rates are there.
pub(super) const BOTH_AVAILABLE: u8 = 0x03;

/// The largest acceleration that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccelerationRange {
    /// 2 g.
    G2,
    /// 4 g.
    G4,
    /// 8 g.
    G8,
    /// 16 g.
    G16,
}

impl AccelerationRange {
    const fn bits(self) -> u8 {
        match self {
            Self::G2 => 0b00 << 2,
            Self::G4 => 0b10 << 2,
            Self::G8 => 0b11 << 2,
            Self::G16 => 0b01 << 2,
        }
    }

    /// g per count; table 2 of the datasheet.
    #[must_use]
    pub const fn g_per_count(self) -> f32 {
        match self {
            Self::G2 => 0.061e-3,
            Self::G4 => 0.122e-3,
            Self::G8 => 0.244e-3,
            Self::G16 => 0.488e-3,
        }
    }
}

/// The largest angular rate that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateRange {
    /// 500 degrees per second.
    Dps500,
    /// 2000 degrees per second.
    Dps2000,
}

impl RateRange {
    const fn bits(self) -> u8 {
        match self {
            Self::Dps500 => 0b01 << 2,
            Self::Dps2000 => 0b11 << 2,
        }
    }

    /// rad/s per count; 17.5 and 70 millidegrees per second by table 2 of the datasheet.
    #[must_use]
    pub const fn rad_per_count(self) -> f32 {
        match self {
            Self::Dps500 => 3.054_326_2e-4,
            Self::Dps2000 => 1.221_730_5e-3,
        }
    }
}

/// The inertial unit.
#[derive(Debug)]
pub struct Lsm6dso<B> {
    part: Registers<B>,
    acceleration: AccelerationRange,
    rate: RateRange,
}

impl<B: I2c> Lsm6dso<B> {
    /// The address with the pin SA0 low.
    pub const ADDRESS: u8 = ADDRESS;

    /// Checks that the part is there and starts both halves of it.
    ///
    /// # Errors
    /// [`SensorFault::Bus`] or [`SensorFault::WrongPart`].
    pub fn new(bus: B, address: u8, acceleration: AccelerationRange, rate: RateRange) -> Result<Self, SensorFault> {
        let mut part = Registers::of(bus, address, WHO_AM_I, IDENTITY)?;
        part.write(CTRL3_C, BDU_IF_INC)?;
        part.write(CTRL1_XL, ODR_104_HZ | acceleration.bits())?;
        part.write(CTRL2_G, ODR_104_HZ | rate.bits())?;
        Ok(Self { part, acceleration, rate })
    }

    /// Gives the bus back.
    pub fn release(self) -> B {
        self.part.release()
    }
}

impl<B: I2c> Sensor for Lsm6dso<B> {
    fn channels(&self) -> usize {
        6
    }

    fn read(&mut self, sample: &mut [f32]) -> Result<(), SensorFault> {
        let [ax, ay, az, wx, wy, wz] = sample else {
            return Err(SensorFault::Channels { expected: 6, got: sample.len() });
        };
        let mut status = [0];
        self.part.read(STATUS_REG, &mut status)?;
        if status[0] & BOTH_AVAILABLE != BOTH_AVAILABLE {
            return Err(SensorFault::NotReady);
        }
        let [rx, ry, rz, gx, gy, gz] = self.part.read_counts(OUTX_L_G)?;
        let (g, rad) = (self.acceleration.g_per_count(), self.rate.rad_per_count());
        [*ax, *ay, *az] = [gx, gy, gz].map(|count| f32::from(count) * g);
        [*wx, *wy, *wz] = [rx, ry, rz].map(|count| f32::from(count) * rad);
        Ok(())
    }
}
