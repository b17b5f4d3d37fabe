//! What a release is made of, how it travels, and what does not get into one.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mote_compiler::{CompileOptions, Core};
use mote_host::{Host, HostConfig};
use mote_release::{Call, Draft, Package, ReleaseError, Target, Tested};
use mote_seal::golden::{Inputs, MAX_RECORDED, Vectors};
use mote_seal::{Class, Keyring, Kind, Role, SigningKey, Standing, check_release};
use mote_weld::Image;

const MODEL: &str = "activity-cnn1d";
/// Bytes of its one input: 64 samples of six channels.
const INPUT: usize = 64 * 6 * 4;

fn key() -> SigningKey {
    SigningKey::from_seed(&[3; 32], Role::Release, Standing::Development)
}

fn image() -> Image<'static> {
    let image = mote_guest_image::image();
    Image { wasm: image.wasm, digest: image.digest }
}

fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::new(&HostConfig { slots: 2, ..HostConfig::default() }).unwrap())
}

fn draft(file: &str, targets: &[Target]) -> Draft {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(MODEL).join(file);
    let options = CompileOptions { name: MODEL.into(), version: 4, ..CompileOptions::default() };
    Draft::compile(&std::fs::read(path).unwrap(), &options, targets, &image()).unwrap()
}

fn tested(calls: &[Call]) -> Tested {
    draft("model.onnx", &Target::every()).test(calls, host(), &image()).unwrap()
}

fn call(fill: u8) -> Call {
    Call { entry: 0, inputs: [f32::from(fill).to_le_bytes(); INPUT / 4].concat() }
}

fn vectors(package: &Package) -> Vec<bool> {
    let trusted = [key().trusted()];
    let checked = check_release(&package.manifest, &Keyring::new(&trusted)).unwrap();
    let golden = package.golden.as_deref().unwrap();
    let vectors = Vectors::open(golden, &checked.release().golden.unwrap()).unwrap();
    vectors.iter().map(|vector| matches!(vector.inputs, Inputs::Recorded(_))).collect()
}

#[test]
fn every_place_gets_its_artifact_and_equal_ones_are_one() {
    let package = tested(&[call(1)]).sign(None, 2, &key()).unwrap();
    let listed: Vec<_> = package.artifacts.iter().map(|each| (each.class, each.variant.as_str(), each.kind)).collect();
    let (plan, module) = (Kind::Plan, Kind::Module);
    let cores = ["cortex-m33", "cortex-m4", "cortex-m55", "generic"].map(|core| (Class::Mcu, core, plan));
    let pages = ["fast", "strict"].map(|profile| (Class::Browser, profile, module));
    let want: Vec<_> = [(Class::Gateway, "generic", plan)].into_iter().chain(pages).chain(cores).collect();
    assert_eq!(listed, want);
    // Golden vectors, the gateway's Plan, two Modules, one Plan for four cores.
    assert_eq!(package.blobs().len(), 5);
    let trusted = [key().trusted()];
    let checked = check_release(&package.manifest, &Keyring::new(&trusted)).unwrap();
    let release = checked.release();
    assert_eq!((release.model, release.version, release.floor), (MODEL, 4, 2));
    assert_eq!(checked.digest(), package.digest);
}

#[test]
fn recorded_inputs_are_kept_as_far_as_they_fit() {
    let sign = |calls: &[Call]| vectors(&tested(calls).sign(None, 0, &key()).unwrap());
    assert_eq!(sign(&[]), [false, false]);
    assert_eq!(sign(&[call(1), call(2)]), [true, true]);
    let many: Vec<Call> = (0..40).map(call).collect();
    let kept = sign(&many);
    assert!(kept.iter().all(|&recorded| recorded));
    assert!(kept.len() * INPUT <= MAX_RECORDED && kept.len() < many.len());
    let short = Call { entry: 0, inputs: vec![0; INPUT - 1] };
    let error = draft("model.onnx", &[Target::Gateway]).test(&[short], host(), &image()).unwrap_err();
    assert!(matches!(error, ReleaseError::InputLength { got, taken: INPUT, .. } if got == INPUT - 1), "{error}");
}

