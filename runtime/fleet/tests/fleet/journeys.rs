//! One update each: where it ends, what runs then, and what is told.

use mote_fleet::{Event, Hold, Limits, State, Trial, Trouble};
use mote_seal::{OpenError, Purpose};
use mote_wire::{EventKind, UpdateState};

use crate::publisher::Nature;
use crate::world::{CHUNK, WINDOW, World, config};

#[test]
fn every_nature_ends_where_it_must() {
    use Nature::*;
    let open = |error: OpenError| error.code();
    let forged = open(OpenError::UnknownKey { id: mote_seal::KeyId([0; 8]) });
    let for_others = open(OpenError::NoArtifactFor { class: mote_seal::Class::Gateway });
    let cases = [
        (Good, State::Committed, None),
        (Forged, State::Rejected, Some(forged)),
        (Mislabelled, State::Rejected, Some(Trouble::Mismatch.code())),
        (ForOthers, State::Rejected, Some(for_others)),
        (Unrunnable, State::Failed, Some(Trouble::Unrunnable.code())),
        (Deadly, State::Failed, Some(Trouble::Crashed.code())),
        (FailsSelfTest, State::Failed, Some(Trouble::SelfTest.code())),
        (FailsTrial, State::Failed, Some(Trouble::TrialFailed.code())),
        (Silent, State::Failed, Some(Trouble::TrialSilent.code())),
        (Corrupted, State::Failed, Some(open(OpenError::WrongDigest))),
    ];
    for (nature, state, code) in cases {
        for golden in [false, true] {
            let mut world = World::new(1);
            let number = world.make(nature, 2, 3000, golden);
            world.connect();
            world.assign(number, 1, Purpose::Update);
            world.settle();
            let version = if state == State::Committed { 2 } else { 1 };
            assert_eq!(world.device.running().unwrap().version, version, "{nature:?}");
            assert_eq!(world.twin, Some((state, Some(version), code)), "{nature:?}");
        }
    }
}

#[test]
fn the_states_come_in_order_and_each_is_durable() {
    let mut world = World::new(1);
    let number = world.make(Nature::Good, 2, 700, false);
    world.connect();
    world.storage.states.clear();
    world.assign(number, 1, Purpose::Update);
    world.settle();
    world.storage.states.dedup();
    use UpdateState::*;
    assert_eq!(world.storage.states, [Offered, Check, Fetch, Verify, Stage, SelfTest, Trial, Committed]);
    let entered: Vec<_> =
        world.published.iter().filter(|event| event.kind == EventKind::Entered).map(|event| event.state).collect();
    assert_eq!(entered, world.storage.states);
}

#[test]
fn a_shadow_comes_before_the_trial_where_it_is_configured() {
    let limits = Limits { shadow_ms: 1000, ..config().limits };
    let mut world = World::with(1, mote_fleet::Config { limits, ..config() });
    let number = world.make(Nature::Good, 2, 700, false);
    world.connect();
    world.assign(number, 1, Purpose::Update);
    world.settle();
    assert!(world.storage.states.windows(2).any(|pair| pair == [State::Shadow, State::Trial]));
}

#[test]
fn a_failed_release_is_not_tried_again_until_the_nonce_changes() {
    let mut world = World::new(1);
    let number = world.make(Nature::FailsSelfTest, 2, 700, false);
    world.connect();
    world.assign(number, 1, Purpose::Update);
    world.settle();
    let fetched = world.fetched.len();
    assert!(fetched > 0);
    world.assign(number, 1, Purpose::Update);
    world.settle();
    assert_eq!(world.fetched.len(), fetched, "the same nonce fetches nothing");
    let code = Some(Trouble::SelfTest.code());
    assert_eq!(world.twin, Some((State::Failed, Some(1), code)));
    world.publisher.made[number].nature = Nature::Good;
    world.assign(number, 2, Purpose::Update);
    world.settle();
    assert_eq!(world.twin, Some((State::Committed, Some(2), None)));
}

#[test]
fn going_back_needs_to_be_said() {
    let mut world = World::new(1);
    let newer = world.make(Nature::Good, 5, 700, false);
    let older = world.make(Nature::Good, 4, 700, false);
    world.connect();
    for (number, purpose, twin) in [
        (newer, Purpose::Update, (State::Committed, Some(5), None)),
        (older, Purpose::Update, (State::Rejected, Some(5), Some(Trouble::Downgrade.code()))),
        (older, Purpose::Rollback, (State::Committed, Some(4), None)),
    ] {
        world.assign(number, 1, purpose);
        world.settle();
        assert_eq!(world.twin, Some(twin));
    }
}

#[test]
fn replays_and_rubbish_change_nothing_and_are_counted() {
    let mut world = World::new(1);
    let first = world.make(Nature::Good, 2, 700, false);
    let second = world.make(Nature::Good, 3, 700, false);
    world.connect();
    world.assign(first, 1, Purpose::Update);
    let old = world.publisher.want.clone().unwrap();
    world.settle();
    world.assign(second, 1, Purpose::Update);
    world.settle();
    let writes = world.storage.writes;
    for message in [old.as_slice(), b"rubbish", &old[..old.len() - 1]] {
        world.event(Event::Want(message));
    }
    assert_eq!(world.storage.writes, writes, "rubbish does not wear the flash out");
    let counters = world.device.twin().counters;
    assert_eq!((counters.replayed, counters.refused), (1, 2));
    assert_eq!(world.device.running().unwrap().version, 3);
    assert_eq!(world.device.state(), State::Committed);
    let repeated = world.publisher.want.clone().unwrap();
    world.event(Event::Want(&repeated));
    assert_eq!(world.device.twin().counters, counters, "a retained message may come again");
}

