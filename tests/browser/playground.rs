//! The page that a gateway serves, as people use it.

use std::ffi::OsStr;
use std::path::PathBuf;

use mote_gateway::background::Background;
use mote_gateway::config::Config;
use mote_gateway::serve;
use mote_seal::Class;
use mote_tests::evidence::{self, Evidence};
use mote_tests::keys::Keys;
use mote_tests::npz;
use mote_tests::schedule::alone;
use mote_weld::Image;
use serde_json::{Value, json};

use crate::program;
use crate::releases::{Subject, VARIANT};
use crate::script::Chromium;

#[test]
fn the_playground_shows_the_same_bits_and_refuses_what_was_tampered_with() {
    let _turn = alone();
    let test = "the playground";
    let Some(chromium) = Chromium::find(test) else { return };
    let Some(pages) = std::env::var_os("MOTE_PLAYGROUND").map(PathBuf::from) else {
        return program::skip(test, "the playground (MOTE_PLAYGROUND)");
    };

    let (folder, keys) = (tempfile::tempdir().unwrap(), Keys::default());
    let models = folder.path().join("models");
    std::fs::create_dir(&models).unwrap();
    std::fs::write(folder.path().join("trusted.keys"), keys.text()).unwrap();
    // Each model by its first version, under its own name.
    let evidence: Vec<_> = evidence::models().into_iter().filter(|model| !model.name.ends_with("-v2")).collect();
    let subjects: Vec<Subject> = evidence.iter().map(|model| Subject::new(model, &model.name)).collect();
    for (model, subject) in evidence.iter().zip(&subjects) {
        let package = subject.release(1, &keys);
        std::fs::write(models.join(format!("{}.csv", model.name)), recording(model)).unwrap();
        for (class, variant) in [(Class::Gateway, "generic"), (Class::Browser, VARIANT)] {
            let file = models.join(format!("{}.{class}.mote", model.name));
            std::fs::write(file, package.sealed(class, variant).unwrap()).unwrap();
        }
    }
    let tampered = folder.path().join("tampered.mote");
    let mut bytes = std::fs::read(models.join("digits-cnn.browser.mote")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&tampered, bytes).unwrap();

    let background = Background::start().unwrap();
    let config = format!(
        "[gateway]\nname = \"gateway-1\"\nfleet = \"plant\"\nmodels = \"models\"\nstate = \"state\"\n\
         keys = \"trusted.keys\"\n[http]\nlisten = \"127.0.0.1:0\"\npages = {:?}\n",
        pages.display().to_string()
    );
    std::fs::write(folder.path().join("mote.toml"), config).unwrap();
    let config = Config::load(&folder.path().join("mote.toml")).unwrap();
    let image = mote_guest_image::image();
    let image = Image { wasm: image.wasm, digest: image.digest };
    let gateway = background.wait(serve::start(config, image)).unwrap();
    let origin = format!("http://{}/", gateway.http);
    let said = chromium.run("playground.mjs", &[OsStr::new(&origin), tampered.as_os_str()]);
    background.wait(gateway.shutdown());

    let line = |key: &str| said.iter().find(|line| line.get(key).is_some()).unwrap();
    let policy = line("policy")["policy"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
    for subject in &subjects {
        let shown = said.iter().find(|line| line["model"] == subject.name).unwrap();
        assert_eq!(shown["same"], "true", "{}: {shown}", subject.name);
        // What the page shows is what the native engine makes of the recording.
        let native = &subject.native()[0];
        let words = native.as_chunks().0.iter().map(|&word| format!("{:08x}", u32::from_le_bytes(word)));
        assert_eq!(shown["bits"], words.collect::<Vec<_>>().join(" "), "{}", subject.name);
    }
    assert_eq!(line("keyboard")["keyboard"], "true");
    let mut looks = 0;
    for look in said.iter().filter(|line| line.get("violations").is_some()) {
        assert_eq!(look["violations"], json!([]), "{look}");
        looks += 1;
    }
    assert_eq!(looks, 3, "light, dark and narrow");
    let overflows: Vec<&Value> = said.iter().filter_map(|line| line.get("overflow")).collect();
    assert!(overflows.iter().all(|&pixels| *pixels == json!(0)), "{overflows:?}");
    let refused = line("refused");
    assert_eq!(refused["code"], "seal.digest", "{refused}");
    assert!(refused["refused"].as_str().is_some_and(|text| text.contains("digest")), "{refused}");
    assert_eq!(line("faults")["faults"], json!([]));
}

/// The first recorded input as a table: a row for each sample of a window, else one row.
fn recording(model: &Evidence) -> String {
    let arrays = npz::read(&model.cases[0].0);
    let array = &arrays[0];
    let columns = if let [_, _, channels] = array.dims[..] { channels } else { array.dims.iter().product() };
    let values: Vec<f32> = array.bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    let row = |row: &[f32]| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    values.chunks(columns).map(|values| row(values) + "\n").collect()
}
