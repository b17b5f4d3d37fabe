//! Updates that nothing disturbs.

use mote_firmware_sim::linear;
use mote_tests::evidence::Corpus;
use mote_tests::schedule::alone;

use crate::models::{CHANNELS, WINDOW, compile, plan, winning_scores};
use crate::site::{Site, Words, samples};

/// The convolutional network of the corpus: its input has the values of so many samples.
const RESNET: (&str, usize) = ("mlperf_ic_resnet8_f32", 32 * 32 * 3 / CHANNELS);

/// What that network decides between.
const CLASSES: u32 = 10;

#[test]
fn an_update_is_committed_and_answers() {
    let _turn = alone();
    let words = Words { window: WINDOW, trial: 3, trial_ms: 60_000 };
    let Some(mut site) = Site::start("an_update_is_committed_and_answers", plan(1), words) else { return };
    site.answers.await_version(1);
    for version in [2, 3] {
        site.push(&site.release(plan(version)));
        site.await_commit(version);
    }
    // What was committed is what a start finds.
    site.kill();
    let twin = site.boot(words);
    assert_eq!(twin.version(), Some(3));
    site.answers.await_version(3);
    site.answers.check(|version| winning_scores(&plan(version), &samples(), WINDOW));
}

#[test]
fn resnet_is_an_update_like_any_other() {
    let _turn = alone();
    let test = "resnet_is_an_update_like_any_other";
    let Some(corpus) = Corpus::find(test) else { return };
    let (name, window) = RESNET;
    let network = corpus.group("nn").into_iter().find(|network| network.name == name).unwrap();
    let resnet = compile(&network.bytes(), window, 2);
    let first = linear((window * CHANNELS) as u32, CLASSES, |weight| (weight % 7) as f32 * 0.01 - 0.03);
    let words = Words { window, trial: 2, trial_ms: 600_000 };
    let Some(mut site) = Site::start(test, first.clone(), words) else { return };
    site.push(&site.release(resnet.clone()));
    site.await_commit(2);
    site.answers.check(|version| winning_scores(if version == 1 { &first } else { &resnet }, &samples(), window));
}
