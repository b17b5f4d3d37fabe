//! Runs every artifact on the golden vectors, so that no two of a release can give different answers.

use std::sync::Arc;

use mote_host::{Code, Host, Instance, LoadOptions};
use mote_plan::AlignedBytes;
use mote_seal::{Class, Digest, Keyring, Kind, Role, SigningKey, Standing, Target as Place, open_detached};
use mote_weld::{Card, Image, Profile};

use crate::golden::{Call, Native, Question, Shape, file, questions};
use crate::package::manifest;
use crate::{Artifact, Draft, Package, ReleaseError};

/// How far fast code may be from strict code, relative to the largest output. Fusing rounds once instead of twice.
const MAX_FAST_ERROR: f64 = 1e-4;
/// How much further off than measured here another engine may be, which may fuse what this one does not.
const FAST_MARGIN: f64 = 4.0;
/// The least tolerance for fast code, relative to the largest output: eight roundings of an f32.
const FAST_LEAST: f64 = 8.0 * f32::EPSILON as f64;

/// Artifacts that give the same answers, and the golden vectors that show it.
#[derive(Clone, Debug)]
pub struct Tested {
    model: String,
    version: u64,
    artifacts: Vec<Artifact>,
    golden: Option<Vec<u8>>,
}

impl Draft {
    /// Asks every artifact the same questions: the given calls as far as 16 KiB hold them, generated inputs for entries
    /// that no call is for. The native engine's answers are recorded; Plans must give the same bits there, what a gateway
    /// derives and strict Modules must give them in the host, fast Modules must come close. A foreign guest is not asked.
    ///
    /// # Errors
    /// Calls that do not fit the model, or an artifact that does not run or answers something else.
    pub fn test(self, calls: &[Call], host: &Host, image: &Image<'_>) -> Result<Tested, ReleaseError> {
        let Self { model, version, artifacts, plan } = self;
        let Some(plan) = plan else { return Ok(Tested { model, version, artifacts, golden: None }) };
        let mut native = Native::new(&plan)?;
        let mut asked = questions(&mut native, calls)?;
        let shapes = native.shapes.clone();
        for (at, artifact) in artifacts.iter().enumerate() {
            let same = |other: &&Artifact| Arc::ptr_eq(&other.bytes, &artifact.bytes) && other.class == artifact.class;
            if artifacts.get(..at).into_iter().flatten().any(|other| same(&other)) {
                continue;
            }
            if artifact.kind == Kind::Plan {
                on_the_engine(artifact, &asked)?;
            }
            match artifact.class {
                Class::Gateway => {
                    let guest = instance(artifact, Code::Derived, host, image)?;
                    in_the_host(artifact, guest, &asked, &shapes)?;
                }
                Class::Browser => {
                    let guest = instance(artifact, Code::File, host, image)?;
                    match Card::read(&artifact.bytes).map(|card| card.flavour.profile) {
                        Ok(Profile::Fast) => close_in_the_host(artifact, guest, &mut asked, &shapes)?,
                        _ => in_the_host(artifact, guest, &asked, &shapes)?,
                    }
                }
                Class::Mcu => {}
            }
        }
        Ok(Tested { model, version, artifacts, golden: file(&asked) })
    }
}

impl Tested {
    /// Names everything in one document and signs it. `version` takes the place of the model's own.
    ///
    /// # Errors
    /// A name, version or floor that no release can have, or a key of another role.
    pub fn sign(&self, version: Option<u64>, floor: u64, key: &SigningKey) -> Result<Package, ReleaseError> {
        let version = version.unwrap_or(self.version);
        let manifest = manifest(&self.model, version, floor, &self.artifacts, self.golden.as_deref(), key)?;
        Ok(Package {
            model: self.model.clone(),
            version,
            digest: Digest::of(&manifest),
            manifest,
            artifacts: self.artifacts.clone(),
            golden: self.golden.clone(),
        })
    }

    /// The artifacts, in the order of a release.
    #[must_use]
    pub fn artifacts(&self) -> &[Artifact] {
        &self.artifacts
    }
}

fn on_the_engine(artifact: &Artifact, asked: &[Question]) -> Result<(), ReleaseError> {
    let bytes = AlignedBytes::copy_of(&artifact.bytes);
    let mut native = Native::new(&bytes)?;
    for (vector, question) in asked.iter().enumerate() {
        let inputs = question.inputs(&native.shapes)?;
        let got = native.run(question.entry, &inputs).map_err(|fault| ReleaseError::Fault { vector, fault })?;
        same_bits(artifact, vector, question, &native.shapes, &got)?;
    }
    Ok(())
}

fn in_the_host(
    artifact: &Artifact,
    mut guest: Instance,
    asked: &[Question],
    shapes: &[Shape],
) -> Result<(), ReleaseError> {
    for (vector, question) in asked.iter().enumerate() {
        let got = answer(&mut guest, question, shapes, vector)?;
        same_bits(artifact, vector, question, shapes, &got)?;
    }
    Ok(())
}

