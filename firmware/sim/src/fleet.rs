//! The other end of the fleet: keys, releases, assignments, and models small enough to be made here.

use mote_abi::DType;
use mote_engine::{Arena, input_mut, output, run};
use mote_firmware::{Factory, Identity, Name};
use mote_fleet::Slot;
use mote_plan::write::{EntrySpec, Writer};
use mote_plan::{AlignedBytes, Halo, Kind as Step, Meta, Plan};
use mote_seal::golden::{Generator, Inputs, OutputHasher, Vector};
use mote_seal::{
    Artifact, Assignment, Blob, Class, Digest, Kind, Limits, Purpose, Release, Role, SigningKey, Stamp, Standing,
    golden, sign_assignment, sign_release,
};

/// The variant of Plans that simulated devices take.
pub const VARIANT: &str = "generic";

/// Who signs: one fleet, one device, one model.
#[derive(Debug, Clone)]
pub struct Controller {
    release: SigningKey,
    assignment: SigningKey,
    fleet: String,
    device: String,
    model: String,
    stamp: Stamp,
}

/// A signed release and the parts it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The release's version.
    pub version: u64,
    /// The signed document.
    pub manifest: Vec<u8>,
    /// The Plan.
    pub artifact: Vec<u8>,
    /// The golden vectors' file, if the release names one.
    pub golden: Option<Vec<u8>>,
}

impl Controller {
    /// Keys drawn from a seed.
    #[must_use]
    pub fn new(seed: u8, fleet: &str, device: &str, model: &str) -> Self {
        let key =
            |offset: u8, role| SigningKey::from_seed(&[seed.wrapping_add(offset); 32], role, Standing::Development);
        Self {
            release: key(0, Role::Release),
            assignment: key(1, Role::Assignment),
            fleet: fleet.into(),
            device: device.into(),
            model: model.into(),
            stamp: Stamp { epoch: 1, generation: 0 },
        }
    }

    /// What the device is provisioned with. `None` if a name is too long.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let name = |text: &str| Name::try_from(text).ok();
        Some(Identity {
            fleet: name(&self.fleet)?,
            device: name(&self.device)?,
            model: name(&self.model)?,
            variant: name(VARIANT)?,
            keys: [self.release.trusted(), self.assignment.trusted()].into_iter().collect(),
        })
    }

    /// Signs a release of one Plan for microcontrollers.
    ///
    /// # Panics
    /// Never: a release of one artifact with sound names can be signed.
    #[must_use]
    pub fn release(&self, version: u64, floor: u64, artifact: Vec<u8>, golden: Option<Vec<u8>>) -> Made {
        let artifacts = [Artifact { class: Class::Mcu, variant: VARIANT, kind: Kind::Plan, blob: blob(&artifact) }];
        let release = Release {
            model: &self.model,
            version,
            floor,
            artifacts: artifacts.as_slice().into(),
            golden: golden.as_deref().map(blob),
            limits: Limits::default(),
            compiler: "simulator",
        };
        let manifest = sign_release(&release, &self.release).expect("a sound release");
        Made { version, manifest, artifact, golden }
    }

    /// Orders a release under the next generation.
    ///
    /// # Panics
    /// Never: an assignment with sound names can be signed.
    pub fn assign(&mut self, made: &Made, nonce: u64, purpose: Purpose) -> Vec<u8> {
        self.stamp.generation += 1;
        let assignment = Assignment {
            fleet: &self.fleet,
            device: &self.device,
            stamp: self.stamp,
            model: &self.model,
            version: made.version,
            release: Digest::of(&made.manifest),
            nonce,
            purpose,
        };
        sign_assignment(&assignment, &self.assignment).expect("a sound assignment")
    }

    /// The fleet's name.
    #[must_use]
    pub fn fleet(&self) -> &str {
        &self.fleet
    }

    /// The device's name.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// The model's name.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }
}

impl Made {
    /// As the first model of a device.
    #[must_use]
    pub fn factory(&self) -> Factory<'_> {
        let slot = Slot {
            release: Digest::of(&self.manifest),
            version: self.version,
            floor: 0,
            artifact: blob(&self.artifact),
            golden: None,
        };
        Factory { manifest: &self.manifest, artifact: &self.artifact, slot }
    }
}

fn blob(bytes: &[u8]) -> Blob {
    Blob { digest: Digest::of(bytes), length: bytes.len() as u64 }
}

/// A linear classifier: `scores = window . weights`. Weight `i` is `weight(i)`; NaN makes a model that never answers.
/// Its Plan is `4 * inputs * classes` bytes and a few hundred.
///
/// # Panics
/// If the sizes are beyond any Plan.
#[must_use]
pub fn linear(inputs: u32, classes: u32, weight: impl Fn(u32) -> f32) -> Vec<u8> {
    let mut writer = Writer::new(16);
    let weights: Vec<u8> = (0..inputs * classes).flat_map(|i| weight(i).to_le_bytes()).collect();
    let x = writer.arena(DType::F32, &[1, 1, inputs], Halo::NONE, 0).expect("a sound shape");
    let y_at = (4 * inputs).next_multiple_of(64);
    let y = writer.arena(DType::F32, &[1, 1, classes], Halo::NONE, y_at).expect("a sound shape");
    let w = writer.constant(DType::F32, &[1, inputs, classes], &weights).expect("a sound shape");
    for (id, name) in [(x, "window"), (y, "scores")] {
        writer.name(id, name).expect("a short name");
    }
    writer.bare_step(Step::MatMul, &[Some(x), Some(w)], &[y]);
    let arena_bytes = y_at + 4 * classes;
    writer.entry(EntrySpec { batch: 1, inputs: vec![x], outputs: vec![y], arena_bytes, ..EntrySpec::default() });
    let labels = (0..classes).map(|class| format!("class-{class}")).collect();
    let meta = Meta { name: "linear".into(), version: 1, labels, ..Meta::default() };
    writer.finish(&meta).expect("a small Plan")
}

/// Golden vectors of one generated input, as a Plan of one f32 input answers it here. `None` if it does not run.
#[must_use]
pub fn golden(plan: &[u8], seed: u64) -> Option<Vec<u8>> {
    let bytes = AlignedBytes::copy_of(plan);
    let plan = Plan::view(&bytes).ok()?;
    let mut memory = AlignedBytes::zeroed(plan.arena_bytes() as usize);
    let mut arena = Arena::new(&mut memory).ok()?;
    let inputs = Inputs::Generated { generator: Generator::Units, seed };
    inputs.write_to(input_mut(&plan, 0, 0, &mut arena)?).ok()?;
    run(&plan, 0, &mut arena).ok()?;
    let mut hasher = OutputHasher::new();
    hasher.output(DType::F32, output(&plan, 0, 0, &arena)?);
    Some(golden::write(&[Vector { entry: 0, inputs, digest: hasher.finish(), expected: None }]))
}
