//! The journey, once, as code: an ONNX file becomes a sealed module, is opened on the other side of a network that is not
//! trusted, predicts in its sandbox, and the answer is folded into a report. Read this first.

use std::error::Error;
use std::path::Path;

use mote_compiler::{CompileOptions, compile};
use mote_engine::Arena;
use mote_fleet::{Fold, Millis};
use mote_host::{Host, HostConfig, LoadOptions};
use mote_plan::{AlignedBytes, Plan};
use mote_seal::{Artifact, Blob, Class, Digest, Keyring, Kind, Limits, Release, Role, SigningKey, Standing, Target};
use mote_weld::{Flavour, Image};
use mote_wire::{Body, Metrics};

#[test]
fn an_onnx_file_becomes_a_sealed_guest_and_predicts() -> Result<(), Box<dyn Error>> {
    let onnx = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits-cnn/model.onnx"))?;

    // bytes -import-> Graph -lower-> Plan
    let compiled = compile(&onnx, &CompileOptions { name: "digits-cnn".into(), version: 1, ..Default::default() })?;
    let plan = AlignedBytes::copy_of(&compiled.plan);
    let plan = Plan::view(&plan)?;

    // Plan -weld-> Module
    let image = mote_guest_image::image();
    let image = Image { wasm: image.wasm, digest: image.digest };
    let module = mote_weld::module(&plan, Flavour::default(), &image)?;

    // Module -sign-> Sealed
    let key = SigningKey::from_seed(&[7; 32], Role::Release, Standing::Development);
    let blob = Blob { digest: Digest::of(&module), length: module.len() as u64 };
    let artifacts = [Artifact { class: Class::Gateway, variant: "generic", kind: Kind::Module, blob }];
    let release = Release {
        model: "digits-cnn",
        version: 1,
        floor: 0,
        artifacts: artifacts.as_slice().into(),
        golden: None,
        limits: Limits::default(),
        compiler: mote_compiler::COMPILER,
    };
    let sealed = mote_seal::seal(&mote_seal::sign_release(&release, &key)?, &module)?;

    // The network: all knowledge is lost here. Sealed -open-> Opened
    let trusted = [key.trusted()];
    let target = Target { class: Class::Gateway, variant: "generic", model: None, floor: 0, max_bytes: 1 << 20 };
    let opened = mote_seal::open(&sealed, &Keyring::new(&trusted), &target)?;

    // Opened -spawn-> Instance -infer-> Outcome
    let host = Host::new(&HostConfig::default())?;
    let model = host.load(&opened, &image, &LoadOptions::default())?;
    let mut instance = model.instantiate()?;
    let pixels: Vec<u8> = (0..64u8).flat_map(|i| f32::from(i % 17).to_le_bytes()).collect();
    let outputs = instance.infer(0, &[&pixels])?;
    let scores = outputs.get(0).ok_or("the model has an output")?.to_vec();

    // The same Plan on the native engine gives the same bits.
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory)?;
    mote_engine::input_mut(&plan, 0, 0, &mut arena).ok_or("the model has an input")?.copy_from_slice(&pixels);
    mote_engine::run(&plan, 0, &mut arena)?;
    assert_eq!(mote_engine::output(&plan, 0, 0, &arena), Some(scores.as_slice()));

    // Outcome -fold-> Report -publish->
    let scores: Vec<f32> = scores.as_chunks().0.iter().map(|&raw| f32::from_le_bytes(raw)).collect();
    let winner = mote_stream::top(&scores).ok_or("the scores are numbers")?;
    let mut fold = Fold::new(opened.release().version, Millis(0));
    fold.window().answered(120, Some(winner.label));
    let mut backlog = mote_fleet::Backlog::<4>::default();
    backlog.push(fold.close(1, Millis(30_000)));
    let report = backlog.oldest(1, opened.release().model).ok_or("a window is there")?;
    let mut message = [0; 1024];
    let length = report.encode(&mut message)?;
    let read = Metrics::decode(&message[..length])?;
    assert_eq!((read.model, read.answered), ("digits-cnn", 1));
    Ok(())
}
