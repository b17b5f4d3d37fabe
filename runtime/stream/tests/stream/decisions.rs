use mote_stream::{Change, Debounce, MAX_VOTES, Rule, StreamError, Top, top};
use proptest::prelude::*;

#[test]
fn the_winner_of_scores() {
    let won = |label, score, margin| Some(Top { label, score, margin });
    let infinity = f32::INFINITY;
    let cases: [(&[f32], Option<Top>); 7] = [
        (&[], None),
        (&[0.5], won(0, 0.5, 0.5)),
        (&[0.25, 1.0, 0.5], won(1, 1.0, 0.5)),
        (&[1.0, 1.0], won(0, 1.0, 0.0)),
        (&[-3.0, -1.0, -2.0], won(1, -1.0, 1.0)),
        (&[infinity, 0.0, infinity], won(0, infinity, 0.0)),
        (&[1.0, f32::NAN], None),
    ];
    for (scores, wanted) in cases {
        assert_eq!(top(scores), wanted, "{scores:?}");
    }
}

#[test]
fn rules_need_a_majority() {
    for (needed, of, good) in [
        (1, 1, true),
        (2, 3, true),
        (MAX_VOTES, MAX_VOTES, true),
        (0, 1, false),
        (2, 1, false),
        (2, 4, false),
        (MAX_VOTES, MAX_VOTES + 1, false),
        (usize::MAX, usize::MAX, false),
    ] {
        let rule = Rule::new(needed, of);
        assert_eq!(rule.is_ok(), good, "{needed} of {of}");
        assert!(good || rule == Err(StreamError::BadRule));
    }
}

#[test]
fn hysteresis_makes_entering_harder_than_staying() {
    let mut alarm = Debounce::new(Rule::new(1, 1).unwrap().with_hysteresis(0.8, 0.4));
    let cases = [(0.5, Some(0)), (0.8, Some(1)), (0.5, Some(1)), (0.3, Some(0)), (0.5, Some(0))];
    for (score, decided) in cases {
        alarm.level(score);
        assert_eq!(alarm.decided(), decided, "{score}");
    }
    assert_eq!(alarm.level(f32::NAN), Some(Change { from: Some(0), to: None }));

    let mut labels = Debounce::new(Rule::new(1, 1).unwrap().with_hysteresis(0.8, 0.4));
    let cases = [(3, 0.7, None), (3, 0.9, Some(3)), (3, 0.5, Some(3)), (4, 0.7, None)];
    for (label, score, decided) in cases {
        labels.label(label, score);
        assert_eq!(labels.decided(), decided, "{label} {score}");
    }
}

proptest! {
    #[test]
    fn decisions_are_what_counting_says(
        (of, needed) in (1usize..=MAX_VOTES).prop_flat_map(|of| (Just(of), of / 2 + 1..=of)),
        votes in prop::collection::vec(prop::option::weighted(0.8, 0usize..3), 0..200),
    ) {
        let mut debounce = Debounce::new(Rule::new(needed, of).unwrap());
        let mut decided = None;
        for end in 1..=votes.len() {
            let vote = votes[end - 1];
            let change = match vote {
                Some(label) => debounce.label(label, 1.0),
                None => debounce.abstain(),
            };
            let recent = &votes[end.saturating_sub(of)..end];
            let winner = recent.iter().find(|&&each| {
                recent.iter().filter(|&&other| other == each).count() >= needed
            });
            let wanted = winner.filter(|&&winner| winner != decided).map(|&to| Change { from: decided, to });
            if let Some(change) = wanted {
                decided = change.to;
            }
            prop_assert_eq!(change, wanted);
            prop_assert_eq!(debounce.decided(), decided);
        }
    }
}
