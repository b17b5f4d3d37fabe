//! The package as others meet it: linted by publint, bundled by Vite, started from every source of its
//! verifier, and on a thread that has little more than WebAssembly.

use std::path::Path;
use std::process::Command;

use mote_tests::evidence;
use mote_tests::keys::Keys;

use crate::program;
use crate::refusals;
use crate::releases::Subject;
use crate::scene::{Runtime, Scene, copy, printed};

#[test]
fn publint_finds_nothing() {
    let Some(scene) = Scene::new("publint_finds_nothing") else { return };
    let Some(publint) = scene.tool("publint") else { return program::skip("publint_finds_nothing", "publint") };
    let said = printed(Command::new("node").arg(publint).arg(scene.path("node_modules/mote-web")).arg("--strict"));
    assert!(said.contains("All good!"), "{said}");
}

#[test]
fn vite_bundles_both_entries() {
    let Some(scene) = Scene::new("vite_bundles_both_entries") else { return };
    let Some(vite) = scene.tool("vite") else { return program::skip("vite_bundles_both_entries", "Vite") };
    let keys = Keys::default();
    let model = &evidence::models()[0];
    Subject::new(model, &model.name).write(scene.path("").as_path(), "model", &keys);
    std::fs::write(scene.path("keys.pub"), keys.text()).unwrap();
    for entry in ["mote-web", "mote-web/slim"] {
        let app = scene.path(&entry.replace('/', "-"));
        copy(&scene.path("app"), &app);
        std::fs::write(app.join("entry.js"), format!("export * from \"{entry}\";\n")).unwrap();
        printed(Command::new("node").current_dir(&app).arg(&vite).args(["build", "--logLevel", "warn"]));
        let built = files(&app.join("dist/assets"));
        let wasm = built.iter().filter(|name| name.ends_with(".wasm")).count();
        assert_eq!(wasm, usize::from(entry.ends_with("slim")), "{built:?}");
        let script = built.iter().find(|name| name.starts_with("index") && name.ends_with(".js")).unwrap();
        let script = app.join("dist/assets").join(script);
        let said = scene.run(Runtime::Node, "bundled.mjs", &[script.to_str().unwrap()]).unwrap();
        assert_eq!(said.trim(), model.name, "{entry}");
    }
}

#[test]
fn the_small_entry_starts_from_every_source() {
    let Some(scene) = refusals::scene("the_small_entry_starts_from_every_source") else { return };
    for source in ["beside", "url", "bytes", "module"] {
        assert_eq!(scene.run(Runtime::Node, "slim.mjs", &[source]).unwrap().trim(), "as expected", "{source}");
    }
}

#[test]
fn a_bare_thread_runs_a_posted_model() {
    let Some(scene) = refusals::scene("a_bare_thread_runs_a_posted_model") else { return };
    assert_eq!(scene.run(Runtime::Node, "bare.mjs", &[]).unwrap().trim(), "as expected");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
