//! Sealed files, assignments and golden vectors: items of the signed payload are changed and signed again, as somebody who
//! stole a key could, or changed and left with the old signature.

use ed25519_dalek::{Signer as _, SigningKey as Ed25519};
use mote_seal::golden::{Generator, Inputs, Vector, Vectors, write};
use mote_seal::{
    Addressee, Artifact, Assignment, Blob, Class, Digest, Keyring, Kind, Limits, OpenError, Purpose, Release, Role,
    SigningKey, Stamp, Standing, Target, open, open_assignment, seal, sign_assignment, sign_release,
};

use super::{Random, items};
use crate::cbor::Item;

const SEED: [u8; 32] = [11; 32];
const ARTIFACT: &[u8] = b"the bytes of a plan";
/// `["Signature1", protected, "", payload]`, RFC 9052, 4.4.
const CONTEXT: &str = "Signature1";
/// A sealed file begins so.
const SEALED: u8 = 0x89;

pub(super) fn target() -> super::Target {
    super::Target { name: "seal", seeds: vec![sealed(), assignment(), golden()], mutate, enter }
}

fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&SEED, role, Standing::Development)
}

fn blob(bytes: &[u8]) -> Blob {
    Blob { digest: Digest::of(bytes), length: bytes.len() as u64 }
}

fn sealed() -> Vec<u8> {
    let artifact = |class, variant, kind| Artifact { class, variant, kind, blob: blob(ARTIFACT) };
    let artifacts = [
        artifact(Class::Gateway, "generic", Kind::Plan),
        artifact(Class::Browser, "strict", Kind::Module),
        artifact(Class::Mcu, "cortex-m4", Kind::Plan),
    ];
    let release = Release {
        model: "digits",
        version: 300,
        floor: 24,
        artifacts: artifacts.as_slice().into(),
        golden: Some(blob(b"golden")),
        limits: Limits { memory_bytes: 1 << 20, operations: 5_000_000_000, deadline_us: 20_000 },
        compiler: "mote 0.1.0",
    };
    seal(&sign_release(&release, &key(Role::Release)).unwrap(), ARTIFACT).unwrap()
}

fn assignment() -> Vec<u8> {
    let assignment = Assignment {
        fleet: "plant",
        device: "press-4",
        stamp: Stamp { epoch: 3, generation: 70_000 },
        model: "digits",
        version: 300,
        release: Digest::of(b"release"),
        nonce: 9,
        purpose: Purpose::Update,
    };
    sign_assignment(&assignment, &key(Role::Assignment)).unwrap()
}

fn golden() -> Vec<u8> {
    let vector = |entry, inputs| Vector { entry, inputs, digest: Digest::of(b"outputs"), expected: None };
    write(&[
        vector(0, Inputs::Recorded(b"recorded")),
        vector(1, Inputs::Generated { generator: Generator::Units, seed: 42 }),
    ])
}

fn mutate(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    if random.once_in(12) {
        return super::bytes::mutate(random, seed, other);
    }
    if seed.first() != Some(&SEALED) {
        return document(random, seed);
    }
    let parts = mote_seal::Sealed::split(seed).unwrap();
    let manifest = document(random, parts.manifest);
    let artifact =
        if random.once_in(8) { super::bytes::mutate(random, parts.artifact, other) } else { ARTIFACT.into() };
    let mut file = seal(&manifest, &artifact).unwrap();
    if random.once_in(12) {
        let at = random.below(file.len().min(128));
        file[at] ^= 1 << random.below(8);
    }
    file
}

/// Changes a document inside its envelope, or the envelope.
fn document(random: &mut Random, bytes: &[u8]) -> Vec<u8> {
    let mut item = Item::parse(bytes).unwrap();
    let times = 1 + random.below(2);
    let Item::Tag(_, envelope) = &mut item else {
        // Golden vectors have none.
        (0..times).for_each(|_| items::mutate(random, &mut item));
        return item.encode();
    };
    let Item::Array(parts) = envelope.as_mut() else { return bytes.to_vec() };
    // The protected header is a document within the document, like the payload.
    let part = if random.once_in(6) { 0 } else { 2 };
    if let Item::Bytes(inner) = &mut parts[part]
        && let Some(mut tree) = Item::parse(inner)
    {
        (0..times).for_each(|_| items::mutate(random, &mut tree));
        *inner = tree.encode();
    }
    if random.once_in(10) {
        items::mutate(random, &mut item);
    } else if !random.once_in(6) {
        sign(&mut item);
    }
    item.encode()
}

/// Puts the right signature under an envelope.
fn sign(item: &mut Item) {
    let Item::Tag(_, envelope) = item else { return };
    let Item::Array(parts) = envelope.as_mut() else { return };
    let [protected, _, payload, signature] = parts.as_mut_slice() else { return };
    let message = Item::Array(vec![Item::text(CONTEXT), protected.clone(), Item::Bytes(vec![]), payload.clone()]);
    *signature = Item::Bytes(Ed25519::from_bytes(&SEED).sign(&message.encode()).to_bytes().to_vec());
}

fn enter(bytes: &[u8]) -> bool {
    let keys = [Role::Release, Role::Assignment, Role::Foreign].map(|role| key(role).trusted());
    let ring = Keyring::new(&keys);
    if bytes.first() == Some(&SEALED) {
        let target = Target { class: Class::Gateway, variant: "generic", model: None, floor: 24, max_bytes: 1 << 20 };
        let opened = open(bytes, &ring, &target);
        if let Ok(opened) = &opened {
            assert_eq!(Digest::of(opened.artifact()), opened.digest());
            assert!(opened.release().version >= target.floor && opened.is_development());
        }
        return parsed(&opened.err());
    }
    if let Ok(vectors) = Vectors::read(bytes) {
        let mut inputs = [0; 64];
        for vector in vectors.iter() {
            let _fits = vector.inputs.write_to(&mut inputs).is_ok();
        }
        return true;
    }
    let addressee = Addressee { fleet: "plant", device: "press-4" };
    let last = Some(Stamp { epoch: 3, generation: 69_999 });
    parsed(&open_assignment(bytes, &ring, &addressee, last).err())
}

/// Whether the bytes were canonical items under a signature that holds: what remains is what they say.
fn parsed(error: &Option<OpenError>) -> bool {
    !matches!(
        error,
        Some(
            OpenError::BadMagic
                | OpenError::UnsupportedVersion { .. }
                | OpenError::PaddingNotZero { .. }
                | OpenError::Truncated { .. }
                | OpenError::TrailingBytes { .. }
                | OpenError::NotCanonical { .. }
                | OpenError::BadSignature
                | OpenError::UnknownKey { .. }
        )
    )
}
