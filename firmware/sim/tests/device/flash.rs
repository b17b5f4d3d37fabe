//! The store by itself: what is bounded, what is kept, what is refused.

use mote_firmware::{BootError, FlashFault, Identity, Store};
use mote_firmware_sim::{Design, Nor, Power, SECTOR, provision};
use mote_fleet::{Keep, Part, Record, Slot};
use mote_seal::{Blob, Digest};

use crate::cast::{controller, sound};

const SLOT: u32 = 20 * 1024;

fn provisioned<const WORD: usize>() -> (Nor<WORD>, Design, Slot) {
    let design = Design::watch(SLOT).unwrap();
    let controller = controller();
    let first = sound(&controller, 1);
    let slot = first.factory().slot;
    (provision(Nor::blank(design.sectors(), Power::mains()), &design, &controller, Some(&first)).unwrap(), design, slot)
}

fn announced(golden: u64, artifact: u64) -> Slot {
    let blob = |length| Blob { digest: Digest([3; 32]), length };
    Slot { release: Digest([2; 32]), version: 2, floor: 0, artifact: blob(artifact), golden: Some(blob(golden)) }
}

/// Chunks that would leave their part, or lie askew, are refused before a byte is written.
#[test]
fn a_chunk_stays_in_its_place() {
    let (mut nor, design, good) = provisioned::<8>();
    let wanted = announced(700, 3001);
    let golden = wanted.golden;
    let cases: [(Part, u64, usize, bool); 12] = [
        (Part::Artifact, 0, 1024, true),
        (Part::Artifact, 2048, 953, true),
        (Part::Artifact, 2048, 954, false),
        (Part::Artifact, 3001, 8, false),
        (Part::Artifact, 3072, 1024, false),
        (Part::Artifact, u64::MAX, 8, false),
        (Part::Artifact, u64::MAX - 7, 8, false),
        (Part::Artifact, 4, 8, false),
        (Part::Artifact, 1024, 3, false),
        (Part::Golden, 0, 700, true),
        (Part::Golden, 0, 701, false),
        (Part::Golden, 1 << 32, 8, false),
    ];
    for (part, offset, length, fits) in cases {
        let (mut store, _) = Store::mount(&mut nor, design.layout).unwrap();
        store.prepare(Some(good.release), golden, wanted.artifact, &mut || ()).unwrap();
        let before = store.flash().bytes().to_vec();
        let bytes = vec![0x5a; length];
        let kept = store.keep(&Keep::Chunk { part, offset, bytes: &bytes }, Some(&good), Some(&wanted));
        let refused = matches!(kept, Err(FlashFault::OutOfPlace { .. }));
        assert_eq!((kept.is_ok(), refused), (fits, !fits), "{part:?} {offset} {length}: {kept:?}");
        assert_eq!(before == store.flash().bytes(), !fits, "{part:?} {offset} {length}");
        let first = store.parts(&good).unwrap();
        assert_eq!(Digest::of(first.artifact), good.artifact.digest);
    }
    // Without a release under way nothing has a place.
    let (mut store, _) = Store::mount(&mut nor, design.layout).unwrap();
    let chunk = Keep::Chunk { part: Part::Artifact, offset: 0, bytes: &[1; 8] };
    assert!(matches!(store.keep(&chunk, Some(&good), None), Err(FlashFault::OutOfPlace { .. })));
}

#[test]
fn what_does_not_fit_a_slot_is_refused_before_anything_is_erased() {
    let (mut nor, design, good) = provisioned::<4>();
    let used = nor.power().clone();
    let (mut store, _) = Store::mount(&mut nor, design.layout).unwrap();
    let before = used.used();
    let room = u64::from(SLOT) - SECTOR as u64;
    for (golden, artifact) in [(0, room + 1), (64, room), (u64::MAX, 4), (4, u64::MAX)] {
        let wanted = announced(golden, artifact);
        let refused = store.prepare(Some(good.release), wanted.golden, wanted.artifact, &mut || ());
        assert!(matches!(refused, Err(FlashFault::OutOfPlace { .. })), "{golden} {artifact}: {refused:?}");
    }
    let manifest = Keep::Manifest(&[1; mote_firmware::capacity::MANIFEST_BYTES + 1]);
    assert!(matches!(store.keep(&manifest, Some(&good), None), Err(FlashFault::OutOfPlace { .. })));
    assert_eq!(used.used(), before);
    let mut sectors = 0;
    let whole = announced(0, room);
    store.prepare(Some(good.release), whole.golden, whole.artifact, &mut || sectors += 1).unwrap();
    assert_eq!(sectors, room / SECTOR as u64, "it says when it has got on");
}

#[test]
fn records_outlive_many_turns_of_the_journal() {
    let (mut nor, design, good) = provisioned::<4>();
    for boot in 1..=200 {
        let (mut store, found) = Store::mount(&mut nor, design.layout).unwrap();
        assert_eq!(found.boot, boot);
        let record = found.record.unwrap();
        assert_eq!(record.good().map(|slot| slot.release), Some(good.release));
        for _ in 0..boot % 5 {
            store.persist(&Record::with_good(good).encode()).unwrap();
        }
    }
}

/// One bit of flash turns over: what it stood for is gone, and never something else.
#[test]
fn a_flipped_bit_is_found() {
    let (nor, design, good) = provisioned::<4>();
    let flipped = |offset: u32| {
        let mut bytes = nor.bytes().to_vec();
        bytes[offset as usize] ^= 0x10;
        let mut copy: Nor = Nor::blank(design.sectors(), Power::mains());
        embedded_storage::nor_flash::NorFlash::write(&mut copy, 0, &bytes).unwrap();
        copy
    };
    let identity = Identity::read(&nor, &design.layout).unwrap();
    assert_eq!(Some(identity), controller().identity());
    for offset in [0, 9, 40, 300, 500] {
        let read = Identity::read(&flipped(design.layout.identity + offset), &design.layout);
        assert_eq!(read, Err(BootError::NoIdentity), "{offset}");
    }
    for offset in [0, 8, 33, 64, 100] {
        let (store, _) = Store::mount(flipped(design.layout.slots[0] + offset), design.layout).unwrap();
        assert_eq!(store.parts(&good), None, "label and manifest, {offset}");
    }
    for offset in [0, 8, 16, 40, 70, 600] {
        let (_, found) = Store::mount(flipped(design.layout.journal + offset), design.layout).unwrap();
        assert_eq!(found.record, None, "journal, {offset}");
    }
}
