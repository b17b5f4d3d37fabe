//! Samples in, windows out, decisions debounced.
//!
//! Knows nothing of models, messages or clocks: it counts samples, not seconds. Start at [`Windows::push`];
//! what a model says about a window goes through [`top`] into a [`Debounce`]. Memory is the caller's, and
//! its size is [`Shape::ring_len`].
#![no_std]
#![forbid(unsafe_code)]

mod debounce;
mod error;
mod score;
mod window;

pub use debounce::{Change, Debounce, MAX_VOTES, Rule};
pub use error::StreamError;
pub use score::{Top, top};
pub use window::{Order, Quality, Shape, Stats, Window, Windows};
