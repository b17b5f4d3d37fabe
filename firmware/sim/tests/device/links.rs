//! Every kind of link and every kind of release ends where it must.

use mote_firmware_sim::{Life, Made, Site, Weather, linear};
use mote_fleet::State;
use mote_seal::{OpenError, Purpose};
use mote_wire::{Down, Public, Topic};

use crate::cast::{INPUTS, LONG_MS, plan, rests_in, site, sound};

/// A release that the device is ordered to run, and where that ends.
struct Case {
    name: &'static str,
    make: fn(&Site) -> Made,
    end: State,
    failure: Option<u16>,
}

const CASES: [Case; 7] = [
    Case { name: "sound", make: |site| sound(&site.controller, 2), end: State::Committed, failure: None },
    Case {
        name: "no golden vectors",
        make: |site| site.controller.release(2, 1, plan(2), None),
        end: State::Committed,
        failure: None,
    },
    Case {
        name: "forged",
        make: |_| sound(&mote_firmware_sim::Controller::new(9, "wards", "watch-8", "activity"), 2),
        end: State::Rejected,
        failure: Some(forged()),
    },
    Case {
        name: "answers other than its golden vectors",
        make: |site| site.controller.release(2, 0, plan(2), sound(&site.controller, 5).golden),
        end: State::Failed,
        failure: Some(108),
    },
    Case {
        name: "no Plan",
        make: |site| site.controller.release(2, 0, vec![0x5a; 3000], None),
        end: State::Failed,
        failure: Some(107),
    },
    Case {
        name: "takes other windows",
        make: |site| site.controller.release(2, 0, linear(INPUTS / 2, 7, |_| 1.0), None),
        end: State::Failed,
        failure: Some(107),
    },
    Case {
        name: "larger than a slot",
        make: |site| site.controller.release(2, 0, vec![0; 40_000], None),
        end: State::Rejected,
        failure: Some(too_long()),
    },
];

const fn forged() -> u16 {
    OpenError::UnknownKey { id: mote_seal::KeyId([0; 8]) }.code()
}

const fn too_long() -> u16 {
    OpenError::TooLong { limit: 0, got: 0 }.code()
}

fn order(site: &mut Site, made: &Made) {
    let want = site.controller.assign(made, 1, Purpose::Update);
    site.broker.borrow_mut().offer(&site.controller, made);
    site.broker.borrow_mut().want(&site.controller, want);
}

#[test]
fn every_release_ends_where_it_must() {
    for Case { name, make, end, failure } in CASES {
        let (mut site, _) = site::<4>(1);
        let made = make(&site);
        order(&mut site, &made);
        let version = if end == State::Committed { 2 } else { 1 };
        let remains = site.live(LONG_MS, |broker| rests_in(broker, end, version)).unwrap();
        let seen = site.broker.borrow().twin();
        assert_eq!(remains.life, Life::Reached, "{name}: {seen:?}");
        assert_eq!(seen.unwrap().failure, failure, "{name}");
    }
}

/// Each in percent, high enough to happen many times in a transfer.
const WEATHERS: [(&str, Weather); 6] = [
    ("fair", Weather { lost: 0, twice: 0, swapped: 0, damaged: 0, cut: 0 }),
    ("lossy", Weather { lost: 30, twice: 0, swapped: 0, damaged: 0, cut: 0 }),
    ("echoing", Weather { lost: 0, twice: 60, swapped: 0, damaged: 0, cut: 0 }),
    ("shuffling", Weather { lost: 0, twice: 20, swapped: 50, damaged: 0, cut: 0 }),
    ("breaking", Weather { lost: 5, twice: 0, swapped: 0, damaged: 0, cut: 10 }),
    ("foul", Weather { lost: 20, twice: 20, swapped: 20, damaged: 0, cut: 5 }),
];

#[test]
fn an_update_gets_through_any_link_that_delivers_something() {
    for (name, weather) in WEATHERS {
        let mut connections = 0;
        for seed in 1..=4 {
            let (mut site, _) = site::<4>(seed);
            let second = sound(&site.controller, 2);
            order(&mut site, &second);
            site.broker.borrow_mut().weather = weather;
            let remains = site.live(20 * LONG_MS, |broker| rests_in(broker, State::Committed, 2)).unwrap();
            let broker = site.broker.borrow();
            assert_eq!(remains.life, Life::Reached, "{name}, seed {seed}: {:?}", broker.twin());
            connections += broker.connections();
        }
        assert_eq!(connections > 4, weather.cut > 0, "{name}: {connections} connections");
    }
}

