//! What a device does and says, update or not.

use mote_firmware::capacity::{self, ALIVE_BYTES};
use mote_firmware::sensor::Lsm6dso;
use mote_firmware::{BootError, Layout, Sensor};
use mote_firmware_sim::{Bus, Design, Life, RANGES, Recording, SECTOR, Site};
use mote_fleet::State;
use mote_seal::Purpose;
use mote_stream::Shape;
use mote_wire::{Ask, Body, Down, EventKind, Presence, Question, Topic};

use crate::cast::{LONG_MS, controller, rests_in, rests_on, site, sound};

#[test]
fn a_device_says_what_it_runs_and_answers_each_window() {
    let (mut site, _) = site::<4>(1);
    let answers = |broker: &mote_firmware_sim::Broker| {
        broker.published.iter().filter(|(topic, _)| topic == "activity/answers").count()
    };
    let remains = site.live(LONG_MS, |broker| answers(broker) == 5).unwrap();
    assert_eq!(remains.life, Life::Reached);
    let broker = site.broker.borrow();
    let twin = broker.twin().unwrap();
    assert_eq!((twin.state, twin.running, twin.boot), (State::Idle, Some(1), 1));
    let texts: Vec<_> = broker.published.iter().filter(|(topic, _)| topic == "activity/answers").collect();
    let text = str::from_utf8(&texts[0].1).unwrap();
    for part in [r#"{"sensor":"watch-8","seq":63,"model":"activity","version":1,"label":"class-"#, r#""latency_us":0}"#]
    {
        assert!(text.contains(part), "{text}");
    }
    // Dropped without a farewell: the will is what the broker says.
    let alive = broker.alive().unwrap();
    assert_eq!((alive.presence, alive.boot), (Presence::Online, 1));
}

#[test]
fn starts_are_counted_and_sessions_differ() {
    let (mut site, _) = site::<4>(1);
    let mut sessions = Vec::new();
    for boot in 1..=3 {
        site.live(10_000, |broker| broker.twin().is_some_and(|twin| twin.boot == boot && twin.running == Some(1)))
            .unwrap();
        sessions.push(site.broker.borrow().alive().unwrap().session);
    }
    sessions.dedup();
    assert_eq!(sessions.len(), 3);
}

#[test]
fn a_device_without_a_model_takes_its_first_by_update() {
    let mut site: Site = Site::new(Design::watch(20 * 1024).unwrap(), controller(), None, 1).unwrap();
    let first = sound(&site.controller, 4);
    let want = site.controller.assign(&first, 1, Purpose::Update);
    site.broker.borrow_mut().offer(&site.controller, &first);
    site.broker.borrow_mut().want(&site.controller, want);
    let remains = site.live(LONG_MS, |broker| rests_in(broker, State::Committed, 4)).unwrap();
    assert_eq!(remains.life, Life::Reached, "{:?}", site.broker.borrow().twin());
}

#[test]
fn telemetry_is_asked_for_or_comes_by_itself() {
    let (mut site, _) = site::<4>(1);
    let topic = Topic::down("wards", "watch-8", Down::Ask);
    site.live(10_000, |broker| rests_on(broker, 1)).unwrap();
    let mut body = [0; 32];
    let length = Ask { nonce: 77, question: Question::Metrics }.encode(&mut body).unwrap();
    let mut asked = false;
    let start = mote_firmware_sim::time::now_us();
    site.live(LONG_MS, |broker| {
        if !asked && mote_firmware_sim::time::now_us() > start + 5_000_000 {
            asked = true;
            broker.send(&topic, body[..length].to_vec());
        }
        false
    })
    .unwrap();
    let broker = site.broker.borrow();
    let reports: Vec<_> = broker.metrics().collect();
    // One after five seconds, then one a minute.
    assert_eq!(reports.len(), 3, "{reports:?}");
    let shorter = reports[0];
    assert!(
        shorter.window_ms < 6_000 && shorter.answered > 0 && shorter.version == 1 && shorter.boot == 2,
        "{shorter:?}"
    );
    assert!(reports.iter().all(|report| report.failed == 0 && report.dropped == 0));
    assert_eq!(reports.iter().map(|report| report.sequence).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_sensor_that_misses_samples_costs_windows_and_not_the_device() {
    let (mut site, _) = site::<4>(1);
    // A gap every 100 samples leaves room for windows of 64 in between, and one of every 50 leaves none.
    for (nth, answers) in [(100, true), (50, false)] {
        site.recording = Recording::swinging(700).with_gaps(nth);
        site.broker.borrow_mut().published.clear();
        let remains = site.live(40_000, |_| false).unwrap();
        let missed = 1000 / nth as u32;
        assert_eq!(remains.life, Life::TimeUp);
        assert!((missed - 2..=missed + 2).contains(&remains.passed.samples), "{:?}", remains.passed);
        let broker = site.broker.borrow();
        let answered = broker.published.iter().any(|(topic, _)| topic == "activity/answers");
        assert_eq!(answered, answers, "every {nth}");
        assert_eq!(broker.twin().unwrap().running, Some(1));
    }
}

/// A bus that hangs starves the watchdog, however lively the link; a broker that is away does not.
#[test]
fn the_watchdog_is_fed_by_progress_alone() {
    let (mut site, _) = site::<4>(1);
    for (stall_us, down, life) in [(0, false, Life::TimeUp), (0, true, Life::TimeUp), (9_000_000, false, Life::Starved)]
    {
        site.recording = Recording::swinging(640).stalling(stall_us);
        site.broker.borrow_mut().down = down;
        assert_eq!(site.live(60_000, |_| false).unwrap().life, life, "{stall_us} us, away: {down}");
    }
}

/// One sample a minute: the machine keeps its own time, and the update does not wait for the next sample.
#[test]
fn rare_samples_do_not_slow_an_update() {
    let (mut site, _) = site::<4>(1);
    site.design.every_ms = 60_000;
    let second = sound(&site.controller, 2);
    let want = site.controller.assign(&second, 2, Purpose::Update);
    site.broker.borrow_mut().offer(&site.controller, &second);
    site.broker.borrow_mut().want(&site.controller, want);
    let on_trial = |broker: &mut mote_firmware_sim::Broker| {
        broker.twin().is_some_and(|twin| twin.state == State::Trial && twin.running == Some(2))
    };
    assert_eq!(site.live(20_000, on_trial).unwrap().life, Life::Reached, "{:?}", site.broker.borrow().twin());
}

/// A recorded stream goes through the part's registers and the driver, and comes out within half a count.
#[test]
fn a_recording_is_what_the_driver_reads() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/activity-cnn1d/stream.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let series = text.lines().nth(1).unwrap().split_once(',').unwrap().0;
    let recording = Recording::of(&text, series).unwrap();
    let (acceleration, rate) = RANGES;
    let mut sensor = Lsm6dso::new(Bus::new(recording), Lsm6dso::<Bus>::ADDRESS, acceleration, rate).unwrap();
    let mut rows = 0;
    for row in text.lines().filter(|line| line.split(',').next() == Some(series)) {
        let recorded: Vec<f32> = row.split(',').skip(2).take(6).map(|value| value.parse().unwrap()).collect();
        let mut sample = [0.0; 6];
        sensor.read(&mut sample).unwrap();
        let steps = [acceleration.g_per_count(), rate.rad_per_count()];
        for (axis, (got, wanted)) in sample.iter().zip(&recorded).enumerate() {
            assert!((got - wanted).abs() <= 0.51 * steps[axis / 3], "row {rows}, axis {axis}: {got} for {wanted}");
        }
        rows += 1;
    }
    assert!(rows > 1000, "{rows}");
    assert!(Recording::of(&text, "watch").is_none());
}

#[test]
fn a_model_that_never_answers_is_taken_back() {
    let (mut site, _) = site::<4>(1);
    let mute = site.controller.release(2, 0, mote_firmware_sim::linear(crate::cast::INPUTS, 7, |_| f32::NAN), None);
    let want = site.controller.assign(&mute, 2, Purpose::Update);
    site.broker.borrow_mut().offer(&site.controller, &mute);
    site.broker.borrow_mut().want(&site.controller, want);
    let remains = site.live(LONG_MS, |broker| rests_in(broker, State::Failed, 1)).unwrap();
    assert_eq!(remains.life, Life::Reached, "{:?}", site.broker.borrow().twin());
    assert!(site.broker.borrow().events().any(|event| event.kind == EventKind::RolledBack && event.code == 103));
}

/// A trial that the device does not live through, three times over.
#[test]
fn a_model_that_takes_the_device_down_is_rolled_back_at_a_start() {
    let (mut site, _) = site::<4>(1);
    let second = sound(&site.controller, 2);
    let want = site.controller.assign(&second, 2, Purpose::Update);
    site.broker.borrow_mut().offer(&site.controller, &second);
    site.broker.borrow_mut().want(&site.controller, want);
    let on_trial = |broker: &mote_firmware_sim::Broker| {
        broker.twin().is_some_and(|twin| twin.state == State::Trial && twin.running == Some(2))
    };
    let mut boots = 0;
    loop {
        // The watchdog bites as soon as the new model runs.
        boots += 1;
        let seen = |broker: &mote_firmware_sim::Broker| broker.twin().is_some_and(|twin| twin.boot == boots);
        let remains = site
            .live(LONG_MS, |broker| seen(broker) && (on_trial(broker) || rests_in(broker, State::Failed, 1)))
            .unwrap();
        assert_eq!(remains.life, Life::Reached, "{:?}", site.broker.borrow().twin());
        if rests_in(&site.broker.borrow(), State::Failed, 1) {
            break;
        }
    }
    assert_eq!(boots, 4, "one start for the update, three of a trial");
    assert_eq!(site.broker.borrow().twin().unwrap().failure, Some(105));
}

#[test]
fn what_cannot_work_is_refused_at_the_start() {
    let (site, _) = site::<4>(1);
    let layout = Layout::packed(0, SECTOR as u32, 20 * 1024);
    let askew = Layout { journal: layout.journal + 4, ..layout };
    let overlapping = Layout { slots: [layout.slots[0], layout.slots[0] + SECTOR as u32], ..layout };
    let outside = Layout { slot_bytes: 64 * 1024, ..layout };
    let no_room = Layout { slot_bytes: SECTOR as u32, slots: [3 * 4096, 4 * 4096], ..layout };
    let layouts = [askew, overlapping, outside, no_room];
    for layout in layouts {
        let mut copy = site.copy(1);
        copy.design.layout = layout;
        let refused = copy.live(1000, |_| false);
        let expected = BootError::BadLayout.to_string();
        assert_eq!(refused.map_err(|error| error.to_string()), Err(expected), "{layout:?}");
    }
    let mut copy = site.copy(1);
    copy.design.shape = Shape::new(3, 64, 16).unwrap();
    assert_eq!(copy.live(1000, |_| false).unwrap_err().to_string(), BootError::BadSampling.to_string());
}

/// The arithmetic of `capacity.rs` against what the types really take.
#[test]
fn bodies_and_backlogs_fit_their_capacities() {
    let longest = "n".repeat(64);
    let full = u64::MAX;
    let counts = u32::MAX;
    let twin = mote_wire::Twin {
        boot: full,
        session: full,
        sequence: full,
        state: State::Rollback,
        running: Some(mote_wire::Running { model: &longest, version: full, release: [255; 32] }),
        epoch: full,
        generation: full,
        floor: full,
        progress: Some(mote_wire::Progress { held: counts, total: counts }),
        failure: Some(mote_wire::Failure { stage: State::Rollback, code: u16::MAX, release: [255; 32] }),
        counters: mote_wire::Counters {
            committed: counts,
            failed: counts,
            refused: counts,
            replayed: counts,
            bad_chunks: counts,
        },
        capabilities: mote_wire::Capabilities { class: 3, variant: &longest, max_bytes: full, runtime: &longest },
        answers: Some(full),
    };
    let metrics = mote_wire::Metrics {
        boot: full,
        sequence: full,
        model: &longest,
        version: full,
        window_ms: counts,
        answered: counts,
        failed: counts,
        flagged: counts,
        dropped: counts,
        latency_sum_us: full,
        latency_min_us: counts,
        latency_max_us: counts,
        latency: mote_wire::Counts([counts; mote_wire::LATENCY_BUCKETS]),
        classes: mote_wire::Counts([counts; mote_wire::CLASSES]),
    };
    let alive = mote_wire::Alive { presence: Presence::Online, boot: full, session: full };
    let mut body = [0; capacity::BODY_BYTES];
    let twin = twin.encode(&mut body).unwrap();
    let metrics = metrics.encode(&mut body).unwrap();
    assert!(twin.max(metrics) > capacity::BODY_BYTES / 2, "{twin} and {metrics} bytes");
    assert_eq!(alive.encode(&mut [0; ALIVE_BYTES]), Ok(ALIVE_BYTES));
    let node = size_of::<mote_firmware::Node<'_, ()>>();
    assert!((capacity::NODE_BYTES - 300..=capacity::NODE_BYTES).contains(&node), "{node} of {}", capacity::NODE_BYTES);
}
