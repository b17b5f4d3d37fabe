//! Signed releases of the evidence models for pages, the inputs that they are asked, and the native engine's answers.

use std::path::Path;

use mote_compiler::CompileOptions;
use mote_engine::Arena;
use mote_gateway::publisher::{Offer, Publisher};
use mote_host::{Host, HostConfig};
use mote_plan::{AlignedBytes, Plan};
use mote_release::{Call, Draft, Package, Target};
use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Limits, Purpose, Release, SigningKey, Stamp, sign_assignment,
    sign_release,
};
use mote_tests::evidence::Evidence;
use mote_tests::keys::Keys;
use mote_tests::npz::{self, Array};
use mote_tests::special::Special;
use mote_weld::{Card, Image, Profile};

/// Where a page lives.
pub(crate) const PLACES: [Target; 2] = [Target::Gateway, Target::Browser(Profile::Strict)];
/// What a page takes.
pub(crate) const VARIANT: &str = "strict";

/// A model, compiled and tested, and what it is asked.
pub(crate) struct Subject {
    pub(crate) name: String,
    plan: AlignedBytes,
    card: Card,
    tested: mote_release::Tested,
    /// The bytes of all inputs, one after another: recorded ones first, special ones behind them.
    pub(crate) sets: Vec<Vec<u8>>,
}

impl Subject {
    /// Compiles a model under a name of its own.
    pub(crate) fn new(evidence: &Evidence, name: &str) -> Self {
        let image = mote_guest_image::image();
        let image = Image { wasm: image.wasm, digest: image.digest };
        let options = CompileOptions { name: name.into(), version: 1, ..CompileOptions::default() };
        let draft = Draft::compile(&evidence.bytes(), &options, &PLACES, &image).unwrap();
        let plan = AlignedBytes::copy_of(draft.plan().unwrap());
        let page = draft.artifacts().iter().find(|artifact| artifact.class == Class::Browser).unwrap();
        let card = Card::read(&page.bytes).unwrap();

        let recorded: Vec<Vec<Array>> = evidence.cases.iter().map(|(inputs, _)| npz::read(inputs)).collect();
        let special = Special::ALL.map(|kind| kind.inputs(&recorded[0]));
        let sets: Vec<Vec<u8>> = recorded.iter().chain(&special).map(|arrays| ordered(&card, arrays)).collect();

        let host = Host::new(&HostConfig { slots: 0, ..HostConfig::default() }).unwrap();
        let calls = [Call { entry: 0, inputs: sets[0].clone() }];
        let tested = draft.test(&calls, &host, &image).unwrap();
        Self { name: evidence.name.clone(), plan, card, tested, sets }
    }

    /// Its release of this version.
    pub(crate) fn release(&self, version: u64, keys: &Keys) -> Package {
        self.tested.sign(Some(version), 0, &keys.release).unwrap()
    }

    /// Writes the sealed file for pages and the inputs, as the scripts expect them, under this name.
    pub(crate) fn write(&self, folder: &Path, name: &str, keys: &Keys) {
        let sealed = self.release(1, keys).sealed(Class::Browser, VARIANT).unwrap();
        std::fs::write(folder.join(format!("{name}.mote")), sealed).unwrap();
        for (set, inputs) in self.sets.iter().enumerate() {
            std::fs::write(folder.join(format!("{name}.{set:02}.in")), inputs).unwrap();
        }
    }

    /// The native engine's answers to all sets, in the form in which equal results are equal bytes.
    pub(crate) fn native(&self) -> Vec<Vec<u8>> {
        self.sets.iter().map(|inputs| self.canonical(&native(&self.plan, inputs))).collect()
    }

    /// An answer with every NaN alike.
    pub(crate) fn canonical(&self, mut answer: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for tensor in &self.card.entries[0].outputs {
            let (own, rest) = answer.split_at(tensor.bytes as usize);
            answer = rest;
            let dims = tensor.shape.iter().map(|&dim| dim as usize).collect();
            let array = Array { name: tensor.name.clone(), dtype: tensor.dtype().unwrap(), dims, bytes: own.to_vec() };
            bytes.extend(array.canonical());
        }
        assert!(answer.is_empty(), "{}: {} bytes too many", self.name, answer.len());
        bytes
    }
}

/// The bytes of the arrays that the inputs name.
fn ordered(card: &Card, arrays: &[Array]) -> Vec<u8> {
    let inputs = card.entries[0].inputs.iter();
    inputs.flat_map(|input| arrays.iter().find(|array| array.name == input.name).unwrap().bytes.clone()).collect()
}

fn native(plan: &AlignedBytes, mut inputs: &[u8]) -> Vec<u8> {
    let plan = Plan::view(plan).unwrap();
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).unwrap();
    let entry = plan.entry(0).unwrap();
    for index in 0..entry.inputs().count() {
        let input = mote_engine::input_mut(&plan, 0, index, &mut arena).unwrap();
        let (own, rest) = inputs.split_at(input.len());
        input.copy_from_slice(own);
        inputs = rest;
    }
    mote_engine::run(&plan, 0, &mut arena).unwrap();
    (0..entry.outputs().count())
        .flat_map(|index| mote_engine::output(&plan, 0, index, &arena).unwrap().to_vec())
        .collect()
}

/// Offers a release and orders a device to run it; its version is the order's generation.
pub(crate) fn push(publisher: &Publisher, package: &Package, keys: &Keys, fleet: &str, device: &str) {
    let Package { model, version, manifest, .. } = package;
    let blobs = package.blobs().into_iter().map(|(_, bytes)| bytes.to_vec()).collect();
    let offer = Offer { model: model.clone(), version: *version, manifest: manifest.clone(), blobs };
    publisher.offer(offer).unwrap();
    let assignment = Assignment {
        fleet,
        device,
        stamp: Stamp { epoch: 1, generation: *version },
        model,
        version: *version,
        release: Digest::of(manifest),
        nonce: *version,
        purpose: Purpose::Update,
    };
    publisher.assign(device, sign_assignment(&assignment, &keys.assignment).unwrap()).unwrap();
}

/// The same release with the golden vectors of another, signed by this key.
pub(crate) fn with_golden_of(package: &Package, other: &Package, key: &SigningKey) -> Package {
    let blob = |bytes: &[u8]| Blob { digest: Digest::of(bytes), length: bytes.len() as u64 };
    let artifacts: Vec<Artifact<'_>> = package
        .artifacts
        .iter()
        .map(|each| Artifact { class: each.class, variant: &each.variant, kind: each.kind, blob: blob(&each.bytes) })
        .collect();
    let release = Release {
        model: &package.model,
        version: package.version,
        floor: 0,
        artifacts: artifacts.as_slice().into(),
        golden: other.golden.as_deref().map(blob),
        limits: Limits::default(),
        compiler: "tests",
    };
    let manifest = sign_release(&release, key).unwrap();
    let digest = Digest::of(&manifest);
    Package { manifest, digest, golden: other.golden.clone(), ..package.clone() }
}
