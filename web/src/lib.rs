//! The part of the browser package that must not be written twice: opening sealed models and cutting streams of samples
//! into windows, by the crates that gateways and microcontrollers use.
//!
//! Knows nothing of the network, the cache or the page; those are TypeScript, in `web/package`. Modules are compiled and
//! run by the browser's own engine, so that this crate holds no arithmetic of models. Start at [`Offer::check`]: what
//! passes it and the [`Intake`] behind it may run, nothing else.

mod device;
mod keys;
mod offer;
mod refusal;
mod stream;

pub use device::{
    Action, ActionKind, DeviceSettings, DeviceStatus, FirstRelease, FleetMachine, Kept, KeptPart, Outcome, SelfTest,
};
pub use keys::KeyRing;
pub use offer::{Head, Intake, Offer, read_head};
pub use refusal::Refusal;
pub use stream::{Debounce, Top, Windows, top_of};
