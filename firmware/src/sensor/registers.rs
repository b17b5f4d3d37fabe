//! Registers of a part on an I2C bus.

use embedded_hal::i2c::I2c;

use crate::port::SensorFault;

/// A part: its bus and its address.
#[derive(Debug)]
pub(super) struct Registers<B> {
    bus: B,
    address: u8,
}

impl<B: I2c> Registers<B> {
    /// Checks that the part says what it should in its identity register.
    pub(super) fn of(bus: B, address: u8, register: u8, expected: u8) -> Result<Self, SensorFault> {
        let mut part = Self { bus, address };
        let mut identity = [0];
        part.read(register, &mut identity)?;
        let [identity] = identity;
        if identity == expected { Ok(part) } else { Err(SensorFault::WrongPart { identity }) }
    }

    pub(super) fn write(&mut self, register: u8, value: u8) -> Result<(), SensorFault> {
        self.bus.write(self.address, &[register, value]).map_err(|_| SensorFault::Bus)
    }

    pub(super) fn read(&mut self, register: u8, bytes: &mut [u8]) -> Result<(), SensorFault> {
        self.bus.write_read(self.address, &[register], bytes).map_err(|_| SensorFault::Bus)
    }

    /// Reads consecutive little-endian values.
    pub(super) fn read_counts<const N: usize>(&mut self, register: u8) -> Result<[i16; N], SensorFault> {
        let mut raw = [[0; 2]; N];
        self.read(register, raw.as_flattened_mut())?;
        Ok(raw.map(i16::from_le_bytes))
    }

    pub(super) fn release(self) -> B {
        self.bus
    }
}