#[test]
fn the_release_that_runs_is_not_fetched_again() {
    let mut world = World::new(1);
    world.connect();
    world.assign(0, 1, Purpose::Update);
    world.settle();
    assert_eq!(world.twin, Some((State::Committed, Some(1), None)));
    assert!(world.fetched.is_empty());
}

#[test]
fn a_newer_order_takes_the_place_of_one_under_way() {
    let mut world = World::new(1);
    let first = world.make(Nature::Good, 2, 9000, false);
    let second = world.make(Nature::Good, 3, 9000, false);
    world.connect();
    world.assign(first, 1, Purpose::Update);
    world.deliver(5);
    assert_eq!(world.device.state(), State::Fetch);
    world.assign(second, 1, Purpose::Update);
    world.settle();
    assert_eq!(world.device.running().unwrap().version, 3);
    let superseded = |event: &mote_wire::Event| event.state == State::Superseded;
    assert!(world.published.iter().any(superseded));
}

#[test]
fn the_same_release_under_a_newer_order_goes_on() {
    let mut world = World::new(1);
    let number = world.make(Nature::Good, 2, 9000, false);
    world.connect();
    world.assign(number, 1, Purpose::Update);
    world.deliver(8);
    let fetched = world.fetched.len();
    world.assign(number, 1, Purpose::Update);
    world.settle();
    assert_eq!(world.device.running().unwrap().version, 2);
    let chunks = 9000usize.div_ceil(CHUNK as usize);
    assert!(fetched > 0 && world.fetched.len() == chunks, "nothing was fetched twice");
}

#[test]
fn an_order_during_a_trial_waits_for_its_end() {
    let mut world = World::new(1);
    let first = world.make(Nature::Good, 2, 700, false);
    let second = world.make(Nature::Good, 3, 700, false);
    world.connect();
    world.assign(first, 1, Purpose::Update);
    while world.device.state() != State::Trial {
        world.deliver(1);
    }
    world.assign(second, 1, Purpose::Update);
    assert_eq!(world.device.state(), State::Trial);
    world.infer(10);
    assert_eq!(world.device.good().unwrap().version, 2, "the first was committed");
    world.settle();
    assert_eq!(world.device.good().unwrap().version, 3);
}

#[test]
fn a_held_update_is_deferred_and_resumes_where_it_was() {
    let mut world = World::new(1);
    let number = world.make(Nature::Good, 2, 256 * 64, false);
    world.connect();
    world.assign(number, 1, Purpose::Update);
    world.deliver(30);
    world.hold(Hold::On);
    assert_eq!(world.device.state(), State::Deferred);
    let before = world.fetched.len();
    world.wait(10_000_000);
    assert_eq!(world.device.state(), State::Deferred, "deferral is not failure");
    world.settle();
    assert_eq!(world.twin, Some((State::Committed, Some(2), None)));
    let again = world.fetched.len() - 64;
    assert!(before >= 30 && again <= usize::from(WINDOW), "{again} fetched again");
}

#[test]
fn commit_and_rollback_need_no_link() {
    for (nature, version) in [(Nature::Good, 2), (Nature::FailsTrial, 1)] {
        let mut world = World::new(1);
        let number = world.make(nature, 2, 700, false);
        world.connect();
        world.assign(number, 1, Purpose::Update);
        while world.device.state() != State::Trial {
            world.deliver(1);
        }
        world.disconnect();
        world.infer(10);
        assert_eq!(world.storage.durable().good().unwrap().version, version);
        assert_eq!(world.device.running().unwrap().version, version);
        assert!(world.device.state().is_terminal());
    }
}

#[test]
fn a_trial_that_keeps_restarting_is_taken_back() {
    let trial = Trial { boots: 3, ..config().limits.trial };
    let limits = Limits { trial, ..config().limits };
    let mut world = World::with(1, mote_fleet::Config { limits, ..config() });
    let number = world.make(Nature::Good, 2, 700, false);
    world.connect();
    world.assign(number, 1, Purpose::Update);
    while world.device.state() != State::Trial {
        world.deliver(1);
    }
    for version in [2, 2, 1] {
        world.reboot();
        assert_eq!(world.device.running().unwrap().version, version);
    }
    world.settle();
    assert_eq!(world.twin, Some((State::Failed, Some(1), Some(Trouble::TrialBoots.code()))));
}

#[test]
fn silence_ends_every_wait() {
    let mut world = World::new(1);
    let number = world.make(Nature::Good, 2, 9000, false);
    world.connect();
    world.assign(number, 1, Purpose::Update);
    world.weather.lost = 100;
    for _ in 0..2000 {
        world.deliver(100);
        world.wake();
    }
    assert_eq!(world.twin, Some((State::Failed, Some(1), Some(Trouble::Stalled.code()))));

    let mut world = World::new(1);
    let number = world.make(Nature::Good, 2, 9000, false);
    world.assign(number, 1, Purpose::Update);
    world.publisher.made[number].manifest = b"gone from the broker".to_vec();
    world.connect();
    for _ in 0..2000 {
        world.wake();
    }
    assert_eq!(world.twin, Some((State::Failed, Some(1), Some(Trouble::Timeout.code()))));
}

#[test]
fn a_question_is_answered_with_its_nonce() {
    let mut world = World::new(1);
    world.connect();
    world.twin = None;
    world.event(Event::Ask { nonce: 77 });
    assert!(world.twin.is_some());
    assert_eq!(world.device.twin().answers, Some(77));
}
