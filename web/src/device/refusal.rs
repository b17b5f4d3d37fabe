//! Refusals that only a device gives.

use mote_fleet::ConfigError;

use crate::Refusal;

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self::of("fleet.settings", error, Some("names are 1 to 64 of A-Z a-z 0-9 _ -"))
    }
}
