use mote_wire::{
    Alive, Ask, Body, Capabilities, Chunk, Counters, Counts, Event, EventKind, Failure, Get, MAX_CHUNK, MAX_DOCUMENT,
    MIN_CHUNK, Metrics, Presence, Progress, Question, Running, Twin, UpdateState, WireError,
};
use proptest::prelude::*;

fn encoded<'a>(body: &impl Body<'a>) -> Vec<u8> {
    let mut out = vec![0; MAX_DOCUMENT + 1];
    let length = body.encode(&mut out).unwrap();
    out.truncate(length);
    out
}

/// Writes, reads back, and makes sure that no shorter buffer and no shorter body is taken.
fn round_trip<'a, B: Body<'a> + PartialEq + std::fmt::Debug>(body: &B, bytes: &'a [u8]) {
    assert_eq!(B::decode(bytes).as_ref(), Ok(body));
    assert!(!bytes.is_empty());
    let mut short = vec![0; bytes.len() - 1];
    assert_eq!(body.encode(&mut short), Err(WireError::NoRoom));
    for length in [0, bytes.len() / 2, bytes.len() - 1] {
        assert!(B::decode(&bytes[..length]).is_err());
    }
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,64}"
}

fn state() -> impl Strategy<Value = UpdateState> {
    prop::sample::select(UpdateState::ALL.to_vec())
}

prop_compose! {
    fn counters()(c in any::<[u32; 5]>()) -> Counters {
        let [committed, failed, refused, replayed, bad_chunks] = c;
        Counters { committed, failed, refused, replayed, bad_chunks }
    }
}

proptest! {
    #[test]
    fn twins(
        numbers in any::<[u64; 6]>(),
        state in state(),
        running in prop::option::of((name(), any::<u64>(), any::<[u8; 32]>())),
        progress in prop::option::of((any::<u32>(), any::<u32>())),
        failure in prop::option::of((self::state(), any::<u16>(), any::<[u8; 32]>())),
        counters in counters(),
        (class, variant, max_bytes, runtime) in (any::<u8>(), name(), any::<u64>(), "[ -~]{0,64}"),
        answers in any::<Option<u64>>(),
    ) {
        let [boot, session, sequence, epoch, generation, floor] = numbers;
        let twin = Twin {
            boot, session, sequence, state, epoch, generation, floor, counters, answers,
            running: running.as_ref().map(|(model, version, release)| Running { model, version: *version, release: *release }),
            progress: progress.map(|(held, total)| Progress { held, total }),
            failure: failure.map(|(stage, code, release)| Failure { stage, code, release }),
            capabilities: Capabilities { class, variant: &variant, max_bytes, runtime: &runtime },
        };
        round_trip(&twin, &encoded(&twin));
    }

    #[test]
    fn gets(
        digest: [u8; 32], xfer: u32, first: u32, credit: u16,
        chunk_bytes in MIN_CHUNK..=MAX_CHUNK,
        window in prop::collection::vec(any::<u8>(), 1..=64),
    ) {
        let get = Get { digest, xfer, chunk_bytes, first, window: &window, credit };
        round_trip(&get, &encoded(&get));
        let asked: Vec<u32> = get.indices().collect();
        let wanted: Vec<u32> = (0..window.len() * 8)
            .filter(|bit| window[bit / 8] >> (bit % 8) & 1 == 1)
            .filter_map(|bit| first.checked_add(bit as u32))
            .take(credit as usize)
            .collect();
        prop_assert_eq!(asked, wanted);
    }

    #[test]
    fn chunks(xfer: u32, index in 0u32..u32::MAX, bytes in prop::collection::vec(any::<u8>(), 1..2000)) {
        let chunk = Chunk { xfer, index, total: index + 1, bytes: &bytes };
        round_trip(&chunk, &encoded(&chunk));
    }

    #[test]
    fn small_bodies(numbers in any::<[u64; 4]>(), state in state(), code: u16, odd: bool) {
        let [boot, sequence, version, nonce] = numbers;
        let presence = if odd { Presence::Online } else { Presence::Offline };
        let alive = Alive { presence, boot, session: nonce };
        round_trip(&alive, &encoded(&alive));
        let question = if odd { Question::Twin } else { Question::Metrics };
        let ask = Ask { nonce, question };
        round_trip(&ask, &encoded(&ask));
        let kind = if odd { EventKind::Replayed } else { EventKind::Entered };
        let event = Event { boot, sequence, kind, state, code, version };
        round_trip(&event, &encoded(&event));
    }

    #[test]
    fn metrics(
        numbers in any::<[u64; 4]>(), model in name(), counted in any::<[u32; 7]>(),
        latency in any::<[u32; 24]>(), classes in any::<[u32; 32]>(), zeros in 0usize..33,
    ) {
        let [boot, sequence, version, latency_sum_us] = numbers;
        let [window_ms, answered, failed, flagged, dropped, latency_min_us, latency_max_us] = counted;
        let mut classes = Counts(classes);
        classes.0[32 - zeros..].fill(0);
        let metrics = Metrics {
            boot, sequence, model: &model, version, window_ms, answered, failed, flagged, dropped,
            latency_sum_us, latency_min_us, latency_max_us, latency: Counts(latency), classes,
        };
        round_trip(&metrics, &encoded(&metrics));
    }

    #[test]
    fn arbitrary_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), entries in 0u8..16) {
        // A map head makes it past the first check often enough to matter.
        for bytes in [bytes.clone(), [&[0xa0 + entries], bytes.as_slice()].concat()] {
            let _refused = (
                Twin::decode(&bytes), Get::decode(&bytes), Chunk::decode(&bytes), Alive::decode(&bytes),
                Ask::decode(&bytes), Event::decode(&bytes), Metrics::decode(&bytes),
            );
        }
    }
}

