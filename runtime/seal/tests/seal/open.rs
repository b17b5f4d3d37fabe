//! What opens, and every reason why something does not.

use crate::sample::{MODULE, PLAN, artifacts, assignment, gateway, key, release};
use mote_seal::{
    Addressee, Class, Digest, Hashed, Keyring, Kind, OpenError, Role, Sealed, SignError, SigningKey, Stamp, Standing,
    Target, TrustedKey, check_release, open, open_assignment, open_detached, parse_keys, seal, sign_assignment,
    sign_release,
};

fn ring_keys() -> [TrustedKey; 3] {
    [Role::Release, Role::Assignment, Role::Foreign].map(|role| key(role).trusted())
}

#[test]
fn a_sealed_file_opens_to_what_was_sealed() {
    let (keys, artifacts) = (ring_keys(), artifacts());
    let release = release(&artifacts);
    let manifest = sign_release(&release, &key(Role::Release)).unwrap();
    let file = seal(&manifest, PLAN).unwrap();
    let opened = open(&file, &Keyring::new(&keys), &gateway()).unwrap();
    assert_eq!(*opened.release(), release);
    assert_eq!(opened.artifact(), PLAN);
    assert_eq!((opened.kind(), opened.class()), (Kind::Plan, Class::Gateway));
    assert_eq!((opened.variant(), opened.digest()), ("generic", Digest::of(PLAN)));
    assert_eq!(opened.release_digest(), Digest::of(&manifest));
    assert_eq!(opened.key(), key(Role::Release).public().id());
    assert!(!opened.is_development());
    let offset = opened.artifact().as_ptr() as usize - file.as_ptr() as usize;
    assert_eq!(offset % mote_seal::ALIGNMENT, 0);
}

#[test]
fn a_development_key_marks_what_it_signed() {
    let development = SigningKey::from_seed(&[9; 32], Role::Release, Standing::Development);
    let manifest = sign_release(&release(&artifacts()), &development).unwrap();
    let keys = [development.trusted()];
    let opened = open_detached(&manifest, PLAN, &Keyring::new(&keys), &gateway()).unwrap();
    assert!(opened.is_development());
}

#[test]
fn one_public_key_may_hold_several_roles() {
    let both = SigningKey::from_seed(&[5; 32], Role::Release, Standing::Production);
    let foreign = TrustedKey { role: Role::Foreign, ..both.trusted() };
    let keys = [foreign, both.trusted()];
    let manifest = sign_release(&release(&artifacts()), &both).unwrap();
    assert!(check_release(&manifest, &Keyring::new(&keys)).is_ok());
}

#[test]
fn hashed_bytes_open_without_hashing_again() {
    let keys = ring_keys();
    let manifest = sign_release(&release(&artifacts()), &key(Role::Release)).unwrap();
    let checked = check_release(&manifest, &Keyring::new(&keys)).unwrap().select(&gateway()).unwrap();
    assert_eq!(checked.open_hashed(&Hashed::new(PLAN)).unwrap(), checked.open(PLAN).unwrap());
    let foreign_record = Hashed::trusting_own_record(PLAN, Digest::of(MODULE));
    assert_eq!(checked.open_hashed(&foreign_record), Err(OpenError::WrongDigest));
}

#[test]
fn targets_that_do_not_fit_are_refused() {
    let keys = ring_keys();
    let manifest = sign_release(&release(&artifacts()), &key(Role::Release)).unwrap();
    let cases = [
        (Target { model: Some("other"), ..gateway() }, OpenError::WrongModel),
        (Target { floor: 301, ..gateway() }, OpenError::BelowFloor { version: 300, floor: 301 }),
        (
            Target { variant: "fast-v8", class: Class::Browser, ..gateway() },
            OpenError::NoArtifactFor { class: Class::Browser },
        ),
        (Target { max_bytes: 18, ..gateway() }, OpenError::TooLong { limit: 18, got: PLAN.len() as u64 }),
    ];
    for (target, error) in cases {
        let checked = check_release(&manifest, &Keyring::new(&keys)).unwrap();
        assert_eq!(checked.select(&target).unwrap_err(), error, "{target:?}");
    }
    let any = Target { model: None, floor: 300, ..gateway() };
    assert!(open_detached(&manifest, PLAN, &Keyring::new(&keys), &any).is_ok());
}

