//! Decides what may run: keys, manifests, signing and opening.
//!
//! Knows nothing of networks, files, clocks or randomness, nor of what an artifact contains. Start at
//! [`open`] (one file), [`open_detached`] (manifest and artifact apart) or [`check_release`] (before a
//! byte of the artifact has been fetched); all three are one path. Signing is behind the feature
//! `alloc`, which is on by default; opening never allocates. Layout: `FORMAT.md`, below.
#![doc = include_str!("../FORMAT.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "tests"))]

#[cfg(feature = "alloc")]
extern crate alloc;

mod assignment;
mod canonical;
mod cose;
mod digest;
mod error;
pub mod golden;
mod key;
mod key_text;
mod open;
mod release;
mod sealed;
#[cfg(feature = "alloc")]
mod sign;

pub use assignment::{Addressee, Assignment, MAX_EPOCH_JUMP, MAX_GENERATION_JUMP, Purpose, Stamp, open_assignment};
pub use digest::{Digest, Hashed, Hasher};
pub use error::OpenError;
pub use key::{KeyId, Keyring, PublicKey, Role, SigningKey, Standing, TrustedKey};
pub use key_text::{KeyTextError, SecretText, parse_keys};
pub use open::{Checked, CheckedRelease, Opened, Target, check_release, open, open_detached};
pub use release::{Artifact, Artifacts, Blob, Class, Kind, Limits, Release, is_name};
pub use sealed::{ALIGNMENT, Sealed};
#[cfg(feature = "alloc")]
pub use sign::{SignError, seal, sign_assignment, sign_release};

/// The longest manifest or assignment that is looked at: retained MQTT documents must stay portable
/// across brokers, whose smallest limit is 64 KB for payload and topic together.
pub const MAX_DOCUMENT: usize = 60 * 1024;

/// The most artifacts one release may list.
pub const MAX_ARTIFACTS: u64 = 64;
