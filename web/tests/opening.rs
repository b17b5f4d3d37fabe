//! The door of the page, natively: what is offered, what is let in, and in which words the rest is refused.
#![allow(clippy::unwrap_used, reason = "tests")]

use mote_seal::{Artifact, Blob, Class, Digest, Kind, Limits, Release, Role, SigningKey, Standing, seal, sign_release};
use mote_web::{KeyRing, Offer, Refusal, read_head};

const MODULE: &[u8] = b"\0asm and what follows, long enough to come in several pieces";

fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&[3; 32], role, Standing::Production)
}

fn manifest(class: Class, variant: &str, kind: Kind) -> Vec<u8> {
    let blob = Blob { digest: Digest::of(MODULE), length: MODULE.len() as u64 };
    let listed = [Artifact { class, variant, kind, blob }];
    let release = Release {
        model: "digits",
        version: 7,
        floor: 5,
        artifacts: listed.as_slice().into(),
        golden: None,
        limits: Limits { memory_bytes: 1 << 20, ..Limits::default() },
        compiler: "test",
    };
    sign_release(&release, &key(Role::Release)).unwrap()
}

fn ring(role: Role) -> KeyRing {
    KeyRing::new(&format!("# the publisher\n\n{}\n", key(role).trusted())).unwrap()
}

fn code<T: std::fmt::Debug>(refused: Result<T, Refusal>) -> String {
    refused.unwrap_err().code()
}

#[test]
fn a_head_is_read_from_any_first_bytes_that_hold_it() {
    let manifest = manifest(Class::Browser, "strict", Kind::Module);
    let file = seal(&manifest, MODULE).unwrap();
    let start = file.len() - MODULE.len();
    for length in 0..=file.len() {
        let head = read_head(&file[..length]).unwrap();
        assert_eq!(head.is_some(), length >= start, "{length} bytes");
        if let Some(head) = head {
            assert_eq!((head.manifest(), head.start()), (manifest.clone(), start), "{length} bytes");
        }
    }
    assert_eq!(code(read_head(b"<!doctype html>")), "seal.magic");
}

#[test]
fn an_offer_says_what_was_signed() {
    let manifest = manifest(Class::Browser, "strict", Kind::Module);
    let offer = Offer::check(&manifest, &ring(Role::Release), "strict", Some("digits".into()), 7).unwrap();
    assert_eq!((offer.model(), offer.version(), offer.floor()), ("digits".into(), 7, 5));
    assert_eq!((offer.variant(), offer.length(), offer.memory_bytes()), ("strict".into(), MODULE.len(), 1 << 20));
    assert_eq!(offer.digest(), Digest::of(MODULE).to_string());
    assert_eq!(offer.release_digest(), Digest::of(&manifest).to_string());
    assert_eq!((offer.key_id(), offer.development()), (key(Role::Release).public().id().to_string(), false));
}

#[test]
fn offers_are_refused_for_their_reason() {
    let page = || manifest(Class::Browser, "strict", Kind::Module);
    let check = |manifest: &[u8], role, variant, model: Option<&str>, floor| {
        code(Offer::check(manifest, &ring(role), variant, model.map(str::to_owned), floor))
    };
    assert_eq!(check(&page(), Role::Assignment, "strict", None, 0), "seal.role");
    assert_eq!(check(&page(), Role::Release, "fast", None, 0), "seal.no-artifact");
    assert_eq!(check(&page(), Role::Release, "strict", Some("cancer"), 0), "seal.model");
    assert_eq!(check(&page(), Role::Release, "strict", None, 8), "seal.below-floor");
    assert_eq!(
        check(&manifest(Class::Gateway, "strict", Kind::Module), Role::Release, "strict", None, 0),
        "seal.no-artifact"
    );
    assert_eq!(check(&manifest(Class::Browser, "strict", Kind::Plan), Role::Release, "strict", None, 0), "seal.kind");
    let mut tampered = page();
    *tampered.last_mut().unwrap() ^= 1;
    assert_eq!(check(&tampered, Role::Release, "strict", None, 0), "seal.signature");
    let stranger = SigningKey::from_seed(&[4; 32], Role::Release, Standing::Production).trusted().to_string();
    assert_eq!(code(Offer::check(&page(), &KeyRing::new(&stranger).unwrap(), "strict", None, 0)), "seal.unknown-key");
    for (text, expected) in [("", "key.none"), ("# nobody\n", "key.none"), ("mote-public-1 release", "key.malformed")] {
        assert_eq!(code(KeyRing::new(text)), expected, "{text:?}");
    }
}

#[test]
fn a_module_is_let_in_whole_or_not_at_all() {
    let manifest = manifest(Class::Browser, "strict", Kind::Module);
    let offer = Offer::check(&manifest, &ring(Role::Release), "strict", None, 0).unwrap();
    let take = |bytes: &[u8], size: usize| -> Result<(), Refusal> {
        let mut intake = offer.intake();
        bytes.chunks(size).try_for_each(|piece| intake.take(piece))?;
        intake.finish()
    };
    for size in [1, 7, MODULE.len(), 4096] {
        assert_eq!(take(MODULE, size), Ok(()), "pieces of {size}");
        assert_eq!(code(take(&MODULE[1..], size)), "seal.length", "pieces of {size}");
        assert_eq!(code(take(&[MODULE, b"!"].concat(), size)), "seal.length", "pieces of {size}");
        for at in 0..MODULE.len() {
            let mut flipped = MODULE.to_vec();
            flipped[at] ^= 0x80;
            assert_eq!(code(take(&flipped, size)), "seal.digest", "byte {at} in pieces of {size}");
        }
    }
}
