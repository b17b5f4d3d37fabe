//! Bytes from an attacker: never a panic, never an opening, and canonical form is not a matter of taste.

use crate::sample::{PLAN, artifacts, gateway, key, release};
use mote_seal::golden::Vectors;
use mote_seal::{
    Addressee, Keyring, OpenError, Role, TrustedKey, check_release, open, open_assignment, seal, sign_release,
};
use proptest::prelude::*;

fn keys() -> [TrustedKey; 3] {
    [Role::Release, Role::Assignment, Role::Foreign].map(|role| key(role).trusted())
}

fn manifest() -> Vec<u8> {
    sign_release(&release(&artifacts()), &key(Role::Release)).unwrap()
}

/// Every reader over the same bytes.
fn try_all(bytes: &[u8]) -> bool {
    let keys = keys();
    let ring = Keyring::new(&keys);
    let addressee = Addressee { fleet: "plant", device: "press-4" };
    let opened = [
        open(bytes, &ring, &gateway()).is_ok(),
        check_release(bytes, &ring).is_ok(),
        open_assignment(bytes, &ring, &addressee, None).is_ok(),
    ];
    if let Ok(vectors) = Vectors::read(bytes) {
        for vector in vectors.iter() {
            let mut inputs = [0; 64];
            let _wrong_length = vector.inputs.write_to(&mut inputs);
        }
    }
    opened.contains(&true)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!try_all(&bytes));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_changed_byte_never_opens(at in any::<prop::sample::Index>(), change in 1u8..) {
        let file = seal(&manifest(), PLAN).unwrap();
        let mut changed = file.clone();
        changed[at.index(file.len())] ^= change;
        prop_assert!(!try_all(&changed));
        let mut manifest = manifest();
        let index = at.index(manifest.len());
        manifest[index] ^= change;
        prop_assert!(!try_all(&manifest));
    }

    #[test]
    fn nothing_shorter_or_longer_opens(at in any::<prop::sample::Index>(), more in any::<u8>()) {
        let manifest = manifest();
        prop_assert!(!try_all(&manifest[..at.index(manifest.len())]));
        let longer = [manifest.as_slice(), &[more]].concat();
        let keys = keys();
        let got = check_release(&longer, &Keyring::new(&keys));
        prop_assert_eq!(got.unwrap_err(), OpenError::TrailingBytes { offset: manifest.len() });
    }
}

#[test]
fn golden_files_have_one_encoding() {
    // {1: 1, 2: [{1: 0, 2: h'', 5: h'00..'}]} is good; each row spoils it in one way.
    let digest = [0u8; 32];
    let vector = |body: &[u8]| [&[0xa2, 1, 1, 2, 0x81], body].concat();
    let good = vector(&[&[0xa3, 1, 0, 2, 0x40, 5, 0x58, 32], digest.as_slice()].concat());
    assert_eq!(Vectors::read(&good).unwrap().iter().count(), 1);
    let cases: [(&str, Vec<u8>, OpenError); 10] = [
        ("long integer", vec![0xa1, 0x18, 1], OpenError::NotCanonical { offset: 1 }),
        ("long length", vec![0xb8, 2, 1, 1], OpenError::NotCanonical { offset: 0 }),
        ("indefinite map", vec![0xbf, 1, 1, 0xff], OpenError::NotCanonical { offset: 0 }),
        ("keys descend", vec![0xa2, 2, 0x80, 1, 1], OpenError::NotCanonical { offset: 3 }),
        ("key twice", vec![0xa2, 1, 1, 1, 1], OpenError::NotCanonical { offset: 3 }),
        ("float", vec![0xa1, 1, 0xf9, 0, 0], OpenError::NotCanonical { offset: 2 }),
        ("unknown small key", vec![0xa2, 1, 1, 3, 0], OpenError::UnknownField { key: 3 }),
        ("text for integer", vec![0xa1, 1, 0x61, b'a'], OpenError::Malformed { offset: 2 }),
        (
            "endless array",
            vec![0xa2, 1, 1, 2, 0x9b, 255, 255, 255, 255, 255, 255, 255, 255],
            OpenError::Truncated { offset: 13 },
        ),
        ("later format", vec![0xa2, 1, 2, 2, 0x80], OpenError::UnsupportedVersion { version: 2 }),
    ];
    for (name, bytes, error) in cases {
        assert_eq!(Vectors::read(&bytes).unwrap_err(), error, "{name}");
    }
}

#[test]
fn large_keys_may_be_skipped_but_not_written_badly() {
    let with = |value: &[u8]| {
        let bytes = [&[0xa3, 1, 1, 2, 0x80, 0x18, 64], value].concat();
        Vectors::read(&bytes).map(|vectors| vectors.iter().count())
    };
    let deep = [[0x81u8; 9].as_slice(), &[0]].concat();
    let cases: [(&[u8], Result<usize, OpenError>); 9] = [
        (&[0], Ok(0)),
        (&[0x82, 0x61, b'x', 0x41, 0], Ok(0)),
        (&[0xa2, 0x20, 0xf6, 0x61, b'k', 0xf5], Ok(0)),
        (&[0xa2, 0x61, b'k', 0xf5, 0x20, 0xf6], Err(OpenError::NotCanonical { offset: 11 })),
        (&[0xfb, 0, 0, 0, 0, 0, 0, 0, 0], Err(OpenError::NotCanonical { offset: 7 })),
        (&[0xc1, 0], Err(OpenError::NotCanonical { offset: 7 })),
        (&[0x61, 0xff], Err(OpenError::Malformed { offset: 7 })),
        (&[0x44, 0], Err(OpenError::Truncated { offset: 8 })),
        (&deep, Err(OpenError::Malformed { offset: 15 })),
    ];
    for (value, result) in cases {
        assert_eq!(with(value), result, "{value:x?}");
    }
}
