//! One release, one assignment and the keys that sign them.

use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Kind, Limits, Purpose, Release, Role, SigningKey, Stamp, Standing,
    Target,
};

pub(crate) const PLAN: &[u8] = b"the bytes of a plan";
pub(crate) const MODULE: &[u8] = b"the bytes of a module";

pub(crate) fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&[role as u8 + 1; 32], role, Standing::Production)
}

pub(crate) fn blob(bytes: &[u8]) -> Blob {
    Blob { digest: Digest::of(bytes), length: bytes.len() as u64 }
}

pub(crate) fn artifacts() -> [Artifact<'static>; 3] {
    let artifact = |class, variant, kind, bytes| Artifact { class, variant, kind, blob: blob(bytes) };
    [
        artifact(Class::Gateway, "generic", Kind::Plan, PLAN),
        artifact(Class::Browser, "strict-v8", Kind::Module, MODULE),
        artifact(Class::Mcu, "cortex-m4", Kind::Plan, PLAN),
    ]
}

pub(crate) fn release<'a>(artifacts: &'a [Artifact<'a>]) -> Release<'a> {
    Release {
        model: "digits",
        version: 300,
        floor: 24,
        artifacts: artifacts.into(),
        golden: Some(blob(b"golden")),
        limits: Limits { memory_bytes: 1 << 20, operations: 5_000_000_000, deadline_us: 20_000 },
        compiler: "mote 0.1.0",
    }
}

pub(crate) fn assignment() -> Assignment<'static> {
    Assignment {
        fleet: "plant",
        device: "press-4",
        stamp: Stamp { epoch: 3, generation: 70_000 },
        model: "digits",
        version: 300,
        release: Digest::of(b"release"),
        nonce: 9,
        purpose: Purpose::Update,
    }
}

pub(crate) fn gateway() -> Target<'static> {
    Target { class: Class::Gateway, variant: "generic", model: Some("digits"), floor: 24, max_bytes: 1 << 20 }
}
