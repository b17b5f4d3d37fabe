//! What a board brings: mapped flash, a way to a broker, a clock, a watchdog and a sensor.
#![allow(async_fn_in_trait, reason = "one thread of one core; nothing here is ever sent to another")]

use core::fmt;

use embedded_io_async::{Read, Write};
use embedded_storage::nor_flash::NorFlash;
use mote_fleet::Millis;

/// NOR flash that is mapped into memory, so that a model runs from where it lies.
///
/// A mapped byte may be read at any time but while an erase or write of the same flash is under way; the exclusive
/// borrow that those take holds that up.
pub trait Flash: NorFlash {
    /// `length` bytes from `offset` on, in place; `None` if they do not all lie inside. Offset 0 lies on a multiple of
    /// 16 in memory.
    fn view(&self, offset: u32, length: u32) -> Option<&[u8]>;
}

impl<F: Flash> Flash for &mut F {
    fn view(&self, offset: u32, length: u32) -> Option<&[u8]> {
        F::view(self, offset, length)
    }
}

/// A way to the broker: each call opens one byte stream, after the one before has been dropped.
pub trait Dial {
    /// A stream. Its reads must be cancel-safe, and it should gather small writes until `flush`.
    type Transport<'t>: Read<Error = Self::Error> + Write
    where
        Self: 't;
    /// Why a stream was not opened or has ended.
    type Error: embedded_io_async::Error;

    /// Opens a stream. Need not time out; whoever waits for it does.
    ///
    /// # Errors
    /// Whatever the network says.
    async fn dial(&mut self) -> Result<Self::Transport<'_>, Self::Error>;
}

/// Time since the board started. Never goes back.
pub trait Clock {
    /// Microseconds.
    fn micros(&self) -> u64;

    /// Waits until a moment has passed.
    async fn until(&self, at: Millis);

    /// Milliseconds.
    fn now(&self) -> Millis {
        Millis(self.micros() / 1000)
    }
}

/// The clock behind `embassy-time`, whose driver is the board's.
#[derive(Debug, Clone, Copy, Default)]
pub struct EmbassyClock;

impl Clock for EmbassyClock {
    fn micros(&self) -> u64 {
        embassy_time::Instant::now().as_micros()
    }

    async fn until(&self, at: Millis) {
        embassy_time::Timer::at(embassy_time::Instant::from_millis(at.0)).await;
    }
}

/// Resets the board unless it is fed in time.
///
/// Its period must exceed the longest single step: one sector's erase, or the hashing of one slot.
pub trait Watchdog {
    /// Starts the period anew. The application calls this when it has got on, and at no other time.
    fn feed(&mut self);
}

/// A source of samples.
pub trait Sensor {
    /// Values per sample.
    fn channels(&self) -> usize;

    /// Reads one sample over `sample`, which holds [`Sensor::channels`] values, in the unit that the model was
    /// trained on.
    ///
    /// # Errors
    /// [`SensorFault`]; `sample` then holds nothing of worth.
    fn read(&mut self, sample: &mut [f32]) -> Result<(), SensorFault>;
}

/// Why there is no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SensorFault {
    /// The bus failed or nothing answered on it.
    Bus,
    /// Something answered, but it is another part.
    WrongPart {
        /// What it said it is.
        identity: u8,
    },
    /// The part has nothing new since the last sample.
    NotReady,
    /// The caller's sample has another number of values than the sensor.
    Channels {
        /// Values that the sensor gives.
        expected: usize,
        /// Values that were asked for.
        got: usize,
    },
}

impl fmt::Display for SensorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus => f.write_str("the sensor does not answer"),
            Self::WrongPart { identity } => write!(f, "part {identity:#04x} stands where the sensor should"),
            Self::NotReady => f.write_str("the sensor has no new sample"),
            Self::Channels { expected, got } => write!(f, "the sensor has {expected} channels, not {got}"),
        }
    }
}

impl core::error::Error for SensorFault {}
