//! What is refused is refused for its reason, with a code for programs and a hint for people.

use mote_compiler::CompileOptions;
use mote_release::{Draft, Target};
use mote_seal::{Role, SigningKey, Standing};
use mote_tests::evidence;
use mote_tests::keys::Keys;
use mote_weld::{Image, Profile};

use crate::program;
use crate::releases::Subject;
use crate::scene::{Runtime, Scene};

/// A scene with the digits model sealed rightly, and every wrong way.
pub(crate) fn scene(test: &str) -> Option<Scene> {
    let scene = Scene::new(test)?;
    let keys = Keys::default();
    let model = evidence::models().into_iter().find(|model| model.name == "digits-cnn").unwrap();
    let subject = Subject::new(&model, "digits-cnn");
    subject.write(scene.path("").as_path(), "good", &keys);
    let write = |name: &str, bytes: &[u8]| std::fs::write(scene.path(name), bytes).unwrap();
    write("keys.pub", keys.text().as_bytes());
    write("keys.secret", keys.release.to_text().to_string().as_bytes());
    let stranger = SigningKey::from_seed(&[9; 32], Role::Release, Standing::Production);
    write("stranger.pub", stranger.trusted().to_string().as_bytes());
    let order = SigningKey::from_seed(&[1; 32], Role::Assignment, Standing::Development);
    write("order.pub", order.trusted().to_string().as_bytes());

    let good = std::fs::read(scene.path("good.mote")).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mote_seal::Sealed { manifest, artifact } = mote_seal::Sealed::split(&good).unwrap();
    let (signature, start) = (16 + manifest.len() - 1, good.len() - artifact.len());
    write("module.mote", &flipped(good.len() - 1));
    write("manifest.mote", &flipped(signature));
    write("long.mote", &[good.as_slice(), &[0]].concat());
    write("short.mote", &good[..good.len() - 1]);
    write("head.mote", &good[..start - 65]);
    write("text.mote", &good.iter().filter(|&&byte| byte != b'\r').copied().collect::<Vec<_>>());
    write("module.wasm", &good[start..]);
    write("page.mote", b"\n<!doctype html><title>Start</title>");

    let image = mote_guest_image::image();
    let image = Image { wasm: image.wasm, digest: image.digest };
    for (name, target) in [("gateway.mote", Target::Gateway), ("fast.mote", Target::Browser(Profile::Fast))] {
        let options = CompileOptions { name: "digits-cnn".into(), version: 1, ..CompileOptions::default() };
        let draft = Draft::compile(&model.bytes(), &options, &[target], &image).unwrap();
        let manifest = draft.vouch(&keys.release).unwrap();
        write(name, &mote_seal::seal(&manifest, &draft.artifacts()[0].bytes).unwrap());
    }
    Some(scene)
}

#[test]
fn refusals_name_their_reason() {
    let Some(scene) = scene("refusals_name_their_reason") else { return };
    for runtime in [Runtime::Node, Runtime::Deno, Runtime::Bun] {
        let Some(printed) = scene.run(runtime, "refusals.mjs", &[]) else {
            program::skip(&format!("refusals_name_their_reason in {runtime:?}"), "MOTE_WEB_MODULES' runtime");
            continue;
        };
        assert_eq!(printed.trim(), "as expected", "{runtime:?}");
    }
}

#[test]
fn a_cached_model_opens_without_a_network() {
    let test = "a_cached_model_opens_without_a_network";
    let Some(scene) = scene(test) else { return };
    // Of the runtimes without a page, Deno has the Cache API.
    match scene.run(Runtime::Deno, "offline.mjs", &[]) {
        Some(printed) => assert_eq!(printed.trim(), "as expected"),
        None => program::skip(test, "Deno (MOTE_WEB_MODULES, set by `cargo xtask test`)"),
    }
}
