//! Random histories: whatever happens in whatever order, a good model is never lost, and when the weather
//! clears the device comes to rest where it belongs.

use mote_fleet::{Hold, RECORD_BYTES, State};
use mote_seal::Purpose;
use proptest::prelude::*;

use crate::publisher::Nature;
use crate::storage::Cut;
use crate::world::{Weather, World};

#[derive(Debug, Clone)]
enum Step {
    Assign(Nature, usize, bool),
    AssignAgain(usize, u64),
    Deliver(usize),
    Infer(u32),
    Wait(u64),
    Wake,
    Reboot,
    Connect,
    Disconnect,
    Hold(Hold),
    CutAt(usize, Cut),
}

fn nature() -> impl Strategy<Value = Nature> {
    use Nature::*;
    prop_oneof![
        6 => Just(Good),
        4 => prop::sample::select(vec![
            Forged, Mislabelled, ForOthers, Unrunnable, FailsSelfTest, FailsTrial, Silent, Corrupted, Deadly,
        ]),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![Just(Cut::Before), Just(Cut::After), (0..=RECORD_BYTES).prop_map(Cut::Torn)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (nature(), 1usize..5000, any::<bool>()).prop_map(|(n, l, g)| Step::Assign(n, l, g)),
        1 => (0usize..5, 0u64..3).prop_map(|(back, nonce)| Step::AssignAgain(back, nonce)),
        8 => (1usize..12).prop_map(Step::Deliver),
        3 => (1u32..12).prop_map(Step::Infer),
        2 => (0u64..40_000).prop_map(Step::Wait),
        3 => Just(Step::Wake),
        1 => Just(Step::Reboot),
        2 => Just(Step::Connect),
        1 => Just(Step::Disconnect),
        1 => prop::sample::select(vec![Hold::On, Hold::Off]).prop_map(Step::Hold),
        2 => (0usize..6, cut()).prop_map(|(in_writes, cut)| Step::CutAt(in_writes, cut)),
    ]
}

fn apply(world: &mut World, step: &Step) {
    match *step {
        Step::Assign(nature, length, golden) => {
            let version = world.publisher.made.len() as u64 + 1;
            let number = world.make(nature, version, length, golden);
            world.assign(number, 0, Purpose::Update);
        }
        Step::AssignAgain(back, nonce) => {
            let number = world.publisher.made.len().saturating_sub(back + 1);
            world.assign(number, nonce, Purpose::Rollback);
        }
        Step::Deliver(most) => world.deliver(most),
        Step::Infer(count) => world.infer(count),
        Step::Wait(ms) => world.wait(ms),
        Step::Wake => world.wake(),
        Step::Reboot => world.reboot(),
        Step::Connect => world.connect(),
        Step::Disconnect => world.disconnect(),
        Step::Hold(hold) => world.hold(hold),
        Step::CutAt(in_writes, cut) => {
            world.storage.cuts.insert(world.storage.writes + in_writes, cut);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_good_model_is_never_lost(
        seed in any::<u64>(),
        (lost, twice, swapped) in (0u64..40, 0u64..40, 0u64..40),
        steps in prop::collection::vec(step(), 1..80),
    ) {
        // `World` checks its invariants after every event; see `World::check` and `World::write`.
        let mut world = World::new(seed);
        world.weather = Weather { lost, twice, swapped };
        for step in &steps {
            apply(&mut world, step);
        }
        world.storage.cuts.clear();
        world.settle();
        let good = world.storage.durable().good().unwrap().release;
        prop_assert_eq!(world.active, Some(good));

        // A good release that nothing stands in the way of arrives.
        let version = world.publisher.made.len() as u64 + 1;
        let last = world.make(Nature::Good, version, 3000, true);
        world.assign(last, 9, Purpose::Update);
        world.settle();
        prop_assert_eq!(world.device.state(), State::Committed);
        prop_assert_eq!(world.active, Some(world.publisher.made[last].digest));
    }
}

/// The power fails at every single write of an update, in every way.
#[test]
fn a_cut_at_any_write_ends_with_a_model_that_runs() {
    let cuts = [Cut::Before, Cut::Torn(0), Cut::Torn(300), Cut::Torn(RECORD_BYTES), Cut::After];
    for nature in [Nature::Good, Nature::FailsTrial, Nature::FailsSelfTest] {
        let run = |fails: Option<(usize, Cut)>| {
            let mut world = World::new(3);
            let number = world.make(nature, 2, 5000, true);
            world.storage.cuts.extend(fails.map(|(at, cut)| (world.storage.writes + at, cut)));
            let start = world.storage.writes;
            world.connect();
            world.assign(number, 0, Purpose::Update);
            world.settle();
            assert!(world.storage.cuts.is_empty(), "the write came");
            (world.device.running().unwrap().version, world.storage.writes - start)
        };
        let (version, writes) = run(None);
        assert_eq!(version, if nature == Nature::Good { 2 } else { 1 });
        for at in 0..writes {
            for cut in cuts {
                assert_eq!(run(Some((at, cut))).0, version, "{nature:?} cut {cut:?} at {at}");
            }
        }
    }
}
