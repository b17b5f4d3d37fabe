//! A voltage as a sensor of one channel.

use crate::port::{Sensor, SensorFault};

/// One channel of an analogue-to-digital converter; `embedded-hal` 1.0 has no trait for it.
pub trait AdcChannel {
    /// Why there is no value.
    type Error;

    /// Converts once and waits for the result.
    ///
    /// # Errors
    /// Whatever the converter says.
    fn convert(&mut self) -> Result<u16, Self::Error>;
}

/// A channel and what its counts mean.
#[derive(Debug)]
pub struct Adc<C> {
    channel: C,
    zero_counts: u16,
    unit_per_count: f32,
}

impl<C: AdcChannel> Adc<C> {
    /// A channel that reads `zero_counts` at 0 and changes by one count per `unit_per_count`.
    pub fn new(channel: C, zero_counts: u16, unit_per_count: f32) -> Self {
        Self { channel, zero_counts, unit_per_count }
    }
}

impl<C: AdcChannel> Sensor for Adc<C> {
    fn channels(&self) -> usize {
        1
    }

    fn read(&mut self, sample: &mut [f32]) -> Result<(), SensorFault> {
        let [value] = sample else {
            return Err(SensorFault::Channels { expected: 1, got: sample.len() });
        };
        let counts = self.channel.convert().map_err(|_| SensorFault::Bus)?;
        *value = (f32::from(counts) - f32::from(self.zero_counts)) * self.unit_per_count;
        Ok(())
    }
}