/// Like [`in_the_host`] within a tolerance, which is recorded.
fn close_in_the_host(
    artifact: &Artifact,
    mut guest: Instance,
    asked: &mut [Question],
    shapes: &[Shape],
) -> Result<(), ReleaseError> {
    for (vector, question) in asked.iter_mut().enumerate() {
        let got = answer(&mut guest, question, shapes, vector)?;
        let Some(shape) = shapes.get(question.entry as usize).filter(|shape| shape.is_f32_out()) else {
            // Classes and indices have no tolerance: a fast artifact either agrees or is none.
            same_bits(artifact, vector, question, shapes, &got)?;
            continue;
        };
        let finite = || floats(&question.answer).map(f64::abs).filter(|value| value.is_finite());
        let scale = largest(finite());
        let error = largest(floats(&got).zip(floats(&question.answer)).map(|(got, want)| apart(got, want)));
        let error = if scale > 0.0 { error / scale } else { error };
        if error > MAX_FAST_ERROR || got.len() != question.answer.len() || shape.outputs.is_empty() {
            let Artifact { class, variant, .. } = artifact;
            return Err(ReleaseError::TooFarOff { class: *class, variant: variant.clone(), vector, error });
        }
        question.tolerance = Some((largest([FAST_MARGIN * error, FAST_LEAST]) * scale) as f32);
    }
    Ok(())
}

/// Every output of one call, one after another.
fn answer(guest: &mut Instance, question: &Question, shapes: &[Shape], vector: usize) -> Result<Vec<u8>, ReleaseError> {
    let inputs = question.inputs(shapes)?;
    let parts = shapes.get(question.entry as usize).map(|shape| shape.split(&inputs)).unwrap_or_default();
    let outputs = guest.infer(question.entry, &parts).map_err(|source| ReleaseError::Infer { vector, source })?;
    Ok(outputs.iter().flat_map(|(_, bytes)| bytes).copied().collect())
}

/// The artifact in the sandbox. Hosts run what is opened and nothing else, so it is signed for this one run.
fn instance(artifact: &Artifact, code: Code, host: &Host, image: &Image<'_>) -> Result<Instance, ReleaseError> {
    let key = SigningKey::from_seed(&[0; 32], Role::Release, Standing::Development);
    let alone = std::slice::from_ref(artifact);
    let manifest = manifest("test", 0, 0, alone, None, &key)?;
    let Artifact { class, variant, bytes, .. } = artifact;
    let place = Place { class: *class, variant, model: None, floor: 0, max_bytes: u64::MAX };
    let trusted = [key.trusted()];
    let opened = open_detached(&manifest, bytes, &Keyring::new(&trusted), &place);
    let opened = opened.map_err(|source| ReleaseError::Open { path: variant.into(), source })?;
    let profile = Profile::Strict;
    let model = host.load(&opened, image, &LoadOptions { code, profile, ..LoadOptions::default() })?;
    Ok(model.instantiate()?)
}

fn same_bits(
    artifact: &Artifact,
    vector: usize,
    question: &Question,
    shapes: &[Shape],
    got: &[u8],
) -> Result<(), ReleaseError> {
    let digest = shapes.get(question.entry as usize).map(|shape| shape.digest(got));
    if digest == Some(question.digest) { Ok(()) } else { Err(other_bits(artifact, vector)) }
}

fn other_bits(artifact: &Artifact, vector: usize) -> ReleaseError {
    let Artifact { class, variant, .. } = artifact;
    ReleaseError::OtherBits { class: *class, variant: variant.clone(), vector }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f64> + '_ {
    bytes.as_chunks().0.iter().map(|&raw| f64::from(f32::from_le_bytes(raw)))
}

/// The difference; none between equal infinities or two NaNs, infinite beside one.
fn apart(got: f64, want: f64) -> f64 {
    if got == want || (got.is_nan() && want.is_nan()) {
        return 0.0;
    }
    let apart = (got - want).abs();
    if apart.is_finite() { apart } else { f64::INFINITY }
}

fn largest(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().fold(0.0, |most, value| if value > most { value } else { most })
}

#[cfg(test)]
mod tests {
    use mote_compiler::{CompileOptions, Core};
    use mote_host::HostConfig;

    use super::*;
    use crate::Target;

    fn image() -> Image<'static> {
        let image = mote_guest_image::image();
        Image { wasm: image.wasm, digest: image.digest }
    }

    fn draft(file: &str) -> Draft {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/activity-cnn1d").join(file);
        let options = CompileOptions { name: "m".into(), ..CompileOptions::default() };
        let targets = [
            Target::Gateway,
            Target::Browser(Profile::Strict),
            Target::Browser(Profile::Fast),
            Target::Mcu(Core::Generic),
        ];
        Draft::compile(&std::fs::read(path).unwrap(), &options, &targets, &image()).unwrap()
    }

    /// Another network of the same shape is the subtlest wrong artifact: everything fits but the answers.
    #[test]
    fn an_artifact_of_another_network_is_found() {
        let (own, other) = (draft("model.onnx"), draft("model-v2.onnx"));
        let host = Host::new(&HostConfig { slots: 2, ..HostConfig::default() }).unwrap();
        for at in 0..own.artifacts.len() {
            let mut mixed = own.clone();
            mixed.artifacts[at] = other.artifacts[at].clone();
            let Artifact { class, variant, .. } = mixed.artifacts[at].clone();
            let refused = mixed.test(&[], &host, &image()).unwrap_err();
            let named = match &refused {
                ReleaseError::OtherBits { class, variant, .. } | ReleaseError::TooFarOff { class, variant, .. } => {
                    (*class, variant.clone())
                }
                _ => panic!("{refused}"),
            };
            assert_eq!(named, (class, variant));
        }
        assert!(own.test(&[], &host, &image()).is_ok());
    }

    #[test]
    fn differences_count_nan_and_infinity() {
        let (nan, infinity) = (f64::NAN, f64::INFINITY);
        for (got, want, difference) in [
            (1.0, 1.5, 0.5),
            (nan, nan, 0.0),
            (infinity, infinity, 0.0),
            (infinity, -infinity, infinity),
            (nan, 1.0, infinity),
            (1.0, nan, infinity),
        ] {
            assert_eq!(apart(got, want), difference, "{got} {want}");
        }
    }
}
