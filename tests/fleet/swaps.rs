//! Twenty swaps under a fast stream.

use mote_tests::schedule::{alone, long};

use crate::broker::Kind;
use crate::offers::Push;
use crate::site::{Settings, Site};
use crate::stream::check_every_answer;

#[test]
fn every_sample_is_answered_once_across_swaps_over_mosquitto() {
    every_sample_is_answered_once_across_swaps(Kind::Mosquitto);
}

#[test]
fn every_sample_is_answered_once_across_swaps_over_the_embedded_broker() {
    every_sample_is_answered_once_across_swaps(Kind::Embedded);
}

fn every_sample_is_answered_once_across_swaps(kind: Kind) {
    let _turn = alone();
    let Some(site) = Site::start(kind, &Settings::default()) else { return };
    let swaps = if long() { 200 } else { 20 };
    let stream = site.stream();
    // Else the first swap may be over before the first window is full.
    stream.await_answer(|answer| answer.version == 1);
    for version in 2..=swaps + 1 {
        site.push(&Push::good(version));
        site.await_commit(version);
    }
    let (sent, answers) = stream.finish();
    check_every_answer(sent, &answers);
    let mut versions: Vec<u64> = answers.values().flatten().map(|answer| answer.version).collect();
    versions.dedup();
    assert_eq!(versions, (1..=swaps + 1).collect::<Vec<_>>());
    println!("measured: {swaps} swaps over {kind:?}, {sent} samples, {} windows answered once each", answers.len());
}
