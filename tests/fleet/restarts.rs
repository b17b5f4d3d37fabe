//! A broker that dies in the middle of a transfer, and forgets what it had retained.

use std::time::{Duration, Instant};

use mote_tests::schedule::alone;

use crate::PATIENCE;
use crate::broker::Kind;
use crate::offers::Push;
use crate::site::{Settings, Site};

const CHUNK: u32 = 256;
const WINDOW: u16 = 16;
/// A Plan is followed by zeros up to here; a reader ignores what follows a Plan, a transfer does not.
const BYTES: usize = 200 << 10;
const CHUNKS: u64 = BYTES as u64 / CHUNK as u64;

#[test]
fn a_broker_restart_costs_at_most_one_window_over_mosquitto() {
    a_broker_restart_costs_at_most_one_window(Kind::Mosquitto);
}

#[test]
fn a_broker_restart_costs_at_most_one_window_over_the_embedded_broker() {
    a_broker_restart_costs_at_most_one_window(Kind::Embedded);
}

fn a_broker_restart_costs_at_most_one_window(kind: Kind) {
    let _turn = alone();
    // A busy machine must not be taken for a lost chunk.
    let settings = Settings { chunk_bytes: CHUNK, window: WINDOW, trial_answers: 1, retry_ms: 3000 };
    let Some(mut site) = Site::start(kind, &settings) else { return };
    let stream = site.stream();
    for (version, percent) in (2..).zip([10, 50, 90]) {
        let mut push = Push { golden: None, ..Push::good(version) };
        push.artifact.resize(BYTES, 0);
        let before = site.publisher.chunks_served();
        site.push(&push);

        let deadline = Instant::now() + PATIENCE;
        while site.publisher.chunks_served() - before < CHUNKS * percent / 100 {
            assert!(Instant::now() < deadline, "{kind:?}: the transfer stands still before {percent} %");
            std::thread::sleep(Duration::from_micros(100));
        }
        site.broker.kill();
        let served = site.publisher.chunks_served() - before;
        assert!(served < CHUNKS, "{kind:?}: the transfer was over before the broker died at {percent} %");
        site.broker.restart();

        site.await_commit(version);
        let served = site.publisher.chunks_served() - before;
        assert!(
            served <= CHUNKS + u64::from(WINDOW),
            "{kind:?}: {served} chunks sent for {CHUNKS} after a restart at {percent} %"
        );
        eprintln!("  {kind:?}: killed at {percent} % of {CHUNKS} chunks, {served} sent");
    }
    stream.finish();
}