#[test]
fn malformed_bodies_name_the_fault() {
    use WireError::{Malformed, MissingField, OutOfRange, TooLong};
    let big = vec![0; MAX_DOCUMENT + 1];
    let cases: [(&[u8], WireError); 11] = [
        (&[], Malformed { offset: 0 }),
        (&big, TooLong { got: MAX_DOCUMENT + 1 }),
        (&[0x80], Malformed { offset: 0 }),
        (&[0xbf, 0xff], Malformed { offset: 1 }),
        (&[0xa1, 1, 0], MissingField { key: 2 }),
        (&[0xa1, 1, 7], OutOfRange { key: 1 }),
        (&[0xa1, 1, 0x61, b'x'], Malformed { offset: 2 }),
        (&[0xa3, 1, 0, 1, 0, 2, 0], Malformed { offset: 4 }),
        (&[0xa3, 1, 0, 2, 0, 3, 0, 0], Malformed { offset: 7 }),
        (&[0xa4, 1, 0, 2, 0, 3, 0, 4], Malformed { offset: 8 }),
        (&[0xbb, 255, 255, 255, 255, 255, 255, 255, 255], Malformed { offset: 9 }),
    ];
    for (bytes, error) in cases {
        assert_eq!(Alive::decode(bytes), Err(error), "{:x?}", &bytes[..bytes.len().min(9)]);
    }
    let later = [0xa4, 1, 1, 2, 0, 3, 0, 0x18, 99, 0x82, 0xf6, 0xa1, 0x61, b'k', 0xf9, 0, 0];
    let alive = Alive { presence: Presence::Online, boot: 0, session: 0 };
    assert_eq!(Alive::decode(&later), Ok(alive), "unknown keys are stepped over");
}

#[test]
fn what_no_reader_accepts_is_not_written() {
    let mut out = vec![0; MAX_DOCUMENT];
    let get = Get { digest: [0; 32], xfer: 0, chunk_bytes: 4096, first: 0, window: &[1], credit: 1 };
    let chunk = Chunk { xfer: 0, index: 0, total: 1, bytes: &[0] };
    let large = vec![0; MAX_CHUNK as usize];
    let larger = vec![0; MAX_CHUNK as usize + 1];
    let results = [
        Get { chunk_bytes: MIN_CHUNK - 1, ..get }.encode(&mut out),
        Get { chunk_bytes: MAX_CHUNK + 1, ..get }.encode(&mut out),
        Get { window: &[], ..get }.encode(&mut out),
        Get { window: &[0; 65], ..get }.encode(&mut out),
        Chunk { index: 1, ..chunk }.encode(&mut out),
        Chunk { bytes: &[], ..chunk }.encode(&mut out),
        Chunk { bytes: &larger, ..chunk }.encode(&mut out),
    ];
    let keys = [3, 3, 5, 5, 2, 4, 4];
    assert_eq!(results, keys.map(|key| Err(WireError::OutOfRange { key })));
    let largest = Chunk { xfer: u32::MAX, index: u32::MAX - 1, total: u32::MAX, bytes: &large };
    assert!(largest.encode(&mut out).is_ok());
}

#[test]
fn counts_saturate_and_merge() {
    let mut counts = Counts::<3>::default();
    for index in [0, 2, 7, 2] {
        counts.count(index);
    }
    assert_eq!(counts.0, [1, 0, 3]);
    counts.merge(&Counts([u32::MAX, 5, 0]));
    assert_eq!(counts.0, [u32::MAX, 5, 3]);
}