#[test]
fn other_artifact_bytes_are_refused() {
    let keys = ring_keys();
    let manifest = sign_release(&release(&artifacts()), &key(Role::Release)).unwrap();
    let mut flipped = PLAN.to_vec();
    flipped[3] ^= 1;
    let short = &PLAN[1..];
    let wrong_length = OpenError::WrongLength { expected: PLAN.len() as u64, got: short.len() as u64 };
    for (bytes, error) in [(flipped.as_slice(), OpenError::WrongDigest), (short, wrong_length)] {
        let got = open_detached(&manifest, bytes, &Keyring::new(&keys), &gateway());
        assert_eq!(got.unwrap_err(), error);
    }
}

#[test]
fn keys_open_only_what_they_may_sign() {
    let list = artifacts();
    let foreign = list.map(|each| mote_seal::Artifact { kind: Kind::Foreign, ..each });
    let signed = sign_release(&release(&list), &key(Role::Release)).unwrap();
    let guest = sign_release(&release(&foreign), &key(Role::Foreign)).unwrap();
    let trusted = |of: Role, for_: Role| TrustedKey { role: for_, ..key(of).trusted() };
    let (needed, role) = (Role::Release, Role::Assignment);
    let cases = [
        (&signed, vec![], OpenError::UnknownKey { id: key(Role::Release).public().id() }),
        (&signed, vec![trusted(Role::Release, Role::Assignment)], OpenError::WrongRole { needed, role }),
        (&signed, vec![trusted(Role::Release, Role::Foreign)], OpenError::WrongRole { needed, role: Role::Foreign }),
        (
            &guest,
            vec![trusted(Role::Foreign, Role::Release)],
            OpenError::WrongRole { needed: Role::Foreign, role: Role::Release },
        ),
        (
            &guest,
            vec![trusted(Role::Release, Role::Release)],
            OpenError::UnknownKey { id: key(Role::Foreign).public().id() },
        ),
    ];
    for (manifest, keys, error) in cases {
        assert_eq!(check_release(manifest, &Keyring::new(&keys)).unwrap_err(), error, "{keys:?}");
    }
    let keys = [key(Role::Foreign).trusted()];
    assert!(check_release(&guest, &Keyring::new(&keys)).is_ok());
}

#[test]
fn one_document_type_does_not_pass_for_another() {
    let shared = SigningKey::from_seed(&[5; 32], Role::Release, Standing::Production);
    let as_assignment = SigningKey::from_seed(&[5; 32], Role::Assignment, Standing::Production);
    let keys = [shared.trusted(), as_assignment.trusted()];
    let ring = Keyring::new(&keys);
    let manifest = sign_release(&release(&artifacts()), &shared).unwrap();
    let want = sign_assignment(&assignment(), &as_assignment).unwrap();
    assert_eq!(check_release(&want, &ring).unwrap_err(), OpenError::WrongDocument);
    let addressee = Addressee { fleet: "plant", device: "press-4" };
    let got = open_assignment(&manifest, &ring, &addressee, None);
    assert_eq!(got.unwrap_err(), OpenError::WrongDocument);
}

#[test]
fn assignments_are_addressed_and_ordered() {
    let keys = ring_keys();
    let want = sign_assignment(&assignment(), &key(Role::Assignment)).unwrap();
    let stamp = |epoch, generation| Stamp { epoch, generation };
    let got = assignment().stamp;
    let here = ("plant", "press-4");
    let replayed = |last| Some(OpenError::Replayed { last, got });
    let cases = [
        (here, None, None),
        (here, Some(stamp(2, u64::MAX)), None),
        (here, Some(stamp(3, 69_999)), None),
        (here, Some(got), Some(OpenError::Repeated { stamp: got })),
        (here, Some(stamp(3, 70_001)), replayed(stamp(3, 70_001))),
        (here, Some(stamp(4, 0)), replayed(stamp(4, 0))),
        (("plan", "press-4"), None, Some(OpenError::WrongFleet)),
        (("plant", "press-5"), None, Some(OpenError::WrongDevice)),
    ];
    for ((fleet, device), last, error) in cases {
        let result = open_assignment(&want, &Keyring::new(&keys), &Addressee { fleet, device }, last);
        assert_eq!(result.map(|(assignment, _)| assignment), error.map_or(Ok(assignment()), Err));
    }
}

#[test]
fn a_stolen_key_cannot_spend_the_counter() {
    let keys = ring_keys();
    let addressee = Addressee { fleet: "plant", device: "press-4" };
    for far in [
        Stamp { epoch: u64::MAX, generation: 0 },
        Stamp { epoch: 3, generation: u64::MAX },
        Stamp { epoch: 4, generation: u64::MAX },
    ] {
        let want = mote_seal::Assignment { stamp: far, ..assignment() };
        let want = sign_assignment(&want, &key(Role::Assignment)).unwrap();
        let last = assignment().stamp;
        let got = open_assignment(&want, &Keyring::new(&keys), &addressee, Some(last));
        assert_eq!(got.unwrap_err(), OpenError::JumpTooFar { last, got: far });
    }
}

