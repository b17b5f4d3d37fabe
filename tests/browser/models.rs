//! Every model of `models/`, by the browser package in Chromium.

use mote_tests::evidence;
use mote_tests::keys::Keys;
use mote_tests::schedule::alone;
use serde_json::Value;

use crate::releases::{Subject, VARIANT};
use crate::script::{Chromium, from_hex};

#[test]
fn every_model_gives_the_native_bits_with_a_network_and_without() {
    let _turn = alone();
    let Some(chromium) = Chromium::find("every model in a page") else { return };
    let (folder, keys) = (tempfile::tempdir().unwrap(), Keys::default());
    std::fs::write(folder.path().join("trusted.keys"), keys.text()).unwrap();
    let subjects: Vec<Subject> = evidence::models().iter().map(|model| Subject::new(model, &model.name)).collect();
    for subject in &subjects {
        subject.write(folder.path(), &subject.name, &keys);
    }

    let said = chromium.run("models.mjs", &[folder.path().as_os_str()]);
    assert_eq!(said.len(), subjects.len(), "every model answers");
    for subject in &subjects {
        let line = said.iter().find(|line| line["name"] == subject.name).unwrap();
        assert_eq!(line["release"]["variant"], VARIANT, "{}", subject.name);
        let native = subject.native();
        assert_eq!(answers(subject, &line["answers"]), native, "{}: Chromium and native differ", subject.name);
        assert_eq!(answers(subject, &line["audio"]), native, "{}: on the audio thread", subject.name);
        assert_eq!(line["sources"], serde_json::json!(["network"]), "{}", subject.name);
        let again = &line["again"];
        assert_eq!(answers(subject, &again["answers"]), native, "{}: from the cache", subject.name);
        assert_eq!(again["sources"], serde_json::json!(["cache"]), "{}", subject.name);
        assert_eq!(again["release"], line["release"], "{}", subject.name);
    }
}

fn answers(subject: &Subject, said: &Value) -> Vec<Vec<u8>> {
    said.as_array().unwrap().iter().map(|answer| subject.canonical(&from_hex(answer))).collect()
}
