//! Plans made by the writer and run by the engine.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the platform's functions are the reference")]

mod dynamic;
mod hostile;
mod in_place;
mod index;
mod line;
mod movement;
mod numbers;
mod pictures;
mod quantized;
mod recurrent;
mod scene;
mod search;
mod whole;
