//! The bytes on the wire do not change. `BLESS=1` rewrites them after a deliberate change.

use std::{env, fs, path::PathBuf};

use mote_wire::{
    Alive, Ask, Body, Capabilities, Chunk, Counters, Counts, Event, EventKind, Failure, Get, Metrics, Presence,
    Progress, Question, Running, Twin, UpdateState,
};

fn check<'a>(name: &str, body: &impl Body<'a>) {
    let mut out = [0; 512];
    let length = body.encode(&mut out).unwrap();
    let hex: String = out[..length].iter().map(|byte| format!("{byte:02x}")).collect();
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, format!("{hex}\n")).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap().trim_end(), hex, "{name}");
}

#[test]
fn golden() {
    check("alive.hex", &Alive { presence: Presence::Online, boot: 3, session: 0x1234_5678_9abc });
    check("ask.hex", &Ask { nonce: 77, question: Question::Twin });
    let window = [0b1010_0001, 1];
    check("get.hex", &Get { digest: [7; 32], xfer: 9, chunk_bytes: 4096, first: 400, window: &window, credit: 3 });
    check("chunk.hex", &Chunk { xfer: 9, index: 400, total: 401, bytes: b"some bytes" });
    check(
        "event.hex",
        &Event {
            boot: 3,
            sequence: 41,
            kind: EventKind::RolledBack,
            state: UpdateState::Rollback,
            code: 104,
            version: 12,
        },
    );
    let mut latency = Counts::default();
    latency.count(9);
    let mut classes = Counts::default();
    classes.count(2);
    check(
        "metrics.hex",
        &Metrics {
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
        },
    );
    check(
        "twin.hex",
        &Twin {
            boot: 3,
            session: 8,
            sequence: 5,
            state: UpdateState::Fetch,
            running: Some(Running { model: "digits", version: 11, release: [1; 32] }),
            epoch: 2,
            generation: 40,
            floor: 9,
            progress: Some(Progress { held: 100, total: 401 }),
            failure: Some(Failure { stage: UpdateState::SelfTest, code: 104, release: [2; 32] }),
            counters: Counters { committed: 1, failed: 1, ..Counters::default() },
            capabilities: Capabilities { class: 1, variant: "generic", max_bytes: 1 << 24, runtime: "mote 0.1.0" },
            answers: Some(77),
        },
    );
}
