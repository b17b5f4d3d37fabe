//! What is offered to the gateway: a signed release with golden vectors, and two that were tampered with.

use mote_gateway::publisher::{OfferError, Publisher};
use mote_release::{GENERIC, Package, Target};
use mote_seal::{Assignment, Class, Digest, Purpose, Role, SignError, SigningKey, Stamp, Standing, sign_assignment};
use mote_weld::Profile;

use super::shelf::Item;
use super::site::FLEET;
use crate::keys;
use crate::report::Failure;
use crate::verb::push::offer;

/// The keys of the demonstration: made for it, and gone with it.
pub(super) struct Keys {
    pub(super) release: SigningKey,
    pub(super) assignment: SigningKey,
}

/// What somebody did to a release on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tampering {
    /// Nothing.
    None,
    /// One bit of the artifact is another.
    Artifact,
    /// Signed by a stranger who claims to be the release key.
    Signature,
}

/// The sealed files of a model: for the gateway, and for pages.
pub(super) fn sealed(item: &Item, keys: &Keys) -> Result<[Vec<u8>; 2], Failure> {
    let package = item.tested.sign(None, 0, &keys.release)?;
    let page = Target::Browser(Profile::Strict);
    Ok([package.sealed(Class::Gateway, GENERIC)?, package.sealed(Class::Browser, page.variant())?])
}

/// Offers an item as this version and assigns it to devices. Answers the release.
pub(super) fn push(
    publisher: &Publisher,
    keys: &Keys,
    item: &Item,
    version: u64,
    tampering: Tampering,
    devices: &[&str],
) -> Result<Package, Failure> {
    let package = match tampering {
        Tampering::Signature => forged(item, version, &keys.release)?,
        _ => item.tested.sign(Some(version), 0, &keys.release)?,
    };
    let refused = |error: OfferError| Failure::execution("demo.publisher", error);
    publisher.offer(offer(&package)).map_err(refused)?;
    if tampering == Tampering::Artifact {
        for artifact in &package.artifacts {
            let mut bytes = artifact.bytes.to_vec();
            if let Some(byte) = bytes.last_mut() {
                *byte ^= 1;
            }
            publisher.forge(Digest::of(&artifact.bytes), bytes);
        }
    }
    for device in devices {
        let assignment = Assignment {
            fleet: FLEET,
            device,
            stamp: Stamp { epoch: 1, generation: version },
            model: &item.name,
            version,
            release: package.digest,
            nonce: version,
            purpose: Purpose::Update,
        };
        let assignment = sign_assignment(&assignment, &keys.assignment).map_err(|error| unsigned(&error))?;
        publisher.assign(device, assignment).map_err(refused)?;
    }
    Ok(package)
}

/// A stranger's release with the name of the true key in it.
fn forged(item: &Item, version: u64, claimed: &SigningKey) -> Result<Package, Failure> {
    let stranger = keys::generate(Role::Release, Standing::Development)?;
    let mut package = item.tested.sign(Some(version), 0, &stranger)?;
    let (own, claimed) = (stranger.public().id().0, claimed.public().id().0);
    if let Some(at) = package.manifest.windows(own.len()).position(|window| window == own)
        && let Some(name) = package.manifest.get_mut(at..at + own.len())
    {
        name.copy_from_slice(&claimed);
    }
    package.digest = Digest::of(&package.manifest);
    Ok(package)
}

fn unsigned(error: &SignError) -> Failure {
    Failure::execution("demo.sign", error)
}
