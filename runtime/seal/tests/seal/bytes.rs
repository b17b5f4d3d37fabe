//! The bytes on disk and on the wire do not change. `BLESS=1` rewrites them after a deliberate change.

use std::{env, fs, path::PathBuf};

use crate::sample::{PLAN, artifacts, assignment, gateway, key, release};
use mote_abi::DType;
use mote_seal::golden::{self, Expected, Generator, Inputs, Vector, Vectors};
use mote_seal::{Addressee, Digest, Keyring, Role, open, open_assignment, seal, sign_assignment, sign_release};

fn check(name: &str, bytes: &[u8]) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    let golden = fs::read(&path).unwrap();
    assert!(golden == bytes, "{name} differs from what is written today");
    golden
}

#[test]
fn release_and_sealed_file() {
    let artifacts = artifacts();
    let manifest = sign_release(&release(&artifacts), &key(Role::Release)).unwrap();
    check("release.cose", &manifest);
    let file = check("digits.mote", &seal(&manifest, PLAN).unwrap());
    let keys = [key(Role::Release).trusted()];
    let opened = open(&file, &Keyring::new(&keys), &gateway()).unwrap();
    assert_eq!(*opened.release(), release(&artifacts));
}

#[test]
fn assignments() {
    let want = sign_assignment(&assignment(), &key(Role::Assignment)).unwrap();
    let want = check("assignment.cose", &want);
    let keys = [key(Role::Assignment).trusted()];
    let addressee = Addressee { fleet: "plant", device: "press-4" };
    let (opened, _) = open_assignment(&want, &Keyring::new(&keys), &addressee, None).unwrap();
    assert_eq!(opened, assignment());
}

#[test]
fn golden_vectors() {
    let outputs = [1.0f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
    let generated = Inputs::Generated { generator: Generator::Units, seed: 42 };
    let vectors = [
        Vector { entry: 0, inputs: Inputs::Recorded(b"recorded"), digest: Digest::of(b"strict"), expected: None },
        Vector {
            entry: 1,
            inputs: generated,
            digest: Digest::of(b"fast"),
            expected: Some(Expected { outputs: &outputs, relative: 1e-5, absolute: 0.0 }),
        },
    ];
    let file = check("golden.cbor", &golden::write(&vectors));
    let read = Vectors::open(&file, &crate::sample::blob(&file)).unwrap();
    // The sample holds a NaN, which is not equal to itself.
    assert_eq!(format!("{:?}", read.iter().collect::<Vec<_>>()), format!("{vectors:?}"));
    assert!(Vectors::open(&file, &crate::sample::blob(b"other")).is_err());
}

#[test]
fn generated_inputs_are_the_same_everywhere() {
    let fill = |generator, seed| {
        let mut bytes = [0; 24];
        Inputs::Generated { generator, seed }.write_to(&mut bytes).unwrap();
        bytes
    };
    // The first draws of SplitMix64 from seed 1234567, as published with the algorithm.
    let draws: [u64; 3] = [6457827717110365317, 3203168211198807973, 9817491932198370423];
    assert_eq!(fill(Generator::Bytes, 1_234_567), draws.map(u64::to_le_bytes).concat()[..]);
    let units = fill(Generator::Units, 1_234_567);
    let want = draws.map(|draw| (draw >> 40) as f32 / (1 << 23) as f32 - 1.0);
    assert_eq!(units[..12], want.map(f32::to_le_bytes).concat()[..]);
    for generator in [Generator::Bytes, Generator::Units] {
        let inputs = Inputs::Generated { generator, seed: 9 };
        let (mut whole, mut parts) = ([0; 24], [0; 24]);
        inputs.write_to(&mut whole).unwrap();
        for at in [0, 4, 12] {
            inputs.write_part(at, 24, &mut parts[at..]).unwrap();
        }
        assert_eq!(parts, whole);
    }
    let (recorded, mut part) = (Inputs::Recorded(&[1, 2, 3, 4]), [0; 2]);
    recorded.write_part(2, 4, &mut part).unwrap();
    assert_eq!(part, [3, 4]);
    assert!(recorded.write_part(3, 4, &mut part).is_err() && recorded.write_part(0, 5, &mut part).is_err());
    let mut odd = [0; 6];
    assert!(Inputs::Recorded(&[1]).write_to(&mut odd).is_err());
    assert!(Inputs::Generated { generator: Generator::Units, seed: 0 }.write_to(&mut odd).is_err());
}

#[test]
fn tolerances_and_digests_treat_every_nan_alike() {
    let f32s = |values: &[f32]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let outputs = f32s(&[1.0, -2.0, f32::NAN]);
    let expected = Expected { outputs: &outputs, relative: 0.01, absolute: 0.001 };
    let other_nan = f32::from_bits(0xffc0_0001);
    let cases = [
        (f32s(&[1.01, -2.0, other_nan]), true),
        (f32s(&[1.02, -2.0, f32::NAN]), false),
        (f32s(&[1.0, -2.0, 0.0]), false),
        (f32s(&[f32::NAN, -2.0, f32::NAN]), false),
        (f32s(&[1.0, -2.0]), false),
    ];
    for (got, accepted) in cases {
        assert_eq!(expected.accepts(&got), accepted, "{got:?}");
    }
    let digest = |bytes: &[u8]| {
        let mut hasher = golden::OutputHasher::new();
        hasher.output(DType::F32, bytes);
        hasher.finish()
    };
    assert_eq!(digest(&f32s(&[other_nan])), digest(&f32s(&[f32::from_bits(0x7fc0_0000)])));
    assert_ne!(digest(&f32s(&[0.0])), digest(&f32s(&[-0.0])));
}
