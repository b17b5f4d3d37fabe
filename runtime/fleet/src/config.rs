//! What a device is and what it allows.

use core::fmt;

use mote_seal::{Class, Keyring, is_name};
use mote_wire::{MAX_CHUNK, MAX_WINDOW, MIN_CHUNK};

use crate::Millis;

/// Who the device is, whom it trusts and what it can take. One device runs one model; a gateway with several
/// has a device for each.
#[derive(Debug, Clone, Copy)]
pub struct Config<'c> {
    /// The fleet's name.
    pub fleet: &'c str,
    /// The device's name.
    pub device: &'c str,
    /// The one model that it runs: a floor is worth nothing if it can be left by changing models.
    pub model: &'c str,
    /// The keys it trusts.
    pub ring: Keyring<'c>,
    /// Where it is.
    pub class: Class,
    /// Which artifact of that class it takes.
    pub variant: &'c str,
    /// The version of its runtime, for the twin.
    pub runtime: &'c str,
    /// The largest artifact it has room for, in bytes; golden vectors count the same.
    pub max_bytes: u64,
    /// Bytes per chunk, [`MIN_CHUNK`] to [`MAX_CHUNK`].
    pub chunk_bytes: u32,
    /// Chunks on their way at most: 1 to 512.
    pub window: u16,
    /// How long and how often.
    pub limits: Limits,
}

/// How long and how often, in milliseconds and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the release document to come, while connected.
    pub check_ms: u64,
    /// Without a useful chunk, while connected.
    pub stall_ms: u64,
    /// For one order: prepare, verify, stage, self-test, activate.
    pub work_ms: u64,
    /// For the new model to run beside the old one; 0 leaves this state out.
    pub shadow_ms: u64,
    /// The trial.
    pub trial: Trial,
    /// Starts of the device amid preparing one release, and transfers of it that end in a wrong digest.
    pub attempts: u8,
    /// The first wait before asking again.
    pub retry_ms: u32,
    /// The longest.
    pub retry_cap_ms: u32,
}

/// What proves a new model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// Answers that it must give.
    pub answers: u32,
    /// Failures from which on it is taken back.
    pub failures: u32,
    /// The time it has for that.
    pub deadline_ms: u64,
    /// Starts of the device from which on it is taken back.
    pub boots: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            check_ms: 60_000,
            stall_ms: 120_000,
            work_ms: 60_000,
            shadow_ms: 0,
            trial: Trial { answers: 100, failures: 1, deadline_ms: 600_000, boots: 3 },
            attempts: 3,
            retry_ms: 500,
            retry_cap_ms: 30_000,
        }
    }
}

/// A start of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boot {
    /// Counts starts; the host keeps it.
    pub number: u64,
    /// From a random source. Need not be secret, must differ between devices.
    pub seed: u64,
    /// The clock.
    pub now: Millis,
}

/// A setting that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigError {
    /// Fleet, device, model or variant is no name.
    BadName,
    /// `chunk_bytes` is out of range.
    BadChunk,
    /// `window` is out of range.
    BadWindow,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName => f.write_str("fleet, device, model or variant is no name"),
            Self::BadChunk => write!(f, "chunks must be {MIN_CHUNK} to {MAX_CHUNK} bytes"),
            Self::BadWindow => write!(f, "the window must be 1 to {} chunks", MAX_WINDOW * 8),
        }
    }
}

impl core::error::Error for ConfigError {}

impl Config<'_> {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let names = [self.fleet, self.device, self.model, self.variant];
        if !names.into_iter().all(is_name) || self.device.starts_with('_') {
            return Err(ConfigError::BadName);
        }
        if !(MIN_CHUNK..=MAX_CHUNK).contains(&self.chunk_bytes) {
            return Err(ConfigError::BadChunk);
        }
        if !(1..=MAX_WINDOW * 8).contains(&usize::from(self.window)) {
            return Err(ConfigError::BadWindow);
        }
        Ok(())
    }
}
