//! Message bodies and topics: items are changed, and whatever is read is written and read again.

use mote_wire::{
    Alive, Ask, Body, Capabilities, Chunk, Counters, Counts, Event, EventKind, Failure, Get, MAX_DOCUMENT, Metrics,
    Presence, Progress, Question, Running, Topic, Twin, UpdateState,
};

use super::{Random, Target, bytes, items};
use crate::cbor::Item;

pub(super) fn target() -> Target {
    let topics = [
        "mote/1/plant/press-4/dn/want",
        "mote/1/plant/press-4/dn/c/17",
        "mote/1/plant/press-4/up/twin",
        "mote/1/plant/_pub/rel/digits/300",
    ];
    let topics = topics.into_iter().map(|topic| topic.as_bytes().to_vec());
    Target { name: "wire", seeds: bodies().into_iter().chain(topics).collect(), mutate, enter }
}

fn encoded<'a>(body: &impl Body<'a>) -> Vec<u8> {
    let mut out = vec![0; MAX_DOCUMENT];
    let length = body.encode(&mut out).unwrap();
    out.truncate(length);
    out
}

fn bodies() -> Vec<Vec<u8>> {
    let state = UpdateState::Fetch;
    let twin = Twin {
        boot: 3,
        session: 8,
        sequence: 5,
        state,
        running: Some(Running { model: "digits", version: 11, release: [1; 32] }),
        epoch: 2,
        generation: 40,
        floor: 9,
        progress: Some(Progress { held: 100, total: 401 }),
        failure: Some(Failure { stage: UpdateState::SelfTest, code: 104, release: [2; 32] }),
        counters: Counters { committed: 1, failed: 1, ..Counters::default() },
        capabilities: Capabilities { class: 1, variant: "generic", max_bytes: 1 << 24, runtime: "mote 0.1.0" },
        answers: Some(77),
    };
    let (mut latency, mut classes) = (Counts::default(), Counts::default());
    latency.count(9);
    classes.count(2);
    let metrics = Metrics {
        boot: 3,
        sequence: 6,
        model: "digits",
        version: 12,
        window_ms: 30_000,
        answered: 1,
        failed: 2,
        flagged: 0,
        dropped: 0,
        latency_sum_us: 400,
        latency_min_us: 400,
        latency_max_us: 400,
        latency,
        classes,
    };
    vec![
        encoded(&twin),
        encoded(&metrics),
        encoded(&Alive { presence: Presence::Online, boot: 3, session: 0x1234_5678 }),
        encoded(&Ask { nonce: 77, question: Question::Twin }),
        encoded(&Get { digest: [7; 32], xfer: 9, chunk_bytes: 4096, first: 400, window: &[0xa1, 1], credit: 3 }),
        encoded(&Chunk { xfer: 9, index: 400, total: 401, bytes: b"some bytes" }),
        encoded(&Event { boot: 3, sequence: 41, kind: EventKind::RolledBack, state, code: 104, version: 12 }),
    ]
}

fn mutate(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    match Item::parse(seed) {
        Some(mut item) if !random.once_in(12) => {
            items::mutate(random, &mut item);
            if random.once_in(4) {
                items::mutate(random, &mut item);
            }
            item.encode()
        }
        _ => bytes::mutate(random, seed, other),
    }
}

/// Reads each kind of body; what was read, written again, is read as the same.
macro_rules! read_as {
    ($bytes:expr, $($body:ident),*) => {
        [$($body::decode($bytes).is_ok_and(|body| {
            let mut out = vec![0; MAX_DOCUMENT + 64];
            let length = body.encode(&mut out).expect("what was read can be written");
            assert_eq!($body::decode(&out[..length]), Ok(body));
            true
        })),*]
    };
}

fn enter(bytes: &[u8]) -> bool {
    read_as!(bytes, Twin, Metrics, Alive, Ask, Get, Chunk, Event).contains(&true) || topic(bytes)
}

fn topic(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(topic) = Topic::parse(text) else { return false };
    assert_eq!(&*topic.text().expect("what was read can be written"), text);
    true
}
