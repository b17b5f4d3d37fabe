//! Signed documents and sealed files: bent envelopes, stolen keys, old orders.

use ed25519_dalek::Signer as _;
use mote_seal::{
    Addressee, Artifact, Assignment, Blob, Class, Digest, Keyring, Kind, Limits, OpenError, Purpose, Release, Role,
    SigningKey, Stamp, Standing, Target, TrustedKey, check_release, open, open_assignment, open_detached, seal,
    sign_assignment, sign_release,
};
use mote_tests::cbor::Item;

use crate::{Attack, named};

const PLAN: &[u8] = b"the bytes of a plan";
const RELEASE: &str = "application/mote-release+cbor";

fn key(role: Role) -> SigningKey {
    SigningKey::from_seed(&seed(role), role, Standing::Production)
}

fn seed(role: Role) -> [u8; 32] {
    [role as u8 + 1; 32]
}

fn trusted() -> [TrustedKey; 3] {
    [Role::Release, Role::Assignment, Role::Foreign].map(|role| key(role).trusted())
}

fn artifact(class: Class, kind: Kind) -> Artifact<'static> {
    let blob = Blob { digest: Digest::of(PLAN), length: PLAN.len() as u64 };
    Artifact { class, variant: "generic", kind, blob }
}

fn release<'a>(artifacts: &'a [Artifact<'a>]) -> Release<'a> {
    Release {
        model: "digits",
        version: 300,
        floor: 24,
        artifacts: artifacts.into(),
        golden: None,
        limits: Limits::default(),
        compiler: "mote 0.1.0",
    }
}

fn manifest() -> Vec<u8> {
    sign_release(&release(&[artifact(Class::Gateway, Kind::Plan)]), &key(Role::Release)).unwrap()
}

fn file() -> Vec<u8> {
    seal(&manifest(), PLAN).unwrap()
}

const GATEWAY: Target<'static> =
    Target { class: Class::Gateway, variant: "generic", model: Some("digits"), floor: 24, max_bytes: 1 << 20 };

fn named_end<T>(end: Result<T, OpenError>) -> Option<String> {
    end.err().map(|error| named("Open", &error))
}

/// Opens a sealed file.
fn sealed(name: &'static str, error: &'static str, bend: fn(&mut Vec<u8>)) -> Attack {
    Attack::new(name, error, move || {
        let mut bytes = file();
        bend(&mut bytes);
        named_end(open(&bytes, &Keyring::new(&trusted()), &GATEWAY))
    })
}

/// Opens the sound artifact at another target.
fn elsewhere(name: &'static str, error: &'static str, target: Target<'static>) -> Attack {
    Attack::new(name, error, move || named_end(open_detached(&manifest(), PLAN, &Keyring::new(&trusted()), &target)))
}

/// Checks a document.
fn document(name: &'static str, error: &'static str, make: fn() -> Vec<u8>) -> Attack {
    Attack::new(name, error, move || named_end(check_release(&make(), &Keyring::new(&trusted()))))
}

/// The sound manifest with its four parts bent.
fn bent(bend: fn(&mut [Item])) -> Vec<u8> {
    let Some(Item::Tag(tag, envelope)) = Item::parse(&manifest()) else { panic!("a tagged document") };
    let Item::Array(mut parts) = *envelope else { panic!("an array of four") };
    bend(&mut parts);
    Item::Tag(tag, Box::new(Item::Array(parts))).encode()
}

/// A document that somebody with the release key made without our help.
fn stolen(protected: &Item, payload: &Item) -> Vec<u8> {
    let (protected, payload) = (Item::Bytes(protected.encode()), Item::Bytes(payload.encode()));
    let message = [Item::text("Signature1"), protected.clone(), Item::Bytes(vec![]), payload.clone()];
    let signature =
        ed25519_dalek::SigningKey::from_bytes(&seed(Role::Release)).sign(&Item::Array(message.into()).encode());
    let parts = vec![protected, Item::Map(vec![]), payload, Item::Bytes(signature.to_bytes().to_vec())];
    Item::Tag(18, Box::new(Item::Array(parts))).encode()
}

fn header(algorithm: Item) -> Item {
    let id = key(Role::Release).public().id().0.to_vec();
    Item::map([(1, algorithm), (3, Item::text(RELEASE)), (4, Item::Bytes(id))])
}

const EDDSA: Item = Item::Negative(7);

/// A release of these artifacts and this floor, signed with the stolen key.
fn stolen_release(artifacts: Vec<Item>, floor: u64) -> Vec<u8> {
    let payload = Item::map([
        (1, Item::text("digits")),
        (2, Item::Unsigned(300)),
        (3, Item::Unsigned(floor)),
        (4, Item::Array(artifacts)),
        (6, Item::map([(1, Item::Unsigned(0)), (2, Item::Unsigned(0)), (3, Item::Unsigned(0))])),
        (7, Item::text("mote")),
    ]);
    stolen(&header(EDDSA), &payload)
}

fn listed(class: u64, kind: u64) -> Item {
    Item::map([
        (1, Item::Unsigned(class)),
        (2, Item::text("generic")),
        (3, Item::Unsigned(kind)),
        (4, Item::Bytes(vec![0; 32])),
        (5, Item::Unsigned(1)),
    ])
}

fn order() -> Assignment<'static> {
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

/// Opens an assignment at a device that accepted stamp 3.69999 last.
fn ordered(name: &'static str, error: &'static str, order: Assignment<'static>) -> Attack {
    Attack::new(name, error, move || {
        let want = sign_assignment(&order, &key(Role::Assignment)).unwrap();
        let addressee = Addressee { fleet: "plant", device: "press-4" };
        let last = Some(Stamp { epoch: 3, generation: 69_999 });
        named_end(open_assignment(&want, &Keyring::new(&trusted()), &addressee, last))
    })
}

pub(crate) fn attacks() -> Vec<Attack> {
    [files(), envelopes(), releases(), orders()].into_iter().flatten().collect()
}

fn files() -> Vec<Attack> {
    vec![
        sealed("sealed-empty", "Open.Truncated", Vec::clear),
        sealed("sealed-truncated", "Open.Truncated", |file| file.truncate(100)),
        sealed("sealed-sent-as-text", "Open.BadMagic", |file| {
            file.remove(5);
        }),
        sealed("sealed-from-the-future", "Open.UnsupportedVersion", |file| file[8] = 2),
        sealed("sealed-padding", "Open.PaddingNotZero", |file| file[16 + manifest().len()] = 1),
        sealed("sealed-manifest-of-4-gib", "Open.TooLong", |file| file[12..16].fill(0xff)),
        sealed("sealed-artifact-cut", "Open.WrongLength", |file| {
            file.pop();
        }),
        sealed("wrong-digest", "Open.WrongDigest", |file| *file.last_mut().unwrap() ^= 1),
        elsewhere("below-floor", "Open.BelowFloor", Target { floor: 301, ..GATEWAY }),
        elsewhere("wrong-model", "Open.WrongModel", Target { model: Some("brakes"), ..GATEWAY }),
        elsewhere("no-artifact-for-this-class", "Open.NoArtifactFor", Target { class: Class::Mcu, ..GATEWAY }),
        elsewhere("artifact-without-room", "Open.TooLong", Target { max_bytes: 4, ..GATEWAY }),
    ]
}

fn envelopes() -> Vec<Attack> {
    vec![
        document("cose-trailing-byte", "Open.TrailingBytes", || [manifest(), vec![0]].concat()),
        document("cose-truncated", "Open.Truncated", || manifest()[..40].to_vec()),
        document("cose-of-61-kib", "Open.TooLong", || vec![0xd2; 61 << 10]),
        document("cose-untagged", "Open.Malformed", || manifest()[1..].to_vec()),
        // The tag 18 in two bytes.
        document("cose-non-canonical", "Open.NotCanonical", || [&[0xd8, 18], &manifest()[1..]].concat()),
        document("cose-indefinite-length", "Open.NotCanonical", || [&[0xd2, 0x9f], &manifest()[2..], &[0xff]].concat()),
        document("cose-unprotected-header", "Open.Malformed", || bent(|parts| parts[1] = Item::map([(1, EDDSA)]))),
        document("cose-bad-signature", "Open.BadSignature", || {
            bent(|parts| {
                if let Item::Bytes(signature) = &mut parts[3] {
                    signature[0] ^= 1;
                }
            })
        }),
        document("cose-signature-of-zeros", "Open.BadSignature", || bent(|parts| parts[3] = Item::Bytes(vec![0; 64]))),
        document("cose-changed-payload", "Open.BadSignature", || {
            bent(|parts| {
                if let Item::Bytes(payload) = &mut parts[2] {
                    *payload.last_mut().unwrap() ^= 1;
                }
            })
        }),
        document("cose-unknown-alg", "Open.UnknownAlgorithm", || {
            stolen(&header(Item::Negative(6)), &Item::Map(vec![]))
        }),
        document("cose-algorithm-none", "Open.UnknownAlgorithm", || {
            stolen(&header(Item::Unsigned(0)), &Item::Map(vec![]))
        }),
        document("cose-without-key", "Open.MissingField", || {
            stolen(&Item::map([(1, EDDSA), (3, Item::text(RELEASE))]), &Item::Map(vec![]))
        }),
        document("cose-critical-header", "Open.UnknownField", || {
            stolen(&Item::map([(1, EDDSA), (2, Item::Array(vec![]))]), &Item::Map(vec![]))
        }),
        document("cose-unknown-key", "Open.UnknownKey", || {
            let stranger = SigningKey::from_seed(&[99; 32], Role::Release, Standing::Production);
            sign_release(&release(&[artifact(Class::Gateway, Kind::Plan)]), &stranger).unwrap()
        }),
        document("cose-wrong-role", "Open.WrongRole", || {
            let list = [artifact(Class::Gateway, Kind::Foreign)];
            // The online key, used as if it were the foreign one.
            let online = SigningKey::from_seed(&seed(Role::Assignment), Role::Foreign, Standing::Production);
            sign_release(&release(&list), &online).unwrap()
        }),
        document("cose-wrong-document", "Open.WrongDocument", || {
            sign_assignment(&order(), &key(Role::Assignment)).unwrap()
        }),
    ]
}

fn releases() -> Vec<Attack> {
    vec![
        document("release-of-nothing", "Open.NoArtifacts", || stolen_release(vec![], 0)),
        document("release-of-two-orders", "Open.ArtifactsUnordered", || {
            stolen_release(vec![listed(2, 2), listed(1, 1)], 0)
        }),
        document("release-that-hides-a-foreign-guest", "Open.MixedArtifacts", || {
            stolen_release(vec![listed(1, 1), listed(2, 3)], 0)
        }),
        document("release-of-65-artifacts", "Open.TooLong", || stolen_release(vec![listed(1, 1); 65], 0)),
        document("release-below-its-own-floor", "Open.FloorAboveVersion", || stolen_release(vec![listed(1, 1)], 301)),
        document("release-without-fields", "Open.MissingField", || stolen(&header(EDDSA), &Item::Map(vec![]))),
        document("release-with-a-deep-extension", "Open.Malformed", || {
            let deep = (0..40).fold(Item::Unsigned(0), |inner, _| Item::Array(vec![inner]));
            stolen(&header(EDDSA), &Item::map([(64, deep)]))
        }),
        document("release-of-endless-artifacts", "Open.Truncated", || {
            let endless = Item::Raw(vec![0x98, 0x40]);
            stolen(&header(EDDSA), &Item::map([(4, endless)]))
        }),
    ]
}

fn orders() -> Vec<Attack> {
    let stamped = |epoch, generation| Assignment { stamp: Stamp { epoch, generation }, ..order() };
    vec![
        ordered("order-for-another-fleet", "Open.WrongFleet", Assignment { fleet: "plants", ..order() }),
        ordered("order-for-another-device", "Open.WrongDevice", Assignment { device: "press-5", ..order() }),
        ordered("order-replayed", "Open.Replayed", stamped(3, 69_998)),
        ordered("order-repeated", "Open.Repeated", stamped(3, 69_999)),
        ordered("order-that-spends-the-counter", "Open.JumpTooFar", stamped(3, u64::MAX)),
    ]
}
