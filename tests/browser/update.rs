//! A page that is a device of a fleet: updates over MQTT on WebSocket, from a real broker and the real publisher.

use std::ffi::OsStr;

use mote_fleet::{State, Trouble};
use mote_gateway::background::Background;
use mote_gateway::link::rumqtt::{Broker as Address, connect};
use mote_gateway::publisher::{DeviceTwin, Publisher};
use mote_release::Package;
use mote_seal::{Class, OpenError, Role, SigningKey, Standing};
use mote_tests::evidence;
use mote_tests::keys::Keys;
use mote_tests::schedule::alone;
use serde_json::json;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::broker::{Broker, Kind};
use crate::releases::{Subject, VARIANT, push, with_golden_of};
use crate::script::{Chromium, Script, from_hex};

const FLEET: &str = "plant";
const DEVICE: &str = "page-1";
const MODEL: &str = "activity-cnn1d";
/// A file of inputs that every model answers with NaN, which is no answer.
const NAN: &str = "nan.in";

/// A page, its broker, and the publisher of two versions of one model.
struct Site {
    background: Background,
    broker: Broker,
    publisher: Publisher,
    keys: Keys,
    subjects: [Subject; 2],
    page: Script,
    _folder: TempDir,
}

impl Site {
    /// A page that runs version 1.
    fn start(test: &str) -> Option<Self> {
        let chromium = Chromium::find(test)?;
        let broker = Broker::start(Kind::Mosquitto)?;
        let (background, keys, folder) = (Background::start().unwrap(), Keys::default(), tempfile::tempdir().unwrap());
        let (link, events) = background.wait(async { connect(Address::plain("127.0.0.1", broker.port, "publisher")) });
        let publisher = background.wait(async { Publisher::start(link, events, FLEET) }).unwrap();

        let models = evidence::models();
        let subjects = [MODEL, "activity-cnn1d-v2"]
            .map(|name| Subject::new(models.iter().find(|model| model.name == name).unwrap(), MODEL));
        let first = subjects[0].release(1, &keys).sealed(Class::Browser, VARIANT).unwrap();
        std::fs::write(folder.path().join("first.mote"), first).unwrap();
        std::fs::write(folder.path().join("trusted.keys"), keys.text()).unwrap();
        subjects[0].write(folder.path(), MODEL, &keys);
        let nan = vec![f32::NAN.to_le_bytes(); subjects[0].sets[0].len() / 4];
        std::fs::write(folder.path().join(NAN), nan.concat()).unwrap();

        let (url, input) = (format!("ws://127.0.0.1:{}", broker.web_port), inputs(0));
        let words = [url.as_str(), FLEET, DEVICE, MODEL, &input].map(OsStr::new);
        let arguments = [&[folder.path().as_os_str()], &words[..]].concat();
        let mut page = chromium.start("update.mjs", &arguments);
        page.hear(|line| line["ready"] == true);
        Some(Self { background, broker, publisher, keys, subjects, page, _folder: folder })
    }

    fn push(&self, package: &Package) {
        push(&self.publisher, package, &self.keys, FLEET, DEVICE);
    }

    fn await_twin(&self, wanted: impl FnMut(&DeviceTwin) -> bool) -> DeviceTwin {
        self.background.wait(self.publisher.wait_for(DEVICE, PATIENCE, wanted)).unwrap()
    }

    /// Waits until an update has ended without success, at this stage and for this reason.
    fn await_failure(&self, state: State, stage: State, trouble: Trouble) -> DeviceTwin {
        self.await_twin(|twin| {
            let failure = twin.failure.map(|failure| (failure.stage, failure.code));
            twin.state == state && failure == Some((stage, trouble.code()))
        })
    }

    /// Asks the page's model and holds it to the native answers of this subject. Answers how often the page was loaded.
    fn expect(&mut self, subject: usize) -> u64 {
        let files: Vec<String> = (0..self.subjects[subject].sets.len()).map(inputs).collect();
        self.page.tell(&json!({ "ask": files }));
        let said = self.page.hear(|line| line["answers"].is_array());
        let subject = &self.subjects[subject];
        let answers = said["answers"].as_array().unwrap().iter();
        let answers: Vec<Vec<u8>> = answers.map(|answer| subject.canonical(&from_hex(answer))).collect();
        assert_eq!(answers, subject.native(), "the page and the native engine differ");
        said["loads"].as_u64().unwrap()
    }
}

/// The file of one set of inputs.
fn inputs(set: usize) -> String {
    format!("{MODEL}.{set:02}.in")
}

#[test]
fn a_page_takes_updates_without_a_reload_and_leaves_bad_ones() {
    let _turn = alone();
    let Some(mut site) = Site::start("updates of a page") else { return };
    let twin = site.await_twin(|twin| twin.version() == Some(1));
    assert_eq!(twin.state, State::Idle);
    site.expect(0);

    site.page.tell(&json!({ "rival": true }));
    site.page.hear(|line| line["refused"] == "fleet.taken");

    let second = site.subjects[1].release(2, &site.keys);
    site.push(&second);
    site.await_twin(|twin| twin.version() == Some(2) && twin.state == State::Committed);
    site.page.hear(|line| *line == json!({ "event": "swap", "version": 2, "previous": 1 }));
    let loads = site.expect(1);
    assert_eq!(loads, 1, "no reload");

    // Its golden vectors are another model's.
    let disproved = with_golden_of(&site.subjects[0].release(3, &site.keys), &second, &site.keys.release);
    site.push(&disproved);
    let twin = site.await_failure(State::Failed, State::SelfTest, Trouble::SelfTest);
    assert_eq!(twin.version(), Some(2));
    site.expect(1);

    // Signed by a stranger with the publisher's name.
    let stranger = SigningKey::from_seed(&[9; 32], Role::Release, Standing::Development);
    let forged = with_golden_of(&site.subjects[0].release(4, &site.keys), &second, &stranger);
    site.push(&forged);
    let id = stranger.public().id();
    site.await_failure(State::Rejected, State::Check, OpenError::UnknownKey { id }.into());
    site.expect(1);

    // Proves nothing: it answers with NaN.
    site.page.tell(&json!({ "feed": NAN }));
    site.push(&site.subjects[0].release(5, &site.keys));
    let twin = site.await_failure(State::Failed, State::Trial, Trouble::TrialFailed);
    site.page.hear(|line| *line == json!({ "event": "swap", "version": 2, "previous": 5 }));
    assert_eq!(twin.version(), Some(2));
    site.page.tell(&json!({ "feed": inputs(0) }));
    assert_eq!(site.expect(1), loads, "no reload");

    // What was committed outlives the page.
    site.page.tell(&json!({ "reload": true }));
    let after = site.await_twin(|after| after.boot > twin.boot && after.version() == Some(2));
    assert_eq!(after.counters.committed, 1);
    site.page.hear(|line| line["ready"] == true);
    assert_eq!(site.expect(1), loads + 1);

    // So does the device its broker.
    site.broker.restart();
    site.push(&site.subjects[0].release(6, &site.keys));
    site.await_twin(|twin| twin.version() == Some(6) && twin.state == State::Committed);
    assert_eq!(site.expect(0), loads + 1, "no reload");
    site.page.finish();
}
