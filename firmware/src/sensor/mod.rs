//! Sensors over `embedded-hal` 1.0: a register map, a range, and the unit that models are trained on.

mod adc;
mod emulated;
mod lis3dh;
mod lsm6dso;
mod registers;

pub use adc::{Adc, AdcChannel};
pub use emulated::{Counts, EmulatedLsm6dso, NoAnswer};
pub use lis3dh::{Lis3dh, Lis3dhRange};
pub use lsm6dso::{AccelerationRange, Lsm6dso, RateRange};
