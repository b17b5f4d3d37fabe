//! Folding, merging and the backlog.

use mote_fleet::{Backlog, Fold, Millis, Window};
use mote_wire::{Body, Metrics};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Answered(u32, Option<usize>),
    Failed,
    Flagged,
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        8 => (any::<u32>(), prop::option::of(0usize..40)).prop_map(|(us, class)| Outcome::Answered(us, class)),
        1 => Just(Outcome::Failed),
        1 => Just(Outcome::Flagged),
    ]
}

fn fold(outcomes: &[Outcome]) -> Window {
    let mut window = Window::default();
    for outcome in outcomes {
        match *outcome {
            Outcome::Answered(us, class) => window.answered(us, class),
            Outcome::Failed => window.failed(),
            Outcome::Flagged => window.flagged(),
        }
    }
    window
}

proptest! {
    #[test]
    fn merging_windows_is_folding_everything(
        first in prop::collection::vec(outcome(), 0..30),
        second in prop::collection::vec(outcome(), 0..30),
    ) {
        let mut merged = fold(&first);
        merged.merge(&fold(&second));
        let together = fold(&[first, second].concat());
        prop_assert_eq!(merged, together);
        let counted: u32 = together.latency.0.iter().sum();
        prop_assert_eq!(counted, together.answered);
    }

    #[test]
    fn the_backlog_keeps_the_newest_and_counts_the_rest(pushes in 0usize..20, sent in 0usize..20) {
        let mut backlog = Backlog::<4>::default();
        for version in 0..pushes as u64 {
            backlog.push(Window { version, ..Window::default() });
        }
        let mut got = Vec::new();
        for _ in 0..sent {
            let Some(metrics) = backlog.oldest(7, "digits") else {
                break;
            };
            got.push((metrics.sequence, metrics.version, metrics.dropped));
            backlog.published();
        }
        let first = pushes.saturating_sub(4);
        let wanted: Vec<_> = (first..pushes)
            .take(sent)
            .map(|at| (at as u64, at as u64, if at == first { first as u32 } else { 0 }))
            .collect();
        prop_assert_eq!(got, wanted);
    }
}

#[test]
fn latencies_fall_into_powers_of_two() {
    for (us, bucket) in [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1 << 22, 23), (u32::MAX, 23)] {
        let window = fold(&[Outcome::Answered(us, None)]);
        assert_eq!(window.latency.0.iter().position(|&count| count == 1), Some(bucket), "{us}");
    }
}

#[test]
fn a_closed_window_becomes_a_body() {
    let mut fold = Fold::new(3, Millis(1000));
    fold.window().answered(250, Some(2));
    let closed = fold.close(4, Millis(31_000));
    assert_eq!((closed.length_ms, closed.version), (30_000, 3));
    assert_eq!(fold.close(4, Millis(31_000)), Window { version: 4, ..Window::default() });
    let mut backlog = Backlog::<2>::default();
    backlog.push(closed);
    let metrics = backlog.oldest(7, "digits").unwrap();
    let mut out = [0; 512];
    let length = metrics.encode(&mut out).unwrap();
    assert_eq!(Metrics::decode(&out[..length]), Ok(metrics));
    assert_eq!((metrics.boot, metrics.answered, metrics.latency_min_us), (7, 1, 250));
}

#[test]
fn a_backlog_without_room_drops_everything() {
    let mut backlog = Backlog::<0>::default();
    backlog.push(Window::default());
    backlog.published();
    assert!(backlog.oldest(0, "digits").is_none());
}
