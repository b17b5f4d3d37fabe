use mote_stream::{Order, Quality, Shape, Stats, StreamError, Windows};
use proptest::prelude::*;

#[derive(Debug, PartialEq)]
struct Cut {
    last: u64,
    values: Vec<u32>,
    transposed: Vec<u32>,
    quality: Quality,
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Keeps every sample since the last gap and cuts from there.
fn reference(shape: Shape, samples: &[(u64, Vec<f32>)]) -> (Vec<Cut>, Stats) {
    let (mut run, mut cuts) = (Vec::<&[f32]>::new(), Vec::new());
    let (mut expected, mut stats) = (None, Stats::default());
    for (sequence, sample) in samples {
        if let Some(expected) = expected {
            if *sequence < expected {
                stats.late += 1;
                continue;
            }
            if *sequence > expected {
                stats.gaps += 1;
                stats.lost += sequence - expected;
                run.clear();
            }
        }
        expected = Some(sequence + 1);
        run.push(sample);
        let complete = run.len().checked_sub(shape.length());
        if let Some(start) = complete.filter(|start| start % shape.hop() == 0) {
            let values = run[start..].concat();
            let transposed = (0..shape.channels())
                .flat_map(|channel| run[start..].iter().map(move |sample| sample[channel]))
                .collect::<Vec<_>>();
            let finite = values.iter().all(|value| value.is_finite());
            let quality = if finite { Quality::Good } else { Quality::NotFinite };
            let (values, transposed) = (bits(&values), bits(&transposed));
            cuts.push(Cut { last: *sequence, values, transposed, quality });
        }
    }
    (cuts, stats)
}

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![30 => -1e3f32..1e3, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)]
}

proptest! {
    #[test]
    fn windows_are_what_the_reference_cuts(
        channels in 1usize..4,
        length in 1usize..9,
        hop in 1usize..14,
        steps in prop::collection::vec((prop_oneof![40 => Just(1i64), 1 => Just(3), 1 => Just(0), 1 => Just(-4)],
            prop::collection::vec(value(), 3)), 0..120),
    ) {
        let shape = Shape::new(channels, length, hop).unwrap();
        let mut sequence = 100i64;
        let samples: Vec<_> = steps.into_iter().map(|(step, mut sample)| {
            sequence = (sequence + step).max(0);
            sample.truncate(channels);
            (sequence as u64, sample)
        }).collect();

        let mut ring = vec![7.0; shape.ring_len()];
        let mut windows = Windows::new(shape, &mut ring).unwrap();
        let mut cuts = Vec::new();
        for (sequence, sample) in &samples {
            if let Some(window) = windows.push(Some(*sequence), sample).unwrap() {
                let mut values = vec![0.0; shape.ring_len()];
                window.copy_to(Order::TimeMajor, &mut values).unwrap();
                let mut transposed = vec![0.0; shape.ring_len()];
                window.copy_to(Order::ChannelMajor, &mut transposed).unwrap();
                prop_assert_eq!(bits(&window.samples().collect::<Vec<_>>().concat()), bits(&values));
                let (values, transposed) = (bits(&values), bits(&transposed));
                cuts.push(Cut { last: window.last().unwrap(), values, transposed, quality: window.quality() });
            }
        }
        let (wanted, stats) = reference(shape, &samples);
        prop_assert_eq!(cuts, wanted);
        prop_assert_eq!(windows.stats(), stats);
    }
}

#[test]
fn sizes_are_checked() {
    let bad = [(0, 1, 1), (1, 0, 1), (1, 1, 0), (usize::MAX, 2, 1)];
    for (channels, length, hop) in bad {
        assert_eq!(Shape::new(channels, length, hop), Err(StreamError::BadShape));
    }
    let shape = Shape::new(2, 3, 1).unwrap();
    let wrong = |expected, got| StreamError::WrongLength { expected, got };
    assert_eq!(Windows::new(shape, &mut [0.0; 5]).unwrap_err(), wrong(6, 5));
    let mut ring = [0.0; 6];
    let mut windows = Windows::new(shape, &mut ring).unwrap();
    assert_eq!(windows.push(None, &[1.0]).unwrap_err(), wrong(2, 1));
    for _ in 0..2 {
        assert!(windows.push(None, &[1.0, 2.0]).unwrap().is_none());
    }
    let window = windows.push(None, &[1.0, 2.0]).unwrap().unwrap();
    assert_eq!(window.copy_to(Order::TimeMajor, &mut [0.0; 7]), Err(wrong(6, 7)));
}

#[test]
fn a_restarted_sender_counts_from_anywhere() {
    let mut ring = [0.0; 2];
    let mut windows = Windows::new(Shape::new(1, 2, 1).unwrap(), &mut ring).unwrap();
    assert!(windows.push(Some(900), &[1.0]).unwrap().is_none());
    windows.restart();
    assert!(windows.push(Some(0), &[2.0]).unwrap().is_none(), "the sample before does not count");
    assert!(windows.push(Some(1), &[3.0]).unwrap().is_some());
    assert_eq!(windows.stats(), Stats::default());
}
