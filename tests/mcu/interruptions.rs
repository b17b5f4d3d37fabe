//! The emulator is killed at points of an update that a seed chooses: afterwards the device runs the old model or the new
//! one, never none, and the update comes to its end.

use std::time::{Duration, Instant};

use mote_fleet::State;
use mote_tests::fuzz::Random;
use mote_tests::schedule::{alone, long};

use crate::PATIENCE;
use crate::models::{WINDOW, plan, winning_scores};
use crate::site::{Site, Words, samples};

const SEED: u64 = 7;
/// Chunks of a transfer, and fewer.
const CHUNKS: usize = 96;
/// States behind a transfer whose twin a kill can wait for.
const STATES: [State; 5] = [State::Verify, State::Stage, State::SelfTest, State::Trial, State::Committed];
/// A point is so many microseconds behind what it waits for, at most: an erase or a hash takes longer.
const LATER_US: usize = 20_000;
/// Between two looks at the publisher.
const LOOK: Duration = Duration::from_micros(200);

/// Where the power fails.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// When so many chunks have been sent.
    Chunks(u64),
    /// When the twin says so, or the update has ended.
    State(State),
}

#[test]
fn a_killed_device_runs_the_old_model_or_the_new_one() {
    let _turn = alone();
    let words = Words { window: WINDOW, trial: 3, trial_ms: 60_000 };
    let test = "a_killed_device_runs_the_old_model_or_the_new_one";
    let Some(mut site) = Site::start(test, plan(1), words) else { return };
    let mut random = Random::new(SEED);
    let mut good = 1;
    let rounds = if long() { 100 } else { 20 };
    for round in 0..rounds {
        let point = match random.below(CHUNKS + 8 * STATES.len()) {
            chunks if chunks < CHUNKS => Point::Chunks(chunks as u64),
            state => Point::State(STATES[(state - CHUNKS) / 8]),
        };
        let later = Duration::from_micros(random.below(LATER_US) as u64);
        let version = site.generation + 1;
        let sent = site.publisher.chunks_served();
        site.push(&site.release(plan(version)));
        await_point(&site, point, sent);
        // Not to wait for anything: this is where the point is.
        std::thread::sleep(later);
        site.kill();

        let twin = site.boot(words);
        assert!([Some(good), Some(version)].contains(&twin.version()), "{good} or {version}, not {:?}", twin.version());
        let twin = site.await_end();
        let expected = if twin.state == State::Committed { version } else { good };
        assert_eq!(twin.version(), Some(expected), "after {}", twin.state);
        site.answers.await_version(expected);
        good = expected;
        eprintln!("  {round}: killed {later:?} after {point:?}; {} in the end, version {good} runs", twin.state);
    }
    println!("measured: an emulated Cortex-M4F killed at {rounds} points of its updates; a good model ran after each");
    site.answers.check(|version| winning_scores(&plan(version), &samples(), WINDOW));
}

fn await_point(site: &Site, point: Point, sent: u64) {
    let stamp = (1, site.generation - 1);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let twin = site.twin().filter(|twin| twin.stamp == stamp);
        let ended = twin.as_ref().is_some_and(|twin| twin.state.is_terminal());
        let there = match point {
            Point::Chunks(chunks) => site.publisher.chunks_served() >= sent + chunks,
            Point::State(state) => twin.is_some_and(|twin| twin.state == state),
        };
        if there || ended {
            return;
        }
        assert!(Instant::now() < deadline, "{point:?} never came");
        std::thread::sleep(LOOK);
    }
}
