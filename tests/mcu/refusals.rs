//! Releases that must not run, and releases that do not prove themselves: the good model goes on, and the twin says why.

use mote_firmware_sim::golden;
use mote_fleet::{State, Trouble};
use mote_seal::{Digest, OpenError};
use mote_tests::schedule::alone;

use crate::models::{WINDOW, nan, plan, winning_scores};
use crate::site::{Site, Words, samples};

/// Proves itself with two answers, soon or never.
const WORDS: Words = Words { window: WINDOW, trial: 2, trial_ms: 60_000 };

#[test]
fn what_must_not_run_leaves_the_good_model() {
    let _turn = alone();
    let Some(mut site) = Site::start("what_must_not_run_leaves_the_good_model", plan(1), WORDS) else { return };
    site.push(&site.release(plan(2)));
    site.await_commit(2);

    let bad: [(&str, fn(&mut Site), State, u16); 5] = [
        ("a signature that is not its key's", forge_signature, State::Rejected, OpenError::BadSignature.code()),
        ("a lower version", lower_version, State::Rejected, Trouble::Downgrade.code()),
        ("bytes of another digest", corrupt_chunk, State::Failed, OpenError::WrongDigest.code()),
        ("golden vectors of another model", fail_self_test, State::Failed, Trouble::SelfTest.code()),
        ("answers that are no numbers", fail_trial, State::Failed, Trouble::TrialFailed.code()),
    ];
    for (what, push, state, code) in bad {
        push(&mut site);
        let twin = site.await_end();
        assert_eq!((twin.state, twin.failure.map(|failure| failure.code)), (state, Some(code)), "{what}");
        assert_eq!(twin.version(), Some(2), "{what}");
        site.answers.await_version(2);
    }
    // It still takes a good one.
    let version = site.generation + 1;
    site.push(&site.release(plan(version)));
    site.await_commit(version);
    site.answers.check(|version| winning_scores(&plan(version), &samples(), WINDOW));
}

fn forge_signature(site: &mut Site) {
    let mut made = site.release(plan(site.generation + 1));
    // The signature is the document's end.
    *made.manifest.last_mut().unwrap() ^= 1;
    site.push(&made);
}

fn lower_version(site: &mut Site) {
    let plan = plan(1);
    let golden = golden(&plan, 1);
    let made = site.controller.release(1, 0, plan, golden);
    site.push(&made);
}

fn corrupt_chunk(site: &mut Site) {
    let made = site.release(plan(site.generation + 1));
    let mut bytes = made.artifact.clone();
    bytes[made.artifact.len() / 2] ^= 1;
    site.offer(&made);
    // Nobody asks for the bytes before the order to run them.
    site.publisher.forge(Digest::of(&made.artifact), bytes);
    site.order(&made);
}

fn fail_self_test(site: &mut Site) {
    let version = site.generation + 1;
    let made = site.controller.release(version, 0, plan(version), golden(&plan(1), 1));
    site.push(&made);
}

fn fail_trial(site: &mut Site) {
    let made = site.release(nan(site.generation + 1));
    site.push(&made);
}

#[test]
fn a_model_that_is_never_confirmed_is_taken_back() {
    let _turn = alone();
    // More answers than it will ever give.
    let words = Words { trial: 1_000_000, ..WORDS };
    let Some(mut site) = Site::start("a_model_that_is_never_confirmed_is_taken_back", plan(1), words) else { return };

    site.push(&site.release(plan(2)));
    let mut starts = 0;
    loop {
        let ended = |state: State| state.is_terminal();
        let twin = site
            .await_twin("a trial", |twin| twin.stamp == (1, 1) && (twin.state == State::Trial || ended(twin.state)));
        if ended(twin.state) {
            assert_eq!(twin.failure.map(|failure| failure.code), Some(Trouble::TrialBoots.code()));
            assert_eq!((twin.state, twin.version()), (State::Failed, Some(1)));
            break;
        }
        assert!(starts < 10, "{starts} starts in a trial");
        site.answers.await_version(2);
        site.kill();
        site.boot(words);
        starts += 1;
    }
    site.answers.await_version(1);

    // Nor when it is on and silent: its time passes.
    let words = Words { trial_ms: 2_000, ..words };
    site.kill();
    site.boot(words);
    site.push(&site.release(plan(3)));
    let twin = site.await_end();
    assert_eq!((twin.state, twin.version()), (State::Failed, Some(1)));
    assert_eq!(twin.failure.map(|failure| failure.code), Some(Trouble::TrialSilent.code()));
    site.answers.await_version(1);
    site.answers.check(|version| winning_scores(&plan(version), &samples(), WINDOW));
}
