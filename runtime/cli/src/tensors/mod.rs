//! Arrays and the files they come in: npz and npy, JSON, CSV.

mod array;
mod csv;
mod error;
pub(crate) mod given;
pub(crate) mod json;
mod npy;
pub(crate) mod npz;
pub(crate) mod show;

pub(crate) use array::{Array, Element, dims_text};
pub(crate) use error::TensorError;
pub(crate) use given::{Given, Tensor};
