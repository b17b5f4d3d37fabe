//! The other side: releases of every nature, the orders to run them, and what a source serves.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Kind, Purpose, Release, Role, SigningKey, Stamp, Standing, TrustedKey,
    sign_assignment, sign_release,
};

pub(crate) const FLEET: &str = "plant";
pub(crate) const DEVICE: &str = "press-4";
pub(crate) const MODEL: &str = "digits";

static RELEASE: LazyLock<SigningKey> = LazyLock::new(|| key(1, Role::Release));
static ASSIGNMENT: LazyLock<SigningKey> = LazyLock::new(|| key(2, Role::Assignment));
static STRANGER: LazyLock<SigningKey> = LazyLock::new(|| key(3, Role::Release));
pub(crate) static KEYS: LazyLock<[TrustedKey; 2]> = LazyLock::new(|| [RELEASE.trusted(), ASSIGNMENT.trusted()]);

fn key(seed: u8, role: Role) -> SigningKey {
    SigningKey::from_seed(&[seed; 32], role, Standing::Production)
}

/// How a release behaves on this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nature {
    Good,
    /// Signed by a key that is not trusted.
    Forged,
    /// The assignment names another version than the release is.
    Mislabelled,
    /// Has no artifact for this device.
    ForOthers,
    /// The runtime refuses it.
    Unrunnable,
    /// Takes the device down whenever it is staged.
    Deadly,
    FailsSelfTest,
    FailsTrial,
    /// Never gives an answer.
    Silent,
    /// The source serves other bytes than the release names.
    Corrupted,
}

#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) nature: Nature,
    pub(crate) version: u64,
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
}

/// Makes releases and orders, and keeps what is served of them.
#[derive(Debug, Default)]
pub(crate) struct Publisher {
    pub(crate) made: Vec<Made>,
    /// By digest.
    pub(crate) blobs: BTreeMap<[u8; 32], Vec<u8>>,
    /// The last order, as a broker retains it.
    pub(crate) want: Option<Vec<u8>>,
    pub(crate) stamp: Stamp,
}

impl Publisher {
    /// Makes a release of `length` bytes and offers it to the broker and the source.
    pub(crate) fn make(&mut self, nature: Nature, version: u64, length: usize, golden: bool) -> usize {
        let number = self.made.len();
        let content: Vec<u8> = (0..length).map(|at| (at * 31 + number * 7) as u8).collect();
        let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
        let vectors = vec![number as u8; 700];
        let class = if nature == Nature::ForOthers { Class::Mcu } else { Class::Gateway };
        let kind = Kind::Plan;
        let artifacts = [Artifact { class, variant: "generic", kind, blob: blob(&content) }];
        let release = Release {
            model: MODEL,
            version,
            floor: 1,
            artifacts: artifacts.as_slice().into(),
            golden: golden.then(|| blob(&vectors)),
            limits: mote_seal::Limits::default(),
            compiler: &format!("test {number}"),
        };
        let key = if nature == Nature::Forged { &STRANGER } else { &RELEASE };
        let manifest = sign_release(&release, key).unwrap();
        let digest = Digest::of(&manifest);
        let mut served = content.clone();
        if nature == Nature::Corrupted {
            served[length / 2] ^= 1;
        }
        self.blobs.insert(Digest::of(&content).0, served);
        self.blobs.insert(Digest::of(&vectors).0, vectors);
        self.made.push(Made { nature, version, manifest, digest });
        number
    }

    /// Makes the next order: to run a release.
    pub(crate) fn order(&mut self, number: usize, nonce: u64, purpose: Purpose) -> Vec<u8> {
        self.stamp.generation += 1;
        self.stamp.epoch = 1;
        let made = &self.made[number];
        let skew = u64::from(made.nature == Nature::Mislabelled);
        let assignment = Assignment {
            fleet: FLEET,
            device: DEVICE,
            stamp: self.stamp,
            model: MODEL,
            version: made.version + skew,
            release: made.digest,
            nonce,
            purpose,
        };
        let want = sign_assignment(&assignment, &ASSIGNMENT).unwrap();
        self.want = Some(want.clone());
        want
    }

    /// The release document under a version's topic, if it is `wanted`. A mislabelled one is found under its label.
    pub(crate) fn find(&self, version: u64, wanted: Option<Digest>) -> Option<&Made> {
        let label = |made: &Made| made.version + u64::from(made.nature == Nature::Mislabelled);
        self.made.iter().rev().find(|made| label(made) == version && wanted == Some(made.digest))
    }

    pub(crate) fn nature(&self, release: Digest) -> Option<Nature> {
        self.made.iter().find(|made| made.digest == release).map(|made| made.nature)
    }
}
