//! Operators that draw random numbers. A model that does so has no answer that could be the same everywhere.

use super::node::{Built, Cx};
use super::table::Entry;
use crate::error::Reason;

pub(super) const OPS: &[Entry] = &[
    Entry::onnx("Bernoulli", 15, &["dtype", "seed"], refuse),
    Entry::onnx("Multinomial", 7, &["dtype", "sample_size", "seed"], refuse),
    Entry::onnx("RandomNormal", 1, &["dtype", "mean", "scale", "seed", "shape"], refuse),
    Entry::onnx("RandomNormalLike", 1, &["dtype", "mean", "scale", "seed"], refuse),
    Entry::onnx("RandomUniform", 1, &["dtype", "high", "low", "seed", "shape"], refuse),
    Entry::onnx("RandomUniformLike", 1, &["dtype", "high", "low", "seed"], refuse),
];

fn refuse(_: &mut Cx<'_>) -> Built {
    Err(Reason::Random)
}
