//! The artifacts of a release before anything is known of them.

use std::sync::Arc;

use mote_compiler::{CompileOptions, compile_for};
use mote_plan::{AlignedBytes, Meta, Plan};
use mote_seal::{Class, Kind, SigningKey};
use mote_weld::{Card, Flavour, Image, Profile, Tuning};

use crate::package::manifest;
use crate::{ReleaseError, Target};

/// One artifact. Equal bytes are shared.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Where it runs.
    pub class: Class,
    /// Which of several for that class.
    pub variant: String,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// Artifacts that nobody has run yet.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) model: String,
    pub(crate) version: u64,
    /// In the order of a release: by class, then variant.
    pub(crate) artifacts: Vec<Artifact>,
    /// The Plan that the others are compared with; none beside a foreign guest.
    pub(crate) plan: Option<AlignedBytes>,
}

impl Draft {
    /// Compiles an ONNX file for every target. `options.target` is not looked at; the budget holds for microcontrollers.
    ///
    /// # Errors
    /// No target, or a model that does not compile or weld.
    pub fn compile(
        onnx: &[u8],
        options: &CompileOptions,
        targets: &[Target],
        image: &Image<'_>,
    ) -> Result<Self, ReleaseError> {
        let mut layouts: Vec<mote_compiler::Target> = targets.iter().map(|target| target.layout()).collect();
        layouts.sort_by_key(ToString::to_string);
        layouts.dedup();
        let plans = shared(compile_for(onnx, options, &layouts)?);
        let mut artifacts = Vec::new();
        for &target in targets {
            let found = layouts.iter().position(|&layout| layout == target.layout()).and_then(|at| plans.get(at));
            let plan = found.ok_or(ReleaseError::NoTarget)?;
            let bytes = match target {
                Target::Gateway | Target::Mcu(_) => Arc::clone(plan),
                Target::Browser(profile) => weld(plan, profile, image)?.into(),
            };
            artifacts.push(artifact(target, target.kind(), bytes));
        }
        let plan = plans.first().ok_or(ReleaseError::NoTarget)?;
        let plan = AlignedBytes::copy_of(plan);
        Self { model: options.name.clone(), version: options.version, artifacts, plan: Some(plan) }.in_order()
    }

    /// Takes what has been made before: a Plan, or a Module together with the Plan inside it. Without targets a Plan is
    /// for gateways, and a Module for gateways and for pages.
    ///
    /// # Errors
    /// Bytes that are not of this kind, or a target that takes another.
    pub fn of_file(kind: Kind, bytes: Vec<u8>, targets: &[Target]) -> Result<Self, ReleaseError> {
        let (plan, page) = match kind {
            Kind::Plan => (0..bytes.len(), None),
            Kind::Module => (mote_weld::check::module(&bytes)?.plan, Some(Card::read(&bytes)?.flavour.profile)),
            Kind::Foreign => return Err(ReleaseError::WrongKind { target: Target::Gateway, kind }),
        };
        let plan = AlignedBytes::copy_of(bytes.get(plan).unwrap_or_default());
        let meta: Meta = serde_json::from_str(Plan::view(&plan)?.meta_json()).map_err(|_| ReleaseError::Meta)?;
        let usual: Vec<Target> = [Target::Gateway].into_iter().chain(page.map(Target::Browser)).collect();
        let targets = if targets.is_empty() { usual.as_slice() } else { targets };
        // A gateway takes a Module for the Plan inside.
        let fits = |target: &Target| target.kind() == kind && target.profile() == page || *target == Target::Gateway;
        if let Some(&target) = targets.iter().find(|target| !fits(target)) {
            return Err(ReleaseError::WrongKind { target, kind });
        }
        let bytes: Arc<[u8]> = bytes.into();
        let artifacts = targets.iter().map(|&target| artifact(target, kind, Arc::clone(&bytes))).collect();
        Self { model: meta.name, version: meta.version, artifacts, plan: Some(plan) }.in_order()
    }

    /// Takes a hand-written guest, of which nothing is known and nothing can be tested.
    #[must_use]
    pub fn foreign(model: &str, bytes: Vec<u8>) -> Self {
        let artifacts = vec![artifact(Target::Gateway, Kind::Foreign, bytes.into())];
        Self { model: model.into(), version: 0, artifacts, plan: None }
    }

    /// The signed document of a run on this machine: what runs, and nothing that would tell a device what to expect.
    ///
    /// # Errors
    /// A name that no release can have, or a key of another role.
    pub fn vouch(&self, key: &SigningKey) -> Result<Vec<u8>, ReleaseError> {
        Ok(manifest(&self.model, self.version, 0, &self.artifacts, None, key)?)
    }

    /// The Plan by whose entries calls are shaped; every artifact has the same ones.
    #[must_use]
    pub fn plan(&self) -> Option<&[u8]> {
        self.plan.as_deref()
    }

    /// The artifacts, in the order of a release.
    #[must_use]
    pub fn artifacts(&self) -> &[Artifact] {
        &self.artifacts
    }

    fn in_order(mut self) -> Result<Self, ReleaseError> {
        self.artifacts.sort_by(|a, b| (a.class, &a.variant).cmp(&(b.class, &b.variant)));
        self.artifacts.dedup_by(|a, b| (a.class, &a.variant) == (b.class, &b.variant));
        if self.artifacts.is_empty() { Err(ReleaseError::NoTarget) } else { Ok(self) }
    }
}

impl Target {
    fn profile(self) -> Option<Profile> {
        if let Self::Browser(profile) = self { Some(profile) } else { None }
    }
}

fn artifact(target: Target, kind: Kind, bytes: Arc<[u8]>) -> Artifact {
    Artifact { class: target.class(), variant: target.variant().into(), kind, bytes }
}

/// Puts equal byte strings into one place.
fn shared(all: Vec<Vec<u8>>) -> Vec<Arc<[u8]>> {
    let mut kept: Vec<Arc<[u8]>> = Vec::with_capacity(all.len());
    for bytes in all {
        let same = kept.iter().find(|other| ***other == *bytes).map(Arc::clone);
        kept.push(same.unwrap_or_else(|| bytes.into()));
    }
    kept
}

fn weld(plan: &[u8], profile: Profile, image: &Image<'_>) -> Result<Vec<u8>, ReleaseError> {
    let plan = AlignedBytes::copy_of(plan);
    let flavour = Flavour { profile, tuning: Tuning::V8 };
    Ok(mote_weld::module(&Plan::view(&plan)?, flavour, image)?)
}