/// A damaged chunk is found by the digest, and the transfer starts again; one that is damaged each time ends the update.
#[test]
fn damage_is_never_run() {
    for seed in 1..=6 {
        let (mut site, _) = site::<4>(seed);
        let second = sound(&site.controller, 2);
        order(&mut site, &second);
        site.broker.borrow_mut().weather.damaged = 4;
        let over = |broker: &mut mote_firmware_sim::Broker| {
            rests_in(broker, State::Committed, 2)
                || rests_in(broker, State::Failed, 1)
                || rests_in(broker, State::Rejected, 1)
        };
        let remains = site.live(20 * LONG_MS, over).unwrap();
        assert_eq!(remains.life, Life::Reached, "seed {seed}: {:?}", site.broker.borrow().twin());
    }
    let (mut site, _) = site::<4>(1);
    let second = sound(&site.controller, 2);
    order(&mut site, &second);
    site.broker.borrow_mut().rotten.push(mote_seal::Digest::of(&second.artifact).0);
    let remains = site.live(20 * LONG_MS, |broker| rests_in(broker, State::Failed, 1)).unwrap();
    assert_eq!(remains.life, Life::Reached, "{:?}", site.broker.borrow().twin());
    assert_eq!(site.broker.borrow().twin().unwrap().failure, Some(OpenError::WrongDigest.code()));
}

#[test]
fn an_older_version_needs_an_order_that_says_so() {
    let (mut site, first) = site::<4>(1);
    let second = sound(&site.controller, 2);
    order(&mut site, &second);
    assert_eq!(site.live(LONG_MS, |broker| rests_in(broker, State::Committed, 2)).unwrap().life, Life::Reached);
    order(&mut site, &first);
    let refused = |broker: &mut mote_firmware_sim::Broker| rests_in(broker, State::Rejected, 2);
    assert_eq!(site.live(LONG_MS, refused).unwrap().life, Life::Reached);
    assert_eq!(site.broker.borrow().twin().unwrap().failure, Some(112));
    let back = site.controller.assign(&first, 3, Purpose::Rollback);
    site.broker.borrow_mut().want(&site.controller, back);
    assert_eq!(site.live(LONG_MS, |broker| rests_in(broker, State::Committed, 1)).unwrap().life, Life::Reached);
}

/// Refusals are counted. They end nothing, and they are not answered one by one.
#[test]
fn a_burst_of_rubbish_changes_nothing() {
    let (mut site, _) = site::<4>(1);
    let mut burst = false;
    let remains = site
        .live(30_000, |broker| {
            if !burst && broker.twin().is_some() {
                burst = true;
                let want = Topic::down("wards", "watch-8", Down::Want);
                let chunk = Topic::down("wards", "watch-8", Down::Chunk { xfer: 7 });
                let ask = Topic::down("wards", "watch-8", Down::Ask);
                let release = Topic::public("wards", Public::Release { model: "activity", version: 9 });
                for number in 0..200_u8 {
                    for topic in [want, chunk, ask, release] {
                        broker.send(&topic, vec![number; 1 + usize::from(number)]);
                    }
                }
            }
            false
        })
        .unwrap();
    let broker = site.broker.borrow();
    let twin = broker.twin().unwrap();
    assert_eq!((remains.life, twin.state, twin.running), (Life::TimeUp, State::Idle, Some(1)));
    assert_eq!(twin.refused, 200, "orders that are none");
    assert!(remains.passed.messages >= 400, "{:?}", remains.passed);
    let told = broker.events().count();
    assert!(told <= 16, "{told} events for 800 messages");
}

#[test]
fn a_broker_that_is_away_is_tried_again_and_hears_what_it_missed() {
    let (mut site, _) = site::<4>(1);
    site.broker.borrow_mut().down = true;
    let start = mote_firmware_sim::time::now_us();
    let remains = site
        .live(20 * LONG_MS, |broker| {
            let minutes = (mote_firmware_sim::time::now_us() - start) / 60_000_000;
            if minutes >= 5 {
                broker.down = false;
            }
            broker.metrics().count() >= 4
        })
        .unwrap();
    assert_eq!(remains.life, Life::Reached);
    let sequences: Vec<u64> = site.broker.borrow().metrics().map(|report| report.sequence).collect();
    assert_eq!(sequences, [0, 1, 2, 3]);
    assert!(remains.passed.answers > 0, "the oldest answers made room");
}
