//! Releases that must not run: the old model goes on, and the twin says why.

use mote_fleet::{State, Trouble};
use mote_seal::{Digest, OpenError, Role, SigningKey, Standing};
use mote_tests::schedule::alone;

use crate::broker::Kind;
use crate::models::{golden_vectors, plan};
use crate::offers::Push;
use crate::site::{DEVICE, Settings, Site};
use crate::stream::check_every_answer;

#[test]
fn what_must_not_run_leaves_the_old_model_over_mosquitto() {
    what_must_not_run_leaves_the_old_model(Kind::Mosquitto);
}

#[test]
fn what_must_not_run_leaves_the_old_model_over_the_embedded_broker() {
    what_must_not_run_leaves_the_old_model(Kind::Embedded);
}

fn what_must_not_run_leaves_the_old_model(kind: Kind) {
    let _turn = alone();
    let Some(site) = Site::start(kind, &Settings::default()) else { return };
    let stream = site.stream();
    site.push(&Push::good(2));
    site.await_commit(2);

    let bad: [(&str, fn(&Site, Push), State, u16); 5] = [
        ("a signature that is not its key's", forge_signature, State::Rejected, OpenError::BadSignature.code()),
        ("a key that is not trusted", sign_as_stranger, State::Rejected, UNKNOWN_KEY),
        ("a lower version", lower_version, State::Rejected, Trouble::Downgrade.code()),
        ("bytes of another digest", forge_artifact, State::Failed, OpenError::WrongDigest.code()),
        ("golden vectors of another model", fail_self_test, State::Failed, Trouble::SelfTest.code()),
    ];
    for (generation, (what, send, state, code)) in (3..).zip(bad) {
        send(&site, Push { generation, ..Push::good(generation) });
        let twin = site.await_twin(|twin| twin.stamp == (1, generation) && twin.state.is_terminal());
        assert_eq!((twin.state, twin.failure.map(|f| f.code)), (state, Some(code)), "{kind:?}: {what}");
        assert_eq!(twin.version(), Some(2), "{kind:?}: {what}");
        stream.await_answer(|answer| answer.version == 2);
    }
    // A wrong signature on the order itself changes nothing but what is told.
    let refused = site.publisher.twin(DEVICE).unwrap().counters.refused;
    site.publisher.assign(DEVICE, b"not a signed document".to_vec()).unwrap();
    let twin = site.await_twin(|twin| twin.counters.refused > refused);
    assert_eq!((twin.version(), twin.stamp), (Some(2), (1, 7)));

    let (sent, answers) = stream.finish();
    check_every_answer(sent, &answers);
}

const UNKNOWN_KEY: u16 = OpenError::UnknownKey { id: mote_seal::KeyId([0; 8]) }.code();

fn forge_signature(site: &Site, push: Push) {
    let mut manifest = push.manifest(&site.keys.release);
    // The signature is the document's end.
    *manifest.last_mut().unwrap() ^= 1;
    push.offer_as(&site.publisher, manifest.clone());
    push.assign_as(&site.publisher, &site.keys, &manifest);
}

fn sign_as_stranger(site: &Site, push: Push) {
    let stranger = SigningKey::from_seed(&[9; 32], Role::Release, Standing::Production);
    let manifest = push.manifest(&stranger);
    push.offer_as(&site.publisher, manifest.clone());
    push.assign_as(&site.publisher, &site.keys, &manifest);
}

fn lower_version(site: &Site, push: Push) {
    site.push(&Push { version: 1, ..push });
}

fn forge_artifact(site: &Site, push: Push) {
    let mut forged = push.artifact.clone();
    forged[push.artifact.len() / 2] ^= 1;
    let manifest = push.manifest(&site.keys.release);
    push.offer_as(&site.publisher, manifest.clone());
    // Nobody asks for the bytes before the order to run them.
    site.publisher.forge(Digest::of(&push.artifact), forged);
    push.assign_as(&site.publisher, &site.keys, &manifest);
}

fn fail_self_test(site: &Site, push: Push) {
    let other = plan(push.version + 1);
    site.push(&Push { golden: Some(golden_vectors(other)), ..push });
}