#[test]
fn what_nobody_could_open_is_not_signed() {
    let list = artifacts();
    let mut twice = list;
    twice[1] = twice[0];
    let mut mixed = list;
    mixed[0].kind = Kind::Foreign;
    let good = release(&list);
    let many = vec![list[0]; 65];
    let unopenable = SignError::Unopenable;
    let cases = [
        (mote_seal::Release { model: "a.b", ..good }, SignError::BadName),
        (mote_seal::Release { compiler: "\n", ..good }, SignError::BadName),
        (
            mote_seal::Release { floor: 301, ..good },
            unopenable(OpenError::FloorAboveVersion { version: 300, floor: 301 }),
        ),
        (release(&twice), unopenable(OpenError::ArtifactsUnordered)),
        (release(&many), unopenable(OpenError::ArtifactsUnordered)),
        (release(&[]), unopenable(OpenError::NoArtifacts)),
        (release(&mixed), unopenable(OpenError::MixedArtifacts)),
    ];
    for (release, error) in cases {
        assert_eq!(sign_release(&release, &key(Role::Release)).unwrap_err(), error, "{release:?}");
    }
    let (needed, role) = (Role::Release, Role::Assignment);
    let got = sign_release(&good, &key(Role::Assignment));
    assert_eq!(got.unwrap_err(), SignError::WrongRole { needed, role });
}

#[test]
fn damaged_files_name_the_damage() {
    let manifest = sign_release(&release(&artifacts()), &key(Role::Release)).unwrap();
    let file = seal(&manifest, PLAN).unwrap();
    let damage = |at: usize, byte: u8| {
        let mut file = file.clone();
        file[at] = byte;
        file
    };
    let padding = 16 + manifest.len();
    assert_ne!(padding % 64, 0, "the sample has padding to damage");
    let cases = [
        (vec![], OpenError::Truncated { offset: 0 }),
        (file[..10].to_vec(), OpenError::Truncated { offset: 8 }),
        (file[..100].to_vec(), OpenError::Truncated { offset: 100 }),
        (damage(5, b'\n'), OpenError::BadMagic),
        (damage(8, 2), OpenError::UnsupportedVersion { version: 2 }),
        (damage(15, 1), OpenError::TooLong { limit: 61440, got: (1 << 24) + manifest.len() as u64 }),
        (damage(padding, 1), OpenError::PaddingNotZero { offset: padding }),
    ];
    for (file, error) in cases {
        assert_eq!(Sealed::split(&file).unwrap_err(), error);
    }
}

#[test]
fn key_lines_read_back() {
    for (role, standing) in [(Role::Release, Standing::Production), (Role::Assignment, Standing::Development)] {
        let key = SigningKey::from_seed(&[7; 32], role, standing);
        let again: SigningKey = key.to_text().to_string().parse().unwrap();
        assert_eq!(again.trusted(), key.trusted());
        assert_eq!(key.trusted().to_string().parse(), Ok(key.trusted()));
        assert!(!format!("{key:?}").contains("0707"), "Debug must not print the secret");
    }
    let file = format!("# ring\n\n{}\n  {}\n", ring_keys()[0], ring_keys()[1]);
    let read: Vec<_> = parse_keys(&file).collect();
    assert_eq!(read, ring_keys()[..2].iter().copied().map(Ok).collect::<Vec<_>>());
}

#[test]
fn lines_that_are_no_keys_say_why() {
    use mote_seal::KeyTextError::{BadHex, NotThisKind, UnknownRole, UnknownStanding};
    let hex = "ab".repeat(32);
    let cases = [
        (String::new(), NotThisKind),
        (format!("mote-secret-1 release production {hex}"), NotThisKind),
        (format!("mote-public-1 release production {hex} x"), NotThisKind),
        (format!("mote-public-1 root production {hex}"), UnknownRole),
        (format!("mote-public-1 release secret {hex}"), UnknownStanding),
        (format!("mote-public-1 release production {}", &hex[1..]), BadHex),
        (format!("mote-public-1 release production {}", hex.to_uppercase()), BadHex),
    ];
    for (line, error) in cases {
        assert_eq!(line.parse::<TrustedKey>(), Err(error), "{line}");
    }
}
