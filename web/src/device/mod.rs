//! The page as a device of a fleet: the update machine of `mote-fleet`, bytes in and bytes out.
//!
//! Knows nothing of sockets, storage, timers or WebAssembly; those are JavaScript's. Start at [`FleetMachine`]: tell it
//! what happened, then carry out every [`Action`] it answers until there is none.

mod action;
mod first;
mod machine;
mod refusal;
mod selftest;
mod settings;
mod status;

pub use action::{Action, ActionKind, Kept, KeptPart};
pub use first::FirstRelease;
pub use machine::{FleetMachine, Outcome};
pub use selftest::SelfTest;
pub use settings::DeviceSettings;
pub use status::DeviceStatus;
