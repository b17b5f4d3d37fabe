//! Memory that a page took for a model is given back.

use mote_tests::evidence;
use mote_tests::keys::Keys;
use mote_tests::schedule::alone;
use serde_json::Value;

use crate::releases::Subject;
use crate::script::Chromium;

const NAME: &str = "digits-cnn";
const CYCLES: &str = "1000";
/// What the heap of a page may grow by over all cycles, in bytes: less than one module of this model.
const MAX_HEAP_GROWTH: i64 = 512 << 10;
/// What its process may: engines free code and memories when they like. 1,000 modules of this model are 76 MB.
const MAX_RESIDENT_GROWTH: i64 = 16 << 20;

#[test]
fn memory_is_flat_over_models_opened_and_disposed_of() {
    let _turn = alone();
    let Some(chromium) = Chromium::find("memory of a page") else { return };
    let (folder, keys) = (tempfile::tempdir().unwrap(), Keys::default());
    std::fs::write(folder.path().join("trusted.keys"), keys.text()).unwrap();
    let model = evidence::models().into_iter().find(|model| model.name == NAME).unwrap();
    Subject::new(&model, NAME).write(folder.path(), NAME, &keys);

    let said = chromium.run("memory.mjs", &[folder.path().as_os_str(), NAME.as_ref(), CYCLES.as_ref()]);
    let [line] = said.as_slice() else { panic!("{said:?}") };
    let growth = |what: &str| {
        let bytes = |when: &str| -> Option<i64> { line[when][what].as_f64().map(|bytes| bytes as i64) };
        Some(bytes("after")? - bytes("before")?)
    };
    println!(
        "measured: a page's memory over {CYCLES} models opened and disposed of: {}",
        Value::Object(line.as_object().unwrap().clone())
    );
    let (heap, resident) = (growth("heap").unwrap(), growth("resident"));
    assert!(heap <= MAX_HEAP_GROWTH, "the heap grew by {heap} bytes over {CYCLES} cycles");
    assert!(
        resident.is_none_or(|grown| grown <= MAX_RESIDENT_GROWTH),
        "the process grew by {resident:?} bytes over {CYCLES} cycles"
    );
}
