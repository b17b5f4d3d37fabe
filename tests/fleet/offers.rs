//! Signed releases, as they should be and as they should not.

use mote_gateway::models::VARIANT;
use mote_gateway::publisher::{Offer, Publisher};
use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Kind, Limits, Purpose, Release, SigningKey, Stamp, seal,
    sign_assignment, sign_release,
};
use mote_tests::keys::Keys;

use crate::models::{MODEL, golden_vectors, plan};
use crate::site::{DEVICE, FLEET};

/// One release and the order to run it.
pub(crate) struct Push {
    pub(crate) version: u64,
    /// The place of the order; usually the version.
    pub(crate) generation: u64,
    pub(crate) artifact: Vec<u8>,
    pub(crate) golden: Option<Vec<u8>>,
}

impl Push {
    /// The version's own Plan with golden vectors that it passes.
    pub(crate) fn good(version: u64) -> Self {
        let plan = plan(version);
        Self { version, generation: version, artifact: plan.to_vec(), golden: Some(golden_vectors(plan)) }
    }

    /// The signed release document.
    pub(crate) fn manifest(&self, key: &SigningKey) -> Vec<u8> {
        let blob = |bytes: &Vec<u8>| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
        let artifacts =
            [Artifact { class: Class::Gateway, variant: VARIANT, kind: Kind::Plan, blob: blob(&self.artifact) }];
        let release = Release {
            model: MODEL,
            version: self.version,
            floor: 0,
            artifacts: artifacts.as_slice().into(),
            golden: self.golden.as_ref().map(blob),
            limits: Limits::default(),
            compiler: "tests",
        };
        sign_release(&release, key).unwrap()
    }

    /// The sealed file, for the models directory.
    pub(crate) fn sealed(&self, key: &SigningKey) -> Vec<u8> {
        seal(&self.manifest(key), &self.artifact).unwrap()
    }

    /// Offers and assigns it.
    pub(crate) fn send(&self, publisher: &Publisher, keys: &Keys) {
        let manifest = self.manifest(&keys.release);
        self.offer_as(publisher, manifest.clone());
        self.assign_as(publisher, keys, &manifest);
    }

    /// Offers it under this document.
    pub(crate) fn offer_as(&self, publisher: &Publisher, manifest: Vec<u8>) {
        let blobs = self.golden.iter().chain([&self.artifact]).cloned().collect();
        publisher.offer(Offer { model: MODEL.into(), version: self.version, manifest, blobs }).unwrap();
    }

    /// Orders the device to run what this document releases.
    pub(crate) fn assign_as(&self, publisher: &Publisher, keys: &Keys, manifest: &[u8]) {
        let assignment = Assignment {
            fleet: FLEET,
            device: DEVICE,
            stamp: Stamp { epoch: 1, generation: self.generation },
            model: MODEL,
            version: self.version,
            release: Digest::of(manifest),
            nonce: self.generation,
            purpose: Purpose::Update,
        };
        let assignment = sign_assignment(&assignment, &keys.assignment).unwrap();
        publisher.assign(DEVICE, assignment).unwrap();
    }
}
