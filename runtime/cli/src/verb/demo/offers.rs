//! What is offered to the gateway: a signed release with golden vectors, and two that were tampered with.

use mote_gateway::models::VARIANT;
use mote_gateway::publisher::{Offer, OfferError, Publisher};
use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Kind, Limits, Purpose, Release, Role, SignError, SigningKey, Stamp,
    Standing, seal, sign_assignment, sign_release,
};

use super::shelf::Item;
use super::site::{FLEET, GATEWAY};
use crate::report::Failure;
use crate::{golden, keys};

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

/// The sealed file of a model.
pub(super) fn sealed(item: &Item, keys: &Keys) -> Result<Vec<u8>, Failure> {
    let manifest = manifest(item, item.version, None, &keys.release).map_err(|error| unsigned(&error))?;
    seal(&manifest, &item.plan).map_err(|error| unsigned(&error))
}

/// Offers an item as this version and assigns it to the gateway. Answers the digest of the release.
pub(super) fn push(
    publisher: &Publisher,
    keys: &Keys,
    item: &Item,
    version: u64,
    tampering: Tampering,
) -> Result<Digest, Failure> {
    let golden = golden::of_cases(&item.plan, &item.cases)?;
    let mut manifest = manifest(item, version, Some(&golden), &keys.release).map_err(|error| unsigned(&error))?;
    if tampering == Tampering::Signature {
        manifest = forged(item, version, &golden, &keys.release)?;
    }
    let release = Digest::of(&manifest);
    let assignment = Assignment {
        fleet: FLEET,
        device: GATEWAY,
        stamp: Stamp { epoch: 1, generation: version },
        model: &item.name,
        version,
        release,
        nonce: version,
        purpose: Purpose::Update,
    };
    let assignment = sign_assignment(&assignment, &keys.assignment).map_err(|error| unsigned(&error))?;

    let refused = |error: OfferError| Failure::execution("demo.publisher", error);
    let offer = Offer { model: item.name.clone(), version, manifest, blobs: vec![golden, item.plan.clone()] };
    publisher.offer(offer).map_err(refused)?;
    if tampering == Tampering::Artifact {
        let mut bytes = item.plan.clone();
        if let Some(byte) = bytes.last_mut() {
            *byte ^= 1;
        }
        publisher.forge(Digest::of(&item.plan), bytes);
    }
    publisher.assign(GATEWAY, assignment).map_err(refused)?;
    Ok(release)
}

fn manifest(item: &Item, version: u64, golden: Option<&[u8]>, key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
    let artifacts = [Artifact { class: Class::Gateway, variant: VARIANT, kind: Kind::Plan, blob: blob(&item.plan) }];
    let release = Release {
        model: &item.name,
        version,
        floor: 0,
        artifacts: artifacts.as_slice().into(),
        golden: golden.map(blob),
        limits: Limits::default(),
        compiler: concat!("mote ", env!("CARGO_PKG_VERSION")),
    };
    sign_release(&release, key)
}

/// A stranger's release with the name of the true key in it.
fn forged(item: &Item, version: u64, golden: &[u8], claimed: &SigningKey) -> Result<Vec<u8>, Failure> {
    let stranger = keys::generate(Role::Release, Standing::Development)?;
    let mut manifest = manifest(item, version, Some(golden), &stranger).map_err(|error| unsigned(&error))?;
    let (own, claimed) = (stranger.public().id().0, claimed.public().id().0);
    if let Some(at) = manifest.windows(own.len()).position(|window| window == own)
        && let Some(name) = manifest.get_mut(at..at + own.len())
    {
        name.copy_from_slice(&claimed);
    }
    Ok(manifest)
}

fn unsigned(error: &SignError) -> Failure {
    Failure::execution("demo.sign", error)
}
