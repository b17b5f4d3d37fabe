//! One model version for every place that runs it: artifacts, golden vectors, and the document that signs them all.
//!
//! Knows nothing of networks and keeps no key. The way is [`Draft::compile`] (or [`Draft::of_file`]), which makes the
//! artifacts; [`Draft::test`], which runs every one of them on the same inputs and lets none pass that answers other
//! bits; [`Tested::sign`], which answers a [`Package`]; [`Package::write`] and [`Package::read`], which know the folder
//! that it travels in. What a model says of itself beside its weights is read by [`Facts`].
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

mod draft;
mod error;
mod facts;
mod folder;
mod golden;
mod package;
mod preparation;
mod target;
mod tested;

pub use draft::{Artifact, Draft};
pub use error::ReleaseError;
pub use facts::{Anomaly, Facts, FactsError, Stream, Version};
pub use golden::Call;
pub use package::Package;
pub use preparation::{
    PictureFilter, PictureInput, PictureLayout, PictureResize, PictureType, SoundInput, SoundLog, SoundOrder,
    SoundWindow,
};
pub use target::{GENERIC, Target, UnknownTarget};
pub use tested::Tested;
