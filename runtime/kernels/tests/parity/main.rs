//! Every blocked kernel against its scalar twin, bit for bit, over grids of shapes, halos and hostile numbers.
#![allow(clippy::unwrap_used, reason = "tests")]

mod convolution;
mod lines;
mod quantized;
mod random;
