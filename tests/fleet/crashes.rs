//! A gateway that is killed in each state of an update: afterwards it runs the old model or the new one, never none.

use std::time::{Duration, Instant};

use mote_fleet::State;
use mote_tests::schedule::{alone, long};

use crate::PATIENCE;
use crate::broker::Kind;
use crate::offers::Push;
use crate::site::{Settings, Site};
use crate::stream::Stream;

/// Every state that a record can stand in while an update is under way or has just ended; the rest is never entered
/// here: there is no shadow, and nothing holds updates up or overtakes one another.
const STATES: [State; 10] = [
    State::Offered,
    State::Check,
    State::Fetch,
    State::Verify,
    State::Stage,
    State::SelfTest,
    State::Trial,
    State::Committed,
    State::Rollback,
    State::Failed,
];
/// Some states last a millisecond, so the kill may come too late; another update is tried then.
const TRIES: u64 = 40;
/// Between two looks at the record.
const LOOK: Duration = Duration::from_micros(50);

#[test]
fn a_killed_gateway_runs_the_old_model_or_the_new_one_over_mosquitto() {
    a_killed_gateway_runs_the_old_model_or_the_new_one(Kind::Mosquitto);
}

#[test]
fn a_killed_gateway_runs_the_old_model_or_the_new_one_over_the_embedded_broker() {
    a_killed_gateway_runs_the_old_model_or_the_new_one(Kind::Embedded);
}

fn a_killed_gateway_runs_the_old_model_or_the_new_one(kind: Kind) {
    let _turn = alone();
    // Long enough to be killed in: a third of a second of answers.
    let settings = Settings { trial_answers: 200, ..Settings::default() };
    let Some(mut site) = Site::start(kind, &settings) else { return };
    let stream = site.stream();
    let (mut good, mut version) = (1, 1);
    for state in STATES {
        for round in 0..if long() { 5 } else { 1 } {
            let mut tries = 0;
            loop {
                (version, tries) = (version + 1, tries + 1);
                assert!(tries <= TRIES, "{kind:?}: never killed in {state}, round {round}");
                let hit = kill_in(&mut site, &stream, state, version);
                good = recover(&mut site, &stream, good, version);
                if hit {
                    break;
                }
            }
            eprintln!("  {kind:?}: killed in {state} after {tries} tries; version {good} runs");
        }
    }
    stream.finish();
}

/// Pushes a version and kills the gateway as soon as its record says `state`. Answers whether it was in time.
fn kill_in(site: &mut Site, stream: &Stream, state: State, version: u64) -> bool {
    site.push(&Push::good(version));
    if matches!(state, State::Rollback | State::Failed) {
        site.await_twin(|twin| twin.state == State::Trial && twin.version() == Some(version));
        // From here on the new model fails in its trial.
        stream.overload(true);
    }
    let there = |site: &Site, state: State| {
        let record = site.record().filter(|record| record.state() == state);
        let good = record.and_then(|record| record.good().map(|good| good.version));
        good.is_some_and(|good| state != State::Committed || good == version)
    };
    let over = |site: &Site| there(site, State::Committed) || state == State::Rollback && there(site, State::Failed);
    let deadline = Instant::now() + PATIENCE;
    while !there(site, state) && !over(site) {
        assert!(Instant::now() < deadline, "the update neither comes to {state} nor ends");
        std::thread::sleep(LOOK);
    }
    site.kill();
    stream.overload(false);
    there(site, state)
}

/// Starts the gateway again: it runs one of the two, answers with it, and the update comes to its end. Answers the
/// version that is good then.
fn recover(site: &mut Site, stream: &Stream, good: u64, version: u64) -> u64 {
    let twin = site.boot();
    assert!([Some(good), Some(version)].contains(&twin.version()), "{good} or {version}, not {:?}", twin.version());
    stream.await_answer(|answer| [good, version].contains(&answer.version));
    let ended = |state: State| matches!(state, State::Committed | State::Failed);
    let twin = site.await_twin(|twin| twin.stamp == (1, version) && ended(twin.state));
    let expected = if twin.state == State::Committed { version } else { good };
    assert_eq!(twin.version(), Some(expected), "after {}", twin.state);
    expected
}
