//! The assignment: a signed order for one device to run one release.

use core::fmt;

use crate::canonical::{Reader, required};
use crate::cose::{self, Document};
use crate::release::read_name;
use crate::{Digest, Keyring, OpenError, Role, Standing};

/// How far ahead of the last accepted stamp an epoch may lie: a stolen online key must not be able to
/// spend the counter and lock the owner out for good.
pub const MAX_EPOCH_JUMP: u64 = 1 << 20;
/// The same for the generation, within an epoch and at the start of one.
pub const MAX_GENERATION_JUMP: u64 = 1 << 32;

mod field {
    pub(super) const FLEET: u64 = 1;
    pub(super) const DEVICE: u64 = 2;
    pub(super) const EPOCH: u64 = 3;
    pub(super) const GENERATION: u64 = 4;
    pub(super) const MODEL: u64 = 5;
    pub(super) const VERSION: u64 = 6;
    pub(super) const RELEASE: u64 = 7;
    pub(super) const NONCE: u64 = 8;
    pub(super) const PURPOSE: u64 = 9;
}

/// Orders assignments: the controller's epoch first, then its generation within the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp {
    /// Fences controllers: a new one takes a higher epoch.
    pub epoch: u64,
    /// Grows with every order.
    pub generation: u64,
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.generation)
    }
}

/// Why a release is assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Run a newer version, or the same one again.
    Update = 0,
    /// Return to an older version on purpose; it must still be at or above the floor.
    Rollback = 1,
}

/// An order for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The device's name.
    pub device: &'a str,
    /// Its place in the order of assignments.
    pub stamp: Stamp,
    /// The model's name, which with `version` finds the manifest's topic.
    pub model: &'a str,
    /// The release's version.
    pub version: u64,
    /// SHA-256 of the signed release document.
    pub release: Digest,
    /// Changes when a release that failed before is to be tried again.
    pub nonce: u64,
    /// Why.
    pub purpose: Purpose,
}

/// Whom an assignment must name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressee<'a> {
    /// The fleet's name.
    pub fleet: &'a str,
    /// The device's name.
    pub device: &'a str,
}

/// Opens an assignment for `addressee` that is newer than `last`, the stamp that was last accepted.
/// Returns it with the standing of the key that signed it.
///
/// # Errors
/// [`OpenError::Repeated`] if it carries `last` itself, which is no fault: retained messages come again.
/// Otherwise the first check that failed.
pub fn open_assignment<'a>(
    bytes: &'a [u8],
    ring: &Keyring<'_>,
    addressee: &Addressee<'_>,
    last: Option<Stamp>,
) -> Result<(Assignment<'a>, Standing), OpenError> {
    let signed = cose::verify(bytes, Document::Assignment, ring, &[Role::Assignment])?;
    let assignment = Assignment::read(signed.payload)?;
    if assignment.fleet != addressee.fleet {
        return Err(OpenError::WrongFleet);
    }
    if assignment.device != addressee.device {
        return Err(OpenError::WrongDevice);
    }
    in_order(last, assignment.stamp)?;
    Ok((assignment, signed.key.standing))
}

fn in_order(last: Option<Stamp>, got: Stamp) -> Result<(), OpenError> {
    if last == Some(got) {
        return Err(OpenError::Repeated { stamp: got });
    }
    let last = last.unwrap_or_default();
    if got < last {
        return Err(OpenError::Replayed { last, got });
    }
    let start = if got.epoch == last.epoch { last.generation } else { 0 };
    let epochs = got.epoch - last.epoch;
    if epochs > MAX_EPOCH_JUMP || got.generation.saturating_sub(start) > MAX_GENERATION_JUMP {
        return Err(OpenError::JumpTooFar { last, got });
    }
    Ok(())
}

impl<'a> Assignment<'a> {
    fn read(mut reader: Reader<'a>) -> Result<Self, OpenError> {
        let (mut fleet, mut device, mut epoch, mut generation) = (None, None, None, None);
        let (mut model, mut version, mut release, mut nonce) = (None, None, None, None);
        let mut purpose = None;
        let mut map = reader.map()?;
        while let Some(key) = map.next_key(&mut reader)? {
            match key {
                field::FLEET => fleet = Some(read_name(&mut reader)?),
                field::DEVICE => device = Some(read_name(&mut reader)?),
                field::EPOCH => epoch = Some(reader.unsigned()?),
                field::GENERATION => generation = Some(reader.unsigned()?),
                field::MODEL => model = Some(read_name(&mut reader)?),
                field::VERSION => version = Some(reader.unsigned()?),
                field::RELEASE => release = Some(Digest(reader.byte_array()?)),
                field::NONCE => nonce = Some(reader.unsigned()?),
                field::PURPOSE => purpose = Some(read_purpose(&mut reader)?),
                unknown => reader.skip_unknown(unknown)?,
            }
        }
        reader.end()?;
        Ok(Self {
            fleet: required(fleet, field::FLEET)?,
            device: required(device, field::DEVICE)?,
            stamp: Stamp {
                epoch: required(epoch, field::EPOCH)?,
                generation: required(generation, field::GENERATION)?,
            },
            model: required(model, field::MODEL)?,
            version: required(version, field::VERSION)?,
            release: required(release, field::RELEASE)?,
            nonce: required(nonce, field::NONCE)?,
            purpose: required(purpose, field::PURPOSE)?,
        })
    }

    #[cfg(feature = "alloc")]
    pub(crate) fn write(&self) -> alloc::vec::Vec<u8> {
        let mut writer = crate::canonical::Writer::default();
        writer.map(9);
        writer.unsigned(field::FLEET).text(self.fleet);
        writer.unsigned(field::DEVICE).text(self.device);
        writer.unsigned(field::EPOCH).unsigned(self.stamp.epoch);
        writer.unsigned(field::GENERATION).unsigned(self.stamp.generation);
        writer.unsigned(field::MODEL).text(self.model);
        writer.unsigned(field::VERSION).unsigned(self.version);
        writer.unsigned(field::RELEASE).byte_string(&self.release.0);
        writer.unsigned(field::NONCE).unsigned(self.nonce);
        writer.unsigned(field::PURPOSE).unsigned(self.purpose as u64);
        writer.bytes
    }
}

fn read_purpose(reader: &mut Reader<'_>) -> Result<Purpose, OpenError> {
    let offset = reader.offset();
    match reader.unsigned()? {
        0 => Ok(Purpose::Update),
        1 => Ok(Purpose::Rollback),
        _ => Err(OpenError::Malformed { offset }),
    }
}
