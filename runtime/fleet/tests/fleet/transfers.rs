//! Pulling a blob over a bad link, and what a restart costs.

use mote_fleet::{Backoff, Config, Limits, Millis, Part, State, answer, pieces};
use mote_seal::Purpose;
use mote_wire::{Chunk, Get};
use proptest::prelude::*;

use crate::publisher::Nature;
use crate::world::{CHUNK, WINDOW, Weather, World, config};

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_link_that_delivers_something_converges(
        seed in any::<u64>(),
        length in 1usize..40_000,
        (lost, twice, swapped) in (0u64..70, 0u64..50, 0u64..90),
        golden in any::<bool>(),
    ) {
        // Seven chunks of ten lost, again and again, is bad luck rather than a dead link.
        let limits = Limits { stall_ms: 3_600_000, ..config().limits };
        let mut world = World::with(seed, Config { limits, ..config() });
        let number = world.make(Nature::Good, 2, length, golden);
        world.connect();
        world.assign(number, 0, Purpose::Update);
        world.weather = Weather { lost, twice, swapped };
        for _ in 0..4000 {
            world.deliver(64);
            if world.device.state() != State::Fetch {
                break;
            }
            world.wake();
        }
        prop_assert_eq!(world.device.state(), State::Trial);
        let mut fetched = world.fetched.clone();
        fetched.sort_unstable_by_key(|&(part, offset)| (part as u8, offset));
        let before = fetched.len();
        fetched.dedup();
        prop_assert_eq!(fetched.len(), before, "no chunk is stored twice");
    }

    #[test]
    fn a_restart_costs_at_most_one_window(
        seed in any::<u64>(),
        at in 1usize..200,
        disconnect in any::<bool>(),
    ) {
        let mut world = World::new(seed);
        let number = world.make(Nature::Good, 2, CHUNK as usize * 200, false);
        world.connect();
        world.assign(number, 0, Purpose::Update);
        for _ in 0..at {
            world.deliver(1);
        }
        if disconnect {
            world.disconnect();
            world.connect();
        } else {
            world.reboot();
        }
        world.settle();
        prop_assert_eq!(world.device.running().unwrap().version, 2);
        let again = world.fetched.len() - 200;
        prop_assert!(again <= if disconnect { 0 } else { usize::from(WINDOW) }, "{} again", again);
    }

    #[test]
    fn a_source_sends_what_was_asked_and_no_more(
        blob in prop::collection::vec(any::<u8>(), 0..5000),
        chunk_bytes in 256u32..1000,
        first in 0u32..20,
        window in prop::collection::vec(any::<u8>(), 1..4),
        credit in 0u16..20,
    ) {
        let get = Get { digest: [0; 32], xfer: 5, chunk_bytes, first, window: &window, credit };
        let total = blob.len().div_ceil(chunk_bytes as usize) as u32;
        let mut wanted = Vec::new();
        for (index, bytes) in (0u32..).zip(blob.chunks(chunk_bytes as usize)) {
            let bit = index.checked_sub(first).map(|bit| bit as usize);
            if bit.is_some_and(|bit| window.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1)) {
                wanted.push(Chunk { xfer: 5, index, total, bytes });
            }
        }
        wanted.truncate(credit as usize);
        let sent: Vec<_> = answer(&get, &blob).collect();
        prop_assert_eq!(&sent, &wanted);
        let ranges = pieces(&get, blob.len() as u64).map(|piece| (piece.range.end - piece.range.start) as usize);
        prop_assert!(ranges.eq(wanted.iter().map(|chunk| chunk.bytes.len())));
    }

    #[test]
    fn delays_double_to_the_cap_and_differ(seed in any::<u64>(), base in 1u32..1000, cap in 1u32..100_000) {
        let (mut backoff, mut other) = (Backoff::new(base, cap, seed), Backoff::new(base, cap, !seed));
        let mut differ = false;
        for attempt in 0..40 {
            let whole = (u64::from(base) << attempt.min(32)).min(u64::from(cap));
            let delay = backoff.next_delay();
            prop_assert!(delay >= (whole / 2).max(1) && delay <= whole.max(1));
            differ |= delay != other.next_delay();
        }
        prop_assert!(differ || cap < 20);
        backoff.reset();
        prop_assert!(backoff.next_delay() <= u64::from(base).max(1));
    }
}

#[test]
fn a_request_without_a_chunk_size_is_answered_with_nothing() {
    let get = Get { digest: [0; 32], xfer: 5, chunk_bytes: 0, first: 0, window: &[1], credit: 1 };
    assert_eq!(answer(&get, b"blob").count(), 0);
}

#[test]
fn the_parts_come_one_behind_the_other() {
    let mut world = World::new(1);
    let number = world.make(Nature::Good, 2, 5000, true);
    world.connect();
    world.assign(number, 0, Purpose::Update);
    world.settle();
    let parts: Vec<_> = world.fetched.iter().map(|&(part, _)| part).collect();
    let golden = 700usize.div_ceil(CHUNK as usize);
    assert!(parts[..golden].iter().all(|&part| part == Part::Golden));
    assert!(parts[golden..].iter().all(|&part| part == Part::Artifact));
    assert!(world.now > Millis(0) || world.device.state() == State::Committed);
}