#[test]
fn fast_code_brings_a_tolerance_that_it_meets() {
    let package = tested(&[call(1)]).sign(None, 0, &key()).unwrap();
    let vectors = Vectors::read(package.golden.as_deref().unwrap()).unwrap();
    for expected in vectors.iter().map(|vector| vector.expected.unwrap()) {
        assert!(expected.accepts(expected.outputs));
        assert!(expected.absolute > 0.0 && expected.absolute < 1e-3, "{}", expected.absolute);
    }
    let strict = draft("model.onnx", &[Target::Gateway]).test(&[], host(), &image()).unwrap();
    let strict = strict.sign(None, 0, &key()).unwrap();
    assert!(Vectors::read(strict.golden.as_deref().unwrap()).unwrap().iter().all(|vector| vector.expected.is_none()));
}

#[test]
fn files_that_were_made_before_are_taken_as_what_they_are() {
    let package = tested(&[]).sign(None, 0, &key()).unwrap();
    let bytes = |class, variant: &str| {
        let found = package.artifacts.iter().find(|each| each.class == class && each.variant == variant);
        found.unwrap().bytes.to_vec()
    };
    let module = Draft::of_file(Kind::Module, bytes(Class::Browser, "strict"), &[]).unwrap();
    let places = |draft: &Draft| draft.artifacts().iter().map(|each| (each.class, each.variant.clone())).collect();
    let both: Vec<_> = vec![(Class::Gateway, "generic".to_owned()), (Class::Browser, "strict".to_owned())];
    assert_eq!(places(&module), both);
    let again = module.test(&[], host(), &image()).unwrap().sign(None, 0, &key()).unwrap();
    assert_eq!((again.model.as_str(), again.version), (MODEL, 4));
    let plan = bytes(Class::Mcu, "cortex-m4");
    let wrong = Draft::of_file(Kind::Plan, plan.clone(), &[Target::Browser(mote_weld::Profile::Strict)]);
    assert!(matches!(wrong, Err(ReleaseError::WrongKind { .. })));
    let mcu: Vec<_> = places(&Draft::of_file(Kind::Plan, plan, &[Target::Mcu(Core::CortexM4)]).unwrap());
    assert_eq!(mcu, [(Class::Mcu, "cortex-m4".to_owned())]);
    assert!(Draft::of_file(Kind::Plan, b"MOTEPLAN".to_vec(), &[]).is_err());
}

#[test]
fn a_folder_gives_back_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let (trusted, tested) = ([key().trusted()], tested(&[call(1)]));
    let ring = Keyring::new(&trusted);
    let read = |model: Option<&str>, version| Package::read(dir.path(), model, version, &ring);
    assert!(matches!(read(None, None), Err(ReleaseError::NotThere { .. })));
    let first = tested.sign(Some(1), 0, &key()).unwrap();
    let sealed = first.write(dir.path()).unwrap();
    tested.sign(Some(2), 0, &key()).unwrap().write(dir.path()).unwrap();

    let back = read(Some(MODEL), Some(1)).unwrap();
    assert_eq!((back.version, back.digest), (1, first.digest));
    assert!(back.manifest == first.manifest && back.golden == first.golden && back.blobs() == first.blobs());
    assert_eq!(read(None, None).unwrap().version, 2);
    assert!(matches!(read(None, Some(3)), Err(ReleaseError::NotThere { there, .. }) if there.len() == 2));
    let names: Vec<_> = sealed.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let name = |end: &str| format!("{MODEL}.{end}.mote");
    let ends =
        ["gateway", "browser-fast", "browser-strict", "mcu-cortex-m33", "mcu-cortex-m4", "mcu-cortex-m55", "mcu"];
    assert_eq!(names, ends.map(name));

    let stranger = [SigningKey::from_seed(&[4; 32], Role::Release, Standing::Development).trusted()];
    let unknown = Package::read(dir.path(), None, None, &Keyring::new(&stranger));
    assert!(matches!(unknown, Err(ReleaseError::Open { .. })));
    let (digest, bytes) = first.blobs()[1];
    let blob: PathBuf = dir.path().join("x").join(digest.to_string());
    std::fs::write(&blob, &bytes[1..]).unwrap();
    assert!(matches!(read(None, Some(1)), Err(ReleaseError::NoBlob { digest: missing, .. }) if missing == digest));
}
